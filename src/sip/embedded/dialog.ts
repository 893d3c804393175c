import type { Body, DialogEnd, ExtraHeaders, InboundRequest, Reoffer, SipDialog, SipResponse } from '../port.js';
import { reasonPhrase } from '../status.js';
import { ChallengeRetry } from './challenge-retry.js';
import type { DialogState } from './dialog-state.js';
import type { DialogUser } from './dialog-user.js';
import type { DigestClient } from './digest-client.js';
import { addExtraHeaders, checkExtraHeaders } from './extra-headers.js';
import type { FlowFailure } from './flow.js';
import { isWebSocket } from './flow.js';
import { guarded } from './guard.js';
import { StackRequest } from './inbound-request.js';
import type { SipRequestMessage, SipResponseMessage } from './message.js';
import { OfferQueue, type OfferResult } from './offer-queue.js';
import { asSipResponse, requestError } from './port-values.js';
import { contactFor } from './request-sender.js';
import { responseTo } from './serializer.js';
import { putBody, putSession, sessionOf } from './session-body.js';
import type { StackContext } from './stack-context.js';
import { cseqOf } from './transaction-layer.js';
import type { InviteServerTransaction, NonInviteServerTransaction } from './transaction-server.js';
import { UnacknowledgedOk } from './unacknowledged-ok.js';

/** What a dialog is made of besides its state. */
export interface DialogFacts {
  readonly state: DialogState;
  readonly ownsCallId: boolean;
  /** User part of our Contact. */
  readonly contactUser: string | undefined;
  readonly digest?: DigestClient;
}

interface RequestContent {
  readonly body?: Body;
  readonly headers?: ExtraHeaders;
}

type Exchange =
  | { readonly kind: 'response'; readonly response: SipResponseMessage }
  | { readonly kind: 'failed'; readonly failure: FlowFailure };

/** Retry-After of the 500 that answers overlapping INVITEs: 0 to 10 s (RFC 3261 §14.2). */
const maxRetryAfterSeconds = 10;

/**
 * A confirmed INVITE dialog (RFC 3261 §12, §14, §15).
 *
 * It leaves the table of dialogs when nothing more can come for it: at once after the peer's BYE,
 * and after the answer to our own, so that a BYE crossing ours still gets its 200.
 */
export class Dialog implements SipDialog, DialogUser {
  readonly id: string;
  readonly callIdHeader: string;
  private readonly offers: OfferQueue;
  private ended: DialogEnd | undefined;
  private endHandlers: ((end: DialogEnd) => void)[] = [];
  private offerHandler: ((offer: Reoffer) => void) | undefined;
  private requestHandler: ((request: InboundRequest) => void) | undefined;
  private ackHandler: ((sdp: string | undefined) => void) | undefined;
  private earlyAck: { readonly sdp: string | undefined } | undefined;
  private unacknowledged: UnacknowledgedOk | undefined;
  /** Our 2xx made the offer: its ACK brings the answer, so no other INVITE may come between. */
  private answerDue = false;
  private whenAcknowledged: (() => void)[] = [];
  private incoming: InviteServerTransaction | undefined;
  private leaving: Promise<void> | undefined;

