import { householdOf } from './client-path.js';

const answersPerSecond = 100;
const burst = 200;
/** Addresses remembered at one time; beyond it the one that asked longest ago is forgotten. */
const maxCounted = 10_000;

interface Bucket {
  left: number;
  filledAtMs: number;
}

/**
 * How often an address that has proved nothing is answered over UDP, where the sender may be forged: an
 * answer is larger than what it answers, and must not be of use to flood somebody with.
 */
export class AnswerRate {
  /** In the order in which they last asked. */
  private readonly buckets = new Map<string, Bucket>();

  constructor(private readonly deps: { readonly clock: { readonly nowMs: () => number } }) {}

  mayAnswer(address: string): boolean {
    const nowMs = this.deps.clock.nowMs();
    const place = householdOf(address);
    const bucket = this.buckets.get(place) ?? { left: burst, filledAtMs: nowMs };
    bucket.left = Math.min(burst, bucket.left + ((nowMs - bucket.filledAtMs) * answersPerSecond) / 1000);
    bucket.filledAtMs = nowMs;
    this.buckets.delete(place);
    this.buckets.set(place, bucket);
    if (this.buckets.size > maxCounted) this.forgetOldest();
    if (bucket.left < 1) return false;
    bucket.left -= 1;
    return true;
  }

  get size(): number {
    return this.buckets.size;
  }

  private forgetOldest(): void {
    const [oldest] = this.buckets.keys();
    if (oldest !== undefined) this.buckets.delete(oldest);
  }
}
