import { INBAND_RATE_HZ } from './inband-tones.js';

/** A window of this many samples (24 ms) … */
export const WINDOW_SAMPLES = 192;
/** … moves on by these (4 ms). */
export const HOP_SAMPLES = 32;

/** One frequency of a bank, as the newest window shows it. Rewritten by each `advance`. */
export interface TonePhasor {
  readonly nominalHz: number;
  /** Peak of a sine at the nominal frequency that would read the same; less for one beside it. */
  readonly peak: number;
  /** Phase gained since the window before over what the nominal frequency gains, as a vector: its angle tells how far off the tone is. */
  readonly driftRe: number;
  readonly driftIm: number;
}

interface Tuned {
  readonly nominalHz: number;
  peak: number;
  driftRe: number;
  driftIm: number;
  re: number;
  im: number;
  readonly cos: Float64Array;
  readonly sin: Float64Array;
  readonly hopCos: number;
  readonly hopSin: number;
}

/** Hann's window: next to no leakage from one group of frequencies into the other. */
const WINDOW = Float64Array.from({ length: WINDOW_SAMPLES }, (_, n) => 0.5 - 0.5 * Math.cos((2 * Math.PI * (n + 0.5)) / WINDOW_SAMPLES));
const WINDOW_SUM = WINDOW.reduce((sum, weight) => sum + weight, 0);
const WINDOW_POWER = WINDOW.reduce((sum, weight) => sum + weight * weight, 0);

/** A few known frequencies measured in a stream of samples: level from each window, exact frequency from the phase between two. */
export class ToneBank {
  private readonly recent = new Float64Array(WINDOW_SAMPLES);
  private readonly weighted = new Float64Array(WINDOW_SAMPLES);
  private readonly tuned: readonly Tuned[];
  private power = 0;

  constructor(options: { readonly frequenciesHz: readonly number[] }) {
    this.tuned = options.frequenciesHz.map(tunedTo);
  }

  get tones(): readonly TonePhasor[] {
    return this.tuned;
  }

  /** Half the square of the peak of a sine that would carry all there is in the window. */
  get totalPower(): number {
    return this.power;
  }

  /** Moves the window on by `HOP_SAMPLES` samples. Where the power is below `leastPower` the tones are all taken for nothing. */
  advance(hop: Float64Array, leastPower: number): void {
    this.recent.copyWithin(0, HOP_SAMPLES);
    this.recent.set(hop, WINDOW_SAMPLES - HOP_SAMPLES);
    let sum = 0;
    for (let n = 0; n < WINDOW_SAMPLES; n += 1) {
      const value = (this.recent[n] ?? 0) * (WINDOW[n] ?? 0);
      this.weighted[n] = value;
      sum += value * value;
    }
    this.power = sum / WINDOW_POWER;
    if (this.power < leastPower) for (const tone of this.tuned) forget(tone);
    else for (const tone of this.tuned) this.measure(tone);
  }

  /** Forgets what was heard. */
  clear(): void {
    this.recent.fill(0);
    for (const tone of this.tuned) forget(tone);
  }

  private measure(tone: Tuned): void {
    const { cos, sin } = tone;
    let re = 0;
    let im = 0;
    for (let n = 0; n < WINDOW_SAMPLES; n += 1) {
      const value = this.weighted[n] ?? 0;
      re += value * (cos[n] ?? 0);
      im -= value * (sin[n] ?? 0);
    }
    const turnRe = re * tone.re + im * tone.im;
    const turnIm = im * tone.re - re * tone.im;
    tone.driftRe = turnRe * tone.hopCos + turnIm * tone.hopSin;
    tone.driftIm = turnIm * tone.hopCos - turnRe * tone.hopSin;
    tone.re = re;
    tone.im = im;
    tone.peak = (2 * Math.hypot(re, im)) / WINDOW_SUM;
  }
}

/** How far from its nominal frequency a tone is whose drifts add up to this. */
export function offsetHz(driftRe: number, driftIm: number): number {
  return (Math.atan2(driftIm, driftRe) * INBAND_RATE_HZ) / (2 * Math.PI * HOP_SAMPLES);
}

/** What is left of a tone's peak when it lies this far from the nominal frequency: the window's main lobe. */
export function lobeAt(offset: number): number {
  const bins = (Math.abs(offset) * WINDOW_SAMPLES) / INBAND_RATE_HZ;
  if (bins < 1e-6) return 1;
  if (Math.abs(bins - 1) < 1e-6) return 0.5;
  return Math.sin(Math.PI * bins) / (Math.PI * bins * (1 - bins * bins));
}

function tunedTo(nominalHz: number): Tuned {
  const step = (2 * Math.PI * nominalHz) / INBAND_RATE_HZ;
  return {
    nominalHz,
    peak: 0,
    driftRe: 0,
    driftIm: 0,
    re: 0,
    im: 0,
    cos: Float64Array.from({ length: WINDOW_SAMPLES }, (_, n) => Math.cos(step * n)),
    sin: Float64Array.from({ length: WINDOW_SAMPLES }, (_, n) => Math.sin(step * n)),
    hopCos: Math.cos(step * HOP_SAMPLES),
    hopSin: Math.sin(step * HOP_SAMPLES),
  };
}

function forget(tone: Tuned): void {
  tone.peak = 0;
  tone.driftRe = 0;
  tone.driftIm = 0;
  tone.re = 0;
  tone.im = 0;
}
