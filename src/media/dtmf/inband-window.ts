import { dbm0OfPeak } from './inband-tones.js';
import { lobeAt, offsetHz, type TonePhasor } from './tone-bank.js';

/** What a window must be like to be taken for a digit. */
export interface Limits {
  /** Of each tone, as a part of its frequency. */
  readonly maxOffset: number;
  /** High tone over low tone. */
  readonly minTwistDb: number;
  readonly maxTwistDb: number;
  /** A second tone of the same group, as a part of the peak of the first. */
  readonly maxSecondTone: number;
  /** The two tones' part of all power. */
  readonly minPurity: number;
  /** Of the lowest level taken. */
  readonly leastPart: number;
}

/**
 * ITU-T Q.24 Annex A wants tones taken that are 1.5% off, not those 3.5% off, and −8 to +4 dB of twist;
 * a little is added for what measuring adds. Noise 15 dB below the tones leaves them 0.97 of all power.
 */
export const SHOWN: Limits = { maxOffset: 0.025, minTwistDb: -9.5, maxTwistDb: 5.5, maxSecondTone: 0.5, minPurity: 0.85, leastPart: 1 };
/** What a window is like that the tones have not filled yet: about two thirds of it are enough. */
export const SUSPECTED: Limits = { maxOffset: 0.035, minTwistDb: -11, maxTwistDb: 7, maxSecondTone: 0.6, minPurity: 0.75, leastPart: 0.5 };

/** What a window holds: the strongest tone of each group, and how they stand to each other and to the rest. */
export interface WindowLook {
  readonly low: TonePhasor;
  readonly high: TonePhasor;
  /** The larger of both tones' errors, as a part of its frequency. */
  readonly offset: number;
  /** The smaller of both tones' peaks. */
  readonly peak: number;
  readonly twistDb: number;
  /** The strongest other tone of the same group, as a part of the peak of the first; the larger of both groups. */
  readonly secondTone: number;
  readonly purity: number;
}

/** Looks at the tones of both groups as the newest window shows them. */
export function lookOf(lows: readonly TonePhasor[], highs: readonly TonePhasor[], totalPower: number): WindowLook | undefined {
  const low = strongest(lows);
  const high = strongest(highs);
  if (low === undefined || high === undefined) return undefined;
  const lowOffset = offsetHz(low.driftRe, low.driftIm);
  const highOffset = offsetHz(high.driftRe, high.driftIm);
  const lowPeak = low.peak / lobeAt(lowOffset);
  const highPeak = high.peak / lobeAt(highOffset);
  return {
    low,
    high,
    offset: Math.max(Math.abs(lowOffset) / low.nominalHz, Math.abs(highOffset) / high.nominalHz),
    peak: Math.min(lowPeak, highPeak),
    twistDb: dbm0OfPeak(highPeak) - dbm0OfPeak(lowPeak),
    secondTone: Math.max(secondOver(low, lows), secondOver(high, highs)),
    purity: (lowPeak * lowPeak + highPeak * highPeak) / 2 / totalPower,
  };
}

/** Whether a window is such; `leastPeak` is that of a tone of the lowest level. */
export function within(limits: Limits, look: WindowLook, leastPeak: number): boolean {
  return (
    look.peak >= limits.leastPart * leastPeak &&
    look.offset <= limits.maxOffset &&
    look.twistDb <= limits.maxTwistDb &&
    look.twistDb >= limits.minTwistDb &&
    look.secondTone <= limits.maxSecondTone &&
    look.purity >= limits.minPurity
  );
}

function strongest(group: readonly TonePhasor[]): TonePhasor | undefined {
  let best = group[0];
  for (const tone of group) if (best === undefined || tone.peak > best.peak) best = tone;
  return best;
}

function secondOver(first: TonePhasor, group: readonly TonePhasor[]): number {
  let second = 0;
  for (const tone of group) if (tone !== first && tone.peak > second) second = tone.peak;
  return second / first.peak;
}
