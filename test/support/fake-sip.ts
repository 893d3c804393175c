import { GatewayError } from '../../src/base/errors.js';
import { randomToken } from '../../src/base/ids.js';
import type { LiveObjects } from '../../src/base/live-objects.js';
import { checkExtraHeaders } from '../../src/sip/embedded/extra-headers.js';
import { HeaderFields } from '../../src/sip/embedded/message.js';
import type {
  Body,
  DialogEnd,
  ExtraHeaders,
  FlowRef,
  Headers,
  InboundCall,
  InboundRequest,
  NameAddress,
  OfferOutcome,
  OutboundCall,
  OutboundOptions,
  OutboundOutcome,
  Progress,
  Reoffer,
  RequestOptions,
  RespondOptions,
  SipCapabilities,
  SipDialog,
  SipFailure,
  SipPort,
  SipRequestError,
  SipResponse,
  SipTransport,
  Source,
} from '../../src/sip/port.js';

export interface FakeLinkOptions {
  /** Default `udp`. */
  readonly transport?: SipTransport;
  readonly origin?: string;
  /** Proxies and Request-URI hosts that lead to the peer; with one link only, everything does. */
  readonly names?: readonly string[];
}

interface Link {
  readonly peer: FakeSip;
  /** How this end sees the peer. */
  readonly source: Source;
  readonly names: readonly string[];
  open: boolean;
  other?: Link;
}

let serial = 0;
const nextSerial = (): number => {
  serial += 1;
  return serial;
};

/** One hop of the fake wire: never in the caller's turn, always in order. */
const hop = (run: () => void): void => queueMicrotask(run);

/** Header fields as a peer would see them. */
export function headersOf(extra: ExtraHeaders | undefined): Headers {
  const fields = new HeaderFields();
  for (const [name, value] of extra ?? []) fields.add(name, value);
  return fields;
}

const defaultReasons: Readonly<Record<number, string>> = { 200: 'OK', 404: 'Not Found', 486: 'Busy Here', 487: 'Request Terminated' };

/**
 * A SIP port in memory, for tests of what stands on the port. Two of them linked by `connect` are
 * both ends of a wire: one is the gateway's, the other plays the phone or the carrier by means of
 * the same port. It passes the contract suite of the real adapter.
 */
export class FakeSip implements SipPort {
  readonly capabilities: SipCapabilities = {
    webSocket: true,
    flowEvents: true,
    digestSha256: true,
    reliableProvisionals: false,
    update: true,
    sessionTimers: false,
    forks: true,
    lateOffer: true,
    trace: 'none',
  };
  /** INVITEs that arrived here, oldest first. */
  readonly received: InboundCall[] = [];
  /** INVITEs sent from here, oldest first. */
  readonly placed: FakeOutboundCall[] = [];

  private readonly links: Link[] = [];
  private readonly requestHandlers = new Map<string, (request: InboundRequest) => void>();
  private readonly flowHandlers: ((flow: FlowRef) => void)[] = [];
  private readonly callWaiters: ((call: InboundCall) => void)[] = [];
  private callHandler: ((call: InboundCall) => void) | undefined;
  private readonly failNext: SipFailure['why'][] = [];
  /** How many of `received` were given out by `nextCall`. */
  private taken = 0;
  readonly openInvites = new Set<FakeInvite>();
  readonly openDialogs = new Set<FakeDialog>();

  constructor(readonly name = `fake-${nextSerial()}`) {}

  /** Two linked ends. */
  static pair(options: FakeLinkOptions = {}): { readonly left: FakeSip; readonly right: FakeSip; readonly flow: FlowRef } {
    const left = new FakeSip('left');
    const right = new FakeSip('right');
    return { left, right, flow: left.connect(right, options) };
  }

