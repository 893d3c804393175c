/** What a step of the machine asks the runner to do. Results come back as events. */
import type { DigitToSend, LegName } from '../media/plane.js';
import type { CallerSdp, HeldDigit, TimerId } from './event.js';
import type { CallFactBody } from './facts.js';
import type { FailureCode } from './failure-code.js';
import type { RouteTarget } from './ports.js';
import type { EndCause } from './state.js';

/** One thing to do. */
export type CallEffect =
  /** Asks the router; `routed` or `route-refused` follows. */
  | { readonly do: 'route' }
  /** Opens the session, describes the caller's leg and offers the called one; `media-ready` or `media-refused`. */
  | { readonly do: 'prepare-media'; readonly target: RouteTarget }
  /** Describes the caller's leg once more, the same, so that its set-up time counts anew. */
  | { readonly do: 'renew-caller' }
  /** INVITEs the called side; `dial-refused`, `dial-exhausted`, or later `progress`, `answered`, `failed`. */
  | { readonly do: 'dial'; readonly target: RouteTarget; readonly offer: string; readonly attempt: number }
  /** Takes in the called side's description; `early-…` or `final-accepted` or `-refused`. */
  | { readonly do: 'accept-callee'; readonly sdp: string; readonly stage: 'early' | 'final' }
  | { readonly do: 'progress-caller'; readonly status: 180 | 183; readonly sdp?: string }
  | { readonly do: 'answer-caller'; readonly answer: CallerSdp }
  | { readonly do: 'reject-caller'; readonly failure: FailureCode; readonly status?: number }
  | { readonly do: 'cancel-callee'; readonly cause: EndCause }
  | { readonly do: 'bye'; readonly leg: LegName; readonly cause: EndCause }
  /** Answers a re-INVITE or UPDATE of this leg through the media plane; 488 when that refuses (RFC 3261 §14.2). */
  | { readonly do: 'answer-offer'; readonly leg: LegName; readonly sdp?: string }
  | { readonly do: 'refuse-offer'; readonly leg: LegName; readonly status: number }
  /** Takes the answer that came in an ACK; `answer-refused` when it cannot. */
  | { readonly do: 'accept-answer'; readonly leg: LegName; readonly sdp: string }
  /** Tells the browser of a digit the telephone sent, by INFO. */
  | { readonly do: 'send-info'; readonly leg: LegName; readonly held: HeldDigit; readonly by: 'rfc4733' | 'info' }
  | { readonly do: 'send-digits'; readonly leg: LegName; readonly digits: readonly DigitToSend[] }
  | { readonly do: 'set-timer'; readonly id: TimerId }
  | { readonly do: 'clear-timer'; readonly id: TimerId }
  | { readonly do: 'clear-timers' }
  | { readonly do: 'close-media' }
  | { readonly do: 'fact'; readonly fact: CallFactBody }
  /** The call is over: writes the `ended` fact and lets go of everything. */
  | { readonly do: 'finish'; readonly cause: EndCause };

/** Names of the effects. */
export type CallEffectName = CallEffect['do'];
