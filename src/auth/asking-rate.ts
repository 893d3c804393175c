import type { Clock } from '../base/clock.js';

/** Visitors counted at one time; beyond it the one who asked longest ago is forgotten. */
const maxCounted = 50_000;
const hourMs = 3_600_000;

interface Bucket {
  tokens: number;
  filledMs: number;
}

/** How often somebody may ask in an hour: a bucket that fills evenly and holds an hour's worth. */
export class AskingRate {
  /** In the order in which they last asked. */
  private readonly buckets = new Map<string, Bucket>();

  constructor(private readonly deps: { readonly clock: Pick<Clock, 'nowMs'> }) {}

  /** Counts one request; the milliseconds to wait when there were too many, else undefined. */
  ask(who: string, perHour: number): number | undefined {
    const nowMs = this.deps.clock.nowMs();
    const bucket = this.buckets.get(who) ?? { tokens: perHour, filledMs: nowMs };
    bucket.tokens = Math.min(perHour, bucket.tokens + ((nowMs - bucket.filledMs) * perHour) / hourMs);
    bucket.filledMs = nowMs;
    this.buckets.delete(who);
    this.buckets.set(who, bucket);
    if (this.buckets.size > maxCounted) this.forgetOldest();
    if (bucket.tokens < 1) return Math.ceil(((1 - bucket.tokens) * hourMs) / perHour);
    bucket.tokens -= 1;
    return undefined;
  }

  get size(): number {
    return this.buckets.size;
  }

  private forgetOldest(): void {
    const [oldest] = this.buckets.keys();
    if (oldest !== undefined) this.buckets.delete(oldest);
  }
}
