import type { Cancellable } from './digit-queue.js';

/** The browser's own timers, in the shape that code tested by a false clock asks for. */
function afterTimeout(delayMs: number, run: () => void): Cancellable {
  const handle = setTimeout(run, delayMs);
  return { cancel: () => clearTimeout(handle) };
}

/** The time since the page was opened, and its timers. */
export const pageClock = { nowMs: (): number => performance.now(), after: afterTimeout };
