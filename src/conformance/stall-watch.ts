import type { Clock, Timer } from '../base/clock.js';

/** A while in which this process did not run: what arrived then was read when it was over. */
export interface Stall {
  readonly fromMs: number;
  readonly toMs: number;
}

const STEP_MS = 5;
/** Later than this, the time a packet was read says little of when it came. */
const LATE_MS = 8;
/** Packets of a stall are read within so long after it. */
const AFTERMATH_MS = 5;

/** Knows when this process itself was late, so that its own lateness is not taken for the gateway's. */
export class StallWatch {
  private readonly stalls: Stall[] = [];
  private timer: Timer | undefined;

  constructor(private readonly deps: { readonly clock: Clock }) {}

  start(): void {
    const dueMs = this.deps.clock.nowMs() + STEP_MS;
    this.timer = this.deps.clock.after(STEP_MS, () => {
      const now = this.deps.clock.nowMs();
      if (now - dueMs > LATE_MS) this.stalls.push({ fromMs: dueMs, toMs: now });
      this.start();
    });
  }

  stop(): void {
    this.timer?.cancel();
  }

  /** Whether a packet that was read at this time may have come earlier. */
  mayHaveWaited(atMs: number): boolean {
    return this.stalls.some(({ fromMs, toMs }) => atMs >= fromMs && atMs <= toMs + AFTERMATH_MS);
  }

  /** The longest while between these times in which nothing was sent or read. */
  longestMs(fromMs: number, toMs: number): number {
    const lengths = this.stalls.filter((stall) => stall.toMs >= fromMs && stall.fromMs <= toMs).map((stall) => stall.toMs - stall.fromMs);
    return Math.max(0, ...lengths);
  }
}
