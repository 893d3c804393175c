/** The messages about digits on a page's data channel: one JSON object each. */
import type { Digit } from '../../media/plane.js';
import type { Receipt } from './digit-state.js';

/** Stands for a digit that is kept secret. */
export const MASKED_DIGIT = '•';

/** A digit of the telephone; its INFO carries the same number in `X-Digit-Id`. */
export function digitText(id: number, digit: Digit, durationMs: number): string {
  return JSON.stringify({ type: 'dtmf', id, digit, durationMs: Math.round(durationMs) });
}

/** What became of a digit of the page. */
export function receiptText({ id, digit, state, as, durationMs, packets, why }: Receipt): string {
  return JSON.stringify({
    type: 'dtmf-receipt',
    ...{ id, digit: digit ?? MASKED_DIGIT, state },
    ...(as === undefined ? {} : { as }),
    ...(durationMs === undefined ? {} : { durationMs: Math.round(durationMs) }),
    ...(packets === undefined ? {} : { packets }),
    ...(why === undefined ? {} : { why }),
  });
}
