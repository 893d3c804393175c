import type { Digit } from './digit.js';
import { dbm0OfPeak, digitOfTones, HIGH_GROUP_HZ, INBAND_RATE_HZ, LOW_GROUP_HZ, peakOfDbm0 } from './inband-tones.js';
import { lookOf, SHOWN, SUSPECTED, within } from './inband-window.js';
import { HOP_SAMPLES, lobeAt, offsetHz, ToneBank, type TonePhasor, WINDOW_SAMPLES } from './tone-bank.js';

const SAMPLES_PER_MS = INBAND_RATE_HZ / 1000;

/**
 * How far apart the errors of both tones may be. The 3rd and 4th harmonic of a voice can be in tune enough
 * with the tones of `*` each by itself, but together they are 3.7% apart; no neighbours come nearer to a digit.
 */
const MAX_SPREAD = 0.034;
/** Windows in a row that must show the same digit: true of each tone of 33 ms and more, of none below 24 ms. */
const HOPS_TO_START = 4;
/** From one of those windows to the next no tone may change more. */
const MAX_CHANGE = 1.41;
/** A tone at less than this part of its level is off. */
const OFF_PART = 0.5;
/** … but if it stays on at no less than this part, the same key is being held still, only quieter. */
const QUIETER_PART = 0.2;
/** A digit is over after so many windows of that: 28 ms, more than a lost packet and less than a pause. */
const HOPS_TO_END = 7;
/** Less than this of a hole in a tone may be silence that was not lost, or the hole was a pause. ITU-T Q.24 wants 10 ms bridged. */
const MAX_SILENCE_SAMPLES = 13 * SAMPLES_PER_MS;
/** What was lost is remembered for so many windows: 256 ms. */
const HOPS_REMEMBERED = 64;
/** What a window that just shows a digit may lack of the tone's beginning. */
const ONSET_SAMPLES = 4 * SAMPLES_PER_MS;

export interface InbandDetectorOptions {
  /** Tones below this, each by itself, are none. Default −30: Q.24 Annex A wants −25 dBm0 taken. */
  readonly lowestLevelDbm0?: number;
}

/** A digit heard in the audio: `start` once it is sure, `end` once it is over. */
export interface InbandDetected {
  readonly type: 'start' | 'end';
  readonly digit: Digit;
  /** Where in the stream its tone began. */
  readonly startMs: number;
  /** Length of the tone so far, good to about 5 ms. */
  readonly durationMs: number;
  /** Level of both tones together, dBm0 with the sign dropped, as a telephone-event says it (RFC 4733 §2.3.4). */
  readonly volume: number;
}

/** Windows in a row that show the same digit. */
interface Candidate {
  readonly row: number;
  readonly column: number;
  readonly firstWindowEnd: number;
  hops: number;
  lowPeak: number;
  highPeak: number;
  lowDriftRe: number;
  lowDriftIm: number;
  highDriftRe: number;
  highDriftIm: number;
}

interface Sounding {
  readonly digit: Digit;
  readonly low: TonePhasor;
  readonly high: TonePhasor;
  readonly startSample: number;
  readonly volume: number;
  lowPeak: number;
  highPeak: number;
  endSample: number;
  offHops: number;
}

/**
 * Hears the digits in audio (ITU-T Q.24): 16-bit samples at 8000 Hz in frames of any size. Both tones must
 * be in tune, near each other in level, nearly all there is, and steady; whether a tone is in tune is told
 * from its phase, which is exact long before a filter narrow enough would have settled.
 */
export class InbandDetector {
  private readonly bank = new ToneBank({ frequenciesHz: [...LOW_GROUP_HZ, ...HIGH_GROUP_HZ] });
  private readonly lows: readonly TonePhasor[];
  private readonly highs: readonly TonePhasor[];
  private readonly hop = new Float64Array(HOP_SAMPLES);
  private hopFill = 0;
  private hopLost = 0;
  /** Samples lost in each of the last hops. */
  private readonly lost = new Uint8Array(HOPS_REMEMBERED);
  /** Samples taken up to the end of the newest window. */
  private windowEnd = 0;
  private candidate: Candidate | undefined;
  private sounding: Sounding | undefined;
  private suspected = false;
  private readonly leastPeak: number;

