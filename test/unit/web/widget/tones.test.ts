import { describe, expect, it } from 'vitest';
import { renderTone } from '../../../../src/web/widget/tones.js';

const rateHz = 8_000;

/** Amplitude of one frequency in a stretch of samples. */
function amplitudeOf(samples: Float32Array, frequencyHz: number): number {
  let [re, im] = [0, 0];
  samples.forEach((sample, index) => {
    const angle = (2 * Math.PI * frequencyHz * index) / rateHz;
    re += sample * Math.cos(angle);
    im += sample * Math.sin(angle);
  });
  return (2 * Math.hypot(re, im)) / samples.length;
}

describe('the tones of the call button', () => {
  it('rings back for two seconds in six, with 440 and 480 Hz alone', () => {
    const tone = renderTone('ringback', rateHz);
    expect(tone.length).toBe(6 * rateHz);
    const sounding = tone.subarray(rateHz / 2, (3 * rateHz) / 2);
    expect(amplitudeOf(sounding, 440)).toBeCloseTo(0.06, 3);
    expect(amplitudeOf(sounding, 480)).toBeCloseTo(0.06, 3);
    expect(amplitudeOf(sounding, 460)).toBeLessThan(0.001);
    expect(tone.subarray(2 * rateHz).every((sample) => sample === 0)).toBe(true);
  });

  it('begins and ends each sound without a click, and never clips', () => {
    for (const name of ['ringback', 'ring'] as const) {
      const tone = renderTone(name, rateHz);
      expect(tone[0]).toBe(0);
      let [loudest, steepest] = [0, 0];
      tone.forEach((sample, index) => {
        loudest = Math.max(loudest, Math.abs(sample));
        steepest = Math.max(steepest, Math.abs(sample - (tone[index - 1] ?? 0)));
      });
      expect(loudest).toBeGreaterThan(0.05);
      expect(loudest).toBeLessThan(0.3);
      expect(steepest).toBeLessThan(0.12);
    }
  });
});
