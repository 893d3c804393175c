import { BlockList, isIPv6 } from 'node:net';

/** Addresses of a list of CIDR blocks or single addresses (RFC 4632 §3.1). What cannot be read admits nobody. */
export function addressFilter(blocks: readonly string[]): (address: string) => boolean {
  const list = new BlockList();
  for (const block of blocks) addBlock(list, block);
  return (address) => list.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
}

function addBlock(list: BlockList, block: string): void {
  const [address = '', prefix] = block.split('/');
  const family = isIPv6(address) ? 'ipv6' : 'ipv4';
  try {
    if (prefix === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(prefix), family);
  } catch {
    // Config has checked its blocks already; one that slips through must not widen the list.
  }
}
