import { decodeG711, encodeG711, type G711Law } from '../../../../src/media/codec/g711.js';
import type { Digit } from '../../../../src/media/dtmf/digit.js';
import { type InbandDetected, InbandDetector } from '../../../../src/media/dtmf/inband-detector.js';
import { peakOfDbm0, tonesOfDigit } from '../../../../src/media/dtmf/inband-tones.js';

/** Samples in a millisecond of the audio here. */
export const PER_MS = 8;

export interface KeyTone {
  readonly digit: Digit;
  readonly onMs: number;
  readonly lowDbm0?: number;
  readonly highDbm0?: number;
  /** Parts of one: 0.015 is 1.5% high. */
  readonly lowError?: number;
  readonly highError?: number;
}

/** The tones of a key, with hard edges: written apart from the generator, so that the two can disagree. */
export function keyTone({ digit, onMs, lowDbm0 = -9, highDbm0 = -9, lowError = 0, highError = 0 }: KeyTone): Int16Array {
  const { lowHz, highHz } = tonesOfDigit(digit);
  const low = { peak: peakOfDbm0(lowDbm0), step: (2 * Math.PI * lowHz * (1 + lowError)) / 8000 };
  const high = { peak: peakOfDbm0(highDbm0), step: (2 * Math.PI * highHz * (1 + highError)) / 8000 };
  return Int16Array.from({ length: Math.round(onMs * PER_MS) }, (_, n) => {
    return clip(low.peak * Math.sin(low.step * n + 0.4) + high.peak * Math.sin(high.step * n + 1.1));
  });
}

export function silence(ms: number): Int16Array {
  return new Int16Array(Math.round(ms * PER_MS));
}

export function joined(...parts: readonly Int16Array[]): Int16Array {
  const all = new Int16Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** White noise of this level over everything, 0 to 4 kHz. */
export function withNoise(samples: Int16Array, noiseDbm0: number, random: () => number): Int16Array {
  // Root mean square of a sine of the same level.
  const rms = peakOfDbm0(noiseDbm0) / Math.SQRT2;
  return samples.map((sample) => {
    const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    return clip(sample + rms * normal);
  });
}

/** As it comes out of a G.711 path. */
export function overG711(samples: Int16Array, law: G711Law): Int16Array {
  const bytes = Buffer.alloc(samples.length);
  encodeG711(law, samples, bytes);
  return decodeG711(law, bytes);
}

/** What a detector says of the samples, handed in frames of this size, with 100 ms of silence after. */
export function detect(samples: Int16Array, frameSamples = 160): readonly InbandDetected[] {
  const detected: InbandDetected[] = [];
  const detector = new InbandDetector({}, { onDetected: (event) => detected.push(event) });
  const all = joined(samples, silence(100));
  for (let at = 0; at < all.length; at += frameSamples) detector.receive(all.subarray(at, at + frameSamples));
  detector.flush();
  return detected;
}

/** The digits detected, as text. */
export function heard(samples: Int16Array, frameSamples = 160): string {
  return detect(samples, frameSamples)
    .filter(({ type }) => type === 'start')
    .map(({ digit }) => digit)
    .join('');
}

function clip(value: number): number {
  return Math.max(-32_768, Math.min(32_767, Math.round(value)));
}
