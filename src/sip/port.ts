/**
 * The SIP port: what the call core and the edges ask of a SIP stack, and all they may ask.
 * Session descriptions are opaque text here; Via, CSeq, tags, Route and branches stay below.
 * An adapter owns 100 Trying, retransmission, ACK, the CANCEL/200 race and the 481/491/500 answers.
 * Its failures surface only through `outcome`, `onEnd` and rejected promises.
 */
import type { LiveObjects } from '../base/live-objects.js';
import type { Startable } from '../base/startable.js';

export type SipTransport = 'udp' | 'tcp' | 'tls' | 'ws' | 'wss';

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
}

export interface RespondOptions {
  readonly reason?: string;
  readonly headers?: ExtraHeaders;
  readonly body?: Body;
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
  /** Sends a provisional response. Does nothing after a final one. */
  progress(status: 180 | 181 | 182 | 183, options?: { readonly sdp?: string; readonly headers?: ExtraHeaders }): void;
  /** Sends 200 and retransmits it until ACK (RFC 3261 §13.3.1.4). */
  answer(sdp: string, options?: { readonly headers?: ExtraHeaders }): SipDialog;
  reject(status: number, options?: { readonly reason?: string; readonly headers?: ExtraHeaders }): void;
  /** Fires when the caller gave up: CANCEL (200 and 487 already sent) or the flow died before an answer. */
  readonly cancelled: AbortSignal;
}

export interface OutboundOptions {
  readonly requestUri: string;
  readonly from: NameAddress;
  /** Defaults to the Request-URI. */
  readonly to?: NameAddress;
  readonly offer?: string;
  readonly headers?: ExtraHeaders;
  /** Send on an existing flow (a browser), or to this next hop (a trunk peer, `sip:host:port;transport=tcp`). */
  readonly via?: { readonly flow: FlowRef } | { readonly proxy: string };
  readonly credentials?: Credentials;
}

/** Why an outbound INVITE got no final response of its own. `refused`: ICMP or TCP said nobody listens. */
export type SipFailure =
  | { readonly kind: 'failed'; readonly why: 'timeout' | 'refused' | 'unresolvable' | 'transport' | 'tls'; readonly detail: string }
  | { readonly kind: 'failed'; readonly why: 'cancelled'; readonly detail: string };

export type OutboundOutcome =
  | { readonly kind: 'answered'; readonly dialog: SipDialog; readonly sdp: string; readonly headers: Headers; readonly fork: string }
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
  /** Settles exactly once. A 2xx is already ACKed; a 2xx that crosses our CANCEL is ACKed and BYEd inside and reported as `cancelled`; a challenge was answered inside once. */
  readonly outcome: Promise<OutboundOutcome>;
  /** Idempotent and valid in every state; waits for a provisional as RFC 3261 §9.1 demands. */
  cancel(options?: { readonly headers?: ExtraHeaders }): void;
}

export interface Reoffer {
  readonly method: 'INVITE' | 'UPDATE';
  /** Absent for a re-INVITE without a session description (late offer). */
  readonly sdp?: string;
  accept(sdp: string): void;
  reject(status: number): void;
}

export interface DialogEnd {
  readonly by: 'remote' | 'local' | 'ack-timeout' | 'transport' | 'dialog-gone';
  /** Of the BYE that ended it, when one did. */
  readonly headers?: Headers;
}

/** A confirmed INVITE dialog (RFC 3261 §12). */
export interface SipDialog {
  readonly id: string;
  readonly callIdHeader: string;
  onAck(handler: (sdp: string | undefined) => void): void;
  onOffer(handler: (offer: Reoffer) => void): void;
  /** INFO and the like; without a handler the stack answers 501. */
  onRequest(handler: (request: InboundRequest) => void): void;
  /** Called once, whoever ends it; called at once when the dialog has ended already. */
  onEnd(handler: (end: DialogEnd) => void): void;
  /** re-INVITE with `sdp`; resolves with the final status. */
  offer(sdp: string): Promise<{ readonly status: number; readonly sdp?: string }>;
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
}

/** What an adapter can do; tests skip by capability, never by adapter's name. */
export interface SipCapabilities {
  readonly webSocket: boolean;
  readonly flowEvents: boolean;
  readonly digestSha256: boolean;
}

export interface SipPort extends Startable {
  readonly capabilities: SipCapabilities;
  onCall(handler: (call: InboundCall) => void): void;
  /** Requests outside a dialog. Without a handler OPTIONS is answered 200 and the rest 405. */
  onRequest(method: 'REGISTER' | 'OPTIONS' | 'MESSAGE', handler: (request: InboundRequest) => void): void;
  onFlowClosed(handler: (flow: FlowRef) => void): void;
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