  constructor(
    private readonly facts: DialogFacts,
    private readonly context: StackContext,
  ) {
    const { state } = facts;
    this.id = state.key;
    this.callIdHeader = state.callId;
    this.offers = new OfferQueue(context, {
      state,
      ownsCallId: facts.ownsCallId,
      contactUser: facts.contactUser,
      digest: facts.digest,
      mayOffer: () => this.incoming === undefined && this.unacknowledged === undefined,
      onGone: () => this.gone(),
    });
    context.dialogs.set(this.id, this);
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

  offer(sdp: string): Promise<OfferResult> {
    return this.offers.push(sdp);
  }

  async request(method: string, options: RequestContent = {}): Promise<SipResponse> {
    checkExtraHeaders(options.headers);
    if (this.ended !== undefined) throw requestError(method, { why: 'transport', detail: 'the dialog has ended' });
    const result = await this.exchange(method, options);
    if (result.kind === 'failed') {
      if (result.failure.why === 'timeout') this.gone();
      throw requestError(method, result.failure);
    }
    const { status } = result.response;
    if (status === 408 || status === 481) this.gone();
    return asSipResponse(result.response);
  }

  bye(options: { readonly headers?: ExtraHeaders } = {}): Promise<void> {
    checkExtraHeaders(options.headers);
    if (this.leaving !== undefined) return this.leaving;
    if (this.ended !== undefined) return Promise.resolve();
    return this.leave({ by: 'local' }, options);
  }

  /** Answers an INVITE of this dialog with 2xx and repeats it until ACK; the first one makes the dialog. */
  accept(transaction: InviteServerTransaction, sdp: string, headers: ExtraHeaders = []): void {
    const { request } = transaction;
    const response = responseTo(request, 200, reasonPhrase(200), this.facts.state.localTag);
    addExtraHeaders(response.headers, headers);
    response.headers.add('Contact', contactFor(this.context.localOn(transaction.flow), this.facts.contactUser));
    this.context.addCapabilities(response.headers);
    response.headers.add('Server', this.context.userAgent);
    const whole: SipResponseMessage = { ...response, body: putSession(response.headers, sdp) };
    this.answerDue = sessionOf(request) === undefined;
    this.facts.state.refreshTarget(request);
    this.unacknowledged = new UnacknowledgedOk(
      cseqOf(request),
      () => transaction.respond(whole),
      this.context,
      () => this.neverAcknowledged(),
    );
  }

  /** The INVITE was given up before it could be answered: the dialog has ended before it began. */
  neverWas(): void {
    this.context.dialogs.delete(this.id);
    this.finish({ by: 'remote' });
  }

  /** An ACK whose tags are this dialog's. */
  receiveAck(request: SipRequestMessage): void {
    if (this.unacknowledged === undefined || this.unacknowledged.sequence !== cseqOf(request)) return;
    this.acknowledged(sessionOf(request));
  }

  /** A re-INVITE (RFC 3261 §14.2). */
  receiveInvite(transaction: InviteServerTransaction): void {
    const refusal = this.refusalOfInvite(transaction.request);
    if (refusal !== undefined) {
      const seconds = Math.floor(this.context.random() * (maxRetryAfterSeconds + 1));
      this.refuse(transaction, refusal.status, refusal.retryLater ? [['Retry-After', String(seconds)]] : []);
      return;
    }
    if (this.unacknowledged !== undefined) this.acknowledged(undefined);
    const { offerHandler } = this;
    if (offerHandler === undefined) {
      this.refuse(transaction, 488);
      return;
    }
    this.followFlow(transaction);
    this.incoming = transaction;
    transaction.respond(responseTo(transaction.request, 100));
    const reoffer = this.reofferOf(transaction);
    if (!guarded(this.context.log, 'offers', () => offerHandler(reoffer))) reoffer.reject(500);
  }

  /** Overlapping INVITEs: of the peer 500 with Retry-After, of both ends 491 (RFC 3261 §14.2). */
  private refusalOfInvite(request: SipRequestMessage): { readonly status: number; readonly retryLater: boolean } | undefined {
    if (this.ended !== undefined) return { status: 481, retryLater: false };
    if (!this.facts.state.acceptSequence(request)) return { status: 500, retryLater: false };
    if (this.incoming !== undefined) return { status: 500, retryLater: true };
    const answerMissing = this.unacknowledged !== undefined && this.answerDue;
    return this.offers.pending || answerMissing ? { status: 491, retryLater: false } : undefined;
  }

  /** CANCEL of a re-INVITE that is not answered; the CANCEL itself has its 200. */
  receiveCancel(transaction: InviteServerTransaction): void {
    if (this.incoming === transaction) this.settleIncoming(transaction, 487);
  }

  /** Any other request of the dialog, BYE among them. */
  receiveRequest(transaction: NonInviteServerTransaction): void {
    const { request } = transaction;
    if (!this.facts.state.acceptSequence(request)) {
      this.refuse(transaction, 500);
      return;
    }
    this.followFlow(transaction);
    if (request.method === 'BYE') {
      this.refuse(transaction, 200);
      this.finish({ by: 'remote', headers: request.headers });
      this.unacknowledged?.stop();
      this.unacknowledged = undefined;
      if (this.leaving === undefined) this.context.dialogs.delete(this.id);
      return;
    }
    if (this.ended !== undefined) {
      this.refuse(transaction, 481);
    } else if (this.requestHandler !== undefined) {
      this.requestHandler(new StackRequest(transaction, { toTag: this.facts.state.localTag, server: this.context.userAgent }));
    } else {
      this.refuse(transaction, request.method === 'OPTIONS' ? 200 : 501);
    }
  }

  /** The peer does not know the dialog any more: it ends, with a BYE in case it does (RFC 3261 §12.2.1.2). */
  private gone(): void {
    if (this.ended === undefined) void this.leave({ by: 'dialog-gone' }, {});
  }

  private neverAcknowledged(): void {
    this.unacknowledged = undefined;
    if (this.ended === undefined) void this.leave({ by: 'ack-timeout' }, {});
    this.releaseAcknowledged();
  }

  private acknowledged(sdp: string | undefined): void {
    this.unacknowledged?.stop();
    this.unacknowledged = undefined;
    if (this.ended === undefined) {
      const { ackHandler } = this;
      if (ackHandler === undefined) this.earlyAck = { sdp };
      else guarded(this.context.log, 'ACKs', () => ackHandler(sdp));
    }
    this.releaseAcknowledged();
  }

  private releaseAcknowledged(): void {
    for (const each of this.whenAcknowledged.splice(0)) each();
    this.offers.pump();
  }

  /** Ends the dialog here and now, and toward the peer as soon as the rules let us (§15: not before the ACK). */
  private leave(end: DialogEnd, options: RequestContent): Promise<void> {
    const turn =
      this.unacknowledged === undefined ? Promise.resolve() : new Promise<void>((resolve) => this.whenAcknowledged.push(resolve));
    this.leaving = turn
      .then(() => this.exchange('BYE', options))
      .then(() => {
        this.context.dialogs.delete(this.id);
      });
    this.finish(end);
    return this.leaving;
  }

  private finish(end: DialogEnd): void {
    if (this.ended !== undefined) return;
    this.ended = end;
    if (this.incoming !== undefined) this.settleIncoming(this.incoming, 487);
    this.offers.close();
    for (const handler of this.endHandlers.splice(0)) guarded(this.context.log, 'ended dialogs', () => handler(end));
  }

  private reofferOf(transaction: InviteServerTransaction): Reoffer {
    const sdp = sessionOf(transaction.request);
    return {
      method: 'INVITE',
      ...(sdp === undefined ? {} : { sdp }),
      accept: (answer) => {
        if (this.incoming !== transaction) return;
        this.incoming = undefined;
        this.accept(transaction, answer);
      },
      reject: (status) => {
        if (this.incoming === transaction) this.settleIncoming(transaction, status);
      },
    };
  }

  private settleIncoming(transaction: InviteServerTransaction, status: number): void {
    this.incoming = undefined;
    this.refuse(transaction, status);
    this.offers.pump();
  }

  /** A browser that came back on another connection is reached there from now on. */
  private followFlow({ flow }: InviteServerTransaction | NonInviteServerTransaction): void {
    if (isWebSocket(flow.transport)) this.facts.state.moveTo(flow.ref);
  }

  private refuse(transaction: InviteServerTransaction | NonInviteServerTransaction, status: number, headers: ExtraHeaders = []): void {
    const response = responseTo(transaction.request, status, reasonPhrase(status), this.facts.state.localTag);
    addExtraHeaders(response.headers, headers);
    if (status === 200 && transaction.request.method === 'OPTIONS') this.context.addCapabilities(response.headers);
    response.headers.add('Server', this.context.userAgent);
    transaction.respond(response);
  }

  private exchange(method: string, content: RequestContent): Promise<Exchange> {
    const { state, digest } = this.facts;
    const retry = new ChallengeRetry(digest, { method, uri: state.request(method, 0).requestUri });
    return new Promise((resolve) => {
      const attempt = (): void => {
        const sequence = state.nextSequence();
        this.context.sender.send(state.request(method, sequence).destination, () => this.build(method, sequence, content, retry), {
          onResponse: (response) => {
            if (response.status < 200) return;
            if (retry.takes(response)) attempt();
            else resolve({ kind: 'response', response });
          },
          onTimeout: () => resolve({ kind: 'failed', failure: { why: 'timeout', detail: 'no final response within 64*T1' } }),
          onTransportError: (failure) => resolve({ kind: 'failed', failure }),
        });
      };
      attempt();
    });
  }

  private build(method: string, sequence: number, content: RequestContent, retry: ChallengeRetry): SipRequestMessage {
    const { requestUri, headers } = this.facts.state.request(method, sequence);
    addExtraHeaders(headers, content.headers);
    headers.add('User-Agent', this.context.userAgent);
    retry.addTo(headers);
    return { kind: 'request', method, requestUri, body: putBody(headers, content.body), headers };
  }
}
