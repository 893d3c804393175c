/** What proves a STUN message: MESSAGE-INTEGRITY and FINGERPRINT (RFC 8489 §14.5, §14.7). */
import { createHmac, timingSafeEqual } from 'node:crypto';

export const STUN_HEADER_BYTES = 20;
/** Of the whole attribute: type, length, HMAC-SHA1. */
export const INTEGRITY_BYTES = 24;
/** Of the whole attribute: type, length, CRC-32. */
export const FINGERPRINT_BYTES = 8;

const fingerprintXor = 0x5354554e;

/** The HMAC of a message whose MESSAGE-INTEGRITY stands at `integrityAt`. The length field counts up to and including it while the sum is made. */
export function integrityOf(bytes: Buffer, integrityAt: number, key: string | Buffer): Buffer {
  const head = Buffer.from(bytes.subarray(0, STUN_HEADER_BYTES));
  head.writeUInt16BE(integrityAt + INTEGRITY_BYTES - STUN_HEADER_BYTES, 2);
  return createHmac('sha1', key).update(head).update(bytes.subarray(STUN_HEADER_BYTES, integrityAt)).digest();
}

/** Whether a message was made with this key. */
export function integrityFits(bytes: Buffer, integrityAt: number, key: string | Buffer): boolean {
  return timingSafeEqual(integrityOf(bytes, integrityAt, key), bytes.subarray(integrityAt + 4, integrityAt + INTEGRITY_BYTES));
}

/** The fingerprint of what stands before `fingerprintAt`, the length field being that of the whole message. */
export function fingerprintOf(bytes: Buffer, fingerprintAt: number): number {
  return (crc32(bytes, fingerprintAt) ^ fingerprintXor) >>> 0;
}

/** Whether the fingerprint at `fingerprintAt` is right. */
export function fingerprintFits(bytes: Buffer, fingerprintAt: number): boolean {
  return bytes.readUInt32BE(fingerprintAt + 4) === fingerprintOf(bytes, fingerprintAt);
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
