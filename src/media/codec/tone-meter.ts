import { FULL_SCALE } from './tone-generator.js';

export interface ToneReading {
  /** Of the strongest tone. */
  readonly frequencyHz: number;
  /** Of that tone alone: 0 = a full-scale sine. */
  readonly levelDbfs: number;
  /** Of everything in the samples, on the same scale (a full-scale sine reads 0). */
  readonly totalDbfs: number;
}

const FLOOR_DBFS = -120;

function decibels(ratio: number): number {
  return ratio <= 0 ? FLOOR_DBFS : Math.max(FLOOR_DBFS, 20 * Math.log10(ratio));
}

/**
 * Amplitude (peak, in sample units) of one frequency in the samples, by Goertzel's algorithm under a
 * Hann window, so that neighbours more than a few bins away do not leak into it.
 */
function amplitudeAt(samples: Int16Array, frequencyHz: number, sampleRateHz: number): number {
  const omega = (2 * Math.PI * frequencyHz) / sampleRateHz;
  const coefficient = 2 * Math.cos(omega);
  let previous = 0;
  let beforeThat = 0;
  for (let index = 0; index < samples.length; index += 1) {
    const window = 0.5 - 0.5 * Math.cos((2 * Math.PI * (index + 0.5)) / samples.length);
    const current = (samples[index] ?? 0) * window + coefficient * previous - beforeThat;
    beforeThat = previous;
    previous = current;
  }
  const power = previous * previous + beforeThat * beforeThat - coefficient * previous * beforeThat;
  return (4 * Math.sqrt(Math.max(0, power))) / samples.length;
}

/** Level of one frequency: 0 dBFS = a full-scale sine, −120 for nothing at all. */
export function levelAt(samples: Int16Array, frequencyHz: number, sampleRateHz: number): number {
  return decibels(amplitudeAt(samples, frequencyHz, sampleRateHz) / FULL_SCALE);
}

/** Level of everything: root mean square against that of a full-scale sine. */
export function totalLevel(samples: Int16Array): number {
  if (samples.length === 0) return FLOOR_DBFS;
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  return decibels(Math.sqrt((2 * sum) / samples.length) / FULL_SCALE);
}

/**
 * Finds the strongest tone between `fromHz` and `toHz`: a sweep at the resolution of the samples, then
 * a narrowing search around the best. 100 ms of samples give a frequency good to about 1 Hz; none at all
 * read as the lowest frequency at −120 dBFS.
 */
export function readTone(
  samples: Int16Array,
  sampleRateHz: number,
  { fromHz = 100, toHz = Math.min(3900, sampleRateHz / 2 - 50) }: { readonly fromHz?: number; readonly toHz?: number } = {},
): ToneReading {
  if (samples.length === 0) return { frequencyHz: fromHz, levelDbfs: FLOOR_DBFS, totalDbfs: FLOOR_DBFS };
  let step = Math.max(1, sampleRateHz / samples.length);
  let best = { frequencyHz: fromHz, amplitude: -1 };
  const consider = (frequencyHz: number): void => {
    const amplitude = amplitudeAt(samples, frequencyHz, sampleRateHz);
    if (amplitude > best.amplitude) best = { frequencyHz, amplitude };
  };
  for (let frequencyHz = fromHz; frequencyHz <= toHz; frequencyHz += step) consider(frequencyHz);
  while (step > 0.1) {
    step /= 2;
    const centre = best.frequencyHz;
    consider(centre - step);
    consider(centre + step);
  }
  return { frequencyHz: best.frequencyHz, levelDbfs: decibels(best.amplitude / FULL_SCALE), totalDbfs: totalLevel(samples) };
}
