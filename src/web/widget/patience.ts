import type { QueueClock } from './digit-queue.js';

/** Is over after a while. */
export function pause(clock: QueueClock, ms: number): Promise<undefined> {
  return new Promise((resolve) => {
    clock.after(ms, () => resolve(undefined));
  });
}

/** What a promise comes to, or undefined when that takes longer. */
export function within<T>(clock: QueueClock, patienceMs: number, promised: Promise<T>): Promise<T | undefined> {
  return Promise.race([promised, pause(clock, patienceMs)]);
}
