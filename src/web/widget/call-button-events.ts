import type { CallProblem } from './call-problem.js';
import type { DigitReceipt } from './digit-ledger.js';
import type { DigitPress } from './dtmf-body.js';
import type { Held, ViewState } from './machine.js';
import type { CheckResults } from './pre-call-check.js';
import type { CallQuality } from './quality.js';

/** What a page hears of a call, apart from problems. */
export interface CallEvents {
  'call-state': {
    readonly state: ViewState['name'];
    readonly callId: string | undefined;
    readonly peer: string | undefined;
    /** Who has the call on hold. */
    readonly held: Held | 'none';
  };
  /** A key that the far end pressed. */
  dtmf: DigitPress;
  /** A key of ours has left. */
  'dtmf-sent': { readonly digit: string };
  /** A step in the life of a key of ours. */
  'dtmf-receipt': DigitReceipt;
  /** How well the call is heard, when that is another than before. */
  quality: CallQuality;
  /** Results of the check before a call, when all are there. */
  check: CheckResults;
  /** What the person thinks of the call. */
  rating: { readonly stars: number; readonly comment?: string };
}

/** `detail` of the events that `<call-button>` sends; all bubble and cross shadow roots. */
export interface CallButtonEvents extends CallEvents {
  /** `message` is for the visitor; `detail`, where there is one, for the owner of the page. */
  error: { readonly code: CallProblem; readonly message: string; readonly detail?: string };
}

export function sendEvent<K extends keyof CallButtonEvents>(from: HTMLElement, type: K, detail: CallButtonEvents[K]): void {
  from.dispatchEvent(new CustomEvent(type, { detail, bubbles: true, composed: true }));
}
