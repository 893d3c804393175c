/** Everything that can happen to a call, as data. Timers are events like all others. */
import type { LegName, MediaDirection, SilenceCause } from '../media/plane.js';
import type { DialogEnd } from '../sip/port.js';
import type { EndedBy } from './facts.js';
import type { FailureCode } from './failure-code.js';
import type { FarReasons } from './far-reason.js';
import type { NextTarget, RouteTarget, TryNext } from './ports.js';
import type { Referral } from './transfer/refer.js';
import type { TransferPlan } from './transfer/transfer-state.js';

/**
 * `setup`: opening media takes too long. `ring`: nobody answers. `length`: the longest call.
 * `grace`: the browser's signalling is lost. `gone`: its media said goodbye and no BYE came.
 * `dead`: both legs silent. `closing`: legs that do not confirm their end. `transfer`: nobody
 * answers a transferred call. `parting`: whoever transferred does not hang up. `early`: early media that
 * was described is not heard.
 */
export type TimerId = 'setup' | 'ring' | 'length' | 'grace' | 'gone' | 'dead' | 'closing' | 'transfer' | 'parting' | 'early';

/** What an ending call still waits for. */
export type Part = LegName | 'media';

/** Our description for the calling leg: an answer to its offer, or our offer when it made none (RFC 3261 §13.3.1.4). */
export interface CallerSdp {
  readonly role: 'answer' | 'offer';
  readonly sdp: string;
}

/** What happened; `far` is why, in the words of whoever did it. Names ending in a past participle come from SIP, `media-…` from the media plane. */
export type CallEvent =
  | { readonly type: 'routed'; readonly target: RouteTarget; readonly otherwise?: readonly NextTarget[] }
  | { readonly type: 'route-refused'; readonly failure: FailureCode }
  /** Both legs have media: `a` for the caller, `bOffer` for the called side. */
  | { readonly type: 'media-ready'; readonly a: CallerSdp; readonly bOffer: string }
  | { readonly type: 'media-refused'; readonly failure: FailureCode; readonly status?: number }
  /** The called leg has been made anew for the next target; `media-refused` when it cannot. */
  | { readonly type: 'callee-ready'; readonly bOffer: string }
  | { readonly type: 'dial-refused'; readonly failure: FailureCode }
  | { readonly type: 'dial-exhausted' }
  /** `fork`: the early dialog it came from. */
  | { readonly type: 'progress'; readonly status: number; readonly sdp?: string; readonly fork?: string }
  /** `attempt`: of which peer; the description of one that has failed since counts for nothing. */
  | { readonly type: 'early-accepted'; readonly attempt: number }
  | { readonly type: 'early-refused'; readonly attempt: number }
  | { readonly type: 'answered'; readonly sdp: string }
  | { readonly type: 'final-accepted' }
  | { readonly type: 'final-refused'; readonly failure: FailureCode }
  /** The called side said no or cannot be had. `elsewhere`: another peer may be tried. `next`: what the trunk's own rules say. */
  | {
      readonly type: 'failed';
      readonly failure: FailureCode;
      readonly status?: number;
      readonly elsewhere: boolean;
      readonly next?: TryNext;
      readonly far?: FarReasons;
    }
  | { readonly type: 'cancelled'; readonly far?: FarReasons }
  /** The ACK, or a PRACK that brought the answer to an offer of ours before it. */
  | { readonly type: 'acked'; readonly leg: LegName; readonly sdp?: string }
  | { readonly type: 'answer-refused'; readonly leg: LegName }
  /** `fork`: the early dialog, of an offer that the called side makes before its answer. */
  | { readonly type: 'offered'; readonly leg: LegName; readonly sdp?: string; readonly fork?: string }
  /** An offer of the leg's far end has been answered, with this description of ours. */
  | { readonly type: 'redescribed'; readonly leg: LegName; readonly sdp: string }
  | { readonly type: 'leg-ended'; readonly leg: LegName; readonly by: DialogEnd['by']; readonly far?: FarReasons }
  | { readonly type: 'flow-lost'; readonly leg: LegName }
  /** The page is there again over another connection, and has not spoken in the call yet. */
  | { readonly type: 'flow-found'; readonly leg: LegName }
  | { readonly type: 'media-up'; readonly leg: LegName }
  | { readonly type: 'media-failed'; readonly leg: LegName }
  | { readonly type: 'media-gone'; readonly leg: LegName }
  | {
      readonly type: 'media-silent';
      readonly leg: LegName;
      readonly silentMs: number;
      readonly cause: SilenceCause;
      readonly detail: string;
    }
  | { readonly type: 'media-resumed'; readonly leg: LegName }
  /** What the far end of a leg does has changed (RFC 3264 §8.4). */
  | { readonly type: 'leg-direction'; readonly leg: LegName; readonly direction: MediaDirection }
  /** What came of telling a leg's far end about the other's hold. */
  | { readonly type: 'informed'; readonly leg: LegName; readonly accepted: boolean }
  /** A REFER (RFC 3515); `refer-allowed`, `-passed` or `-denied` is what the rules say of it. */
  | { readonly type: 'referred'; readonly leg: LegName; readonly referral: Referral }
  | { readonly type: 'refer-allowed'; readonly plan: TransferPlan }
  | { readonly type: 'refer-passed'; readonly uri: string }
  | { readonly type: 'refer-denied'; readonly status: number; readonly failure: FailureCode }
  /** Of a REFER that was passed on: its answer, or a NOTIFY about what became of it. */
  | { readonly type: 'refer-reported'; readonly by: 'answer' | 'notify'; readonly status: number }
  /** An INVITE that wants to take this leg's place (RFC 3891). */
  | { readonly type: 'replacement-offered'; readonly leg: LegName }
  /** The leg in the making: our description of it, and what becomes of it. `wish`: what its far end does, when it made the offer. */
  | { readonly type: 'third-offered'; readonly sdp: string; readonly wish?: MediaDirection }
  | { readonly type: 'third-media-refused'; readonly failure: FailureCode }
  | { readonly type: 'third-progress'; readonly status: number }
  | { readonly type: 'third-answered'; readonly sdp: string }
  | { readonly type: 'third-failed'; readonly failure: FailureCode; readonly status?: number; readonly elsewhere: boolean }
  | { readonly type: 'third-exhausted' }
  | { readonly type: 'third-accepted' }
  /** Another call has taken the far end of this leg over. */
  | { readonly type: 'given-away'; readonly leg: LegName }
  | { readonly type: 'media-lost' }
  | { readonly type: 'timer'; readonly id: TimerId }
  | { readonly type: 'hang-up'; readonly by: EndedBy; readonly failure?: FailureCode }
  | { readonly type: 'fault' }
  | { readonly type: 'part-closed'; readonly part: Part };

/** Names of the events. */
export type CallEventType = CallEvent['type'];
