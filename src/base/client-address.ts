import type { IncomingMessage } from 'node:http';
import { BlockList, isIP, isIPv6 } from 'node:net';

/** An address without the prefix that a dual-stack socket gives to IPv4 peers (RFC 4291 §2.5.5.2). */
const plain = (address: string): string => address.replace(/^::ffff:(?=\d+\.)/i, '');

/** Whether an address is one of our own proxies. `blocks` are addresses and CIDR blocks; what cannot be read trusts nobody. */
export function proxyFilter(blocks: readonly string[]): (address: string) => boolean {
  const list = new BlockList();
  for (const block of blocks) {
    const [address = '', bits] = block.split('/');
    const family = isIPv6(address) ? 'ipv6' : 'ipv4';
    if (isIP(address) === 0) continue;
    if (bits === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(bits), family);
  }
  return (address) => {
    const own = plain(address);
    return isIP(own) !== 0 && list.check(own, isIPv6(own) ? 'ipv6' : 'ipv4');
  };
}

/**
 * Who really asks, behind proxies of ours. Each appends to `X-Forwarded-For` the address that asked it,
 * so the list is read from its end, and only as far as those who wrote it are trusted: what stands
 * before that, whoever asks may have written himself (RFC 7239 §8.1).
 */
export function clientAddress(
  peer: string,
  forwardedFor: string | readonly string[] | undefined,
  isProxy: (address: string) => boolean,
): string {
  const told = [forwardedFor ?? []]
    .flat()
    .join(',')
    .split(',')
    .map(bare)
    .filter((entry) => entry !== '');
  let client = plain(peer);
  while (isProxy(client)) {
    const before = told.pop();
    if (before === undefined || isIP(before) === 0) return client;
    client = plain(before);
  }
  return client;
}

/** Where a request comes from, also when it came through proxies of ours. */
export type AddressOf = (request: Pick<IncomingMessage, 'socket' | 'headers'>) => string;

/** Tells of each request where it comes from, by the proxies that are ours. */
export function addressReader(trustedProxies: readonly string[]): AddressOf {
  const isProxy = proxyFilter(trustedProxies);
  return ({ socket, headers }) => clientAddress(socket.remoteAddress ?? '', headers['x-forwarded-for'], isProxy);
}

/** An entry without the port or brackets that some proxies add. */
function bare(entry: string): string {
  const text = entry.trim();
  return /^\[([^\]]*)\](?::\d+)?$/.exec(text)?.[1] ?? /^([\d.]+):\d+$/.exec(text)?.[1] ?? text;
}
