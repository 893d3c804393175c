/** A part with a life: `start` before use, `stop` frees everything it holds. Both are idempotent. */
export interface Startable {
  start(): Promise<void>;
  stop(): Promise<void>;
}
