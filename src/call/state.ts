/** The states of a call; the arrows between them are in `machine.ts`. */
import type { LegName } from '../media/plane.js';
import type { EarlyForks } from './early.js';
import type { CallEvent, CallerSdp, Part } from './event.js';
import type { CallDirection, EndedBy, LegKind } from './facts.js';
import type { FailureCode } from './failure-code.js';
import type { FarReasons } from './far-reason.js';
import { type Hold, notHeld } from './hold.js';
import type { NextTarget, RouteTarget } from './ports.js';
import { noTransfer, type Transfer } from './transfer/transfer-state.js';

/** Why a call ended. Without `failure` it was answered and somebody hung up. */
export interface EndCause {
  readonly by: EndedBy;
  readonly failure?: FailureCode;
  /** Final SIP status of the called side where there was one. */
  readonly sipStatus?: number;
  /** What whoever ended it said of the reason. */
  readonly far?: FarReasons;
}

/**
 * What the caller was told: 180 makes it ring locally, 183 lets it hear the network, 181 and 182 say
 * that the call is forwarded or waits in a queue (RFC 3261 §21.1).
 */
export type Shown = 180 | 181 | 182 | 183;

/** The newest offer of each leg that nobody has answered yet. */
export type KeptOffers = Readonly<Partial<Record<LegName, Extract<CallEvent, { type: 'offered' }>>>>;

/** What each leg is; the direction alone does not say once a call is forwarded or transferred. */
export type LegKinds = Readonly<Record<LegName, LegKind>>;

/**
 * A browser's side of a connected call. Its signalling and its media can go one without the
 * other: a closed tab loses both, a changed network often the first alone.
 */
export type Presence = 'there' | 'signalling-lost' | 'signalling-overdue' | 'media-gone' | 'away';

/**
 * A call from the INVITE that reached us to its end. `a` calls, `b` is called.
 *
 * ```
 *  routing ──▶ preparing ──▶ dialling ──▶ ringing
 *                 next target ↑ ↻ next peer │   │ 200 from b (ACKed at once by the stack)
 *              rerouting ─────┘ └───────────┴───┴──▶ answering ──▶ connecting ──▶ connected
 *                  ↑ time-out or refusal    │   │    b's SDP taken  200 to a      a's ACK
 *                  └────────────────────────┴───┘
 *
 *  each of them ── cancel, refusal, BYE, time-out, fault, shutdown ──▶ ending ──▶ ended
 * ```
 *
 * `b`'s 200 is ACKed before `a` is answered (survey S4): an ACK held back makes the carrier
 * retransmit and give up; when `a` then cannot be answered, `b` gets a BYE.
 */
export type CallState =
  | { readonly name: 'routing'; readonly direction: CallDirection; readonly legs: LegKinds }
  | {
      readonly name: 'preparing';
      readonly direction: CallDirection;
      readonly legs: LegKinds;
      readonly target: RouteTarget;
      readonly otherwise: readonly NextTarget[];
    }
  | {
      readonly name: 'dialling';
      readonly direction: CallDirection;
      readonly legs: LegKinds;
      readonly target: RouteTarget;
      /** Targets still to be tried. */
      readonly otherwise: readonly NextTarget[];
      readonly a: CallerSdp;
      readonly bOffer: string;
      readonly attempt: number;
      readonly forks: EarlyForks;
      /** How the peer before this one failed. */
      readonly last?: EndCause;
    }
  | {
      readonly name: 'ringing';
      readonly direction: CallDirection;
      readonly legs: LegKinds;
      readonly target: RouteTarget;
      readonly otherwise: readonly NextTarget[];
      readonly a: CallerSdp;
      readonly attempt: number;
      readonly forks: EarlyForks;
      /** Absent: nothing yet; early media has been described and is waited for. */
      readonly shown?: Shown;
    }
  /** The called leg of the target before is over or forgotten; the next one's media is being made. */
  | {
      readonly name: 'rerouting';
      readonly direction: CallDirection;
      readonly legs: LegKinds;
      readonly target: RouteTarget;
      readonly otherwise: readonly NextTarget[];
      readonly a: CallerSdp;
    }
  | {
      readonly name: 'answering';
      readonly direction: CallDirection;
      readonly legs: LegKinds;
      readonly a: CallerSdp;
      /** Offers that came meanwhile; they wait until there is a call to change. */
      readonly kept: KeptOffers;
    }
  | {
      readonly name: 'connecting';
      readonly direction: CallDirection;
      readonly legs: LegKinds;
      readonly role: CallerSdp['role'];
      readonly kept: KeptOffers;
    }
  | {
      readonly name: 'connected';
      readonly direction: CallDirection;
      /** What each leg is by now: a transfer may put somebody else there. */
      readonly legs: LegKinds;
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

const kinds: Readonly<Record<CallDirection, LegKinds>> = {
  'browser-to-trunk': { a: 'browser', b: 'trunk' },
  'trunk-to-browser': { a: 'trunk', b: 'browser' },
  'trunk-to-trunk': { a: 'trunk', b: 'trunk' },
  'browser-to-browser': { a: 'browser', b: 'browser' },
};

/** What the legs of a call are, by its direction. */
export const kindsOf = (direction: CallDirection): LegKinds => kinds[direction];

/** The direction of a call with these legs. */
export const directionOf = ({ a, b }: LegKinds): CallDirection => `${a}-to-${b}`;

/** What a leg of a call is at the moment. */
export function kindOf(state: Exclude<CallState, { readonly name: 'ending' | 'ended' }>, leg: LegName): LegKind {
  return state.legs[leg];
}

/** Who of a call is there; everybody, as long as it is not connected. */
export function presenceIn(state: CallState): Readonly<Record<LegName, Presence>> {
  return state.name === 'connected' ? state.presence : allThere;
}

const allThere: Readonly<Record<LegName, Presence>> = { a: 'there', b: 'there' };

/** A call that has just been connected. */
export function connected(direction: CallDirection, legs: LegKinds = kindsOf(direction)): StateOf<'connected'> {
  return {
    name: 'connected',
    direction,
    legs,
    presence: allThere,
    silent: [],
    hold: notHeld,
    transfer: noTransfer,
  };
}
