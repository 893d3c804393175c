/** Limits and times of the call core. */
export interface CallServiceOptions {
  /** Calls at the same time; one more is refused with 503. */
  readonly maxCalls: number;
  /** New calls in a second; more are refused with 503. No bound when absent. */
  readonly maxCallsPerSecond?: number;
  /** While the event loop is later than this, new calls are refused with 503. */
  readonly maxLoopDelayMs: number;
  /** From dialling to answer; then `no-answer`. */
  readonly ringMs: number;
  /** From answer to a forced end; then `too-long`. */
  readonly maxCallMs: number;
  /** For opening the media of both legs; then `media-setup-failed`. */
  readonly setupMs: number;
  /** How long a call outlives its browser's lost WebSocket; after it, silent media means `browser-gone`. */
  readonly flowGraceMs: number;
  /** Both legs silent for so long after the media plane said so: `media-lost`. */
  readonly deadMediaMs: number;
  /** How long an ending call waits for BYE and CANCEL to be answered before it counts as ended. */
  readonly closingMs: number;
  /** Retry-After of the 503s. */
  readonly retryAfterSeconds: number;
}

/** What the gateway uses when the configuration says nothing. */
export const defaultCallOptions: CallServiceOptions = {
  maxCalls: 500,
  maxLoopDelayMs: 200,
  ringMs: 90_000,
  maxCallMs: 4 * 3_600_000,
  setupMs: 10_000,
  flowGraceMs: 15_000,
  deadMediaMs: 60_000,
  closingMs: 5_000,
  retryAfterSeconds: 10,
};
