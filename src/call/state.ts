/** The states of a call; the arrows between them are in `machine.ts`. */
import type { LegName } from '../media/plane.js';
import type { CallerSdp, HeldDigit, Part } from './event.js';
import type { CallDirection, EndedBy, LegKind } from './facts.js';
import type { FailureCode } from './failure-code.js';
import { type Hold, notHeld } from './hold.js';
import type { RouteTarget } from './ports.js';
import { noTransfer, type Transfer } from './transfer-state.js';

/** Why a call ended. Without `failure` it was answered and somebody hung up. */
export interface EndCause {
  readonly by: EndedBy;
  readonly failure?: FailureCode;
  /** Final SIP status of the called side where there was one. */
  readonly sipStatus?: number;
}

/**
 * A browser's side of a connected call. Its signalling and its media can go one without the
 * other: a closed tab loses both, a changed network often the first alone.
 */
export type Presence = 'there' | 'signalling-lost' | 'signalling-overdue' | 'media-gone';

/**
 * A call from the INVITE that reached us to its end. `a` calls, `b` is called.
 *
 * ```
 *  routing ──▶ preparing ──▶ dialling ──▶ ringing
 *                            ↻ next peer │   │ 200 from b (ACKed at once by the stack)
 *                               └────────┴───┴──▶ answering ──▶ connecting ──▶ connected
 *                                                 b's SDP taken  200 to a      a's ACK
 *
 *  each of them ── cancel, refusal, BYE, time-out, fault, shutdown ──▶ ending ──▶ ended
 * ```
 *
 * `b`'s 200 is ACKed before `a` is answered (survey S4): an ACK held back makes the carrier
 * retransmit and give up; when `a` then cannot be answered, `b` gets a BYE.
 */
export type CallState =
  | { readonly name: 'routing'; readonly direction: CallDirection }
  | { readonly name: 'preparing'; readonly direction: CallDirection; readonly target: RouteTarget }
  | {
      readonly name: 'dialling';
      readonly direction: CallDirection;
      readonly target: RouteTarget;
      readonly a: CallerSdp;
      readonly bOffer: string;
      readonly attempt: number;
      /** How the peer before this one failed. */
      readonly last?: EndCause;
    }
  | {
      readonly name: 'ringing';
      readonly direction: CallDirection;
      readonly a: CallerSdp;
      /** What the caller was told: 180 makes it ring locally, 183 lets it hear the network. */
      readonly shown: 180 | 183;
      readonly held: readonly HeldDigit[];
    }
  | { readonly name: 'answering'; readonly direction: CallDirection; readonly a: CallerSdp; readonly held: readonly HeldDigit[] }
  | {
      readonly name: 'connecting';
      readonly direction: CallDirection;
      readonly role: CallerSdp['role'];
      readonly held: readonly HeldDigit[];
    }
  | {
      readonly name: 'connected';
      readonly direction: CallDirection;
      /** What each leg is by now: a transfer may put somebody else there. */
      readonly legs: Readonly<Record<LegName, LegKind>>;
      readonly presence: Readonly<Record<LegName, Presence>>;
      /** Legs on which nothing arrives. */
      readonly silent: readonly LegName[];
      readonly hold: Hold;
      readonly transfer: Transfer;
    }
  | { readonly name: 'ending'; readonly cause: EndCause; readonly waiting: readonly Part[] }
  | { readonly name: 'ended'; readonly cause: EndCause };

/** Names of the states, as the admin API shows them. */
export type CallStateName = CallState['name'];
/** The state of one name. */
export type StateOf<N extends CallStateName> = Extract<CallState, { readonly name: N }>;

/** The leg that is a browser; the other one is a trunk. */
export function browserLeg(direction: CallDirection): LegName {
  return direction === 'browser-to-trunk' ? 'a' : 'b';
}

/** The leg that is a trunk. */
export function trunkLeg(direction: CallDirection): LegName {
  return direction === 'browser-to-trunk' ? 'b' : 'a';
}

/** What a leg is. */
export function legKind(direction: CallDirection, leg: LegName): LegKind {
  return leg === browserLeg(direction) ? 'browser' : 'trunk';
}

/** What a leg of a call is at the moment. */
export function kindOf(state: Exclude<CallState, { readonly name: 'ending' | 'ended' }>, leg: LegName): LegKind {
  return state.name === 'connected' ? state.legs[leg] : legKind(state.direction, leg);
}

/** A call that has just been connected. */
export function connected(direction: CallDirection): StateOf<'connected'> {
  return {
    name: 'connected',
    direction,
    legs: { a: legKind(direction, 'a'), b: legKind(direction, 'b') },
    presence: { a: 'there', b: 'there' },
    silent: [],
    hold: notHeld,
    transfer: noTransfer,
  };
}
