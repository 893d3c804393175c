import { type Clock, SystemClock } from '../../src/base/clock.js';
import { silentLog } from '../../src/base/log.js';
import { DrachtioSip } from '../../src/sip/drachtio/drachtio-sip.js';
import type { DrachtioSipOptions } from '../../src/sip/drachtio/options.js';

export const drachtioSecret = 'opensesame';

/** Shorter than the defaults, so that what ends by time ends within a test. */
export const quickTiming = { startMs: 2000, connectMs: 500, firstRetryMs: 20, maxRetryMs: 100, farewellMs: 200 };

/** The adapter, not started, for servers on these ports of this machine. */
export function drachtioOn(
  ports: readonly number[],
  options: Partial<DrachtioSipOptions> = {},
  clock: Clock = new SystemClock(),
): DrachtioSip {
  const servers = ports.map((port) => ({ host: '127.0.0.1', port, secret: drachtioSecret }));
  return new DrachtioSip({ servers, userAgent: 'test-gateway', timing: quickTiming, ...options }, { clock, log: silentLog });
}
