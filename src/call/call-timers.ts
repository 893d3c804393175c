import type { Clock, Timer } from '../base/clock.js';
import type { CallEvent, TimerId } from './event.js';
import type { CallServiceOptions } from './options.js';

/** How long a browser whose media said goodbye may take to say BYE. */
const GOODBYE_MS = 2_000;
/** How long whoever transferred may take to hang up before we do. */
const PARTING_MS = 2_000;
/** How long a caller hears nothing when early media is described and does not come (RFC 3960 §3.2 leaves the time open). */
const EARLY_SOUND_MS = 1_000;

/** The timers of one call, each at most once; one that fires is an event of the call. */
export class CallTimers {
  private readonly running = new Map<TimerId, Timer>();
  private readonly delaysMs: Readonly<Record<TimerId, number>>;

  constructor(
    options: CallServiceOptions,
    private readonly deps: { readonly clock: Clock; readonly post: (event: CallEvent) => void },
  ) {
    this.delaysMs = {
      setup: options.setupMs,
      ring: options.ringMs,
      length: options.maxCallMs,
      grace: options.flowGraceMs,
      gone: GOODBYE_MS,
      dead: options.deadMediaMs,
      closing: options.closingMs,
      transfer: options.ringMs,
      parting: PARTING_MS,
      early: EARLY_SOUND_MS,
    };
  }

  get size(): number {
    return this.running.size;
  }

  /** Sets the timer anew, to its own time or a shorter one. */
  set(id: TimerId, atMostMs: number = Number.POSITIVE_INFINITY): void {
    this.clear(id);
    const run = (): void => {
      this.running.delete(id);
      this.deps.post({ type: 'timer', id });
    };
    this.running.set(id, this.deps.clock.after(Math.min(atMostMs, this.delaysMs[id]), run));
  }

  clear(id: TimerId): void {
    this.running.get(id)?.cancel();
    this.running.delete(id);
  }

  clearAll(): void {
    for (const timer of this.running.values()) timer.cancel();
    this.running.clear();
  }
}
