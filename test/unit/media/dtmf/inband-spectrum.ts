import { dbm0OfPeak } from '../../../../src/media/dtmf/inband-tones.js';

/** Level of what these samples hold at a frequency, over a window of Blackman's shape. */
export function levelDbm0(samples: Int16Array, frequencyHz: number): number {
  return dbm0OfPeak(peakAt(windowed(samples), samples.length, frequencyHz));
}

/** Power of all that is not these tones, over the power of the tones. */
export function besideTonesDb(samples: Int16Array, tonesHz: readonly number[]): number {
  const shaped = windowed(samples);
  const weights = Array.from({ length: samples.length }, (_, n) => weightAt(n, samples.length));
  const weightPower = weights.reduce((sum, weight) => sum + weight * weight, 0);
  const power = shaped.reduce((sum, value) => sum + value * value, 0) / weightPower;
  const tones = tonesHz.reduce((sum, frequencyHz) => sum + peakAt(shaped, samples.length, frequencyHz) ** 2 / 2, 0);
  return 10 * Math.log10(Math.max(1e-12, power - tones) / tones);
}

/** The strongest single frequency, more than 30 Hz from the tones, over the weaker of the tones. */
export function strongestBesideDb(samples: Int16Array, tonesHz: readonly number[]): number {
  const shaped = windowed(samples);
  return strongestDb(tonesHz, 30, 8000 / samples.length, (frequencyHz) => peakAt(shaped, samples.length, frequencyHz));
}

/** The same, more than 200 Hz from the tones, of a short tone between silence, edges and all. */
export function splatterDb(samples: Int16Array, tonesHz: readonly number[]): number {
  const flat = Float64Array.from(samples);
  return strongestDb(tonesHz, 200, 10, (frequencyHz) => peakAt(flat, samples.length, frequencyHz));
}

function strongestDb(tonesHz: readonly number[], apartHz: number, stepHz: number, peak: (frequencyHz: number) => number): number {
  let strongest = 0;
  for (let frequencyHz = 100; frequencyHz < 4000; frequencyHz += stepHz) {
    if (tonesHz.every((toneHz) => Math.abs(toneHz - frequencyHz) > apartHz)) strongest = Math.max(strongest, peak(frequencyHz));
  }
  return 20 * Math.log10(strongest / Math.min(...tonesHz.map(peak)));
}

function weightAt(n: number, length: number): number {
  const turn = (2 * Math.PI * (n + 0.5)) / length;
  return 0.42 - 0.5 * Math.cos(turn) + 0.08 * Math.cos(2 * turn);
}

function windowed(samples: Int16Array): Float64Array {
  return Float64Array.from(samples, (sample, n) => sample * weightAt(n, samples.length));
}

/** Peak of a sine that reads so; Blackman's weights add up to 0.42 a sample. */
function peakAt(shaped: Float64Array, length: number, frequencyHz: number): number {
  const turn = (2 * Math.PI * frequencyHz) / 8000;
  const twice = 2 * Math.cos(turn);
  let [last, before] = [0, 0];
  for (const value of shaped) [last, before] = [value + twice * last - before, last];
  return (2 * Math.sqrt(Math.max(0, last * last + before * before - twice * last * before))) / (0.42 * length);
}
