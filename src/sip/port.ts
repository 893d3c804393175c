/**
 * The SIP port: what the call core and the edges ask of a SIP stack, and all they may ask.
 * Session descriptions are opaque text here; Via, CSeq, tags, Route and branches stay below.
 * An adapter owns 100 Trying, retransmission, ACK, PRACK, session refreshes, the CANCEL/200 race and
 * the 422/481/491/500 answers.
 * Its failures surface only through `outcome`, `onEnd` and rejected promises.
 */
import type { LiveObjects } from '../base/live-objects.js';
import type { Startable } from '../base/startable.js';
import type { SipTrace } from './trace.js';
import type { SipTransport } from './transport-name.js';

export type { SipTransport } from './transport-name.js';

/** Names one connection (or UDP remote address) toward a peer; opaque above the port. */
export type FlowRef = string & { readonly __brand: 'FlowRef' };

/** Where a message came from. */
export interface Source {
  readonly flow: FlowRef;
  readonly transport: SipTransport;
  readonly address: string;
  readonly port: number;
  /** `Origin` of the WebSocket handshake, when there was one (RFC 6455 §4.2.1). */
  readonly origin?: string;
}

/** Header fields by case-insensitive long name; compact forms are resolved (RFC 3261 §7.3.3). */
export interface Headers {
  /** First value, unfolded and trimmed. */
  get(name: string): string | undefined;
  all(name: string): readonly string[];
}

/** Header fields to add. Names the stack owns (Via, CSeq, Call-ID, Route, …) are refused with a typed error. */
export type ExtraHeaders = ReadonlyArray<readonly [name: string, value: string]>;

export interface Body {
  /** Media type, e.g. `application/dtmf-relay`. */
  readonly type: string;
  readonly content: string;
}

/** A `name-addr` (RFC 3261 §25.1) without its tag. */
export interface NameAddress {
  readonly displayName?: string;
  /** `sip:`, `sips:` or `tel:` URI as text. */
  readonly uri: string;
}

export interface Credentials {
  readonly user: string;
  readonly password: string;
  /** Answer only challenges of this realm; any realm when absent. */
  readonly realm?: string;
}

export interface SipResponse {
  readonly status: number;
  readonly reason: string;
  readonly headers: Headers;
  readonly body?: Body;
  /** Of a REGISTER: the Contact our request carried, to find our binding among the registrar's (RFC 3261 §10.2.4). Absent where the stack cannot tell. */
  readonly sentContact?: string;
  /** What the request went over; absent where the stack cannot tell. */
  readonly flow?: FlowRef;
}

export interface RespondOptions {
  readonly reason?: string;
  readonly headers?: ExtraHeaders;
  readonly body?: Body;
}

/** How long a session may go without a sign of life (RFC 4028). */
export interface SessionTimer {
  /** Interval we ask for, seconds (Session-Expires). */
  readonly expiresSeconds: number;
  /** Shortest we take, seconds, at least 90 (Min-SE); a shorter one gets 422. */
  readonly minSeconds: number;
}

/** Session timer of one call: its own, or none at all. Absent: what the stack was made with. */
export type SessionTimerChoice = SessionTimer | 'off';

/**
 * A new offer of the peer, inside a dialog that is confirmed or still early. Of one offer exactly one
 * of `accept` and `reject` counts; a peer that ends first makes both do nothing.
 */
export interface Reoffer {
  /** What carried it: `PRACK` for an offer in a reliable provisional (RFC 3262 §5), answered inside PRACK. */
  readonly method: 'INVITE' | 'UPDATE' | 'PRACK';
  /** Absent for a re-INVITE without a session description: `accept` then makes the offer, `onAck` brings the answer. */
  readonly sdp?: string;
  /** Of the request that carried it; absent where the stack does not hand them up. */
  readonly headers?: Headers;
  accept(sdp: string): void;
  reject(status: number): void;
}

/** How an INVITE is answered. */
export interface AnswerOptions {
  readonly headers?: ExtraHeaders;
  readonly sessionTimer?: SessionTimerChoice;
  /** For a peer that challenges our requests in the dialog, BYE among them, as some carriers do for calls of their own. */
  readonly credentials?: Credentials;
}

/** A request that is not an INVITE, ACK, CANCEL or BYE, inside a dialog or outside one. */
export interface InboundRequest {
  readonly method: string;
  readonly source: Source;
  readonly requestUri: string;
  readonly from: NameAddress;
  readonly to: NameAddress;
  readonly headers: Headers;
  readonly body?: Body;
  /** Answers the request; the first final answer wins, later calls do nothing. */
  respond(status: number, options?: RespondOptions): void;
}

