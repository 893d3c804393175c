import { describe, expect, it } from 'vitest';
import { DIGITS } from '../../src/media/dtmf/digit.js';
import type { MediaHost } from '../../src/media/embedded/media-host.js';
import { type LegName, otherLeg } from '../../src/media/plane.js';
import { BAD_PATH, BadPath, ChosenPackets, GOOD_PATH } from '../support/dtmf-channel.js';
import { withPlane } from '../support/dtmf-plane.js';
import { type Press, randomPresses } from '../support/dtmf-presses.js';
import { faultsOf, type ReadPress, readPresses } from '../support/dtmf-reading.js';
import { openCall, openCallOverTones, packetsSeen, runCalls, STEP_MS, type StormCall, type StormEnd } from '../support/dtmf-storm.js';
import { seededRandom } from '../unit/media/seeded-random.js';

/** `npm run soak -- dtmf` sets it to 100 000. */
const digitsInAll = Number(process.env['SOAK_DIGITS'] ?? 6_000);

interface Tally {
  digits: number;
  packets: number;
  lost: number;
  reordered: number;
  doubled: number;
  wholeLengths: number;
}

interface Calling {
  /** At once. */
  readonly calls: number;
  /** Of each end; a browser's consent would run out in a longer call, since its checks keep real time (RFC 7675). */
  readonly digitsEach: number;
  /** Of all digits. */
  readonly share: number;
}

/** One batch of calls, both ends of each dialling at once. */
async function batch(kind: 'udp' | 'webrtc', seed: number, calling: Calling, tally: Tally): Promise<void> {
  const paths: BadPath[] = [];
  await withPlane(async ({ host, clock, calls }) => {
    for (let n = 0; n < calling.calls; n += 1) {
      const random = seededRandom(seed + n);
      const path = (): BadPath => {
        const made = new BadPath(random, BAD_PATH);
        paths.push(made);
        return made;
      };
      // One call in which all keys are the same.
      const presses = () => randomPresses(random, calling.digitsEach, n === 0 ? '1' : undefined);
      const end = () => ({ presses: presses(), random, out: path(), in: path() });
      calls.push(await openCall(host, { kind, a: end(), b: end() }));
    }
    await runCalls(clock, calls);
    for (const [n, call] of calls.entries()) {
      for (const leg of ['a', 'b'] as const) check(host, call, leg, `${kind} call ${seed + n}, from ${leg}`, tally);
    }
  });
  for (const { counts } of paths) {
    tally.packets += counts.lost + counts.passed;
    tally.lost += counts.lost;
    tally.reordered += counts.reordered;
    tally.doubled += counts.doubled;
  }
}

/** The direction from `leg` to the other. */
function check(host: MediaHost, { sessions, ends }: StormCall, leg: LegName, where: string, tally: Tally): void {
  const from = ends[leg];
  const to = ends[otherLeg(leg)];
  const { presses } = from.options;
  const pressed = presses.map(({ digit }) => digit).join('');

  const [own, other] = [host.stats(sessions[leg])[leg], host.stats(sessions[otherLeg(leg)])[otherLeg(leg)]];
  expect(own === undefined ? -1 : packetsSeen(own), `packets that arrived, ${where}, dropped ${JSON.stringify(own?.dropped)}`).toBe(
    from.packetsSent,
  );
  expect(other?.packetsSent, `packets that left, ${where}`).toBe(to.packetsHeard);

  expect(from.told.map(({ digit }) => digit).join(''), `keys told, ${where}`).toBe(pressed);
  const left = readPresses(to.left);
  expect(left.map(({ digit }) => digit).join(''), `keys that left, ${where}`).toBe(pressed);
  const arrived = readPresses(to.arrived);
  expect(arrived.map(({ digit }) => digit).join(''), `keys that arrived, ${where}`).toBe(pressed);

  for (const [index, press] of left.entries()) {
    expect(faultsOf(press), `key ${index}, ${where}`).toEqual([]);
    const before = left[index - 1];
    const silence = before === undefined ? 320 : (press.timestamp - before.timestamp - before.units) | 0;
    expect(silence, `silence before key ${index}, ${where}`).toBeGreaterThanOrEqual(320);
    const { durationMs = 0, volume } = presses[index] ?? {};
    expect(press.volume, `level of key ${index}, ${where}`).toBe(volume);
    if (from.whole.has(index)) {
      expect(press.units, `length of key ${index}, ${where}`).toBe(durationMs * 8);
      expect(from.told[index]?.durationMs, `told length of key ${index}, ${where}`).toBe(durationMs);
      tally.wholeLengths += 1;
    } else expect(press.units, `length of key ${index}, ${where}`).toBeLessThanOrEqual(durationMs * 8);
  }
  tally.digits += presses.length;
}

