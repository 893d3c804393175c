import { describe, expect, it } from 'vitest';
import { decodeG711 } from '../../../../src/media/codec/g711.js';
import { DIGITS, type Digit } from '../../../../src/media/dtmf/digit.js';
import { InbandGenerator, type InbandGeneratorOptions, type InbandSent } from '../../../../src/media/dtmf/inband-generator.js';
import { dbm0OfPeak, HIGH_GROUP_HZ, LOW_GROUP_HZ, tonesOfDigit } from '../../../../src/media/dtmf/inband-tones.js';
import { heard, joined, keyTone, overG711, PER_MS, silence } from './inband-sound.js';
import { besideTonesDb, levelDbm0, splatterDb, strongestBesideDb } from './inband-spectrum.js';

interface Press {
  readonly digit: Digit;
  readonly onMs: number;
  readonly offMs: number;
}

function generated(presses: readonly Press[], options: InbandGeneratorOptions = {}, frameSamples = 160): Int16Array {
  const generator = new InbandGenerator(options, { onSent: () => {} });
  for (const { digit, onMs, offMs } of presses) generator.enqueue(digit, onMs, offMs);
  const frames: Int16Array[] = [];
  while (generator.busy) {
    const frame = new Int16Array(frameSamples);
    generator.read(frame);
    frames.push(frame);
  }
  return joined(...frames);
}

/** The steady part of a long tone. */
function steady(digit: Digit, options: InbandGeneratorOptions = {}): Int16Array {
  return generated([{ digit, onMs: 240, offMs: 0 }], options).subarray(20 * PER_MS, 220 * PER_MS);
}

/** Where it is not silent, from the first such sample to the last. */
function soundingSpan(samples: Int16Array): { readonly from: number; readonly to: number } {
  const isSound = (sample: number): boolean => sample !== 0;
  return { from: samples.findIndex(isSound), to: samples.findLastIndex(isSound) };
}

