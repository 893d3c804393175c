import type { Clock, Timer } from '../../src/base/clock.js';

interface Entry {
  readonly dueMs: number;
  readonly run: () => void;
}

/**
 * A clock that stands still until a test moves it. Timers fire in the order they are due, those
 * due at the same moment in the order they were set, and each sees `nowMs()` at its own due time.
 */
export class FakeClock implements Clock {
  private now = 0;
  private readonly entries = new Set<Entry>();

  /** `wallStartMs` is what `wallMs()` shows at `nowMs() === 0`. */
  constructor(private readonly wallStartMs = Date.UTC(2030, 0, 1)) {}

  nowMs(): number {
    return this.now;
  }

  wallMs(): number {
    return this.wallStartMs + this.now;
  }

  after(delayMs: number, run: () => void): Timer {
    const entry: Entry = { dueMs: this.now + Math.max(0, delayMs), run };
    this.entries.add(entry);
    return {
      cancel: () => {
        this.entries.delete(entry);
      },
    };
  }

  get liveTimers(): number {
    return this.entries.size;
  }

  /** When the next timer is due, in `nowMs()` terms; undefined when none is set. */
  nextDueMs(): number | undefined {
    return this.earliest()?.dueMs;
  }

  /** Moves time on by `ms`, firing every timer that falls due, those set on the way included. */
  advance(ms: number): void {
    const until = this.now + ms;
    while (this.fireNext(until));
    this.now = until;
  }

  /** Like `advance`, but lets promises and `setImmediate` callbacks run before and after each timer. */
  async advanceAsync(ms: number): Promise<void> {
    const until = this.now + ms;
    await settle();
    while (this.fireNext(until)) await settle();
    this.now = until;
    await settle();
  }

  private fireNext(untilMs: number): boolean {
    const entry = this.earliest();
    if (entry === undefined || entry.dueMs > untilMs) return false;
    this.now = Math.max(this.now, entry.dueMs);
    this.entries.delete(entry);
    entry.run();
    return true;
  }

  private earliest(): Entry | undefined {
    let first: Entry | undefined;
    for (const entry of this.entries) if (first === undefined || entry.dueMs < first.dueMs) first = entry;
    return first;
  }
}

/** Lets everything already queued (promise reactions, `setImmediate`) run. */
export async function settle(): Promise<void> {
  await new Promise<void>((resolve) => setImmediate(resolve));
}
