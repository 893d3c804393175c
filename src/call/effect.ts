/** What a step of the machine asks the runner to do. Results come back as events. */
import type { LegName, LegOptions, MediaDirection } from '../media/plane.js';
import type { CallerSdp, TimerId } from './event.js';
import type { CallFactBody, LegKind } from './facts.js';
import type { FailureCode } from './failure-code.js';
import type { FarReasons } from './far-reason.js';
import type { RouteTarget } from './ports.js';
import type { EndCause, Shown } from './state.js';
import type { Referral } from './transfer/refer.js';
import type { TransferPlan } from './transfer/transfer-state.js';

/** One thing to do. */
export type CallEffect =
  /** Asks the router; `routed` or `route-refused` follows. */
  | { readonly do: 'route' }
  /** Opens the session, describes the caller's leg and offers the called one; `media-ready` or `media-refused`. */
  | { readonly do: 'prepare-media'; readonly target: RouteTarget }
  /** Describes the caller's leg once more, the same, so that its set-up time counts anew. */
  | { readonly do: 'renew-caller' }
  /** Makes the called leg anew for another target; `callee-ready` or `media-refused`. */
  | { readonly do: 'prepare-callee'; readonly target: RouteTarget }
  /** Cancels the called leg and forgets it: nothing of it comes back as an event. */
  | { readonly do: 'abandon-callee'; readonly cause: EndCause }
  /** INVITEs the called side; `dial-refused`, `dial-exhausted`, or later `progress`, `answered`, `failed`. */
  | { readonly do: 'dial'; readonly target: RouteTarget; readonly offer: string; readonly attempt: number }
  /** Takes in the called side's description; `early-…` or `final-accepted` or `-refused`. */
  | { readonly do: 'accept-callee'; readonly sdp: string; readonly stage: 'early' | 'final'; readonly attempt: number }
  /** `offer`: our offer to a caller without one, which only a reliable response may carry. */
  | { readonly do: 'progress-caller'; readonly status: Shown; readonly sdp?: string; readonly offer?: string }
  | { readonly do: 'answer-caller'; readonly answer: CallerSdp }
  | { readonly do: 'reject-caller'; readonly failure: FailureCode; readonly status?: number; readonly far?: FarReasons }
  | { readonly do: 'cancel-callee'; readonly cause: EndCause }
  | { readonly do: 'bye'; readonly leg: LegName; readonly cause: EndCause }
  /** Answers a re-INVITE or UPDATE of this leg through the media plane; 488 when that refuses (RFC 3261 §14.2). */
  | { readonly do: 'answer-offer'; readonly leg: LegName; readonly sdp?: string; readonly direction?: MediaDirection }
  | { readonly do: 'refuse-offer'; readonly leg: LegName; readonly status: number }
  /** Takes the answer that came in an ACK; `answer-refused` when it cannot. */
  | { readonly do: 'accept-answer'; readonly leg: LegName; readonly sdp: string }
  /** `ms`: shorter than what the call's options say. */
  | { readonly do: 'set-timer'; readonly id: TimerId; readonly ms?: number }
  | { readonly do: 'clear-timer'; readonly id: TimerId }
  | { readonly do: 'clear-timers' }
  /** Tells the far end by a re-INVITE what the other one does; `informed` follows. */
  | { readonly do: 'tell-hold'; readonly leg: LegName; readonly direction: MediaDirection }
  /** Asks the rules about a REFER; `refer-allowed`, `refer-passed` or `refer-denied` follows. */
  | { readonly do: 'judge-refer'; readonly leg: LegName; readonly referral: Referral }
  | { readonly do: 'answer-refer'; readonly status: number; readonly reports: Referral['reports'] }
  /** NOTIFY with a status line (RFC 3515 §2.4.4). */
  | { readonly do: 'report-refer'; readonly leg: LegName; readonly status: number }
  | { readonly do: 'pass-refer'; readonly leg: LegName; readonly uri: string }
  /** Makes a third leg; `third-offered` or `third-media-refused`. */
  | { readonly do: 'prepare-third'; readonly media: LegOptions }
  /** Answers the offer of an INVITE with Replaces; the same events follow. */
  | { readonly do: 'describe-third'; readonly leg: LegName }
  /** `third-progress`, `third-answered`, `third-failed` or `third-exhausted` follow. */
  | {
      readonly do: 'call-third';
      readonly leg: LegName;
      readonly plan: TransferPlan;
      readonly offer: string;
      readonly attempt: number;
      readonly referral: Referral;
    }
  | { readonly do: 'accept-third'; readonly sdp: string }
  | { readonly do: 'answer-third'; readonly sdp: string; readonly kind: LegKind }
  | { readonly do: 'refuse-third'; readonly status: number }
  /** The third leg takes the place of this one. */
  | { readonly do: 'seat-third'; readonly leg: LegName; readonly kind: LegKind }
  | { readonly do: 'drop-third' }
  /** BYE to whoever sat there before. */
  | { readonly do: 'bye-parted' }
  | { readonly do: 'close-media' }
  | { readonly do: 'fact'; readonly fact: CallFactBody }
  /** The call is over: writes the `ended` fact and lets go of everything. */
  | { readonly do: 'finish'; readonly cause: EndCause };

/** Names of the effects. */
export type CallEffectName = CallEffect['do'];
