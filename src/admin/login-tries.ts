import type { Clock } from '../base/clock.js';

/** Wrong tokens somebody may send in a row before he has to wait. */
const freeTries = 5;
/** Wrong tokens of all the world in that time, whoever sends them. */
const freeTriesOfAll = 100;
const restMs = 60_000;
const maxCounted = 10_000;

interface Failures {
  count: number;
  lastMs: number;
}

/** Slows down those who guess tokens: after some wrong ones in a row a minute has to pass. */
export class LoginTries {
  private readonly failures = new Map<string, Failures>();
  private readonly ofAll: Failures = { count: 0, lastMs: 0 };

  constructor(private readonly deps: { readonly clock: Pick<Clock, 'nowMs'> }) {}

  /** Milliseconds until this address may try again; undefined when it may now. */
  waitMs(address: string): number | undefined {
    const nowMs = this.deps.clock.nowMs();
    const own = this.failures.get(address);
    const waits = [own === undefined ? 0 : leftOf(own, freeTries, nowMs), leftOf(this.ofAll, freeTriesOfAll, nowMs)];
    const longest = Math.max(...waits);
    return longest > 0 ? longest : undefined;
  }

  /** A wrong token came from this address. */
  failed(address: string): void {
    const nowMs = this.deps.clock.nowMs();
    const own = this.failures.get(address) ?? { count: 0, lastMs: nowMs };
    this.failures.delete(address);
    this.failures.set(address, own);
    for (const failures of [own, this.ofAll]) {
      if (nowMs - failures.lastMs >= restMs) failures.count = 0;
      failures.count += 1;
      failures.lastMs = nowMs;
    }
    if (this.failures.size <= maxCounted) return;
    const [oldest] = this.failures.keys();
    if (oldest !== undefined) this.failures.delete(oldest);
  }

  /** The right one came: what was mistyped before is forgotten. */
  succeeded(address: string): void {
    this.failures.delete(address);
  }
}

function leftOf({ count, lastMs }: Failures, free: number, nowMs: number): number {
  return count < free ? 0 : Math.max(0, lastMs + restMs - nowMs);
}