  constructor(
    options: InbandDetectorOptions,
    private readonly deps: { readonly onDetected: (detected: InbandDetected) => void },
  ) {
    this.leastPeak = peakOfDbm0(options.lowestLevelDbm0 ?? -30);
    this.lows = this.bank.tones.slice(0, LOW_GROUP_HZ.length);
    this.highs = this.bank.tones.slice(LOW_GROUP_HZ.length);
  }

  /** A digit is being heard. */
  get active(): boolean {
    return this.sounding !== undefined;
  }

  /**
   * A digit is being heard, or its beginning may be: the two tones of a key fill most of the newest window,
   * some 19 ms after they began. Who keeps back the packets after which this is true lets at most 20 ms of a
   * tone through, which no receiver may take for a digit (Q.24 Annex A: 23 ms). In speech one packet in
   * 1500 makes it true.
   */
  get suspects(): boolean {
    return this.suspected || this.sounding !== undefined;
  }

  /** Takes the next samples of the stream. */
  receive(samples: Int16Array): void {
    for (let at = 0; at < samples.length; at += 1) this.take(samples[at] ?? 0);
  }

  /** Takes so many samples for lost: silence, but not what parts one digit from the next. */
  lose(count: number): void {
    for (let at = 0; at < count; at += 1) {
      this.hopLost += 1;
      this.take(0);
    }
  }

  /** Ends the digit being heard, if any: no more samples will come. */
  flush(): void {
    this.suspected = false;
    this.candidate = undefined;
    if (this.sounding !== undefined) this.end(this.sounding, this.sounding.offHops === 0 ? this.windowEnd : this.sounding.endSample);
    this.bank.clear();
  }

  private take(sample: number): void {
    this.hop[this.hopFill] = sample;
    this.hopFill += 1;
    if (this.hopFill < HOP_SAMPLES) return;
    this.lost[(this.windowEnd / HOP_SAMPLES) % HOPS_REMEMBERED] = this.hopLost;
    this.hopFill = 0;
    this.hopLost = 0;
    this.windowEnd += HOP_SAMPLES;
    this.bank.advance(this.hop, this.leastPeak * this.leastPeak);
    this.judge();
  }

  private judge(): void {
    const look = lookOf(this.lows, this.highs, this.bank.totalPower);
    if (look === undefined) return;
    const { low, high } = look;
    this.suspected = within(SUSPECTED, look, this.leastPeak);
    const shown = this.suspected && within(SHOWN, look, this.leastPeak);
    if (this.sounding !== undefined) this.follow(this.sounding);
    const { sounding } = this;
    const known = sounding?.offHops === 0 && isOf(sounding, low, high);
    if (shown && !known) this.consider(low, high);
    else if (known || this.lostSince(this.windowEnd - WINDOW_SAMPLES + HOP_SAMPLES) === 0) this.candidate = undefined;
  }

  private consider(low: TonePhasor, high: TonePhasor): void {
    const row = this.lows.indexOf(low);
    const column = this.highs.indexOf(high);
    const { candidate } = this;
    if (candidate?.row !== row || candidate.column !== column || !steady(candidate, low, high)) {
      this.candidate = candidateOf(row, column, this.windowEnd, low, high);
      return;
    }
    candidate.hops += 1;
    candidate.lowPeak = low.peak;
    candidate.highPeak = high.peak;
    candidate.lowDriftRe += low.driftRe;
    candidate.lowDriftIm += low.driftIm;
    candidate.highDriftRe += high.driftRe;
    candidate.highDriftIm += high.driftIm;
    if (candidate.hops >= HOPS_TO_START) this.begin(candidate, low, high);
  }

