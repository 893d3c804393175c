import { afterAll, beforeAll } from 'vitest';
import { SystemClock } from '../../src/base/clock.js';
import { silentLog } from '../../src/base/log.js';
import { EmbeddedMediaPlane } from '../../src/media/embedded/embedded-media-plane.js';
import { FakeMediaPlane } from '../support/fake-media-plane.js';
import { type BuiltWorker, buildMediaWorker } from '../support/fake-media-worker.js';
import { mediaPlaneContract } from './media-plane.contract.js';

let worker: BuiltWorker;
beforeAll(async () => {
  worker = await buildMediaWorker();
});
afterAll(() => worker.remove());

mediaPlaneContract('the fake', async () => ({ plane: new FakeMediaPlane() }));

mediaPlaneContract('worker threads of this process', async () => {
  const ports = { browserPorts: { min: 46_000, max: 46_999 }, trunkPorts: { min: 47_000, max: 47_999 } };
  const times = { portQuarantineMs: 0, setupTimeoutMs: 10_000, silenceAfterMs: 10_000, learnWindowMs: 1000, learnPackets: 3 };
  const plane = new EmbeddedMediaPlane(
    { workers: 2, bindAddress: '127.0.0.1', ...ports, ...times },
    { clock: new SystemClock(), log: silentLog, workerUrl: worker.url },
  );
  return { plane };
});
