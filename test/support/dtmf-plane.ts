import { MediaHost } from '../../src/media/embedded/media-host.js';
import type { MediaEvent } from '../../src/media/plane.js';
import { collectDigit, type StormCall } from './dtmf-storm.js';
import { FakeClock } from './fake-clock.js';

/** Ports the system gives to nobody else, so that every packet on them can be accounted for. */
const media = {
  workers: 1,
  bindAddress: '127.0.0.1',
  browserPorts: { min: 16000, max: 16999 },
  trunkPorts: { min: 17000, max: 19999 },
  portQuarantineMs: 0,
  setupTimeoutMs: 60_000,
  silenceAfterMs: 60_000,
  learnWindowMs: 1000,
  learnPackets: 3,
};

export interface DtmfPlane {
  readonly host: MediaHost;
  readonly clock: FakeClock;
  /** Filled by the test. */
  readonly calls: StormCall[];
  /** All that the plane has told. */
  readonly events: MediaEvent[];
}

/** A media plane on real sockets and a clock of our own; ends with everything closed. */
export async function withPlane(use: (plane: DtmfPlane) => Promise<void>): Promise<void> {
  const clock = new FakeClock();
  const calls: StormCall[] = [];
  const events: MediaEvent[] = [];
  const emit = (event: MediaEvent): void => {
    events.push(event);
    collectDigit(calls, event);
  };
  const host = await MediaHost.create({ media, workerIndex: 0 }, { clock, emit });
  try {
    await use({ host, clock, calls, events });
  } finally {
    await host.closeAll();
    for (const { ends } of calls) await Promise.all([ends.a.wire.close(), ends.b.wire.close()]);
  }
}