  private begin(candidate: Candidate, low: TonePhasor, high: TonePhasor): void {
    const lowOffset = offsetHz(candidate.lowDriftRe, candidate.lowDriftIm);
    const highOffset = offsetHz(candidate.highDriftRe, candidate.highDriftIm);
    const digit = digitOfTones(candidate.row, candidate.column);
    if (digit === undefined || Math.abs(lowOffset / low.nominalHz - highOffset / high.nominalHz) > MAX_SPREAD) return;
    this.candidate = undefined;
    if (this.sounding !== undefined && isOf(this.sounding, low, high)) {
      goOnQuieter(this.sounding);
      return;
    }
    const startSample = Math.max(0, candidate.firstWindowEnd - WINDOW_SAMPLES + ONSET_SAMPLES);
    if (this.sounding !== undefined) this.end(this.sounding, this.sounding.offHops === 0 ? startSample : this.sounding.endSample);
    const level = dbm0OfPeak(Math.hypot(low.peak / lobeAt(lowOffset), high.peak / lobeAt(highOffset)));
    const volume = Math.max(0, Math.min(63, Math.round(-level)));
    const endSample = this.windowEnd;
    this.sounding = { digit, low, high, lowPeak: low.peak, highPeak: high.peak, startSample, volume, endSample, offHops: 0 };
    this.emit('start', this.sounding, this.windowEnd);
  }

  private follow(sounding: Sounding): void {
    const on = sounding.low.peak >= OFF_PART * sounding.lowPeak && sounding.high.peak >= OFF_PART * sounding.highPeak;
    // Half of the level is gone, or back, when the tone's edge passes the middle of the window.
    const edgeSample = this.windowEnd - WINDOW_SAMPLES / 2 - HOP_SAMPLES / 2;
    if (!on) {
      if (sounding.offHops === 0) sounding.endSample = edgeSample;
      sounding.offHops += 1;
      if (sounding.offHops >= HOPS_TO_END + this.lostSince(sounding.endSample) / HOP_SAMPLES) this.end(sounding, sounding.endSample);
    } else if (sounding.offHops > 0 && this.wasPause(sounding.endSample, edgeSample)) {
      this.end(sounding, sounding.endSample);
    } else {
      sounding.offHops = 0;
    }
  }

  /** More silence lies between than was lost. Where nothing was lost, it is its length alone that counts. */
  private wasPause(fromSample: number, toSample: number): boolean {
    const lostSamples = this.lostSince(fromSample);
    return lostSamples > 0 && toSample - fromSample - lostSamples > MAX_SILENCE_SAMPLES;
  }

  /** Samples lost since an edge of a tone, which is known to a hop. */
  private lostSince(edgeSample: number): number {
    const last = this.windowEnd / HOP_SAMPLES - 1;
    const first = Math.max(0, last - HOPS_REMEMBERED + 1, Math.floor(edgeSample / HOP_SAMPLES) - 1);
    let samples = 0;
    for (let hop = first; hop <= last; hop += 1) samples += this.lost[hop % HOPS_REMEMBERED] ?? 0;
    return samples;
  }

  private end(sounding: Sounding, endSample: number): void {
    this.sounding = undefined;
    this.emit('end', sounding, endSample);
  }

  private emit(type: InbandDetected['type'], { digit, startSample, volume }: Sounding, endSample: number): void {
    const durationMs = Math.max(0, endSample - startSample) / SAMPLES_PER_MS;
    this.deps.onDetected({ type, digit, startMs: startSample / SAMPLES_PER_MS, durationMs, volume });
  }
}

function isOf(sounding: Sounding, low: TonePhasor, high: TonePhasor): boolean {
  return sounding.low === low && sounding.high === high;
}

/** The tones are steady at the level they have now. */
function goOnQuieter(sounding: Sounding): void {
  const { low, high } = sounding;
  if (low.peak < QUIETER_PART * sounding.lowPeak || high.peak < QUIETER_PART * sounding.highPeak) return;
  sounding.lowPeak = low.peak;
  sounding.highPeak = high.peak;
  sounding.offHops = 0;
}

function steady(candidate: Candidate, low: TonePhasor, high: TonePhasor): boolean {
  return alike(candidate.lowPeak, low.peak) && alike(candidate.highPeak, high.peak);
}

function alike(before: number, now: number): boolean {
  return now <= before * MAX_CHANGE && before <= now * MAX_CHANGE;
}

function candidateOf(row: number, column: number, firstWindowEnd: number, low: TonePhasor, high: TonePhasor): Candidate {
  return {
    row,
    column,
    firstWindowEnd,
    hops: 1,
    lowPeak: low.peak,
    highPeak: high.peak,
    lowDriftRe: low.driftRe,
    lowDriftIm: low.driftIm,
    highDriftRe: high.driftRe,
    highDriftIm: high.driftIm,
  };
}
