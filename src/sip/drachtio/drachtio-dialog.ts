import type { DigestClient } from '../embedded/digest-client.js';
import { checkExtraHeaders } from '../embedded/extra-headers.js';
import { guarded } from '../embedded/guard.js';
import { fromTag, readCallId, toTag } from '../embedded/header-readers.js';
import type { SipRequestMessage, SipResponseMessage } from '../embedded/message.js';
import { asSipResponse, requestError } from '../embedded/port-values.js';
import { sdpType, sessionOf } from '../embedded/session-body.js';
import type {
  DialogEnd,
  ExtraHeaders,
  FlowRef,
  Headers,
  InboundRequest,
  OfferOutcome,
  Reoffer,
  SessionTimer,
  SipDialog,
  SipResponse,
} from '../port.js';
import { type DrachtioContext, type OpenDialog, releaseLink } from './context.js';
import { type DialogRequestContent, type ResponseHandlers, sendInDialog } from './dialog-request.js';
import type { LibraryRequest, LibraryResponder } from './library.js';
import type { DrachtioLink } from './link.js';
import { OfferLine } from './offer-line.js';
import type { SentRequest, WireFailure } from './pending-request.js';
import { answerRequest, respond, sourceOf, WireInboundRequest } from './respond.js';
import { grantTimer } from './session-headers.js';

export function dialogKey(callId: string, localTag: string, remoteTag: string): string {
  return `${callId}|${localTag}|${remoteTag}`;
}

/** Key of the dialog of a request that reached us; undefined outside a dialog (no To tag). */
export function dialogKeyOf({ headers }: SipRequestMessage): string | undefined {
  const local = toTag(headers);
  return local === undefined ? undefined : dialogKey(readCallId(headers), local, fromTag(headers) ?? '');
}

export interface DialogFacts {
  readonly link: DrachtioLink;
  readonly callId: string;
  readonly localTag: string;
  readonly remoteTag: string;
  /** Of the message that told what the peer can do. */
  readonly peerHeaders: Headers;
  readonly digest: DigestClient | undefined;
  /** The connection the peer is reached over, when it is known. */
  readonly flow: FlowRef | undefined;
  readonly timer: SessionTimer | undefined;
  /** We made the Call-ID: decides who waits longer after glare (RFC 3261 §14.1). */
  readonly ownsCallId: boolean;
  /** Our 2xx, or the ACK of theirs, is not sent yet: the dialog opens with `established`. */
  readonly waitForAck: boolean;
}

type Exchange =
  | { readonly kind: 'response'; readonly response: SipResponseMessage }
  | { readonly kind: 'failed'; readonly failure: WireFailure };

const maxRetryAfterSeconds = 10;

/** A confirmed INVITE dialog whose transactions, routes and numbers the server keeps. */
export class DrachtioDialog implements SipDialog, OpenDialog {
  readonly id: string;
  readonly callIdHeader: string;
  private readonly line: OfferLine;
  private dialogId: string | undefined;
  private ended: DialogEnd | undefined;
  private endHandlers: ((end: DialogEnd) => void)[] = [];
  private offerHandler: ((offer: Reoffer) => void) | undefined;
  private requestHandler: ((request: InboundRequest) => void) | undefined;
  private ackHandler: ((sdp: string | undefined) => void) | undefined;
  private earlyAck: { readonly sdp: string | undefined } | undefined;
  /** The caller's answer in PRACK, which its ACK does not say again. */
  private prackAnswer: string | undefined;
  private acknowledgementDue: boolean;
  private whenAcknowledged: (() => void)[] = [];
  /** Requests that wait for the server to have sent our 2xx. */
  private whenEstablished: (() => void)[] = [];
  /** Sends the ACK of their 2xx that waits for our answer to its offer. */
  private heldAck: ((answer: string | undefined) => void) | undefined;
  private incoming: { readonly request: SipRequestMessage; readonly responder: LibraryResponder } | undefined;
  private leaving: Promise<void> | undefined;
  private peerAllow: string | undefined;
  private lastFlow: FlowRef | undefined;

  constructor(
    private readonly facts: DialogFacts,
    private readonly context: DrachtioContext,
  ) {
    this.callIdHeader = facts.callId;
    this.id = dialogKey(facts.callId, facts.localTag, facts.remoteTag);
    this.acknowledgementDue = facts.waitForAck;
    this.peerAllow = facts.peerHeaders.get('Allow');
    this.lastFlow = facts.flow;
    this.line = new OfferLine(
      { ownsCallId: facts.ownsCallId },
      {
        context,
        mayOffer: () => this.incoming === undefined && !this.acknowledgementDue && this.dialogId !== undefined,
        invite: (sdp, handlers) =>
          this.send('INVITE', { ...(sdp === undefined ? {} : { body: { type: sdpType, content: sdp } }) }, handlers),
        onGone: () => this.gone(),
      },
    );
    context.dialogs.set(this.id, this);
  }

  get link(): DrachtioLink {
    return this.facts.link;
  }

