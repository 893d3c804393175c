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
import { createHmac, timingSafeEqual } from 'node:crypto';
import { isIPv6 } from 'node:net';

const headerBytes = 20;
const magicCookie = 0x2112a442;
const bindingRequest = 0x0001;
const bindingSuccess = 0x0101;
const bindingError = 0x0111;
const integrityBytes = 24;
const fingerprintBytes = 8;
const fingerprintXor = 0x5354554e;

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
  if (bytes.readUInt16BE(0) !== bindingRequest || bytes.readUInt32BE(4) !== magicCookie) return false;
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
  const expected = integrityOf(request.bytes, request.integrityAt, password);
  return timingSafeEqual(expected, request.bytes.subarray(request.integrityAt + 4, request.integrityAt + integrityBytes));
}

/** The success response that tells the sender how we see it (RFC 8445 §7.3). */
export function bindingSuccessFor(request: BindingRequest, address: string, port: number, password: string): Buffer {
  const mapped = xorMappedAddress(request.bytes, address, port);
  return sealed(request.bytes, bindingSuccess, attribute.xorMappedAddress, mapped, password);
}

/** 487 Role Conflict: the sender is to take the controlling role (RFC 8445 §7.3.1.1). */
export function roleConflictFor(request: BindingRequest, password: string): Buffer {
  const reason = Buffer.from('Role Conflict', 'ascii');
  return sealed(request.bytes, bindingError, attribute.errorCode, Buffer.concat([Buffer.from([0, 0, 4, 87]), reason]), password);
}

function sealed(request: Buffer, type: number, attributeType: number, value: Buffer, password: string): Buffer {
  const padded = value.length + ((4 - (value.length % 4)) % 4);
  const integrityAt = headerBytes + 4 + padded;
  const out = Buffer.alloc(integrityAt + integrityBytes + fingerprintBytes);
  out.writeUInt16BE(type, 0);
  request.copy(out, 4, 4, headerBytes);
  out.writeUInt16BE(attributeType, headerBytes);
  out.writeUInt16BE(value.length, headerBytes + 2);
  value.copy(out, headerBytes + 4);
  out.writeUInt16BE(attribute.messageIntegrity, integrityAt);
  out.writeUInt16BE(20, integrityAt + 2);
  integrityOf(out, integrityAt, password).copy(out, integrityAt + 4);
  const fingerprintAt = integrityAt + integrityBytes;
  out.writeUInt16BE(out.length - headerBytes, 2);
  out.writeUInt16BE(attribute.fingerprint, fingerprintAt);
  out.writeUInt16BE(4, fingerprintAt + 2);
  out.writeUInt32BE((crc32(out, fingerprintAt) ^ fingerprintXor) >>> 0, fingerprintAt + 4);
  return out;
}

/** The length field counts up to and including MESSAGE-INTEGRITY while the sum is made (RFC 8489 §14.5). */
function integrityOf(bytes: Buffer, integrityAt: number, password: string): Buffer {
  const head = Buffer.from(bytes.subarray(0, headerBytes));
  head.writeUInt16BE(integrityAt + integrityBytes - headerBytes, 2);
  return createHmac('sha1', password).update(head).update(bytes.subarray(headerBytes, integrityAt)).digest();
}

function fingerprintFits(bytes: Buffer, fingerprintAt: number): boolean {
  return bytes.readUInt32BE(fingerprintAt + 4) === (crc32(bytes, fingerprintAt) ^ fingerprintXor) >>> 0;
}

/** RFC 8489 §14.2: the port and address XORed with the cookie (and, for IPv6, the transaction id). */
function xorMappedAddress(request: Buffer, address: string, port: number): Buffer {
  const raw = isIPv6(address) ? ipv6Bytes(address) : Buffer.from(address.split('.').map(Number));
  const out = Buffer.alloc(4 + raw.length);
  out[1] = raw.length === 16 ? 2 : 1;
  out.writeUInt16BE(port ^ (magicCookie >>> 16), 2);
  for (let i = 0; i < raw.length; i += 1) out[4 + i] = (raw[i] ?? 0) ^ (request[4 + i] ?? 0);
  return out;
}

function ipv6Bytes(address: string): Buffer {
  const plain = address.split('%')[0] ?? address;
  const dotted = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(plain);
  const text =
    dotted === null
      ? plain
      : `${dotted[1]}${((Number(dotted[2]) << 8) | Number(dotted[3])).toString(16)}:${((Number(dotted[4]) << 8) | Number(dotted[5])).toString(16)}`;
  const [head = '', tail] = text.split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const groups = [...left, ...Array.from({ length: 8 - left.length - right.length }, () => '0'), ...right];
  const out = Buffer.alloc(16);
  for (const [i, group] of groups.slice(0, 8).entries()) out.writeUInt16BE(Number.parseInt(group, 16), i * 2);
  return out;
}

const crcTable = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  return crc >>> 0;
});

function crc32(bytes: Buffer, length: number): number {
  let crc = 0xffffffff;
  for (let i = 0; i < length; i += 1) crc = (crc >>> 8) ^ (crcTable[(crc ^ (bytes[i] ?? 0)) & 0xff] ?? 0);
  return (crc ^ 0xffffffff) >>> 0;
}
