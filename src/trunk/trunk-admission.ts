/** Which trunk a message from outside belongs to, if any. */
import type { Source } from '../sip/port.js';
import { userOf } from '../sip/uri.js';
import type { TrunkOptions } from './options.js';
import { plainAddress, SourceMatch } from './source-match.js';
import type { Trunks } from './trunks.js';

/**
 * A trunk's traffic is known by its `allow` blocks, by the addresses of its peers, given or looked
 * up, and by the connection it is registered over. Where several trunks share an address, the
 * Request-URI tells them apart: a registered carrier calls the Contact we gave it (RFC 3261 §10).
 */
export class TrunkAdmission {
  private readonly sources: SourceMatch;

  constructor(
    private readonly trunks: readonly TrunkOptions[],
    private readonly deps: { readonly shared: Trunks },
  ) {
    this.sources = new SourceMatch(trunks);
  }

  trunkOf(source: Source, requestUri: string): TrunkOptions | undefined {
    const candidates = this.candidates(source);
    if (candidates.length < 2) return candidates[0];
    const user = userOf(requestUri);
    return candidates.find(({ id }) => user !== undefined && this.deps.shared.contactUserOf(id) === user) ?? candidates[0];
  }

  private candidates({ flow, address }: Source): readonly TrunkOptions[] {
    const { shared } = this.deps;
    const byAddress = new Set(this.sources.trunksOf(address).map(({ id }) => id));
    const byFlow = new Set(shared.registeredOver(flow));
    const plain = plainAddress(address);
    return this.trunks.filter(({ id }) => byAddress.has(id) || byFlow.has(id) || shared.addresses.has(id, plain));
  }
}
