import { describe, expect, it } from 'vitest';
import { DIGITS, type Digit } from '../../src/media/dtmf/digit.js';
import { DtmfDecoder } from '../../src/media/dtmf/dtmf-decoder.js';
import { DtmfEncoder } from '../../src/media/dtmf/dtmf-encoder.js';
import { decode, presses, type TracedPacket, traceDigits } from '../unit/media/dtmf/dtmf-trace.js';
import { integerIn, seededRandom } from '../unit/media/seeded-random.js';

const CLOCKS = [8000, 16_000, 48_000] as const;
const DIGITS_IN_ALL = 100_000;

interface Channel {
  readonly loss: number;
  readonly reordering: number;
  readonly duplication: number;
}

const CARRIER: Channel = { loss: 0.05, reordering: 0.03, duplication: 0.02 };

/** What becomes of one packet: the times at which it arrives. A reordered one falls behind up to three that left after it. */
function arrivals(random: () => number, { loss, reordering, duplication }: Channel, atMs: number): readonly number[] {
  if (random() < loss) return [];
  const first = random() < reordering ? atMs + integerIn(random, 21, 65) : atMs;
  return random() < duplication ? [first, first + integerIn(random, 0, 45)] : [first];
}

/** Digits of random length and gap through encoder, channel and decoder; both in one clock, from a random timestamp. */
function through(random: () => number, clockRateHz: number, digits: readonly Digit[], channel: Channel): readonly Digit[] {
  const came: Digit[] = [];
  const encoder = new DtmfEncoder({ clockRateHz, minGapMs: integerIn(random, 40, 120) }, { onSent: () => undefined });
  const decoder = new DtmfDecoder({ clockRateHz }, { onDecoded: ({ type, digit }) => type === 'start' && came.push(digit) });
  const timestampAtZero = integerIn(random, 0, 2 ** 32 - 1);
  const buffer = Buffer.alloc(4);
  const travelling: TracedPacket[] = [];
  for (const digit of digits) encoder.enqueue(digit, integerIn(random, 60, 300));
  let nowMs = 0;
  for (let due = encoder.nextDueMs(); due !== undefined; due = encoder.nextDueMs()) {
    nowMs = Math.max(nowMs, due);
    const packet = encoder.next(nowMs, (timestampAtZero + (nowMs * clockRateHz) / 1000) >>> 0, buffer, 0);
    if (packet === undefined) throw new Error('nothing was written although due');
    for (const atMs of arrivals(random, channel, nowMs)) travelling.push({ ...packet, atMs, payload: Buffer.from(buffer) });
  }
  travelling.sort((a, b) => a.atMs - b.atMs);
  for (const { atMs, timestamp, payload } of travelling) {
    decoder.tick(atMs);
    decoder.receive(1, timestamp, payload, 0, payload.length, atMs);
  }
  decoder.flush();
  return came;
}

describe('telephone-events over a bad path', () => {
  it(`give exactly the digits sent: ${DIGITS_IN_ALL} with 5% lost, 3% reordered, 2% doubled`, () => {
    const random = seededRandom(4733);
    let compared = 0;
    for (let round = 0; compared < DIGITS_IN_ALL; round += 1) {
      const digits = Array.from({ length: 200 }, () => DIGITS[integerIn(random, 0, 15)] ?? '0');
      const came = through(random, CLOCKS[round % 3] ?? 8000, digits, CARRIER);
      expect(came.join(''), `round ${round}`).toBe(digits.join(''));
      compared += digits.length;
    }
    expect(compared).toBe(DIGITS_IN_ALL);
  });

  it('give the same digit pressed again and again as often as it was pressed', () => {
    const random = seededRandom(11);
    for (let round = 0; round < 50; round += 1) {
      const digits = Array<Digit>(200).fill('1');
      expect(through(random, CLOCKS[round % 3] ?? 8000, digits, CARRIER).length, `round ${round}`).toBe(200);
    }
  });

  it('keep digit, volume and length for every volume with 150 lengths in three clocks', () => {
    const random = seededRandom(64);
    for (const clockRateHz of CLOCKS) {
      for (let volume = 0; volume < 64; volume += 1) {
        for (let n = 0; n < 150; n += 1) {
          const digit = DIGITS[integerIn(random, 0, 15)] ?? '0';
          const durationMs = integerIn(random, 20, n < 130 ? 400 : 9000);
          const decoded = decode(clockRateHz, traceDigits({ clockRateHz, volume }, [digit], durationMs).packets);
          if (decoded.some((event) => event.volume !== volume)) expect.unreachable(`volume ${volume} was not kept`);
          expect(presses(decoded)).toEqual([{ digit, durationMs }]);
        }
      }
    }
  });

  it.each(CLOCKS)(
    'lose none of seven packets at %i Hz that matters: any that is left gives the digit once, as long as it says',
    (clockRateHz) => {
      for (const digit of DIGITS) {
        const { packets } = traceDigits({ clockRateHz, timestampAtZero: 0xfffffe00 }, [digit], 100);
        expect(packets.length).toBe(7);
        for (let subset = 1; subset < 2 ** 7; subset += 1) {
          const kept = packets.filter((_, index) => (subset & (1 << index)) !== 0);
          const longest = Math.max(...kept.map(({ payload }) => payload.readUInt16BE(2)));
          expect(presses(decode(clockRateHz, kept))).toEqual([{ digit, durationMs: (longest * 1000) / clockRateHz }]);
        }
      }
    },
  );

  it('may be any bytes at any time: starts and ends stay paired and no time runs backwards', () => {
    const random = seededRandom(99);
    for (let round = 0; round < 200; round += 1) {
      let open = false;
      let longest = 0;
      const decoder = new DtmfDecoder(
        { clockRateHz: CLOCKS[round % 3] ?? 8000 },
        {
          onDecoded: ({ type, durationMs }) => {
            expect(open).toBe(type !== 'start');
            expect(durationMs).toBeGreaterThanOrEqual(type === 'start' ? 0 : longest);
            open = type !== 'end';
            longest = durationMs;
          },
        },
      );
      let nowMs = 0;
      for (let n = 0; n < 200; n += 1) {
        nowMs += random() < 0.05 ? integerIn(random, 0, 5000) : integerIn(random, 0, 40);
        decoder.tick(nowMs);
        const payload = Buffer.from(Array.from({ length: integerIn(random, 0, 13) }, () => integerIn(random, 0, 255)));
        if (payload.length >= 4 && random() < 0.8) payload[0] = integerIn(random, 0, 3);
        const timestamp = random() < 0.7 ? integerIn(random, 0, 4) * 160 : integerIn(random, 0, 2 ** 32 - 1);
        decoder.receive(integerIn(random, 1, 2), timestamp, payload, 0, payload.length, nowMs);
      }
      decoder.flush();
      expect(open).toBe(false);
    }
  });
});
