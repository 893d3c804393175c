import { BlockList, isIP, isIPv6 } from 'node:net';
import { parseSipUri } from '../sip/uri.js';
import type { TrunkOptions } from './options.js';

/** Tells which trunks signalling from an address may belong to: by their `allow` blocks and those of their peers given by address. */
export class SourceMatch {
  private readonly lists: ReadonlyArray<{ readonly trunk: TrunkOptions; readonly list: BlockList }>;

  constructor(trunks: readonly TrunkOptions[]) {
    this.lists = trunks.map((trunk) => ({ trunk, list: blocksOf(trunk) }));
  }

  /** In the order of the configuration. Two accounts with one carrier share its addresses. */
  trunksOf(address: string): readonly TrunkOptions[] {
    const plain = plainAddress(address);
    if (isIP(plain) === 0) return [];
    return this.lists.filter(({ list }) => list.check(plain, isIPv6(plain) ? 'ipv6' : 'ipv4')).map(({ trunk }) => trunk);
  }
}

/** A dual-stack socket shows IPv4 peers in mapped form (RFC 4291 §2.5.5.2). */
export function plainAddress(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/i, '');
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
