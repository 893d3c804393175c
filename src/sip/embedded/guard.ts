import { messageOf } from '../../base/errors.js';
import type { Log } from '../../base/log.js';

/** Calls a handler from above the port; its fault is logged and stays its own. True when it ran through. */
export function guarded(log: Log, what: string, run: () => void): boolean {
  try {
    run();
    return true;
  } catch (thrown) {
    log.error({ fault: messageOf(thrown) }, `A handler of ${what} failed`);
    return false;
  }
}