  get flow(): FlowRef | undefined {
    return this.lastFlow;
  }

  get localTag(): string {
    return this.facts.localTag;
  }

  get remoteTag(): string {
    return this.facts.remoteTag;
  }

  allows(method: string): boolean | undefined {
    if (this.peerAllow === undefined) return undefined;
    return this.peerAllow.split(',').some((each) => each.trim().toUpperCase() === method.toUpperCase());
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
    if (this.ended === undefined) this.endHandlers.push(handler);
    else handler(this.ended);
  }

  offer(sdp?: string): Promise<OfferOutcome> {
    return this.line.push(sdp);
  }

  async request(method: string, options: DialogRequestContent = {}): Promise<SipResponse> {
    checkExtraHeaders(options.headers);
    if (this.ended !== undefined) throw requestError(method, { why: 'transport', detail: 'the dialog has ended' });
    const result = await this.exchange(method, options);
    if (result.kind === 'failed') {
      const { why, detail } = result.failure;
      if (why === 'dialog' || why === 'timeout') this.gone();
      throw requestError(method, { why: why === 'timeout' ? 'timeout' : 'transport', detail });
    }
    const { status } = result.response;
    if (status === 408 || status === 481) this.gone();
    return asSipResponse(result.response);
  }

  bye(options: { readonly headers?: ExtraHeaders } = {}): Promise<void> {
    checkExtraHeaders(options.headers);
    if (this.leaving !== undefined) return this.leaving;
    return this.ended === undefined ? this.leave({ by: 'local' }, options) : Promise.resolve();
  }

  /** The server knows the dialog by this id: requests can be sent in it. */
  established(dialogId: string | undefined): void {
    this.dialogId = dialogId;
    for (const each of this.whenEstablished.splice(0)) each();
    this.line.pump();
  }

  /** The caller answered our offer before our 2xx; the ACK is told as if it had brought the answer. */
  answeredEarly(answer: string): void {
    this.prackAnswer = answer;
  }

  /** Of a 2xx of theirs that was acknowledged; of ours, when the ACK has come. */
  acknowledged(said: string | undefined): void {
    const sdp = said ?? this.prackAnswer;
    this.prackAnswer = undefined;
    this.acknowledgementDue = false;
    if (this.ended === undefined) {
      const { ackHandler } = this;
      if (ackHandler === undefined) this.earlyAck = { sdp };
      else guarded(this.context.log, 'ACKs', () => ackHandler(sdp));
    }
    this.releaseAcknowledged();
  }

  /** The ACK of their 2xx waits for our answer; a BYE before it sends an empty one first. */
  holdAck(acknowledge: (answer: string | undefined) => void): void {
    this.acknowledgementDue = true;
    this.heldAck = acknowledge;
  }

  /** Sends the ACK that was held, once. */
  sendHeldAck(answer: string | undefined): void {
    const { heldAck } = this;
    if (heldAck === undefined) return;
    this.heldAck = undefined;
    this.acknowledgementDue = false;
    heldAck(answer);
    this.releaseAcknowledged();
  }

  /** The 2xx that should have made the dialog was not sent, or nobody is there any more to hear it. */
  neverWas(end: DialogEnd): void {
    this.forget();
    this.finish(end);
    this.acknowledgementDue = false;
    this.releaseAcknowledged();
  }

  /** The connection with the server is gone, and with it every way to the peer. */
  connectionLost(): void {
    this.neverWas({ by: 'transport' });
  }

  /** The server ended the dialog with a BYE of its own; its Reason tells why. */
  endedByServer(headers: Headers): void {
    const reason = headers.get('Reason') ?? '';
    const by = /ack timeout/i.test(reason) ? 'ack-timeout' : /session timer/i.test(reason) ? 'session-timer' : 'remote';
    this.neverWas({ by, headers });
  }

  receive(request: SipRequestMessage, libraryRequest: LibraryRequest, responder: LibraryResponder): void {
    this.peerAllow = request.headers.get('Allow') ?? this.peerAllow;
    this.lastFlow = sourceOf(request, libraryRequest).flow;
    switch (request.method) {
      case 'ACK':
        this.acknowledged(sessionOf(request));
        return;
      case 'BYE':
        this.refuse(responder, 200);
        this.forget();
        this.finish({ by: 'remote', headers: request.headers });
        this.acknowledgementDue = false;
        this.releaseAcknowledged();
        return;
      case 'INVITE':
      case 'UPDATE':
        this.receiveOffer(request, responder);
        return;
      default:
        this.receiveOther(request, libraryRequest, responder);
    }
  }

  private receiveOther(request: SipRequestMessage, libraryRequest: LibraryRequest, responder: LibraryResponder): void {
    const { requestHandler } = this;
    if (this.ended !== undefined) this.refuse(responder, 481);
    else if (request.method === 'PRACK') this.refuse(responder, 481);
    else if (requestHandler !== undefined) {
      requestHandler(new WireInboundRequest(request, libraryRequest, responder, { server: this.context.userAgent }));
    } else if (request.method === 'OPTIONS') this.refuse(responder, 200, [['Allow', this.context.allow()]]);
    else this.refuse(responder, 501);
  }

