/**
 * The little of STUN an ICE-lite agent needs (RFC 8489, RFC 8445 §7.1): read a Binding request,
 * check that it is meant for us, and write the answer. Pure: bytes in, bytes out.
 *
 * ```
 *  0                   1                   2                   3
 * |0 0|     type      |         length        |
 * |               magic cookie 0x2112A442     |
 * |            transaction id (96 bits)       |   then attributes: type, length, value, padded to 4
 * ```
 */
import { STUN_COOKIE, writeXorAddress } from '../../stun/stun-address.js';
import { writeStun } from '../../stun/stun-message.js';
import { fingerprintFits, STUN_HEADER_BYTES as headerBytes, integrityFits } from '../../stun/stun-seal.js';

const bindingRequest = 0x0001;
const bindingMethod = 1;

const attribute = {
  username: 0x0006,
  messageIntegrity: 0x0008,
  errorCode: 0x0009,
  xorMappedAddress: 0x0020,
  priority: 0x0024,
  useCandidate: 0x0025,
  fingerprint: 0x8028,
  iceControlled: 0x8029,
} as const;

/** A Binding request as read; nothing in it is to be believed before `hasIntegrity` said yes. */
export interface BindingRequest {
  readonly bytes: Buffer;
  /** `local:remote` user fragments, the receiver's first (RFC 8445 §7.2.2). */
  readonly username: string;
  readonly priority: number;
  readonly useCandidate: boolean;
  /** The sender thinks itself controlled: a role conflict, for we are never controlling. */
  readonly controlled: boolean;
  /** Offset of the MESSAGE-INTEGRITY attribute. */
  readonly integrityAt: number;
}

/** Reads a Binding request; undefined for anything else, damaged or without user name and integrity. */
export function readBindingRequest(bytes: Buffer): BindingRequest | undefined {
  if (!isBindingRequest(bytes)) return undefined;
  const request = { bytes, username: '', priority: 0, useCandidate: false, controlled: false, integrityAt: -1 };
  for (let offset = headerBytes; offset + 4 <= bytes.length; ) {
    const length = bytes.readUInt16BE(offset + 2);
    if (offset + 4 + length > bytes.length || !readAttribute(request, offset, length)) return undefined;
    offset += 4 + length + ((4 - (length % 4)) % 4);
  }
  return request.username === '' || request.integrityAt < 0 ? undefined : request;
}

function isBindingRequest(bytes: Buffer): boolean {
  if (bytes.length < headerBytes || bytes.length % 4 !== 0) return false;
  if (bytes.readUInt16BE(0) !== bindingRequest || bytes.readUInt32BE(4) !== STUN_COOKIE) return false;
  return bytes.readUInt16BE(2) === bytes.length - headerBytes;
}

/** False when the attribute spoils the message. What stands after MESSAGE-INTEGRITY is not covered by it and ignored, but for FINGERPRINT (RFC 8489 §14.5). */
function readAttribute(request: { -readonly [K in keyof BindingRequest]: BindingRequest[K] }, offset: number, length: number): boolean {
  const { bytes } = request;
  const type = bytes.readUInt16BE(offset);
  if (type === attribute.fingerprint) return length === 4 && fingerprintFits(bytes, offset);
  if (request.integrityAt >= 0) return true;
  switch (type) {
    case attribute.username:
      request.username = bytes.toString('utf8', offset + 4, offset + 4 + length);
      return true;
    case attribute.priority:
      if (length === 4) request.priority = bytes.readUInt32BE(offset + 4);
      return length === 4;
    case attribute.useCandidate:
      request.useCandidate = true;
      return true;
    case attribute.iceControlled:
      request.controlled = true;
      return true;
    case attribute.messageIntegrity:
      request.integrityAt = offset;
      return length === 20;
    default:
      return true;
  }
}

/** Whether the request was made with our password (RFC 8489 §14.5: short-term credentials, HMAC-SHA1). */
export function hasIntegrity(request: BindingRequest, password: string): boolean {
  return integrityFits(request.bytes, request.integrityAt, password);
}

/** The success response that tells the sender how we see it (RFC 8445 §7.3). */
export function bindingSuccessFor({ bytes }: BindingRequest, address: string, port: number, password: string): Buffer {
  return answerTo(bytes, 'success', attribute.xorMappedAddress, writeXorAddress(bytes, address, port), password);
}

/** 487 Role Conflict: the sender is to take the controlling role (RFC 8445 §7.3.1.1). */
export function roleConflictFor({ bytes }: BindingRequest, password: string): Buffer {
  const reason = Buffer.from('Role Conflict', 'ascii');
  return answerTo(bytes, 'error', attribute.errorCode, Buffer.concat([Buffer.from([0, 0, 4, 87]), reason]), password);
}

function answerTo(request: Buffer, kind: 'success' | 'error', type: number, value: Buffer, key: string): Buffer {
  const transactionId = request.subarray(8, headerBytes);
  return writeStun({ method: bindingMethod, kind, transactionId, attributes: [{ type, value }], key, fingerprint: true });
}