  /** Links a peer; the flow returned is how this end names it. */
  connect(peer: FakeSip, options: FakeLinkOptions = {}): FlowRef {
    const transport = options.transport ?? 'udp';
    const origin = options.origin === undefined ? {} : { origin: options.origin };
    const make = (to: FakeSip, facts: object): Link => ({
      peer: to,
      source: {
        flow: `fake:${transport}:${nextSerial()}` as FlowRef,
        transport,
        address: '192.0.2.1',
        port: 10_000 + nextSerial(),
        ...facts,
      },
      names: options.names ?? [],
      open: true,
    });
    const here = make(peer, origin);
    const there = make(this, {});
    here.other = there;
    there.other = here;
    this.links.push(here);
    peer.links.push(there);
    return here.source.flow;
  }

  /** The next `call()` from here ends this way instead of reaching the peer. */
  failNextCall(why: SipFailure['why']): void {
    this.failNext.push(why);
  }

  /** Resolves with the next INVITE that arrives here (one already there and not yet taken counts). */
  nextCall(): Promise<InboundCall> {
    const waiting = this.received[this.taken];
    this.taken += 1;
    if (waiting !== undefined) return Promise.resolve(waiting);
    return new Promise((resolve) => this.callWaiters.push(resolve));
  }

  /** Breaks the connection at both ends, as when a WebSocket dies. */
  breakFlow(flow: FlowRef): void {
    const link = this.links.find((one) => one.source.flow === flow && one.open);
    if (link?.other === undefined) return;
    const { other } = link;
    link.open = false;
    other.open = false;
    for (const end of [
      { sip: this as FakeSip, link },
      { sip: link.peer, link: other },
    ]) {
      for (const invite of [...end.sip.openInvites]) invite.linkBroken(link, other);
      hop(() => {
        for (const handler of end.sip.flowHandlers) handler(end.link.source.flow);
      });
    }
  }

  start(): Promise<void> {
    return Promise.resolve();
  }

  stop(): Promise<void> {
    for (const invite of [...this.openInvites]) invite.abandon();
    for (const link of this.links) link.open = false;
    for (const dialog of [...this.openDialogs]) void dialog.bye();
    return Promise.resolve();
  }

  onCall(handler: (call: InboundCall) => void): void {
    this.callHandler = handler;
  }

  onRequest(method: 'REGISTER' | 'OPTIONS' | 'MESSAGE', handler: (request: InboundRequest) => void): void {
    this.requestHandlers.set(method, handler);
  }

  onFlowClosed(handler: (flow: FlowRef) => void): void {
    this.flowHandlers.push(handler);
  }

  moveFlow(from: FlowRef, to: FlowRef): void {
    const there = this.links.find(({ source }) => source.flow === to);
    if (there === undefined) return;
    for (const dialog of this.openDialogs) if (dialog.flow === from) dialog.moveTo(there.source);
  }

  /** As `call`, from a page that shows a ticket: the stacks of pages write that header, ours never does. */
  callWithTicket(options: OutboundOptions, ticket: string): OutboundCall {
    return this.place({ ...options, headers: [...(options.headers ?? []), ['Authorization', `Bearer ${ticket}`]] });
  }

  call(options: OutboundOptions): OutboundCall {
    checkExtraHeaders(options.headers);
    return this.place(options);
  }

  private place(options: OutboundOptions): OutboundCall {
    const why = this.failNext.shift();
    const link = this.route(options);
    const call = new FakeOutboundCall(options);
    this.placed.push(call);
    if (why !== undefined || link === undefined) {
      hop(() => call.settle({ kind: 'failed', why: why ?? 'unresolvable', detail: 'no such peer' }));
      return call;
    }
    call.start(new FakeInvite(this, link, options, call));
    return call;
  }

  async request(options: RequestOptions): Promise<SipResponse> {
    checkExtraHeaders(options.headers, { contactAllowed: options.method === 'REGISTER' });
    const why = this.failNext.shift();
    const link = this.route(options);
    if (why !== undefined || link?.other === undefined) {
      const reason = why === undefined || why === 'cancelled' ? 'unresolvable' : why;
      throw new GatewayError<SipRequestError>({ code: 'sip-request-failed', why: reason }, 'The fake peer cannot be reached.');
    }
    const { peer, other } = link;
    return await new Promise((resolve) => {
      hop(() => {
        const request = new FakeRequest(options.method, other.source, options, options, resolve);
        const handler = peer.requestHandlers.get(options.method);
        if (handler !== undefined) handler(request);
        else request.respond(options.method === 'OPTIONS' ? 200 : 405);
      });
    });
  }