describe('keys dialled at both ends of many calls, over paths that lose 5%, reorder 3% and double 2%', () => {
  it.each([
    ['telephone and telephone', 'udp', { calls: 25, digitsEach: 100, share: 0.75 }],
    ['browser and telephone', 'webrtc', { calls: 25, digitsEach: 50, share: 0.25 }],
  ] as const)('come out as they were pressed, between %s', { timeout: 3_600_000 }, async (_, kind, calling) => {
    const tally = { digits: 0, packets: 0, lost: 0, reordered: 0, doubled: 0, wholeLengths: 0 };
    const wanted = digitsInAll * calling.share;
    for (let seed = 4733; tally.digits < wanted; seed += calling.calls) await batch(kind, seed, calling, tally);
    expect(tally.digits).toBeGreaterThanOrEqual(wanted);
    expect(tally.lost / tally.packets).toBeCloseTo(BAD_PATH.loss, 2);
    expect(tally.reordered / tally.packets).toBeCloseTo(BAD_PATH.reordering * (1 - BAD_PATH.loss), 2);
    expect(tally.doubled / tally.packets).toBeCloseTo(BAD_PATH.duplication * (1 - BAD_PATH.loss), 2);
    expect(tally.wholeLengths / tally.digits).toBeGreaterThan(0.98);
  });
});

describe('a key of seven packets of which only some arrive', () => {
  it.each([40, 400])('comes out once, as long as they say, whichever they are, with %i ms to the next', async (gapMs) => {
    await withPlane(async ({ host, clock, calls }) => {
      const subset = (press: number): number => press + 1;
      for (const digit of DIGITS) {
        const random = seededRandom(gapMs);
        const presses = Array.from({ length: 2 ** 7 - 1 }, (_, n) => ({ digit, durationMs: 100, gapMs, volume: n % 64 }));
        const out = () => new ChosenPackets((press, place) => (subset(press) & (1 << place)) !== 0);
        const end = () => ({ presses, random, out: out(), in: GOOD_PATH });
        calls.push(await openCall(host, { kind: 'udp', a: end(), b: end() }));
      }
      await runCalls(clock, calls);
      for (const { ends } of calls) {
        for (const leg of ['a', 'b'] as const) {
          const { told, options } = ends[leg];
          const left = readPresses(ends[otherLeg(leg)].left);
          const expected = options.presses.map(({ digit, volume }, press) => {
            // When all but the first and last are lost, 120 ms of silence have ended the press before its end came.
            const newest = subset(press) === 0b1000001 ? 0 : Math.floor(Math.log2(subset(press)));
            return { digit, durationMs: Math.min(100, (newest + 1) * 20), volume };
          });
          expect(told).toEqual(expected.map(({ digit, durationMs }) => ({ digit, durationMs })));
          expect(left.map(({ digit, units, volume }) => ({ digit, durationMs: units / 8, volume }))).toEqual(expected);
          for (const press of left) expect(faultsOf(press)).toEqual([]);
        }
      }
    });
  });
});

