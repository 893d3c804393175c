import { isIPv4, isIPv6 } from 'node:net';

/** Bits by which addresses are told apart. */
export interface PrefixBits {
  readonly v4: number;
  readonly v6: number;
}

/**
 * Whom an address belongs to: an IPv4 address is one line, and the first 64 bits of an IPv6 address are
 * one household (RFC 6177 §2).
 */
export const household: PrefixBits = { v4: 32, v6: 64 };
/** A neighbourhood: what one attacker can often use as he likes. */
export const neighbourhood: PrefixBits = { v4: 24, v6: 48 };

/** The first bits of an address, as `192.0.2.0/24` or `2001:db8:0:1::/64`; an IPv4 address in IPv6 form counts as itself. */
export function networkPrefix(address: string, { v4, v6 }: PrefixBits): string {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/, '');
  if (isIPv4(plain)) return v4 === 32 ? plain : `${masked(plain.split('.').map(Number), 8, v4).join('.')}/${v4}`;
  if (!isIPv6(plain)) return plain;
  const kept = Math.ceil(v6 / 16);
  const groups = masked(groupsOf(plain), 16, v6).slice(0, kept);
  return `${groups.map((group) => group.toString(16)).join(':')}::/${v6}`;
}

function masked(parts: readonly number[], bitsEach: number, bits: number): readonly number[] {
  return parts.map((part, at) => {
    const dropped = bitsEach - Math.min(bitsEach, Math.max(0, bits - at * bitsEach));
    return (part >> dropped) << dropped;
  });
}

/** The eight groups of an IPv6 address (RFC 4291 §2.2). */
function groupsOf(address: string): readonly number[] {
  const [head = '', tail] = address.split('::');
  const read = (text: string): readonly number[] => (text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16)));
  const [left, right] = [read(head), read(tail ?? '')];
  return [...left, ...Array.from({ length: Math.max(0, 8 - left.length - right.length) }, () => 0), ...right];
}
