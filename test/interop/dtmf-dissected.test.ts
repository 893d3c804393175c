import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { SystemClock } from '../../src/base/clock.js';
import { silentLog } from '../../src/base/log.js';
import { DIGITS } from '../../src/media/dtmf/digit.js';
import { EmbeddedMediaPlane } from '../../src/media/embedded/embedded-media-plane.js';
import { GOOD_PATH } from '../support/dtmf-channel.js';
import { type DissectedEvent, dissectEvents } from '../support/dtmf-dissection.js';
import { type Press, randomPresses } from '../support/dtmf-presses.js';
import { faultsOf, readPresses } from '../support/dtmf-reading.js';
import { openCall, runCallsLive, type StormCall } from '../support/dtmf-storm.js';
import { PhoneWire } from '../support/dtmf-wire.js';
import { listenFor } from '../support/eventually.js';
import { type BuiltWorker, buildMediaWorker } from '../support/fake-media-worker.js';
import { describeWithPeers } from '../support/peers.js';
import { type Scratch, scratch } from '../support/scratch.js';
import { Capture } from '../support/tshark.js';
import { seededRandom } from '../unit/media/seeded-random.js';

const random = seededRandom(2833);
const intervalMs = 20;

describeWithPeers('What Wireshark reads of the keys that leave on a trunk', ['tshark', 'dumpcap'], () => {
  let worker: BuiltWorker;
  let plane: EmbeddedMediaPlane;
  let files: Scratch;
  let calls: StormCall[];

  beforeAll(async () => {
    worker = await buildMediaWorker();
  });
  afterAll(() => worker.remove());

  beforeEach(async () => {
    files = scratch('dissected');
    calls = [];
    plane = new EmbeddedMediaPlane(
      {
        workers: 1,
        bindAddress: '127.0.0.1',
        browserPorts: { min: 16000, max: 16099 },
        trunkPorts: { min: 16100, max: 16999 },
        portQuarantineMs: 1000,
        setupTimeoutMs: 4000,
        silenceAfterMs: 5000,
        learnWindowMs: 1000,
        learnPackets: 3,
      },
      { clock: new SystemClock(), log: silentLog, workerUrl: worker.url },
    );
    await plane.start();
  });
  afterEach(async () => {
    await plane.stop();
    for (const { ends } of calls) await Promise.all([ends.a.wire.close(), ends.b.wire.close()]);
    files.dispose();
  });

  /** A call in which the calling telephone presses these keys; the called one says nothing but silence. */
  async function dial(presses: readonly Press[]): Promise<StormCall> {
    const quiet = { random, out: GOOD_PATH, in: GOOD_PATH };
    const call = await openCall(plane, { kind: 'udp', a: { ...quiet, presses }, b: { ...quiet, presses: [] } });
    calls.push(call);
    return call;
  }

  const portOf = ({ ends }: StormCall): number => (ends.b.wire instanceof PhoneWire ? ends.b.wire.port : 0);

  /** Runs the calls with a capture of what reaches the called telephones; tshark's reading of each. */
  async function dissected(meanwhile: () => Promise<unknown> = async () => {}): Promise<readonly (readonly DissectedEvent[])[]> {
    const file = files.file('keys.pcap');
    const ports = calls.map(portOf);
    const capture = await Capture.start(file, ports);
    try {
      await Promise.all([runCallsLive(calls), meanwhile()]);
      await listenFor(500);
      await capture.stop();
    } finally {
      await capture.dispose();
    }
    const events = dissectEvents(file, [Math.min(...ports), Math.max(...ports)], 96);
    return ports.map((port) => events.filter(({ destinationPort }) => destinationPort === port));
  }

  /** Field by field, packet by packet; the payload type is the one this telephone asked for. */
  function expectAgreement(call: StormCall, theirs: readonly DissectedEvent[]): void {
    expect(theirs.length).toBeGreaterThan(0);
    expect(new Set(theirs.map(({ ssrc }) => ssrc)).size).toBe(1);
    expect(theirs.every(({ payloadType, reserved }) => payloadType === 96 && !reserved)).toBe(true);
    expect(
      theirs.map(({ marker, sequence, timestamp, event, end, volume, duration }) => ({
        marker,
        sequence,
        timestamp,
        event,
        end,
        volume,
        duration,
      })),
    ).toEqual(
      call.ends.b.left.map(({ marker, sequence, timestamp, payload }) => ({
        marker,
        sequence,
        timestamp,
        event: payload.readUInt8(0),
        end: payload.readUInt8(1) >= 0x80,
        volume: payload.readUInt8(1) & 0x3f,
        duration: payload.readUInt16BE(2),
      })),
    );
  }

  /** Times between the packets of one press, by start; a press of several segments is one. */
  function spacingsMs(events: readonly DissectedEvent[]): readonly number[] {
    return events.slice(1).flatMap(({ atMs, marker }, index) => (marker ? [] : [atMs - (events[index]?.atMs ?? 0)]));
  }

  /** Timers of a busy machine are late at times; a burst would show in many. */
  function expectSpaced(all: readonly number[]): void {
    const close = all.filter((ms) => Math.abs(ms - intervalMs) <= 6).length;
    expect(close / all.length, `spacings in ms: ${all.map(Math.round).join(' ')}`).toBeGreaterThan(0.9);
  }

  it('is what was pressed on random keys of every length and level, and packet for packet what we read ourselves', async () => {
    for (let n = 0; n < 8; n += 1) await dial(randomPresses(random, 40));
    const read = await dissected();
    for (const [n, call] of calls.entries()) {
      const theirs = read[n] ?? [];
      expectAgreement(call, theirs);
      const presses = readPresses(call.ends.b.left);
      const pressed = call.ends.a.options.presses;
      expect(presses.map(({ digit, units, volume }) => ({ digit, durationMs: units / 8, volume }))).toEqual(
        pressed.map(({ digit, durationMs, volume }) => ({ digit, durationMs, volume })),
      );
      for (const press of presses) expect(faultsOf(press)).toEqual([]);
      const ends = theirs.filter(({ end }) => end);
      expect(ends.length).toBe(3 * pressed.length);
    }
    expectSpaced(read.flatMap(spacingsMs));
    expectSpaced(read.flatMap((theirs) => endSpacingsMs(theirs)));
  });

  it('is one key of two segments, its first filled to 0xFFFF without an end, when one is held for nine seconds', async () => {
    const call = await dial([{ digit: '#', durationMs: 9000, gapMs: 40, volume: 63 }]);
    const [theirs = []] = await dissected();
    expectAgreement(call, theirs);
    const starts = [...new Set(theirs.map(({ timestamp }) => timestamp))];
    expect(starts.length).toBe(2);
    expect(((starts[1] ?? 0) - (starts[0] ?? 0)) >>> 0).toBe(0xffff);
    const first = theirs.filter(({ timestamp }) => timestamp === starts[0]);
    expect(first.at(-1)).toMatchObject({ duration: 0xffff, end: false });
    expect(first.some(({ end }) => end)).toBe(false);
    expect(theirs.filter(({ marker }) => marker).length).toBe(1);
    expect(theirs.at(-1)).toMatchObject({ duration: 9000 * 8 - 0xffff, end: true, volume: 63, event: 11 });
    expectSpaced(spacingsMs(theirs));
  });

  it('is every key the gateway was asked to send, at −10 dBm0 and as long as asked', async () => {
    const call = await dial([]);
    const lengthsMs = DIGITS.map((_, index) => 40 + index * 7);
    const asked = DIGITS.map((digit, index) => ({ digit, durationMs: lengthsMs[index] ?? 0 }));
    const [theirs = []] = await dissected(async () => {
      await plane.sendDigits(call.sessions.b, 'b', asked);
      await listenFor(lengthsMs.reduce((sum, ms) => sum + Math.ceil(ms / intervalMs) * intervalMs + 60, 0));
    });
    expectAgreement(call, theirs);
    const presses = readPresses(call.ends.b.left);
    expect(presses.map(({ digit, units }) => ({ digit, durationMs: units / 8 }))).toEqual(asked);
    expect(new Set(theirs.map(({ volume }) => volume))).toEqual(new Set([10]));
    for (const press of presses) expect(faultsOf(press)).toEqual([]);
  });
});

/** Times from each end packet to the next of the same press. */
function endSpacingsMs(events: readonly DissectedEvent[]): readonly number[] {
  const ends = events.filter(({ end }) => end);
  return ends.slice(1).flatMap(({ atMs, timestamp }, index) => {
    const before = ends[index];
    return before?.timestamp === timestamp ? [atMs - before.atMs] : [];
  });
}
