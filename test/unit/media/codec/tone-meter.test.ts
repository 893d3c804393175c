import { describe, expect, it } from 'vitest';
import { decodeG711, encodeG711 } from '../../../../src/media/codec/g711.js';
import { ToneGenerator } from '../../../../src/media/codec/tone-generator.js';
import { levelAt, readTone, totalLevel } from '../../../../src/media/codec/tone-meter.js';

const sine = (frequencyHz: number, levelDbfs: number, sampleRateHz = 8000, count = sampleRateHz / 10): Int16Array =>
  new ToneGenerator({ sampleRateHz, tones: [{ frequencyHz, levelDbfs }] }).read(count);

describe('the tone meter', () => {
  it.each([
    [440, -20, 8000],
    [1004.3, -10, 8000],
    [3000, -3, 8000],
    [697, -35, 16_000],
    [1234.5, -15, 48_000],
  ])('reads %d Hz at %d dBFS from 100 ms at %i Hz', (frequencyHz, levelDbfs, sampleRateHz) => {
    const reading = readTone(sine(frequencyHz, levelDbfs, sampleRateHz), sampleRateHz);
    expect(Math.abs(reading.frequencyHz - frequencyHz)).toBeLessThan(1);
    expect(Math.abs(reading.levelDbfs - levelDbfs)).toBeLessThan(0.3);
    expect(Math.abs(reading.totalDbfs - levelDbfs)).toBeLessThan(0.3);
  });

  it('reads a tone that went through G.711', () => {
    const samples = sine(1000, -12);
    for (const law of ['PCMU', 'PCMA'] as const) {
      const coded = Buffer.alloc(samples.length);
      encodeG711(law, samples, coded);
      const reading = readTone(decodeG711(law, coded), 8000);
      expect(Math.abs(reading.frequencyHz - 1000)).toBeLessThan(1);
      expect(Math.abs(reading.levelDbfs + 12)).toBeLessThan(0.3);
    }
  });

  it('tells the two tones of a digit apart and does not hear a third', () => {
    const samples = new ToneGenerator({
      sampleRateHz: 8000,
      tones: [697, 1209].map((frequencyHz) => ({ frequencyHz, levelDbfs: -12 })),
    }).read(800);
    expect(levelAt(samples, 697, 8000)).toBeCloseTo(-12, 0);
    expect(levelAt(samples, 1209, 8000)).toBeCloseTo(-12, 0);
    expect(levelAt(samples, 941, 8000)).toBeLessThan(-50);
  });

  it('hears nothing in silence', () => {
    expect([levelAt(new Int16Array(800), 440, 8000), totalLevel(new Int16Array(800)), totalLevel(new Int16Array(0))]).toEqual([
      -120, -120, -120,
    ]);
  });

  it('ends with nothing heard when it is given no samples at all', () => {
    expect(readTone(new Int16Array(0), 8000).levelDbfs).toBe(-120);
  });

  it('stays within the range it is given', () => {
    const reading = readTone(sine(1000, -10), 8000, { fromHz: 1500, toHz: 2000 });
    expect(reading.frequencyHz).toBeGreaterThanOrEqual(1400);
    expect(reading.levelDbfs).toBeLessThan(-40);
  });
});

describe('the tone generator', () => {
  it('joins its frames without a step', () => {
    const whole = sine(440, -6, 8000, 320);
    const generator = new ToneGenerator({ sampleRateHz: 8000, tones: [{ frequencyHz: 440, levelDbfs: -6 }] });
    expect([...generator.read(160), ...generator.read(160)]).toEqual([...whole]);
  });

  it('clips instead of wrapping', () => {
    expect(Math.max(...sine(440, 12))).toBe(32_767);
    expect(Math.min(...sine(440, 12))).toBe(-32_768);
  });
});
