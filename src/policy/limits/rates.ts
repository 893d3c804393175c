/** What calls cost, as far as the operator told. */
import { bare, dialled } from '../spelling.js';

/** Price of calls to numbers that begin so. Amounts are in the currency of the table. */
export interface Rate {
  /** Beginning of a normalised number; the longest match counts. */
  readonly prefix: string;
  readonly perMinute: number;
  /** For the connection, once it is answered. */
  readonly perCall: number;
  /** Time is charged in steps of so many seconds, each from its beginning. */
  readonly incrementSeconds: number;
}

export interface RateTable {
  readonly currency: string;
  readonly rates: readonly Rate[];
}

/**
 * The price of a number. One that no prefix matches costs as much as the dearest that is known: what
 * nobody has priced must not be the hole in a budget. Undefined when nothing is priced at all.
 */
export function rateFor({ rates }: RateTable, number: string): Rate | undefined {
  const digits = dialled(number);
  const longest = rates
    .filter(({ prefix }) => digits.startsWith(bare(prefix)))
    .sort((a, b) => bare(b.prefix).length - bare(a.prefix).length)[0];
  return longest ?? [...rates].sort((a, b) => b.perMinute - a.perMinute)[0];
}

/** What a call costs that was answered so long ago. The first increment is due with the answer. */
export function costOf({ perMinute, perCall, incrementSeconds }: Rate, talkMs: number): number {
  const increments = Math.floor(talkMs / (incrementSeconds * 1000)) + 1;
  return perCall + (increments * incrementSeconds * perMinute) / 60;
}
