import { BlockList, isIP, isIPv6 } from 'node:net';
import { parseSipUri } from '../sip/uri.js';
import type { TrunkOptions } from './options.js';

/** Finds the trunk that signalling from an address belongs to: its `allow` blocks and those of its peers given by address. */
export class SourceMatch {
  private readonly lists: ReadonlyArray<{ readonly trunk: TrunkOptions; readonly list: BlockList }>;

  constructor(trunks: readonly TrunkOptions[]) {
    this.lists = trunks.map((trunk) => ({ trunk, list: blocksOf(trunk) }));
  }

  trunkOf(address: string): TrunkOptions | undefined {
    // A dual-stack socket shows IPv4 peers in mapped form (RFC 4291 §2.5.5.2).
    const plain = address.replace(/^::ffff:(?=\d+\.)/i, '');
    if (isIP(plain) === 0) return undefined;
    return this.lists.find(({ list }) => list.check(plain, isIPv6(plain) ? 'ipv6' : 'ipv4'))?.trunk;
  }
}

function blocksOf(trunk: TrunkOptions): BlockList {
  const list = new BlockList();
  const peers = trunk.peers.flatMap(({ uri }) => parseSipUri(uri)?.host ?? []).filter((host) => isIP(host) !== 0);
  for (const block of [...trunk.allow, ...peers]) addBlock(list, block);
  return list;
}

/** A block that cannot be read admits nobody. */
function addBlock(list: BlockList, block: string): void {
  const [address = '', prefix] = block.split('/');
  const family = isIPv6(address) ? 'ipv6' : 'ipv4';
  const bits = prefix === undefined ? (family === 'ipv6' ? 128 : 32) : Number(prefix);
  if (isIP(address) === 0 || !Number.isInteger(bits) || bits < 0 || bits > (family === 'ipv6' ? 128 : 32)) return;
  list.addSubnet(address, bits, family);
}