  /** One offer at a time each way (RFC 3261 §14.2, RFC 3311 §5.2). */
  private receiveOffer(request: SipRequestMessage, responder: LibraryResponder): void {
    const invite = request.method === 'INVITE';
    const sdp = sessionOf(request);
    if (this.ended !== undefined) {
      this.refuse(responder, 481);
    } else if (!invite && sdp === undefined) {
      answerRequest(responder, 200, this.grant(request));
    } else if (this.line.pending) {
      this.refuse(responder, 491);
    } else if (this.incoming !== undefined || this.acknowledgementDue) {
      this.refuse(responder, 500, [['Retry-After', String(Math.floor(this.context.random() * (maxRetryAfterSeconds + 1)))]]);
    } else if (this.offerHandler === undefined) {
      this.refuse(responder, 488);
    } else {
      this.incoming = { request, responder };
      this.offerHandler(this.reofferOf({ request, responder }, sdp));
    }
  }

  private reofferOf(incoming: NonNullable<DrachtioDialog['incoming']>, sdp: string | undefined): Reoffer {
    const method = incoming.request.method === 'UPDATE' ? 'UPDATE' : 'INVITE';
    const settle = (act: () => void): void => {
      if (this.incoming?.responder !== incoming.responder) return;
      this.incoming = undefined;
      act();
      this.line.pump();
    };
    return {
      method,
      ...(sdp === undefined ? {} : { sdp }),
      headers: incoming.request.headers,
      accept: (answer) =>
        settle(() => {
          this.acknowledgementDue = method === 'INVITE';
          const headers = this.grant(incoming.request);
          respond(incoming.responder, 200, { headers, sdp: answer }, (fault) => {
            if (fault === undefined || method !== 'INVITE') return;
            this.acknowledgementDue = false;
            this.releaseAcknowledged();
          });
        }),
      reject: (status) => settle(() => this.refuse(incoming.responder, status)),
    };
  }

  private grant(request: SipRequestMessage): ExtraHeaders {
    const standard: ExtraHeaders = [
      ['Allow', this.context.allow()],
      ['Server', this.context.userAgent],
    ];
    return request.headers.get('Session-Expires') === undefined
      ? standard
      : [...standard, ...grantTimer(request.headers, this.facts.timer)];
  }

  private gone(): void {
    if (this.ended === undefined) void this.leave({ by: 'dialog-gone' }, {});
  }

  /** Ends the dialog here and now, and toward the peer as soon as the rules let us (RFC 3261 §15: not before the ACK). */
  private leave(end: DialogEnd, options: DialogRequestContent): Promise<void> {
    this.sendHeldAck(undefined);
    const turn = this.acknowledgementDue ? new Promise<void>((resolve) => this.whenAcknowledged.push(resolve)) : Promise.resolve();
    this.leaving = turn
      .then(() => (this.dialogId === undefined || !this.facts.link.up ? undefined : this.exchange('BYE', options)))
      .then(() => this.forget());
    this.finish(end);
    return this.leaving;
  }

  private finish(end: DialogEnd): void {
    if (this.ended !== undefined) return;
    this.ended = end;
    const { incoming } = this;
    this.incoming = undefined;
    if (incoming !== undefined) this.refuse(incoming.responder, 487);
    this.line.close();
    for (const each of this.whenEstablished.splice(0)) each();
    for (const handler of this.endHandlers.splice(0)) guarded(this.context.log, 'ended dialogs', () => handler(end));
  }

  private forget(): void {
    if (!this.context.dialogs.delete(this.id)) return;
    this.dialogId = undefined;
    releaseLink(this.context, this.facts.link);
  }

  private releaseAcknowledged(): void {
    for (const each of this.whenAcknowledged.splice(0)) each();
    this.line.pump();
  }

  private refuse(responder: LibraryResponder, status: number, headers: ExtraHeaders = []): void {
    answerRequest(responder, status, [...headers, ['Server', this.context.userAgent]]);
  }

  private exchange(method: string, content: DialogRequestContent): Promise<Exchange> {
    return new Promise((resolve) => {
      const go = (): void => {
        if (this.dialogId === undefined) {
          resolve({ kind: 'failed', failure: { why: 'lost', detail: 'the dialog has ended' } });
          return;
        }
        this.send(method, content, {
          onResponse: ({ message }) => {
            if (message.status >= 200) resolve({ kind: 'response', response: message });
          },
          onFailure: (failure) => resolve({ kind: 'failed', failure }),
        });
      };
      if (this.dialogId === undefined && this.ended === undefined) this.whenEstablished.push(go);
      else go();
    });
  }

  private send(method: string, content: DialogRequestContent, handlers: ResponseHandlers): SentRequest {
    const { dialogId, context } = this;
    return sendInDialog({ ...this.facts, dialogId, context }, method, content, handlers);
  }
}
