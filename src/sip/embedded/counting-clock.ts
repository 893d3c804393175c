import type { Clock, Timer } from '../../base/clock.js';

/**
 * A clock that knows the timers set through it: counts them, cancels them all at the end, and keeps
 * a fault in one of them from going further.
 */
export class CountingClock implements Clock {
  private readonly live = new Set<Timer>();

  constructor(
    private readonly inner: Clock,
    private readonly onFault: (thrown: unknown) => void,
  ) {}

  get liveTimers(): number {
    return this.live.size;
  }

  nowMs(): number {
    return this.inner.nowMs();
  }

  wallMs(): number {
    return this.inner.wallMs();
  }

  after(delayMs: number, run: () => void): Timer {
    const timer = this.inner.after(delayMs, () => {
      this.live.delete(handle);
      try {
        run();
      } catch (thrown) {
        this.onFault(thrown);
      }
    });
    const handle: Timer = {
      cancel: () => {
        this.live.delete(handle);
        timer.cancel();
      },
    };
    this.live.add(handle);
    return handle;
  }

  cancelAll(): void {
    for (const timer of [...this.live]) timer.cancel();
  }
}
