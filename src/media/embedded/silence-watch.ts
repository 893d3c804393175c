/**
 * Notices that a leg has been silent for too long, from a coarse look now and then; a packet costs one
 * assignment. A silence that goes on is told again after twice the time, four times, and so on.
 */
export type SilenceFinding = 'investigate' | number | undefined;

export class SilenceWatch {
  private heardAtMs = 0;
  private running = false;
  private investigated = false;
  private told = false;
  private tellAfterMs: number;

  constructor(private readonly options: { readonly afterMs: number }) {
    this.tellAfterMs = options.afterMs;
  }

  /** A usable packet came; true when that ends a silence that had been told. */
  heard(nowMs: number): boolean {
    this.heardAtMs = nowMs;
    this.running = true;
    if (!this.told) return false;
    this.clear();
    return true;
  }

  /** The clock starts anew: SDP has changed, or nothing is expected. */
  restart(nowMs: number): void {
    this.heardAtMs = nowMs;
    this.running = true;
    if (!this.told) this.clear();
  }

  /** The length of a silence that is to be told now, or a hint that one is building up. */
  look(nowMs: number): SilenceFinding {
    if (!this.running) this.restart(nowMs);
    const silentMs = nowMs - this.heardAtMs;
    if (silentMs >= this.tellAfterMs) {
      this.told = true;
      this.tellAfterMs *= 2;
      return silentMs;
    }
    if (silentMs < this.options.afterMs / 2 || this.investigated) return undefined;
    this.investigated = true;
    return 'investigate';
  }

  private clear(): void {
    this.told = false;
    this.investigated = false;
    this.tellAfterMs = this.options.afterMs;
  }
}
