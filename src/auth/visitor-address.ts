import { isIPv6 } from 'node:net';

/**
 * The part of an address by which visitors are told apart: an IPv4 address whole, of an IPv6 address the
 * first 64 bits, which belong to one household (RFC 6177 §2), and an IPv4 address in IPv6 form as itself.
 */
export function visitorAddress(address: string): string {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/, '');
  return isIPv6(plain) ? `${firstGroups(plain).join(':')}::/64` : plain;
}

function firstGroups(address: string): readonly string[] {
  const [head = '', tail] = address.toLowerCase().split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const missing = Math.max(0, 8 - left.length - right.length);
  const groups = tail === undefined ? left : [...left, ...Array.from({ length: missing }, () => '0'), ...right];
  return groups.slice(0, 4).map((group) => group.replace(/^0+(?=.)/, ''));
}
