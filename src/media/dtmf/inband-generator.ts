import type { Digit } from './digit.js';
import { INBAND_RATE_HZ, peakOfDbm0, tonesOfDigit } from './inband-tones.js';

const SAMPLES_PER_MS = INBAND_RATE_HZ / 1000;
const QUEUE_LIMIT = 256;

export interface InbandGeneratorOptions {
  /** Of the low tone. Default −9, with which both tones together stay below what a line may carry. */
  readonly lowLevelDbm0?: number;
  /** High tone over low tone. Default 2: lines lose more of the high one (ETSI ES 201 235-2). */
  readonly twistDb?: number;
  /** Rise and fall of each tone, within its length, so that it does not click. Default 5. */
  readonly rampMs?: number;
}

/** A digit whose tone and pause have been read to the end. */
export interface InbandSent {
  readonly id: number;
  readonly digit: Digit;
  readonly durationMs: number;
}

interface Sounding {
  readonly id: number;
  readonly digit: Digit;
  readonly onSamples: number;
  readonly totalSamples: number;
  /** Radians a sample. */
  readonly lowStep: number;
  readonly highStep: number;
}

/**
 * Digits as tones in the audio (ITU-T Q.23, Q.24): 16-bit samples at 8000 Hz, read in frames of any
 * size, which G.711 can carry. Each tone lasts its milliseconds to the sample, and so does the pause after it.
 */
export class InbandGenerator {
  private readonly queue: Sounding[] = [];
  private position = 0;
  private nextId = 1;
  private readonly lowPeak: number;
  private readonly highPeak: number;
  private readonly rampSamples: number;

  constructor(
    options: InbandGeneratorOptions,
    private readonly deps: { readonly onSent: (sent: InbandSent) => void },
  ) {
    const { lowLevelDbm0 = -9, twistDb = 2, rampMs = 5 } = options;
    this.lowPeak = peakOfDbm0(lowLevelDbm0);
    this.highPeak = peakOfDbm0(lowLevelDbm0 + twistDb);
    this.rampSamples = Math.round(rampMs * SAMPLES_PER_MS);
  }

  /** A tone or the pause after one is still to be read. */
  get busy(): boolean {
    return this.queue.length > 0;
  }

  /** Adds a tone of this length, then silence of that, behind those that wait. Returns its id, undefined when the queue is full. */
  enqueue(digit: Digit, onMs: number, offMs: number): number | undefined {
    if (this.queue.length >= QUEUE_LIMIT) return undefined;
    const { lowHz, highHz } = tonesOfDigit(digit);
    const onSamples = Math.round(onMs * SAMPLES_PER_MS);
    const totalSamples = onSamples + Math.round(offMs * SAMPLES_PER_MS);
    const radians = (2 * Math.PI) / INBAND_RATE_HZ;
    const id = this.nextId;
    this.nextId += 1;
    this.queue.push({ id, digit, onSamples, totalSamples, lowStep: lowHz * radians, highStep: highHz * radians });
    return id;
  }

  /** Drops what has not been read and returns how many digits that were, the one in the middle included. */
  clear(): number {
    const dropped = this.queue.length;
    this.queue.length = 0;
    this.position = 0;
    return dropped;
  }

  /** Fills `frame` with what comes next, silence when nothing waits. */
  read(frame: Int16Array): void {
    let at = 0;
    while (at < frame.length) {
      const sounding = this.queue[0];
      if (sounding === undefined) {
        frame.fill(0, at);
        return;
      }
      const count = Math.min(frame.length - at, sounding.totalSamples - this.position);
      for (let n = 0; n < count; n += 1) frame[at + n] = this.sampleOf(sounding, this.position + n);
      at += count;
      this.position += count;
      if (this.position >= sounding.totalSamples) this.finish(sounding);
    }
  }

  private sampleOf(sounding: Sounding, n: number): number {
    if (n >= sounding.onSamples) return 0;
    const sum = this.lowPeak * Math.sin(n * sounding.lowStep) + this.highPeak * Math.sin(n * sounding.highStep);
    return Math.max(-32_768, Math.min(32_767, Math.round(sum * this.envelope(n, sounding.onSamples))));
  }

  /** A raised cosine up, one, and down again. */
  private envelope(n: number, onSamples: number): number {
    const fromEdge = Math.min(n, onSamples - 1 - n) + 0.5;
    return fromEdge >= this.rampSamples ? 1 : 0.5 - 0.5 * Math.cos((Math.PI * fromEdge) / this.rampSamples);
  }

  private finish(sounding: Sounding): void {
    this.queue.shift();
    this.position = 0;
    this.deps.onSent({ id: sounding.id, digit: sounding.digit, durationMs: sounding.onSamples / SAMPLES_PER_MS });
  }
}
