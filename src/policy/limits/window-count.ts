/** Parts a window is cut into: so much of it may count too long. */
const parts = 60;

/**
 * Events in the last so many milliseconds. An event counts until the part of the window it fell in is
 * wholly over, so that there are never more in any window than were let in, and at most a sixtieth fewer.
 */
export class WindowCount {
  private readonly counts = new Uint32Array(parts + 1);
  private readonly partMs: number;
  private newest = 0;
  private total = 0;

  constructor(windowMs: number) {
    this.partMs = windowMs / parts;
  }

  add(nowMs: number): void {
    const at = this.moveTo(nowMs);
    this.counts[at] = (this.counts[at] ?? 0) + 1;
    this.total += 1;
  }

  within(nowMs: number): number {
    this.moveTo(nowMs);
    return this.total;
  }

  /** Empties what has become too old, and gives the place of the newest part. */
  private moveTo(nowMs: number): number {
    const part = Math.floor(nowMs / this.partMs);
    const steps = Math.min(parts + 1, part - this.newest);
    for (let step = 1; step <= steps; step += 1) {
      const at = (part - steps + step) % (parts + 1);
      this.total -= this.counts[at] ?? 0;
      this.counts[at] = 0;
    }
    if (part > this.newest) this.newest = part;
    return this.newest % (parts + 1);
  }
}