describe('digits as tones', () => {
  it.each([...DIGITS])('makes %s of its two frequencies at the levels asked for', (digit) => {
    const { lowHz, highHz } = tonesOfDigit(digit);
    const samples = steady(digit, { lowLevelDbm0: -11, twistDb: 3 });
    expect(levelDbm0(samples, lowHz)).toBeCloseTo(-11, 1);
    expect(levelDbm0(samples, highHz)).toBeCloseTo(-8, 1);
    for (const otherHz of [...LOW_GROUP_HZ, ...HIGH_GROUP_HZ]) {
      if (otherHz !== lowHz && otherHz !== highHz) expect(levelDbm0(samples, otherHz)).toBeLessThan(-60);
    }
  });

  it('takes −9 and −7 dBm0 by default', () => {
    const samples = steady('5');
    expect(levelDbm0(samples, 770)).toBeCloseTo(-9, 1);
    expect(levelDbm0(samples, 1336)).toBeCloseTo(-7, 1);
  });

  it.each([
    ['PCMA', [0x34, 0x21, 0x21, 0x34, 0xb4, 0xa1, 0xa1, 0xb4]],
    ['PCMU', [0x1e, 0x0b, 0x0b, 0x1e, 0x9e, 0x8b, 0x8b, 0x9e]],
  ] as const)('means by 0 dBm0 what the reference sequence of %s says', (law, period) => {
    const samples = decodeG711(law, Buffer.from(Array.from({ length: 100 }, () => period).flat()));
    const power = samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length;
    expect(Math.abs(dbm0OfPeak(Math.sqrt(2 * power)))).toBeLessThan(0.08);
  });

  it.each(['PCMA', 'PCMU'] as const)('leaves everything beside the two tones 30 dB below them, each product 40 dB, over %s', (law) => {
    for (const digit of DIGITS) {
      const samples = overG711(steady(digit), law);
      const { lowHz, highHz } = tonesOfDigit(digit);
      expect(besideTonesDb(samples, [lowHz, highHz])).toBeLessThan(-30);
      expect(strongestBesideDb(samples, [lowHz, highHz])).toBeLessThan(-40);
    }
  });

  it('splatters less at its edges than a tone switched hard', () => {
    for (const digit of DIGITS) {
      const { lowHz, highHz } = tonesOfDigit(digit);
      const pad = silence(20);
      const soft = joined(pad, generated([{ digit, onMs: 40, offMs: 0 }]), pad);
      const hard = joined(pad, keyTone({ digit, onMs: 40, highDbm0: -7 }), pad);
      const softDb = splatterDb(soft, [lowHz, highHz]);
      expect(softDb).toBeLessThan(-35);
      expect(softDb).toBeLessThan(splatterDb(hard, [lowHz, highHz]) - 9);
    }
  });

  it('rises and falls within its length, monotonically in 5 ms', () => {
    const samples = generated([{ digit: '1', onMs: 60, offMs: 20 }]);
    const peakIn = (fromMs: number, toMs: number): number =>
      samples.subarray(fromMs * PER_MS, toMs * PER_MS).reduce((peak, sample) => Math.max(peak, Math.abs(sample)), 0);
    const whole = peakIn(10, 50);
    expect(peakIn(0, 1)).toBeLessThan(whole / 10);
    expect(peakIn(0, 2)).toBeLessThan(whole / 2);
    expect(peakIn(59, 60)).toBeLessThan(whole / 10);
    expect(peakIn(58, 60)).toBeLessThan(whole / 2);
    expect(peakIn(60, 80)).toBe(0);
  });

  it('sounds and pauses to the sample whatever the frame size', () => {
    const presses: readonly Press[] = [
      { digit: '1', onMs: 40, offMs: 40 },
      { digit: '1', onMs: 123, offMs: 57 },
      { digit: '#', onMs: 70.5, offMs: 40 },
    ];
    const whole = generated(presses, {}, 8000).subarray(0, Math.round((40 + 40 + 123 + 57 + 70.5 + 40) * PER_MS));
    const second = whole.subarray(80 * PER_MS, 260 * PER_MS);
    expect(soundingSpan(second).from).toBeLessThan(4);
    expect(soundingSpan(second).to).toBeGreaterThan(123 * PER_MS - 5);
    expect(soundingSpan(second).to).toBeLessThan(123 * PER_MS);
    for (const frameSamples of [1, 7, 80, 160, 161, 480]) {
      expect(generated(presses, {}, frameSamples).subarray(0, whole.length)).toEqual(whole);
    }
  });

  it('says of each digit when tone and pause have been read', () => {
    const sent: InbandSent[] = [];
    const generator = new InbandGenerator({}, { onSent: (one) => sent.push(one) });
    const first = generator.enqueue('1', 100, 40);
    const second = generator.enqueue('2', 40, 40);
    const frame = new Int16Array(20 * PER_MS);
    for (let n = 0; n < 6; n += 1) generator.read(frame);
    expect(sent).toEqual([]);
    generator.read(frame);
    expect(sent).toEqual([{ id: first, digit: '1', durationMs: 100 }]);
    for (let n = 0; n < 4; n += 1) generator.read(frame);
    expect(sent[1]).toEqual({ id: second, digit: '2', durationMs: 40 });
    expect(generator.busy).toBe(false);
  });

  it('is silent when nothing waits', () => {
    const generator = new InbandGenerator({}, { onSent: () => {} });
    const frame = Int16Array.from({ length: 160 }, () => 99);
    generator.read(frame);
    expect(frame).toEqual(new Int16Array(160));
  });

  it('drops what waits, the digit in the middle included, and begins the next from its start', () => {
    const generator = new InbandGenerator({}, { onSent: () => {} });
    generator.enqueue('1', 100, 40);
    generator.enqueue('2', 100, 40);
    generator.read(new Int16Array(160));
    expect(generator.clear()).toBe(2);
    expect(generator.busy).toBe(false);
    generator.enqueue('3', 60, 0);
    const frame = new Int16Array(60 * PER_MS);
    generator.read(frame);
    expect(frame).toEqual(generated([{ digit: '3', onMs: 60, offMs: 0 }], {}, 60 * PER_MS));
  });

  it('refuses a digit beyond 256 that wait', () => {
    const generator = new InbandGenerator({}, { onSent: () => {} });
    for (let n = 0; n < 256; n += 1) expect(generator.enqueue('1', 100, 40)).toBeDefined();
    expect(generator.enqueue('1', 100, 40)).toBeUndefined();
  });

  it('never overflows, however loud it is asked to be', () => {
    const samples = generated([{ digit: 'D', onMs: 200, offMs: 0 }], { lowLevelDbm0: 3, twistDb: 0 });
    expect(samples.some((sample) => sample === 32_767)).toBe(true);
    expect(heard(samples)).toBe('D');
  });

  it.each(['PCMA', 'PCMU'] as const)('is heard over %s as it was sent: every digit, 40 ms on and 40 ms off', (law) => {
    const presses = [...DIGITS, ...DIGITS].map((digit) => ({ digit, onMs: 40, offMs: 40 }));
    expect(heard(overG711(generated(presses), law))).toBe([...DIGITS, ...DIGITS].join(''));
  });
});
