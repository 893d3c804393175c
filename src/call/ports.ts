/** What the call core asks of others: a router, and one dialler for each kind of leg. */
import type { CallId } from '../base/ids.js';
import type { UdpLegOptions, WebRtcLegOptions } from '../media/plane.js';
import type { ExtraHeaders, FlowRef, OutboundCall, OutboundOutcome } from '../sip/port.js';
import type { DigitRules } from './digits/digit-rules.js';
import type { LegKind, Party } from './facts.js';
import type { FailureCode } from './failure-code.js';
import type { Accounting, CallIdentity, CallRequest } from './request.js';
import type { Referral } from './transfer/refer.js';

/** A number behind a trunk. */
export interface TrunkTarget {
  readonly kind: 'trunk';
  readonly trunk: string;
  /** Normalised number; the trunk's own format is applied by its dialler. */
  readonly number: string;
  readonly media: UdpLegOptions;
  /** Longest ringing before the next target is tried; the gateway's own limit when absent. */
  readonly ringMs?: number;
  /** What ends the caller's own ringing before the answer: the description of early media (when absent), or its first packet. */
  readonly early?: 'described' | 'heard';
  /** Who moves a transferred call: the gateway (when absent), or the carrier by a REFER sent to it. */
  readonly transfer?: 'gateway' | 'refer';
  /** Whether the trunk hears of a page that holds: it does when absent. */
  readonly hold?: 'pass' | 'absorb';
  /** How it takes and gives digits. */
  readonly digits?: DigitRules;
}

/** Users whose pages ring at the same time. */
export interface RingStep {
  readonly users: readonly string[];
  /** How long, before the next step; the last step rings on as long as the target may. */
  readonly ringMs?: number;
}

/** A registered browser user, or a group of them: the first to answer has the call. */
export interface UserTarget {
  readonly kind: 'browser';
  /** The user or the group, as the record names it. */
  readonly user: string;
  /** Rung one after another; absent: `user` alone. */
  readonly steps?: readonly RingStep[];
  readonly media: WebRtcLegOptions;
  readonly ringMs?: number;
}

export type RouteTarget = TrunkTarget | UserTarget;

/** Why a target did not take a call, as far as that sends the call on to another one. */
export type Unserved = 'no-answer' | 'busy' | 'unavailable';

/** Where a call goes that a target before this one did not take for one of these reasons. */
export interface NextTarget {
  readonly target: RouteTarget;
  readonly when: readonly Unserved[];
}

export type RouteDecision =
  /** `otherwise`, in their order: tried when the target before them did not take the call. */
  | { readonly kind: 'target'; readonly target: RouteTarget; readonly otherwise?: readonly NextTarget[] }
  /** `by`: the rule of the policy that refused it. */
  | { readonly kind: 'refused'; readonly failure: FailureCode; readonly by?: { readonly rule: string; readonly why: string } };

/** Decides where a call goes, or why it goes nowhere. Pure of the call's later life. */
export interface Router {
  route(request: CallRequest): RouteDecision;
}

export interface DialRequest<T extends RouteTarget> extends Accounting {
  readonly callId: CallId;
  readonly target: T;
  readonly from: Party;
  /** The number the caller dialled, where it led here by a rule. */
  readonly called?: string;
  /** Our session description for the called leg. */
  readonly offer: string;
  /** 0 for the first peer; the core asks for the next one when a peer failed in a way that allows it. */
  readonly attempt: number;
  /** Hops left for the called leg (RFC 3261 §16.6, RFC 7332). */
  readonly maxForwards?: number;
  /** What may be told about the caller and the call's way here. */
  readonly identity?: CallIdentity;
  /** Header fields for the called page alone. */
  readonly headers?: ExtraHeaders;
  /** The transfer this call is for: the dialog to be replaced by it (RFC 3891), and who refers (RFC 3892). */
  readonly referral?: Referral;
  /** Asked before the call goes to another number that the carrier names (RFC 3261 §8.1.3.4). */
  readonly admits?: (number: string) => boolean;
}

/** Where a call that failed may be tried again: at the next peer of its trunk, at the next target, or nowhere. */
export type TryNext = 'peer' | 'target' | 'nowhere';

export type DialResult =
  | {
      readonly kind: 'dialling';
      readonly leg: OutboundCall;
      /** The browser's flow, when the called leg is a single one; of several, the dialog tells which. */
      readonly flow?: FlowRef;
      /** Gives back what the dialler counts (a channel of the trunk). The core calls it once, when the leg is over. */
      release(): void;
      /** The leg goes on in another call: what the dialler counts is that one's. */
      readonly movedTo?: (callId: CallId) => void;
      /** Of a group: the user who took the call, once one has. */
      readonly answeredBy?: () => string | undefined;
      /** What the trunk's own rules say of an outcome; the table of failures decides when absent. */
      readonly tryNext?: (outcome: Exclude<OutboundOutcome, { readonly kind: 'answered' }>) => TryNext;
    }
  | { readonly kind: 'refused'; readonly failure: FailureCode }
  /** There is no peer for this attempt; the failure of the one before stands. */
  | { readonly kind: 'exhausted' };

/** Starts the called leg. Does not wait: what becomes of it shows in `leg.outcome`. */
export interface Dialler<T extends RouteTarget> {
  dial(request: DialRequest<T>): DialResult;
}

/** A number that a trunk is to call by itself, in the place of the page that transfers to it. */
export interface NumberToRefer extends Accounting {
  readonly callId: CallId;
  readonly trunk: string;
  /** Normalised, as in a target. */
  readonly number: string;
}

/** What the trunk is told in a REFER (RFC 3515 §2.1), or why it may not be told. */
export type ReferTo = { readonly kind: 'uri'; readonly uri: string } | { readonly kind: 'refused'; readonly failure: FailureCode };

/** Calls numbers behind trunks, and lets the trunks call them. */
export interface TrunkDialling extends Dialler<TrunkTarget> {
  /** The number as the trunk writes it, at a host of the trunk's. */
  referTo(request: NumberToRefer): ReferTo;
}

/** One dialler per kind of called leg. */
export interface Diallers extends Readonly<Record<LegKind, unknown>> {
  readonly trunk: TrunkDialling;
  readonly browser: Dialler<UserTarget>;
}

/** Where an edge hands in its calls: the part of the call service an edge may see. */
export interface CallIntake {
  incoming(request: CallRequest): void;
  /** Rejects a call the edge will not have, and records it like any other. */
  refuse(request: CallRequest, failure: FailureCode): void;
}