  liveObjects(): LiveObjects {
    return {
      transaction: 0,
      dialog: this.openDialogs.size,
      invite: this.openInvites.size,
      flow: 0,
      socket: 0,
      sip_timer: 0,
    };
  }

  /** Hands an INVITE to whoever listens here. */
  deliver(call: InboundCall): void {
    this.received.push(call);
    const waiter = this.callWaiters.shift();
    if (waiter !== undefined) waiter(call);
    this.callHandler?.(call);
  }

  private route(options: { readonly requestUri: string; readonly via?: OutboundOptions['via'] }): Link | undefined {
    const open = this.links.filter((link) => link.open);
    const { via } = options;
    if (via !== undefined && 'flow' in via) return open.find((link) => link.source.flow === via.flow);
    const wanted = via?.proxy ?? options.requestUri;
    const named = open.find((link) => link.names.some((name) => wanted.includes(name)));
    if (named !== undefined) return named;
    return open.length === 1 && open[0]?.names.length === 0 ? open[0] : undefined;
  }
}

/** The UAC's end of a fake INVITE. */
export class FakeOutboundCall implements OutboundCall {
  readonly id = `fake-uac-${nextSerial()}`;
  readonly callIdHeader = `${randomToken(8)}@fake`;
  readonly outcome: Promise<OutboundOutcome>;
  settled = false;
  cancelled = false;
  private progressHandler: ((progress: Progress) => void) | undefined;
  private offerHandler: ((offer: Reoffer, fork: string) => void) | undefined;
  private invite: FakeInvite | undefined;
  private resolve: (outcome: OutboundOutcome) => void = () => {};

  constructor(readonly options: OutboundOptions) {
    this.outcome = new Promise((resolve) => {
      this.resolve = resolve;
    });
  }

  start(invite: FakeInvite): void {
    this.invite = invite;
    invite.send();
  }

  onProgress(handler: (progress: Progress) => void): void {
    this.progressHandler = handler;
  }

  onOffer(handler: (offer: Reoffer, fork: string) => void): void {
    this.offerHandler = handler;
  }

  /** An UPDATE of the called side while it rings. */
  offered(offer: Reoffer, fork: string): void {
    if (this.offerHandler === undefined) offer.reject(488);
    else this.offerHandler(offer, fork);
  }

  progress(progress: Progress): void {
    if (!this.settled) this.progressHandler?.(progress);
  }

  settle(outcome: OutboundOutcome): void {
    if (this.settled) return;
    this.settled = true;
    this.resolve(outcome);
  }

  cancel(options: { readonly headers?: ExtraHeaders } = {}): void {
    checkExtraHeaders(options.headers);
    if (this.cancelled || this.settled) return;
    this.cancelled = true;
    this.invite?.cancel(headersOf(options.headers));
  }
}

/** One INVITE on the fake wire; also the UAS's end of it. */
export class FakeInvite implements InboundCall {
  readonly id = `fake-uas-${nextSerial()}`;
  readonly callIdHeader: string;
  readonly source: Source;
  readonly headers: Headers;
  readonly requestUri: string;
  readonly from: NameAddress;
  readonly to: NameAddress;
  readonly offer?: string;
  /** To tag of the responses from here on: another one is another phone the INVITE was forked to. */
  tag = randomToken(4);
  cancelHeaders: Headers | undefined;
  /** Whether the caller takes our offer in a provisional response; `acknowledge` is then its PRACK with the answer. */
  takesReliable = false;
  private answerHandler: ((sdp: string) => void) | undefined;
  private readonly abort = new AbortController();
  private state: 'pending' | 'answered' | 'rejected' | 'cancelled' = 'pending';
  /** The CANCEL has left the caller and the final answer has not come back yet. */
  private cancelOnWire = false;
  private offerHandler: ((offer: Reoffer) => void) | undefined;

