/** The digits of one call as data: what is under way, what can happen to it, and what is to be done. */
import type { Digit, LegName, PressId } from '../../media/plane.js';
import type { LegKind } from '../leg-kind.js';
import type { DigitFact, DigitFailure, DigitSource, SecureBy } from './digit-fact.js';
import type { DigitMode } from './digit-rules.js';

/** How a leg takes digits at the moment. */
export interface DigitLeg {
  readonly kind: LegKind;
  readonly mode: DigitMode;
  /** Whether an INFO can be sent: there is a dialog that is confirmed, and somebody there to hear it. */
  readonly ready: boolean;
  /** Of a page: whether its data channel may reach it, though INFO does not. */
  readonly hears: boolean;
  /** False when the peer's Allow names no INFO. */
  readonly takesInfo: boolean;
  /** Counts up when somebody else sits there. */
  readonly party: number;
}

/**
 * Where a digit is that has no end yet.
 *
 * ```
 *  seen ──▶ relaying ───────────────▶ sent, failed      the plane sends it on by itself
 *   │├────▶ handing ──▶ relaying      the plane was asked to send it
 *   │└─────────┴──────▶ waiting ──▶ asking ──▶ acknowledged, failed     by INFO, one after another
 *   └────▶ failed
 * ```
 */
export type DigitStage =
  | { readonly name: 'relaying'; readonly press: PressId }
  | { readonly name: 'handing' }
  | { readonly name: 'waiting' }
  | { readonly name: 'asking' };

/** What became of the data channel's message about a digit: being sent, taken, or not. */
export type MessageState = 'none' | 'sending' | 'taken';

/** A digit that has no end yet. */
export interface OpenDigit {
  readonly id: number;
  /** The leg it is going to. */
  readonly to: LegName;
  /** Who sat there when it was seen; it is for nobody else. */
  readonly party: number;
  readonly from: LegKind;
  readonly by: DigitSource;
  readonly digit: Digit;
  readonly durationMs: number;
  readonly secure: boolean;
  readonly stage: DigitStage;
  readonly message: MessageState;
  /** The INFO has failed, and what the message comes to decides. */
  readonly failed?: { readonly why: DigitFailure; readonly sipStatus?: number };
}

/** What the plane says of a press it has been given. */
export type PressEnd =
  | {
      readonly type: 'left';
      readonly press: PressId;
      readonly as: 'rfc4733' | 'inband';
      readonly durationMs: number;
      readonly packets: number;
    }
  | { readonly type: 'stuck'; readonly press: PressId; readonly why: DigitFailure };

/** The digits of one call. */
export interface DigitState {
  readonly lastId: number;
  readonly legs: Readonly<Record<LegName, DigitLeg>>;
  /** In the order they were seen. */
  readonly open: readonly OpenDigit[];
  /** Legs whose peer has refused INFO as such; where the mode is auto it is not asked again. */
  readonly infoRefused: readonly LegName[];
  /** Ends of presses that are not known yet; the plane may be quicker than its own answer. */
  readonly strays: readonly PressEnd[];
  readonly secure: boolean;
  /** When the last secure window was closed; what was pressed before is masked. */
  readonly securedUntilMs: number;
}

/** What happens to digits. Times are of the call's clock. */
export type DigitEvent =
  /** On leg `from`, or asked for as if it had been; `press`: the plane is sending it on. */
  | {
      readonly type: 'pressed';
      readonly from: LegName;
      readonly by: DigitSource;
      readonly digit: Digit;
      readonly durationMs: number;
      readonly gapMs?: number;
      readonly atMs: number;
      readonly press?: PressId;
    }
  /** The plane has taken what `hand-over` gave it, or has not. */
  | { readonly type: 'handed'; readonly id: number; readonly press: PressId }
  | { readonly type: 'not-handed'; readonly id: number }
  | PressEnd
  /** The answer to an INFO; no status when none could be had. */
  | { readonly type: 'answered'; readonly id: number; readonly status: number }
  /** Whether the page's data channel took a message. */
  | { readonly type: 'messaged'; readonly id: number; readonly taken: boolean }
  | { readonly type: 'leg'; readonly leg: LegName; readonly now: DigitLeg }
  | { readonly type: 'secure'; readonly open: boolean; readonly by: SecureBy; readonly atMs: number }
  | { readonly type: 'over' };

/** What of a page's digit is told to the page. */
export interface Receipt {
  readonly id: number;
  /** Absent when secure. */
  readonly digit?: Digit;
  readonly state: 'seen' | 'sent' | 'acknowledged' | 'failed';
  readonly as?: 'rfc4733' | 'inband' | 'info' | 'message';
  readonly durationMs?: number;
  readonly packets?: number;
  readonly why?: DigitFailure;
}

/** What is to be done. */
export type DigitEffect =
  | { readonly do: 'fact'; readonly fact: DigitFact }
  /** Gives a digit to the plane; `handed` or `not-handed` follows. */
  | {
      readonly do: 'hand-over';
      readonly id: number;
      readonly leg: LegName;
      readonly digit: Digit;
      readonly durationMs: number;
      readonly gapMs?: number;
      readonly origin: 'page' | 'api';
    }
  /** Sends an INFO; `answered` follows. */
  | { readonly do: 'send-info'; readonly id: number; readonly leg: LegName; readonly digit: Digit; readonly durationMs: number }
  /** Tells the page of a digit over its data channel; `messaged` follows. */
  | { readonly do: 'send-message'; readonly id: number; readonly leg: LegName; readonly digit: Digit; readonly durationMs: number }
  /** Tells the page what became of a digit of its own. */
  | { readonly do: 'send-receipt'; readonly leg: LegName; readonly receipt: Receipt };

/** Where the digits of a call stand, and what is to be done about it. */
export interface DigitStep {
  readonly state: DigitState;
  readonly effects: readonly DigitEffect[];
}

/** No digit yet. */
export function noDigits(legs: DigitState['legs']): DigitState {
  return { lastId: 0, legs, open: [], infoRefused: [], strays: [], secure: false, securedUntilMs: Number.NEGATIVE_INFINITY };
}
