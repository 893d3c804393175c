/**
 * STUN messages as such (RFC 8489 §5): read into their attributes, and written. Pure: bytes in, bytes out.
 *
 * ```
 *  0                   1                   2                   3
 * |0 0|M M M M M|C|M M M|C|M M M M|         length              |
 * |               magic cookie 0x2112A442                       |
 * |            transaction id (96 bits)                         |   then attributes: type, length, value, padded to 4
 * ```
 */
import { STUN_COOKIE } from './stun-address.js';
import { FINGERPRINT_BYTES, fingerprintFits, fingerprintOf, INTEGRITY_BYTES, integrityOf, STUN_HEADER_BYTES } from './stun-seal.js';

export type StunKind = 'request' | 'indication' | 'success' | 'error';

export interface StunAttribute {
  readonly type: number;
  readonly value: Buffer;
}

/** A message as read; nothing in it is to be believed before its integrity was checked. */
export interface StunMessage {
  readonly bytes: Buffer;
  readonly method: number;
  readonly kind: StunKind;
  /** Those before MESSAGE-INTEGRITY: what follows it is covered by nothing (RFC 8489 §14.5). */
  readonly attributes: readonly StunAttribute[];
  /** Offset of MESSAGE-INTEGRITY; undefined when there is none. */
  readonly integrityAt: number | undefined;
  readonly hasFingerprint: boolean;
}

const integrityType = 0x0008;
const fingerprintType = 0x8028;
/** No message of ours or of a browser has so many. */
const maxAttributes = 32;
const kinds: readonly StunKind[] = ['request', 'indication', 'success', 'error'];

/** Reads a message; undefined when it is none, cut short or damaged. */
export function readStun(bytes: Buffer): StunMessage | undefined {
  if (!hasStunHeader(bytes)) return undefined;
  const parts: Parts = { attributes: [], integrityAt: undefined, hasFingerprint: false };
  for (let at = STUN_HEADER_BYTES; at < bytes.length; ) {
    const length = bytes.readUInt16BE(at + 2);
    if (at + 4 + length > bytes.length || !takeAttribute(bytes, at, length, parts)) return undefined;
    at += 4 + length + padding(length);
  }
  const type = bytes.readUInt16BE(0);
  const kind = kinds[((type >> 4) & 1) | ((type >> 7) & 2)] ?? 'request';
  return { bytes, method: (type & 0x000f) | ((type & 0x00e0) >> 1) | ((type & 0x3e00) >> 2), kind, ...parts };
}

/** The first byte is 0 to 3, so that STUN is told from what else comes on its port (RFC 7983 §7). */
function hasStunHeader(bytes: Buffer): boolean {
  if (bytes.length < STUN_HEADER_BYTES || bytes.length % 4 !== 0 || (bytes[0] ?? 0) > 3) return false;
  return bytes.readUInt32BE(4) === STUN_COOKIE && bytes.readUInt16BE(2) === bytes.length - STUN_HEADER_BYTES;
}

interface Parts {
  readonly attributes: StunAttribute[];
  integrityAt: number | undefined;
  hasFingerprint: boolean;
}

/** False when the attribute spoils the message. */
function takeAttribute(bytes: Buffer, at: number, length: number, parts: Parts): boolean {
  const type = bytes.readUInt16BE(at);
  if (type === fingerprintType) {
    // FINGERPRINT is the last one (RFC 8489 §14.7).
    parts.hasFingerprint = true;
    return length === 4 && at + FINGERPRINT_BYTES === bytes.length && fingerprintFits(bytes, at);
  }
  if (parts.integrityAt !== undefined) return true;
  if (type === integrityType) {
    parts.integrityAt = at;
    return length === INTEGRITY_BYTES - 4;
  }
  parts.attributes.push({ type, value: bytes.subarray(at + 4, at + 4 + length) });
  return parts.attributes.length <= maxAttributes;
}

/** The first attribute of a type, which is the one that counts (RFC 8489 §14). */
export function attributeOf(message: StunMessage, type: number): Buffer | undefined {
  return message.attributes.find((attribute) => attribute.type === type)?.value;
}

export interface StunToWrite {
  readonly method: number;
  readonly kind: StunKind;
  /** 12 bytes. */
  readonly transactionId: Buffer;
  readonly attributes: readonly StunAttribute[];
  /** Seals the message with MESSAGE-INTEGRITY. */
  readonly key?: string | Buffer;
  readonly fingerprint?: boolean;
}

export function writeStun({ method, kind, transactionId, attributes, key, fingerprint = false }: StunToWrite): Buffer {
  const bodyBytes = attributes.reduce((sum, { value }) => sum + 4 + value.length + padding(value.length), 0);
  const integrityAt = STUN_HEADER_BYTES + bodyBytes;
  const fingerprintAt = integrityAt + (key === undefined ? 0 : INTEGRITY_BYTES);
  const out = Buffer.alloc(fingerprintAt + (fingerprint ? FINGERPRINT_BYTES : 0));
  const kindBits = kinds.indexOf(kind);
  const methodBits = (method & 0x000f) | ((method & 0x0070) << 1) | ((method & 0x0f80) << 2);
  out.writeUInt16BE(methodBits | ((kindBits & 1) << 4) | ((kindBits & 2) << 7), 0);
  out.writeUInt16BE(out.length - STUN_HEADER_BYTES, 2);
  out.writeUInt32BE(STUN_COOKIE, 4);
  transactionId.copy(out, 8, 0, 12);
  let at = STUN_HEADER_BYTES;
  for (const { type, value } of attributes) {
    out.writeUInt16BE(type, at);
    out.writeUInt16BE(value.length, at + 2);
    value.copy(out, at + 4);
    at += 4 + value.length + padding(value.length);
  }
  if (key !== undefined) {
    out.writeUInt16BE(integrityType, integrityAt);
    out.writeUInt16BE(20, integrityAt + 2);
    integrityOf(out, integrityAt, key).copy(out, integrityAt + 4);
  }
  if (fingerprint) {
    out.writeUInt16BE(fingerprintType, fingerprintAt);
    out.writeUInt16BE(4, fingerprintAt + 2);
    out.writeUInt32BE(fingerprintOf(out, fingerprintAt), fingerprintAt + 4);
  }
  return out;
}

const padding = (length: number): number => (4 - (length % 4)) % 4;