  constructor(
    private readonly caller: FakeSip,
    private readonly link: Link,
    options: OutboundOptions,
    private readonly uac: FakeOutboundCall,
  ) {
    const source = link.other?.source ?? link.source;
    this.callIdHeader = uac.callIdHeader;
    this.source = source;
    this.headers = headersOf([...(options.headers ?? []), ['Max-Forwards', String(options.maxForwards ?? 70)]]);
    this.requestUri = options.requestUri;
    this.from = options.from;
    this.to = options.to ?? { uri: options.requestUri };
    if (options.offer !== undefined) this.offer = options.offer;
  }

  get cancelled(): AbortSignal {
    return this.abort.signal;
  }

  send(): void {
    this.caller.openInvites.add(this);
    this.link.peer.openInvites.add(this);
    hop(() => {
      if (this.state === 'pending') this.link.peer.deliver(this);
    });
  }

  onOffer(handler: (offer: Reoffer) => void): void {
    this.offerHandler = handler;
  }

  onAnswer(handler: (sdp: string) => void): void {
    this.answerHandler = handler;
  }

  acknowledge(answer: string): void {
    hop(() => this.answerHandler?.(answer));
  }

  /** The caller's UPDATE before the answer, or (`by` callee) the called side's. */
  update(by: 'caller' | 'callee', sdp: string): Promise<{ readonly status: number; readonly sdp?: string }> {
    return new Promise((resolve) => {
      const offer: Reoffer = {
        method: 'UPDATE',
        sdp,
        accept: (answer) => hop(() => resolve({ status: 200, sdp: answer })),
        reject: (status) => hop(() => resolve({ status })),
      };
      hop(() => {
        if (this.state !== 'pending') resolve({ status: 481 });
        else if (by === 'callee') this.uac.offered(offer, this.tag);
        else if (this.offerHandler === undefined) offer.reject(488);
        else this.offerHandler(offer);
      });
    });
  }

  progress(status: 180 | 181 | 182 | 183, options: { readonly sdp?: string; readonly headers?: ExtraHeaders } = {}): void {
    checkExtraHeaders(options.headers);
    if (this.state !== 'pending') return;
    const sdp = options.sdp === undefined ? {} : { sdp: options.sdp };
    const progress = { status, ...sdp, headers: headersOf(options.headers), fork: this.tag };
    hop(() => this.uac.progress(progress));
  }

  answer(sdp: string, options: { readonly headers?: ExtraHeaders } = {}): SipDialog {
    checkExtraHeaders(options.headers);
    const here = new FakeDialog(this.link.peer, this.callIdHeader, this.source);
    const there = new FakeDialog(this.caller, this.callIdHeader, this.link.source);
    here.pairWith(there);
    if (this.state !== 'pending') {
      here.finish({ by: 'remote' });
      return here;
    }
    this.state = 'answered';
    this.close();
    here.open();
    there.open();
    hop(() => {
      const late = this.offer === undefined && !this.cancelOnWire && !this.uac.settled;
      if (!late) hop(() => here.ack());
      if (this.cancelOnWire || this.uac.settled) {
        void there.bye();
        this.uac.settle({ kind: 'failed', why: 'cancelled', detail: 'answered while being cancelled' });
        return;
      }
      const answer = { kind: 'answered', dialog: there, sdp, headers: headersOf(options.headers), fork: this.tag } as const;
      this.uac.settle(late ? { ...answer, answerWith: (ours) => hop(() => here.ack(ours)) } : answer);
    });
    return here;
  }