/** An INVITE that reached us: we are the UAS. Exactly one of `answer` and `reject` ends it. */
export interface InboundCall {
  /** Stable and unique per INVITE transaction. */
  readonly id: string;
  readonly callIdHeader: string;
  readonly source: Source;
  readonly headers: Headers;
  readonly requestUri: string;
  readonly from: NameAddress;
  readonly to: NameAddress;
  /** Session description of the INVITE; absent for a late offer. */
  readonly offer?: string;
  /**
   * Sends a provisional response, one at a time and in order; does nothing after a final one. Reliably
   * (RFC 3262) when the caller requires it, or supports it and `sdp` is given, unless `reliable` is
   * false; a caller that never sends its PRACK is refused with 504 and `cancelled` fires.
   */
  progress(
    status: 180 | 181 | 182 | 183,
    options?: { readonly sdp?: string; readonly headers?: ExtraHeaders; readonly reliable?: boolean },
  ): void;
  /** Whether a provisional response with a description goes reliably to this caller: only such a one may carry an offer of ours (RFC 3262 §5). No, when absent. */
  readonly takesReliable?: boolean;
  /** The answer to an offer of ours in a provisional response, which a PRACK brought; `onAck` says it once more. Absent with `takesReliable`. */
  onAnswer?(handler: (sdp: string) => void): void;
  /** UPDATE of the caller before our answer (RFC 3311 §5.2); without a handler it is refused with 488. */
  onOffer(handler: (offer: Reoffer) => void): void;
  /** Sends 200 and retransmits it until ACK (RFC 3261 §13.3.1.4); waits for a PRACK that is due (RFC 3262 §3). */
  answer(sdp: string, options?: AnswerOptions): SipDialog;
  reject(status: number, options?: { readonly reason?: string; readonly headers?: ExtraHeaders }): void;
  /** Fires when the caller gave up: CANCEL (200 and 487 already sent) or the flow died before an answer. */
  readonly cancelled: AbortSignal;
  /** Of the CANCEL, once `cancelled` has fired for one; absent where the stack cannot tell. */
  readonly cancelHeaders?: Headers | undefined;
}

export interface OutboundOptions {
  readonly requestUri: string;
  readonly from: NameAddress;
  /** Defaults to the Request-URI. */
  readonly to?: NameAddress;
  /** Absent: a late offer; the peer makes it in its 2xx (`answerWith`) or in a reliable provisional (`onOffer`). */
  readonly offer?: string;
  readonly headers?: ExtraHeaders;
  /** Send on an existing flow (a browser), or to this next hop (a trunk peer, `sip:host:port;transport=tcp`). */
  readonly via?: { readonly flow: FlowRef } | { readonly proxy: string };
  readonly credentials?: Credentials;
  /** Hops left (RFC 3261 §8.1.1.6); 70 when absent. */
  readonly maxForwards?: number;
  /** 100rel: told as `supported` (the default), demanded, or not mentioned; provisionals sent reliably are PRACKed in any case. */
  readonly reliable?: 'supported' | 'required' | 'off';
  readonly sessionTimer?: SessionTimerChoice;
}

/** Why an outbound INVITE got no final response of its own. `refused`: ICMP or TCP said nobody listens. */
export type SipFailure =
  | { readonly kind: 'failed'; readonly why: 'timeout' | 'refused' | 'unresolvable' | 'transport' | 'tls'; readonly detail: string }
  | { readonly kind: 'failed'; readonly why: 'cancelled'; readonly detail: string };

export type OutboundOutcome =
  | {
      readonly kind: 'answered';
      readonly dialog: SipDialog;
      /** The peer's answer, or its offer when our INVITE had none. */
      readonly sdp: string;
      readonly headers: Headers;
      readonly fork: string;
      /** There when `sdp` is an offer: the ACK waits for our answer to it. Call it, or `dialog.bye()`, soon: the peer repeats its 2xx until then. */
      readonly answerWith?: (sdp: string) => void;
    }
  | { readonly kind: 'rejected'; readonly status: number; readonly reason: string; readonly headers: Headers }
  | SipFailure;

export interface Progress {
  readonly status: number;
  readonly sdp?: string;
  readonly headers: Headers;
  /** The early dialog (To tag) this came from; '' when the peer sent none. */
  readonly fork: string;
}

/** An INVITE we sent: we are the UAC. */
export interface OutboundCall {
  readonly id: string;
  readonly callIdHeader: string;
  /** Provisional responses except 100. Set the handler in the same turn as `call()`. */
  onProgress(handler: (progress: Progress) => void): void;
  /** Calls `handler` with the Call-ID of each further INVITE that goes out in place of this one, or beside it. Absent: there is none. */
  onInvite?(handler: (callIdHeader: string) => void): void;
  /** Calls `handler` once, at the first response of any kind, 100 too. Absent where the stack cannot tell. */
  onHeard?(handler: () => void): void;
  /** Offers of the called side before its answer: UPDATE, or a reliable provisional after an INVITE without one. Without a handler 488. */
  onOffer(handler: (offer: Reoffer, fork: string) => void): void;
  /** Settles exactly once. A 2xx is already ACKed unless `answerWith` says otherwise; a 2xx that crosses our CANCEL is ACKed and BYEd inside and reported as `cancelled`; a challenge was answered inside once. */
  readonly outcome: Promise<OutboundOutcome>;
  /** Idempotent and valid in every state; waits for a provisional as RFC 3261 §9.1 demands. */
  cancel(options?: { readonly headers?: ExtraHeaders }): void;
}

