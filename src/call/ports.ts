/** What the call core asks of others: a router, and one dialler for each kind of leg. */
import type { CallId } from '../base/ids.js';
import type { UdpLegOptions, WebRtcLegOptions } from '../media/plane.js';
import type { FlowRef, OutboundCall } from '../sip/port.js';
import type { LegKind, Party } from './facts.js';
import type { FailureCode } from './failure-code.js';
import type { CallRequest } from './request.js';

/** A number behind a trunk. */
export interface TrunkTarget {
  readonly kind: 'trunk';
  readonly trunk: string;
  /** Normalised number; the trunk's own format is applied by its dialler. */
  readonly number: string;
  readonly media: UdpLegOptions;
}

/** A registered browser user. */
export interface UserTarget {
  readonly kind: 'browser';
  readonly user: string;
  readonly media: WebRtcLegOptions;
}

export type RouteTarget = TrunkTarget | UserTarget;

export type RouteDecision =
  | { readonly kind: 'target'; readonly target: RouteTarget }
  | { readonly kind: 'refused'; readonly failure: FailureCode };

/** Decides where a call goes, or why it goes nowhere. Pure of the call's later life. */
export interface Router {
  route(request: CallRequest): RouteDecision;
}

export interface DialRequest<T extends RouteTarget> {
  readonly callId: CallId;
  readonly target: T;
  readonly from: Party;
  /** Our session description for the called leg. */
  readonly offer: string;
  /** 0 for the first peer; the core asks for the next one when a peer failed in a way that allows it. */
  readonly attempt: number;
}

export type DialResult =
  | {
      readonly kind: 'dialling';
      readonly leg: OutboundCall;
      /** The browser's flow, when the called leg is one. */
      readonly flow?: FlowRef;
      /** Gives back what the dialler counts (a channel of the trunk). The core calls it once, when the leg is over. */
      release(): void;
    }
  | { readonly kind: 'refused'; readonly failure: FailureCode }
  /** There is no peer for this attempt; the failure of the one before stands. */
  | { readonly kind: 'exhausted' };

/** Starts the called leg. Does not wait: what becomes of it shows in `leg.outcome`. */
export interface Dialler<T extends RouteTarget> {
  dial(request: DialRequest<T>): DialResult;
}

/** One dialler per kind of called leg. */
export interface Diallers extends Readonly<Record<LegKind, unknown>> {
  readonly trunk: Dialler<TrunkTarget>;
  readonly browser: Dialler<UserTarget>;
}

/** Where an edge hands in its calls: the part of the call service an edge may see. */
export interface CallIntake {
  incoming(request: CallRequest): void;
  /** Rejects a call the edge will not have, and records it like any other. */
  refuse(request: CallRequest, failure: FailureCode): void;
}
