import { isIPv6 } from 'node:net';
import { networkInterfaces } from 'node:os';

/** Whether an address means every interface and so cannot stand in SDP. */
const isWildcard = (address: string): boolean => address === '0.0.0.0' || address === '::';

/**
 * The addresses that peers are told, the default first: the public one where it is set (a machine
 * behind 1:1 NAT), else the one bound to, else, bound to all, every address of the machine, loopback
 * last.
 */
export function announcedAddresses(bindAddress: string, publicAddress: string | undefined): readonly [string, ...string[]] {
  if (publicAddress !== undefined) return [publicAddress];
  if (!isWildcard(bindAddress)) return [bindAddress];
  const family = isIPv6(bindAddress) ? 'IPv6' : 'IPv4';
  const own = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  const usable = own.filter((entry) => entry.family === family && !(family === 'IPv6' && entry.address.startsWith('fe80')));
  const [first, ...rest] = [...usable.filter(({ internal }) => !internal), ...usable.filter(({ internal }) => internal)].map(
    ({ address }) => address,
  );
  return first === undefined ? [family === 'IPv6' ? '::1' : '127.0.0.1'] : [first, ...rest];
}
