import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { SystemClock } from '../../src/base/clock.js';
import { silentLog } from '../../src/base/log.js';
import { EmbeddedMediaPlane } from '../../src/media/embedded/embedded-media-plane.js';
import { otherLeg } from '../../src/media/plane.js';
import { BAD_PATH, BadPath } from '../support/dtmf-channel.js';
import { randomPresses } from '../support/dtmf-presses.js';
import { faultsOf, readPresses } from '../support/dtmf-reading.js';
import { collectDigit, openCall, runCallsLive, type StormCall, type StormEnd } from '../support/dtmf-storm.js';
import { eventuallyTrue } from '../support/eventually.js';
import { type BuiltWorker, buildMediaWorker } from '../support/fake-media-worker.js';
import { seededRandom } from '../unit/media/seeded-random.js';

const keysEach = 50;

describe('keys at the pace of life, through worker threads and real sockets', () => {
  let worker: BuiltWorker;
  let plane: EmbeddedMediaPlane;
  const calls: StormCall[] = [];

  beforeAll(async () => {
    worker = await buildMediaWorker();
    plane = new EmbeddedMediaPlane(
      {
        workers: 2,
        bindAddress: '127.0.0.1',
        browserPorts: { min: 15000, max: 15199 },
        trunkPorts: { min: 15200, max: 15999 },
        portQuarantineMs: 1000,
        setupTimeoutMs: 20_000,
        silenceAfterMs: 10_000,
        learnWindowMs: 1000,
        learnPackets: 3,
      },
      { clock: new SystemClock(), log: silentLog, workerUrl: worker.url },
    );
    plane.onEvent((event) => collectDigit(calls, event));
    await plane.start();
  });
  afterEach(async () => {
    for (const { ends } of calls.splice(0)) await Promise.all([ends.a.wire.close(), ends.b.wire.close()]);
  });
  afterAll(async () => {
    await plane?.stop();
    worker?.remove();
  });

  const digitsOf = (end: StormEnd): string => end.options.presses.map(({ digit }) => digit).join('');

  it.each([
    ['telephones', 'udp', 20],
    ['browsers', 'webrtc', 5],
  ] as const)('come out as they were pressed while both ends of many calls of %s dial over bad paths', async (_, kind, count) => {
    for (let n = 0; n < count; n += 1) {
      const random = seededRandom(7000 + n);
      const path = (): BadPath => new BadPath(random, BAD_PATH);
      const end = () => ({ presses: randomPresses(random, keysEach), random, out: path(), in: path() });
      calls.push(await openCall(plane, { kind, a: end(), b: end() }));
    }
    await runCallsLive(calls);
    const complete = (end: StormEnd): boolean => {
      const last = readPresses(end.left).at(keysEach - 1);
      return last?.events.filter(({ payload }) => payload.readUInt8(1) >= 0x80).length === 3;
    };
    await eventuallyTrue(() => calls.every(({ ends }) => complete(ends.a) && complete(ends.b)), {
      what: 'the last key has left on every leg',
      withinMs: 8_000,
      explain: () => calls.map(({ ends }) => `${readPresses(ends.a.left).length}/${readPresses(ends.b.left).length}`).join(' '),
    });
    for (const [n, { ends }] of calls.entries()) {
      for (const leg of ['a', 'b'] as const) {
        const where = `call ${n}, from ${leg}`;
        const left = readPresses(ends[otherLeg(leg)].left);
        expect(left.map(({ digit }) => digit).join(''), where).toBe(digitsOf(ends[leg]));
        expect(ends[leg].told.map(({ digit }) => digit).join(''), where).toBe(digitsOf(ends[leg]));
        expect(left.flatMap(faultsOf), where).toEqual([]);
        expect(
          left.map(({ volume }) => volume),
          where,
        ).toEqual(ends[leg].options.presses.map(({ volume }) => volume));
      }
    }
  });
});
