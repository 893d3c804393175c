/** Hears the keys of a telephone in samples, with none of the gateway's own means: a slide rule of Goertzel filters. */
import { levelAtDb, levelDb } from './tones.js';

export interface Heard {
  readonly digit: string;
  readonly startMs: number;
  readonly durationMs: number;
  /** Of the louder tone, dB below full scale. */
  readonly levelDb: number;
}

const LOWS = [697, 770, 852, 941];
const HIGHS = [1209, 1336, 1477, 1633];
const KEYS = ['123A', '456B', '789C', '*0#D'];
const RATE_HZ = 8000;
const STEP_SAMPLES = 40;
/** Long enough to tell neighbours apart. */
const WINDOW_SAMPLES = 160;
const SILENCE_DB = -45;
/** What is heard for less is the edge of a window. */
const LEAST_STEPS = 4;

/** Each key heard, with where its tone begins and how long it lasts, good to about 10 ms; 25 ms and more are heard. */
export function hearTones(samples: Int16Array): readonly Heard[] {
  const heard: Heard[] = [];
  let since = 0;
  let current: { readonly digit: string; readonly level: number } | undefined;
  const finish = (at: number): void => {
    const steps = (at - since) / STEP_SAMPLES;
    if (current !== undefined && steps >= LEAST_STEPS) {
      const lengthMs = ((at - since) * 1000) / RATE_HZ;
      heard.push({
        digit: current.digit,
        startMs: ((since + WINDOW_SAMPLES / 2) * 1000) / RATE_HZ,
        durationMs: lengthMs,
        levelDb: current.level,
      });
    }
  };
  for (let at = 0; at + WINDOW_SAMPLES <= samples.length; at += STEP_SAMPLES) {
    const now = keyIn(samples.subarray(at, at + WINDOW_SAMPLES));
    if (now?.digit === current?.digit) continue;
    finish(at);
    since = at;
    current = now;
  }
  finish(samples.length - WINDOW_SAMPLES + STEP_SAMPLES);
  return heard;
}

function keyIn(window: Int16Array): { readonly digit: string; readonly level: number } | undefined {
  const all = levelDb(window);
  if (all < SILENCE_DB) return undefined;
  const low = strongest(window, LOWS);
  const high = strongest(window, HIGHS);
  const both = 10 * Math.log10(10 ** (low.level / 10) + 10 ** (high.level / 10));
  if (both < all - 2 || Math.abs(low.level - high.level) > 10) return undefined;
  return { digit: KEYS[low.place]?.[high.place] ?? '?', level: Math.max(low.level, high.level) };
}

function strongest(window: Int16Array, frequencies: readonly number[]): { readonly place: number; readonly level: number } {
  const levels = frequencies.map((frequencyHz) => levelAtDb({ rateHz: RATE_HZ, samples: window }, frequencyHz));
  const level = Math.max(...levels);
  return { place: levels.indexOf(level), level };
}