export interface DialogEnd {
  /** `session-timer`: no refresh came in time (RFC 4028 §10). `dialog-gone`: the peer answered 408 or 481. */
  readonly by: 'remote' | 'local' | 'ack-timeout' | 'transport' | 'dialog-gone' | 'session-timer';
  /** Of the BYE that ended it, when one did. */
  readonly headers?: Headers;
}

/** What came of an offer of ours. */
export interface OfferOutcome {
  /** Final status; 481 when the dialog ended first. */
  readonly status: number;
  /** Of a 2xx: the peer's answer, or its offer when we sent none. */
  readonly sdp?: string;
  /** There when `sdp` is the peer's offer: its answer goes into the ACK. */
  readonly answerWith?: (sdp: string) => void;
}

/** A confirmed INVITE dialog (RFC 3261 §12). */
export interface SipDialog {
  readonly id: string;
  readonly callIdHeader: string;
  /** For Replaces (RFC 3891 §3). */
  readonly localTag: string;
  readonly remoteTag: string;
  /** The connection the peer last spoke over, which may be another one than it began on; absent where the stack cannot tell. */
  readonly flow?: FlowRef | undefined;
  /** Whether the peer's Allow named the method; `undefined` when it sent no Allow. */
  allows(method: string): boolean | undefined;
  onAck(handler: (sdp: string | undefined) => void): void;
  onOffer(handler: (offer: Reoffer) => void): void;
  /** INFO and the like; without a handler the stack answers 501. */
  onRequest(handler: (request: InboundRequest) => void): void;
  /** Called once, whoever ends it; called at once when the dialog has ended already. */
  onEnd(handler: (end: DialogEnd) => void): void;
  /** re-INVITE with `sdp`, or without one for an offer of the peer's; resolves with the final status. A 491 is tried again inside (RFC 3261 §14.1). */
  offer(sdp?: string): Promise<OfferOutcome>;
  request(method: string, options?: { readonly body?: Body; readonly headers?: ExtraHeaders }): Promise<SipResponse>;
  /** Idempotent; resolves when the BYE has been answered or has timed out. The dialog is ended at once. */
  bye(options?: { readonly headers?: ExtraHeaders }): Promise<void>;
}

export interface RequestOptions {
  readonly method: string;
  readonly requestUri: string;
  readonly from: NameAddress;
  readonly to?: NameAddress;
  readonly headers?: ExtraHeaders;
  readonly body?: Body;
  readonly via?: { readonly flow: FlowRef } | { readonly proxy: string };
  readonly credentials?: Credentials;
  /** User of the Contact the stack writes; that of `from` when absent. */
  readonly contactUser?: string;
}

/** What an adapter can do; tests skip by capability, never by adapter's name. */
export interface SipCapabilities {
  readonly webSocket: boolean;
  readonly flowEvents: boolean;
  readonly digestSha256: boolean;
  /** 100rel as called side and as calling side (RFC 3262). */
  readonly reliableProvisionals: boolean;
  /** UPDATE taken in early and confirmed dialogs (RFC 3311). */
  readonly update: boolean;
  readonly sessionTimers: boolean;
  /** Several early dialogs of one INVITE keep apart (RFC 3261 §12.1). */
  readonly forks: boolean;
  /** INVITE and re-INVITE without an offer, answered in the ACK. */
  readonly lateOffer: boolean;
  /** What `onTrace` tells of: all there is on the wire, each message once (repetitions stay below), or nothing. */
  readonly trace: 'wire' | 'once' | 'none';
}

export interface SipPort extends Startable {
  readonly capabilities: SipCapabilities;
  onCall(handler: (call: InboundCall) => void): void;
  /** Requests outside a dialog. Without a handler OPTIONS is answered 200 and the rest 405. */
  onRequest(method: 'REGISTER' | 'OPTIONS' | 'MESSAGE', handler: (request: InboundRequest) => void): void;
  onFlowClosed(handler: (flow: FlowRef) => void): void;
  /**
   * The peer behind `from` is known to be behind `to` now: requests in its dialogs go there from
   * now on. There with `flowEvents` only; another stack routes dialogs by itself.
   */
  moveFlow?(from: FlowRef, to: FlowRef): void;
  /** Tells of every message; one listener, set before `start`. Costs nothing without one. Absent with `trace: 'none'`. */
  onTrace?(trace: SipTrace): void;
  call(options: OutboundOptions): OutboundCall;
  /** Resolves with the final response; rejects with a `GatewayError<SipRequestError>`. */
  request(options: RequestOptions): Promise<SipResponse>;
  /** Kinds: `transaction`, `dialog`, `invite` (calls not yet answered), `flow`, `socket`, `sip_timer`. */
  liveObjects(): LiveObjects;
}

export type SipRequestError = {
  readonly code: 'sip-request-failed';
  readonly why: 'timeout' | 'refused' | 'unresolvable' | 'transport' | 'tls';
};
