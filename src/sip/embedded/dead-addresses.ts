import type { Clock } from '../../base/clock.js';
import type { Candidate } from './locate.js';

/** How long an address that failed is asked only after the others. */
const restMs = 30_000;
const maxRemembered = 1024;

function addressName({ transport, address, port }: Pick<Candidate, 'transport' | 'address' | 'port'>): string {
  return `${transport} ${address} ${port}`;
}

/**
 * Addresses that refused, were silent or said 503 a short while ago. They keep their place in the
 * list of RFC 3263 §4.3 but at its end, so that a target whose every address failed is still tried.
 */
export class DeadAddresses {
  private readonly until = new Map<string, number>();

  constructor(private readonly clock: Clock) {}

  failed(candidate: Candidate): void {
    if (this.until.size >= maxRemembered) this.until.clear();
    this.until.set(addressName(candidate), this.clock.nowMs() + restMs);
  }

  answered(candidate: Candidate): void {
    this.until.delete(addressName(candidate));
  }

  /** The same candidates, those that failed lately last; otherwise in their order. */
  last(candidates: readonly Candidate[]): readonly Candidate[] {
    if (this.until.size === 0) return candidates;
    const now = this.clock.nowMs();
    const resting = (each: Candidate): boolean => (this.until.get(addressName(each)) ?? now) > now;
    return [...candidates.filter((each) => !resting(each)), ...candidates.filter(resting)];
  }
}
