/** Time as a dependency, so that every timer of the gateway can be driven by a test. */

/** A timer that has been set; `cancel` is idempotent and harmless after it has fired. */
export interface Timer {
  cancel(): void;
}

export interface Clock {
  /** Monotonic milliseconds since an arbitrary origin; never goes back. For intervals. */
  nowMs(): number;
  /** Milliseconds since the Unix epoch. For records only, never for intervals. */
  wallMs(): number;
  /** Calls `run` once, `delayMs` from now. */
  after(delayMs: number, run: () => void): Timer;
  /** Timers set and not yet fired or cancelled. */
  readonly liveTimers: number;
}

class SystemTimer implements Timer {
  private handle: NodeJS.Timeout | undefined;

  constructor(
    delayMs: number,
    run: () => void,
    private readonly onDone: () => void,
  ) {
    this.handle = setTimeout(() => {
      this.handle = undefined;
      this.onDone();
      run();
    }, delayMs);
  }

  cancel(): void {
    if (this.handle === undefined) return;
    clearTimeout(this.handle);
    this.handle = undefined;
    this.onDone();
  }
}

/** The machine's clock. One instance per thread is enough; it counts the timers it has set. */
export class SystemClock implements Clock {
  private live = 0;

  nowMs(): number {
    return performance.now();
  }

  wallMs(): number {
    return Date.now();
  }

  after(delayMs: number, run: () => void): Timer {
    this.live += 1;
    return new SystemTimer(delayMs, run, () => {
      this.live -= 1;
    });
  }

  get liveTimers(): number {
    return this.live;
  }
}
