import { writeFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { SystemClock } from '../../src/base/clock.js';
import type { SessionId } from '../../src/base/ids.js';
import { silentLog } from '../../src/base/log.js';
import { EmbeddedMediaPlane } from '../../src/media/embedded/embedded-media-plane.js';
import type { MediaEvent } from '../../src/media/plane.js';
import { eventuallyTrue } from '../support/eventually.js';
import { type BuiltWorker, buildMediaWorker } from '../support/fake-media-worker.js';
import { browserSdp, trunkSdp } from './media-plane.contract.js';

describe('the media workers', () => {
  let worker: BuiltWorker;
  let plane: EmbeddedMediaPlane;
  const clock = new SystemClock();

  beforeAll(async () => {
    worker = await buildMediaWorker();
    writeFileSync(
      new URL('fragile.mjs', worker.url),
      `import { parentPort } from 'node:worker_threads';
      await import('./worker.mjs');
      parentPort.on('message', ({ request }) => {
        if (request.session === 'exit') process.exit(7);
        if (request.session === 'throw') setTimeout(() => { throw new Error('a fault in one call'); });
      });`,
    );
  });
  afterAll(() => worker.remove());
  afterEach(() => plane.stop());

  const sessionNamed = (name: string): SessionId => name as SessionId;

  async function startPlane(workers: number) {
    const events: MediaEvent[] = [];
    const ports = { browserPorts: { min: 48_000, max: 48_199 }, trunkPorts: { min: 48_200, max: 48_399 } };
    const times = { portQuarantineMs: 0, setupTimeoutMs: 10_000, silenceAfterMs: 10_000, learnWindowMs: 1000, learnPackets: 3 };
    plane = new EmbeddedMediaPlane(
      { workers, bindAddress: '127.0.0.1', ...ports, ...times },
      { clock, log: silentLog, workerUrl: new URL('fragile.mjs', worker.url) },
    );
    plane.onEvent((event) => events.push(event));
    await plane.start();
    return events;
  }

  it('lose their own sessions when one dies, and no others; a new one takes its place', async () => {
    const events = await startPlane(2);
    for (const name of ['s1', 's2', 's3']) await plane.open(sessionNamed(name));
    await plane.answer(sessionNamed('s2'), 'a', browserSdp(), { kind: 'webrtc', codecs: ['PCMU'] });
    await expect(plane.open(sessionNamed('exit'))).rejects.toMatchObject({ code: 'no-worker' });
    await eventuallyTrue(() => events.length > 0, { what: 'a session is lost', withinMs: 5000 });
    const lost = events.flatMap((event) => (event.type === 'session-lost' ? [event.session] : []));
    expect(lost).toEqual(['s2']);
    await expect(plane.stats(sessionNamed('s2'))).rejects.toMatchObject({ code: 'unknown-session' });
    expect(await plane.close(sessionNamed('s2'))).toBeUndefined();
    expect((await plane.stats(sessionNamed('s1'))).session).toBe('s1');
    await eventuallyTrue(async () => (await plane.liveObjects())['media_worker'] === 2, {
      what: 'there are two workers again',
      withinMs: 5000,
    });
    await plane.open(sessionNamed('s4'));
    await plane.answer(sessionNamed('s4'), 'a', trunkSdp(), { kind: 'udp', codecs: ['PCMA'], learnFrom: [] });
    for (const name of ['s1', 's3', 's4']) await plane.close(sessionNamed(name));
    expect(await plane.liveObjects()).toMatchObject({ media_session: 0, media_socket: 0, media_port: 0, media_worker: 2 });
  });

  it('live on after a fault in one call', async () => {
    const events = await startPlane(1);
    await plane.open(sessionNamed('other'));
    await plane.open(sessionNamed('throw'));
    const stats = await plane.stats(sessionNamed('other'));
    expect(stats.session).toBe('other');
    expect(events).toEqual([]);
  });

  it('leave no timer behind in the main thread', async () => {
    await startPlane(1);
    await expect(plane.open(sessionNamed('exit'))).rejects.toMatchObject({ code: 'no-worker' });
    await plane.stop();
    expect(clock.liveTimers).toBe(0);
  });
});
