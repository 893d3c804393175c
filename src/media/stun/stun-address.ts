/** Addresses in STUN attributes, XORed with the cookie and the transaction id (RFC 8489 §14.2). */
import { isIPv6 } from 'node:net';

export const STUN_COOKIE = 0x2112a442;

const familyIpv4 = 1;
const familyIpv6 = 2;

/** The value of an XOR-…-ADDRESS attribute in the message that begins with `header`. */
export function writeXorAddress(header: Buffer, address: string, port: number): Buffer {
  const raw = addressBytes(address);
  const out = Buffer.alloc(4 + raw.length);
  out[1] = raw.length === 16 ? familyIpv6 : familyIpv4;
  out.writeUInt16BE(port ^ (STUN_COOKIE >>> 16), 2);
  for (let i = 0; i < raw.length; i += 1) out[4 + i] = (raw[i] ?? 0) ^ (header[4 + i] ?? 0);
  return out;
}

/** As much of a header as addresses are XORed with: cookie and transaction id. */
export function xorHeader(transactionId: Buffer): Buffer {
  const header = Buffer.alloc(20);
  header.writeUInt32BE(STUN_COOKIE, 4);
  transactionId.copy(header, 8, 0, 12);
  return header;
}

/** What such a value says; undefined when it is damaged. */
export function readXorAddress(header: Buffer, value: Buffer): { readonly address: string; readonly port: number } | undefined {
  const family = value[1];
  const length = family === familyIpv4 ? 4 : 16;
  if ((family !== familyIpv4 && family !== familyIpv6) || value.length !== 4 + length) return undefined;
  const raw = Buffer.alloc(length);
  for (let i = 0; i < length; i += 1) raw[i] = (value[4 + i] ?? 0) ^ (header[4 + i] ?? 0);
  return { address: addressText(raw), port: value.readUInt16BE(2) ^ (STUN_COOKIE >>> 16) };
}

/** An address as `readXorAddress` writes it, so that two texts of one address are equal. */
export function canonicalAddress(address: string): string {
  return addressText(addressBytes(address));
}

function addressText(raw: Buffer): string {
  if (raw.length === 4) return raw.join('.');
  return Array.from({ length: 8 }, (_, group) => raw.readUInt16BE(group * 2).toString(16)).join(':');
}

const addressBytes = (address: string): Buffer => (isIPv6(address) ? ipv6Bytes(address) : Buffer.from(address.split('.').map(Number)));

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