  reject(status: number, options: { readonly reason?: string; readonly headers?: ExtraHeaders } = {}): void {
    checkExtraHeaders(options.headers);
    if (this.state !== 'pending') return;
    this.state = 'rejected';
    this.close();
    const reason = options.reason ?? defaultReasons[status] ?? 'Rejected';
    hop(() => {
      if (this.cancelOnWire && status === 487) this.uac.settle({ kind: 'failed', why: 'cancelled', detail: 'cancelled' });
      else this.uac.settle({ kind: 'rejected', status, reason, headers: headersOf(options.headers) });
    });
  }

  cancel(headers: Headers): void {
    this.cancelOnWire = true;
    hop(() => {
      if (this.state !== 'pending') return;
      this.cancelHeaders = headers;
      this.state = 'cancelled';
      this.close();
      this.abort.abort();
      hop(() => this.uac.settle({ kind: 'failed', why: 'cancelled', detail: 'cancelled' }));
    });
  }

  linkBroken(...links: readonly Link[]): void {
    if (links.includes(this.link)) this.abandon();
  }

  /** Ends an unanswered INVITE without a message. */
  abandon(): void {
    if (this.state !== 'pending') return;
    this.state = 'cancelled';
    this.close();
    hop(() => {
      this.abort.abort();
      this.uac.settle({ kind: 'failed', why: 'transport', detail: 'the connection was lost' });
    });
  }

  private close(): void {
    this.caller.openInvites.delete(this);
    this.link.peer.openInvites.delete(this);
  }
}

/** One end of a fake dialog. */
export class FakeDialog implements SipDialog {
  readonly id = `fake-dialog-${nextSerial()}`;
  readonly localTag = randomToken(4);
  flow: FlowRef;
  private other: FakeDialog | undefined;
  private ended: DialogEnd | undefined;
  private readonly endHandlers: ((end: DialogEnd) => void)[] = [];
  private ackHandler: ((sdp: string | undefined) => void) | undefined;
  /** An ACK that nobody has heard yet. */
  private earlyAck: { readonly sdp: string | undefined } | undefined;
  private offerHandler: ((offer: Reoffer) => void) | undefined;
  private requestHandler: ((request: InboundRequest) => void) | undefined;
  /** Offers of both ends one after another, as the 491 rules make them in the end. */
  private offers: { tail: Promise<unknown> } = { tail: Promise.resolve() };

  constructor(
    private readonly sip: FakeSip,
    readonly callIdHeader: string,
    private source: Source,
  ) {
    this.flow = source.flow;
  }

  /** The other end is known to have come over another connection. */
  moveTo(source: Source): void {
    this.source = source;
    this.flow = source.flow;
  }

  get remoteTag(): string {
    return this.other?.localTag ?? '';
  }

  allows(): boolean | undefined {
    return undefined;
  }

  pairWith(other: FakeDialog): void {
    this.other = other;
    other.other = this;
    other.offers = this.offers;
  }

  open(): void {
    this.sip.openDialogs.add(this);
  }

  ack(sdp?: string): void {
    if (this.ackHandler === undefined) this.earlyAck = { sdp };
    else this.ackHandler(sdp);
  }

  onAck(handler: (sdp: string | undefined) => void): void {
    this.ackHandler = handler;
    const early = this.earlyAck;
    this.earlyAck = undefined;
    if (early !== undefined) handler(early.sdp);
  }

  onOffer(handler: (offer: Reoffer) => void): void {
    this.offerHandler = handler;
  }

  onRequest(handler: (request: InboundRequest) => void): void {
    this.requestHandler = handler;
  }

  onEnd(handler: (end: DialogEnd) => void): void {
    if (this.ended !== undefined) handler(this.ended);
    else this.endHandlers.push(handler);
  }

  /** Ends this end only, as a stack does on a lost ACK or a 481. */
  finish(end: DialogEnd): void {
    if (this.ended !== undefined) return;
    this.ended = end;
    this.sip.openDialogs.delete(this);
    for (const handler of this.endHandlers.splice(0)) handler(end);
  }

  offer(sdp?: string): Promise<OfferOutcome> {
    const turn = this.offers.tail.then(() => this.offerNow(sdp));
    // The offer that was asked for has to be answered before the next one.
    this.offers.tail = turn.then(({ over }) => over);
    return turn.then(({ outcome }) => outcome);
  }