describe('the stream that keys are a part of', () => {
  it.each([
    ['is silent while it presses', false],
    ['talks over its keys', true],
  ])('is one, of a telephone that %s: no number missing or used twice, and audio and keys in step with time', async (_, talksOver) => {
    await withPlane(async ({ host, clock, calls }) => {
      for (const kind of ['udp', 'webrtc'] as const) {
        const random = seededRandom(3550);
        const end = () => ({ presses: randomPresses(random, 40).map(spacedOut), random, out: GOOD_PATH, in: GOOD_PATH, talksOver });
        calls.push(await openCall(host, { kind, a: end(), b: end() }));
      }
      await runCalls(clock, calls);
      for (const { ends } of calls) {
        for (const leg of ['a', 'b'] as const) checkStream(ends[leg], ends[otherLeg(leg)]);
      }
    });
  });
});

function checkStream({ audio, left }: StormEnd, { startsMs, lengthMs }: StormEnd): void {
  const first = audio[0] ?? { sequence: 0, timestamp: 0, atMs: 0 };
  const places = [...audio, ...left].map(({ sequence }) => (sequence - first.sequence) & 0xffff).sort((a, b) => a - b);
  expect(places).toEqual(places.map((_, place) => place));
  expect(audio.length).toBeGreaterThan(40);
  const unitsSince = (timestamp: number): number => (timestamp - first.timestamp) | 0;
  const lateness = audio.map(({ timestamp, atMs }) => ({ atMs, units: unitsSince(timestamp) - (atMs - first.atMs) * 8 }));
  expect(lateness.filter(({ atMs, units }) => atMs <= lengthMs && units !== 0)).toEqual([]);
  // Behind the last word of a page comes silence by a timer, which runs at the end of the step it is counted to.
  expect(lateness.filter(({ units }) => units < 0 || units > STEP_MS * 8)).toEqual([]);
  const presses = readPresses(left);
  // Events are stamped by the same clock, with the moment at which the key went down.
  expect(presses.map(({ timestamp }) => unitsSince(timestamp) / 8)).toEqual(startsMs.map((startMs) => startMs - first.atMs));
  const within = ({ timestamp, units }: ReadPress): boolean =>
    audio.some((packet) => (packet.timestamp - timestamp) >>> 0 < units && packet.timestamp !== timestamp);
  expect(presses.filter(within)).toEqual([]);
}

/** With room for audio between the keys, beyond the time it is held back for. */
const spacedOut = (press: Press): Press => ({ ...press, gapMs: press.gapMs + 120 });

describe('keys that leave one gateway as tones and are heard as tones by another', () => {
  it('come out as they were pressed, no more than a frame longer', async () => {
    await withPlane(async ({ host, clock, calls }) => {
      for (let n = 0; n < 24; n += 1) {
        const random = seededRandom(23 + n);
        const end = (presses: readonly Press[]) => ({ presses, random, out: GOOD_PATH, in: GOOD_PATH });
        const dials = end(randomPresses(random, 60, n < 2 ? '1' : undefined));
        // One end at a time: a tone that meets the same tone is taken for its echo.
        calls.push(await (n % 2 === 0 ? openCallOverTones(host, dials, end([])) : openCallOverTones(host, end([]), dials)));
      }
      await runCalls(clock, calls);
      for (const [n, call] of calls.entries()) for (const leg of ['a', 'b'] as const) checkTones(call, leg, `call ${n}, from ${leg}`);
    });
  });
});

/** A held key sounds to the end of the frame in which its end is told, so it may get longer by one. */
function checkTones({ ends }: StormCall, leg: LegName, where: string): void {
  const pressed = ends[leg].options.presses;
  const left = readPresses(ends[otherLeg(leg)].left);
  const digits = pressed.map(({ digit }) => digit).join('');
  expect(left.map(({ digit }) => digit).join(''), where).toBe(digits);
  expect(ends[leg].told.map(({ digit }) => digit).join(''), where).toBe(digits);
  for (const [index, press] of left.entries()) {
    const which = `key ${index}, ${where}`;
    expect(faultsOf(press), which).toEqual([]);
    const longerMs = press.units / 8 - (pressed[index]?.durationMs ?? 0);
    expect(longerMs, which).toBeGreaterThanOrEqual(-10);
    expect(longerMs, which).toBeLessThanOrEqual(22);
  }
}
