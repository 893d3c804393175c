import type { Digit } from './digit.js';

/** Frequencies of the rows and columns of the keypad (ITU-T Q.23). */
export const LOW_GROUP_HZ: readonly number[] = [697, 770, 852, 941];
export const HIGH_GROUP_HZ: readonly number[] = [1209, 1336, 1477, 1633];

/** The keypad, row by row. */
const KEYPAD: readonly Digit[] = ['1', '2', '3', 'A', '4', '5', '6', 'B', '7', '8', '9', 'C', '*', '0', '#', 'D'];

/** Tones in the audio are made and read at the rate of G.711 (RFC 3551 §4.5.14). */
export const INBAND_RATE_HZ = 8000;

/** Peak of a sine at 0 dBm0: A-law overloads at +3.14 dBm0, µ-law at +3.17 and 0.04 dB less (ITU-T G.711). */
const PEAK_AT_0_DBM0 = 32_768 / 10 ** (3.14 / 20);

/** Peak, in 16-bit linear samples, of a sine at this level. */
export function peakOfDbm0(levelDbm0: number): number {
  return PEAK_AT_0_DBM0 * 10 ** (levelDbm0 / 20);
}

/** Level of a sine with this peak; minus infinity for none. */
export function dbm0OfPeak(peak: number): number {
  return 20 * Math.log10(peak / PEAK_AT_0_DBM0);
}

export interface DigitTones {
  readonly lowHz: number;
  readonly highHz: number;
}

/** The two frequencies of a digit (ITU-T Q.23). */
export function tonesOfDigit(digit: Digit): DigitTones {
  const key = KEYPAD.indexOf(digit);
  return { lowHz: LOW_GROUP_HZ[key >> 2] ?? 0, highHz: HIGH_GROUP_HZ[key & 3] ?? 0 };
}

/** The digit in this row and column, each 0…3. */
export function digitOfTones(row: number, column: number): Digit | undefined {
  return KEYPAD[row * 4 + column];
}