  private offerNow(sdp: string | undefined): Promise<{ readonly outcome: OfferOutcome; readonly over: Promise<void> }> {
    return new Promise((resolve) => {
      const answer = (outcome: OfferOutcome, over = Promise.resolve()): void => hop(() => resolve({ outcome, over }));
      if (this.ended !== undefined) return answer({ status: 481 });
      hop(() => {
        const { other } = this;
        if (other === undefined || other.ended !== undefined) {
          answer({ status: 481 });
          this.finish({ by: 'dialog-gone' });
          return;
        }
        if (other.offerHandler === undefined) return answer({ status: 488 });
        other.offerHandler({
          method: 'INVITE',
          ...(sdp === undefined ? {} : { sdp }),
          accept: (theirs) => {
            if (sdp !== undefined) return answer({ status: 200, sdp: theirs });
            let release: () => void = () => {};
            const over = new Promise<void>((done) => {
              release = done;
            });
            this.onEnd(() => release());
            const answerWith = (ours: string): void => {
              hop(() => other.ack(ours));
              release();
            };
            answer({ status: 200, sdp: theirs, answerWith }, over);
          },
          reject: (status) => answer({ status }),
        });
      });
    });
  }

  request(method: string, options: { readonly body?: Body; readonly headers?: ExtraHeaders } = {}): Promise<SipResponse> {
    checkExtraHeaders(options.headers);
    if (this.ended !== undefined) {
      const error = new GatewayError<SipRequestError>({ code: 'sip-request-failed', why: 'transport' }, 'The dialog has ended.');
      return Promise.reject(error);
    }
    return new Promise((resolve) => {
      hop(() => {
        const { other } = this;
        if (this.ended !== undefined || other === undefined || other.ended !== undefined) {
          resolve({ status: 481, reason: 'Call/Transaction Does Not Exist', headers: headersOf([]) });
          this.finish({ by: 'dialog-gone' });
          return;
        }
        const names = { requestUri: 'sip:peer@fake', from: { uri: 'sip:a@fake' }, to: { uri: 'sip:b@fake' } };
        const request = new FakeRequest(method, other.source, names, options, resolve);
        if (other.requestHandler === undefined) request.respond(501);
        else other.requestHandler(request);
      });
    });
  }

  bye(options: { readonly headers?: ExtraHeaders } = {}): Promise<void> {
    checkExtraHeaders(options.headers);
    if (this.ended !== undefined) return Promise.resolve();
    this.finish({ by: 'local' });
    return new Promise((resolve) => {
      hop(() => {
        this.other?.finish({ by: 'remote', headers: headersOf(options.headers) });
        hop(resolve);
      });
    });
  }
}

class FakeRequest implements InboundRequest {
  readonly requestUri: string;
  readonly from: NameAddress;
  readonly to: NameAddress;
  readonly headers: Headers;
  readonly body?: Body;
  private answered = false;

  constructor(
    readonly method: string,
    readonly source: Source,
    names: { readonly requestUri: string; readonly from: NameAddress; readonly to?: NameAddress },
    content: { readonly body?: Body; readonly headers?: ExtraHeaders },
    private readonly resolve: (response: SipResponse) => void,
  ) {
    this.requestUri = names.requestUri;
    this.from = names.from;
    this.to = names.to ?? { uri: names.requestUri };
    this.headers = headersOf(content.headers);
    if (content.body !== undefined) this.body = content.body;
  }

  respond(status: number, options: RespondOptions = {}): void {
    checkExtraHeaders(options.headers, { contactAllowed: this.method === 'REGISTER' });
    if (this.answered || status < 200) return;
    this.answered = true;
    const body = options.body === undefined ? {} : { body: options.body };
    const reason = options.reason ?? defaultReasons[status] ?? 'Answered';
    hop(() => this.resolve({ status, reason, headers: headersOf(options.headers), ...body }));
  }
}
