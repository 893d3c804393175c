import { describe, expect, it } from 'vitest';
import { DIGITS, type Digit } from '../../../../src/media/dtmf/digit.js';
import { integerIn, seededRandom } from '../seeded-random.js';
import { decode, presses, type TracedPacket, trace, traceDigits } from './dtmf-trace.js';

const CLOCKS = [8000, 16_000, 48_000];

describe('decoding what was encoded', () => {
  it('gives every digit back at every volume, many durations and clocks', () => {
    let compared = 0;
    for (const clockRateHz of CLOCKS) {
      for (let volume = 0; volume < 64; volume += 1) {
        const digit = DIGITS[volume % 16] ?? '0';
        for (const durationMs of [20, 40, 41, 99, 100, 250, 1000 + volume]) {
          const { packets } = traceDigits({ clockRateHz, volume }, [digit], durationMs);
          const decoded = decode(clockRateHz, packets);
          expect(presses(decoded)).toEqual([{ digit, durationMs }]);
          expect(new Set(decoded.map((event) => event.volume))).toEqual(new Set([volume]));
          expect(decoded.map(({ type }) => type).filter((type) => type !== 'update')).toEqual(['start', 'end']);
          compared += 1;
        }
      }
    }
    expect(compared).toBe(3 * 64 * 7);
  });

  it('gives every length from 40 to 6000 ms back', () => {
    for (let durationMs = 40; durationMs <= 6000; durationMs += 37) {
      const { packets } = traceDigits({ clockRateHz: 48_000 }, ['D'], durationMs);
      expect(presses(decode(48_000, packets))).toEqual([{ digit: 'D', durationMs }]);
    }
  });

  it.each(CLOCKS)('joins the segments of 10 and 30 second presses at %i Hz into one digit (D6, D7)', (clockRateHz) => {
    for (const durationMs of [8191, 8192, 10_000, 30_000]) {
      const { packets } = traceDigits({ clockRateHz }, ['5'], durationMs);
      expect(presses(decode(clockRateHz, packets))).toEqual([{ digit: '5', durationMs }]);
    }
  });

  it('joins segments although the full packet between them was lost', () => {
    const { packets } = traceDigits({ clockRateHz: 48_000 }, ['5'], 5000);
    const full = packets.filter(({ payload }) => payload.readUInt16BE(2) === 0xffff);
    expect(full.length).toBe(3);
    expect(
      presses(
        decode(
          48_000,
          packets.filter((packet) => !full.includes(packet)),
        ),
      ),
    ).toEqual([{ digit: '5', durationMs: 5000 }]);
  });

  it('gives exactly one digit for every subset of a seven-packet event but the empty one, with the longest duration that came (D8)', () => {
    const { packets } = traceDigits({ clockRateHz: 8000 }, ['7'], 100);
    expect(packets.length).toBe(7);
    for (let subset = 1; subset < 2 ** 7; subset += 1) {
      const kept = packets.filter((_, index) => (subset & (1 << index)) !== 0);
      const known = Math.max(...kept.map(({ payload }) => payload.readUInt16BE(2)));
      expect(presses(decode(8000, kept)), `subset ${subset.toString(2)}`).toEqual([{ digit: '7', durationMs: known / 8 }]);
    }
  });

  it('gives one digit per press for every pair of subsets of two equal digits 40 ms apart', () => {
    const { packets } = traceDigits({ clockRateHz: 8000, minGapMs: 40 }, ['1', '1'], 60);
    expect(packets.length).toBe(10);
    const [first, second] = [packets.slice(0, 5), packets.slice(5)];
    for (let subset = 0; subset < 2 ** 10; subset += 1) {
      const kept = packets.filter((_, index) => (subset & (1 << index)) !== 0);
      const expected = [first, second].filter((press) => press.some((packet) => kept.includes(packet))).length;
      expect(presses(decode(8000, kept)).length, `subset ${subset.toString(2)}`).toBe(expected);
    }
  });

  it('gives each digit once although all packets come twice', () => {
    const { packets } = traceDigits({ clockRateHz: 8000 }, [...DIGITS], 80);
    const doubled = packets.flatMap((packet) => [packet, { ...packet, atMs: packet.atMs + 3 }]).sort((a, b) => a.atMs - b.atMs);
    expect(presses(decode(8000, doubled)).map(({ digit }) => digit)).toEqual(DIGITS);
  });

  it('gives each digit once under reordering, loss and duplication', () => {
    const random = seededRandom(4);
    let digits = 0;
    for (let round = 0; round < 60; round += 1) {
      const clockRateHz = CLOCKS[round % 3] ?? 8000;
      const pressed = Array.from({ length: 30 }, () => DIGITS[integerIn(random, 0, 15)] ?? '0');
      const timestampAtZero = integerIn(random, 0, 2 ** 32 - 1);
      const { packets } = traceDigits({ clockRateHz, timestampAtZero }, pressed, integerIn(random, 40, 300));
      const arrived = disturbed(random, packets);
      expect(presses(decode(clockRateHz, arrived)).map(({ digit }) => digit)).toEqual(pressed);
      digits += pressed.length;
    }
    expect(digits).toBe(1800);
  });

  it('is not confused by timestamps that wrap before, between and within digits (D9)', () => {
    for (const timestampAtZero of [0xfffff000, 0xffffff00, 2 ** 32 - 800, 0x7fffff00]) {
      const { packets } = traceDigits({ clockRateHz: 8000, timestampAtZero }, ['1', '2', '2', '3'], 100);
      expect(presses(decode(8000, packets)).map(({ digit }) => digit)).toEqual(['1', '2', '2', '3']);
    }
  });

  it('follows a held key whose length is only learnt on the way', () => {
    const pressed: Digit = '9';
    const { packets, sent } = trace({ clockRateHz: 8000 }, (encoder) => {
      encoder.begin(pressed, 20);
      encoder.lengthen(60);
      encoder.end(130);
    });
    expect(presses(decode(8000, packets))).toEqual([{ digit: '9', durationMs: 130 }]);
    expect(sent).toMatchObject([{ digit: '9', durationMs: 130 }]);
  });
});

/** 5% loss, 10% late by up to 45 ms, 5% doubled; the order of arrival is by time. No press loses all of its packets. */
function disturbed(random: () => number, packets: readonly TracedPacket[]): readonly TracedPacket[] {
  const arrived = packets.flatMap((packet) => {
    if (!packet.marker && random() < 0.05) return [];
    const late = !packet.marker && random() < 0.1 ? integerIn(random, 1, 45) : 0;
    const moved = { ...packet, atMs: packet.atMs + late };
    return random() < 0.05 ? [moved, { ...moved, atMs: moved.atMs + integerIn(random, 0, 45) }] : [moved];
  });
  return arrived.sort((a, b) => a.atMs - b.atMs);
}
