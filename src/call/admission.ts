/** Whether one more call may be taken in: a gateway that is behind refuses new calls before it hurts those that are up. */
import type { Clock } from '../base/clock.js';
import type { Log } from '../base/log.js';
import type { Crowded } from './facts.js';

/** The bounds; one that is absent does not count. */
export interface AdmissionOptions {
  /** Calls at the same time. */
  readonly maxCalls: number;
  /** New calls in a second. */
  readonly maxCallsPerSecond?: number;
  /** How late the event loop may be. */
  readonly maxLoopDelayMs?: number;
}

interface AdmissionDeps {
  readonly clock: Clock;
  readonly log: Log;
  /** How late the event loop has been lately; absent where nobody measures it. */
  readonly loopDelayMs?: () => number;
}

/** A log line is written when refusing begins, not at every call refused. */
export class Admission {
  private tokens: number;
  private filledMs: number;
  private crowded: Crowded | undefined;

  constructor(
    private readonly options: AdmissionOptions,
    private readonly deps: AdmissionDeps,
  ) {
    this.tokens = options.maxCallsPerSecond ?? 0;
    this.filledMs = deps.clock.nowMs();
  }

  /** Counts the call in, or says what is in its way. */
  admit(liveCalls: number): Crowded | undefined {
    const crowded = this.judge(liveCalls);
    if (crowded !== undefined && this.crowded === undefined) this.deps.log.warn({ crowded, liveCalls }, 'new calls are refused');
    if (crowded === undefined && this.crowded !== undefined) this.deps.log.info({ liveCalls }, 'new calls are taken again');
    this.crowded = crowded;
    return crowded;
  }

  private judge(liveCalls: number): Crowded | undefined {
    const { maxCalls, maxLoopDelayMs = Number.POSITIVE_INFINITY } = this.options;
    if (liveCalls >= maxCalls) return 'calls';
    if ((this.deps.loopDelayMs?.() ?? 0) > maxLoopDelayMs) return 'loop-delay';
    return this.takeToken() ? undefined : 'calls-per-second';
  }

  /** A bucket that holds one second of calls. */
  private takeToken(): boolean {
    const perSecond = this.options.maxCallsPerSecond;
    if (perSecond === undefined) return true;
    const nowMs = this.deps.clock.nowMs();
    this.tokens = Math.min(Math.max(1, perSecond), this.tokens + ((nowMs - this.filledMs) * perSecond) / 1000);
    this.filledMs = nowMs;
    if (this.tokens < 1) return false;
    this.tokens -= 1;
    return true;
  }
}
