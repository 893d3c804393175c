/** What is told of digits: each one is seen, leaves or not, and has exactly one end. */
import type { Digit } from '../../media/plane.js';
import type { LegKind } from '../leg-kind.js';

/** How a digit came to the gateway. */
export type DigitSource = 'rfc4733' | 'inband' | 'info' | 'api';

/** How it left; `message`: over the page's data channel alone, because the INFO was not taken. */
export type DigitWay = 'rfc4733' | 'inband' | 'info' | 'message';

/** Why it did not; `withheld`: a page is not told the telephone's digits while a secure window is open. */
export type DigitFailure = 'not-supported' | 'refused' | 'no-dialog' | 'call-ended' | 'queue-full' | 'withheld';

/** Who opened or closed a secure window. */
export type SecureBy = 'api' | 'header' | 'timer';

/** Facts of digits. `id` counts from 1 in each call, in the order the gateway saw the presses. */
export type DigitFact =
  /** Seen. `digit` is absent when it was pressed while a secure window was open. */
  | {
      readonly type: 'digit';
      readonly id: number;
      readonly from: LegKind;
      readonly by: DigitSource;
      readonly digit?: Digit;
      readonly durationMs: number;
    }
  /** Has left. The end of it, but for `info`, which is acknowledged or fails. */
  | {
      readonly type: 'digit-sent';
      readonly id: number;
      readonly to: LegKind;
      readonly as: DigitWay;
      readonly durationMs: number;
      readonly packets?: number;
    }
  /** The INFO got its 2xx. */
  | { readonly type: 'digit-acknowledged'; readonly id: number }
  | { readonly type: 'digit-failed'; readonly id: number; readonly why: DigitFailure; readonly sipStatus?: number }
  | { readonly type: 'secure-digits'; readonly open: boolean; readonly by: SecureBy };
