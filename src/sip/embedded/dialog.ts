import type { Timer } from '../../base/clock.js';
import type { DialogEnd, ExtraHeaders, FlowRef, InboundRequest, OfferOutcome, Reoffer, SipDialog, SipResponse } from '../port.js';
import { type Exchange, type ExchangeFacts, exchange, type RequestContent } from './dialog-exchange.js';
import { DialogResponses } from './dialog-responses.js';
import type { DialogUser } from './dialog-user.js';
import { overlapRetryAfter } from './early-offer.js';
import type { EarlyAgreement, EarlyServerDialog } from './early-server-dialog.js';
import { checkExtraHeaders } from './extra-headers.js';
import { isWebSocket } from './flow.js';
import { guarded } from './guard.js';
import { StackRequest } from './inbound-request.js';
import type { SipRequestMessage, SipResponseMessage } from './message.js';
import { OfferQueue } from './offer-queue.js';
import { asSipResponse, requestError } from './port-values.js';
import type { Refusal } from './request-policy.js';
import { contactFor } from './request-sender.js';
import { responseTo } from './serializer.js';
import { sessionOf } from './session-body.js';
import { SessionTimerAsk } from './session-timer-ask.js';
import { SessionTimerKeeper } from './session-timer-keeper.js';
import type { StackContext } from './stack-context.js';
import { cseqOf } from './transaction-layer.js';
import { InviteServerTransaction, type NonInviteServerTransaction } from './transaction-server.js';
import { lifetimeMs } from './transaction-timers.js';
import { UnacknowledgedOk } from './unacknowledged-ok.js';

/** What a dialog is made of besides its state. */
export interface DialogFacts extends ExchangeFacts {
  readonly ownsCallId: boolean;
  /** How the call asks for its session timer; as the stack does when absent. */
  readonly sessionTimer?: SessionTimerAsk;
  /** The early dialog it grew out of at the one called: PRACKs of it may still come. */
  readonly early?: EarlyServerDialog;
}

/** Not of the call but of a subscription beside it, whose end is not the call's (RFC 5057 §5.1). */
const ofSubscription: ReadonlySet<string> = new Set(['NOTIFY', 'SUBSCRIBE']);

type AnyServerTransaction = InviteServerTransaction | NonInviteServerTransaction;

/**
 * A confirmed INVITE dialog (RFC 3261 §12, §14, §15).
 *
 * It leaves the table of dialogs when nothing more can come for it: at once after the peer's BYE,
 * and after the answer to our own, so that a BYE crossing ours still gets its 200.
 */
export class Dialog implements SipDialog, DialogUser {
  readonly id: string;
  readonly callIdHeader: string;
  readonly localTag: string;
  readonly remoteTag: string;
  private readonly offers: OfferQueue;
  private readonly timer: SessionTimerKeeper;
  /** Our session description, as last agreed on. */
  private session: string | undefined;
  private ended: DialogEnd | undefined;
  private endHandlers: ((end: DialogEnd) => void)[] = [];
  private offerHandler: ((offer: Reoffer) => void) | undefined;
  private requestHandler: ((request: InboundRequest) => void) | undefined;
  private ackHandler: ((sdp: string | undefined) => void) | undefined;
  private earlyAck: { readonly sdp: string | undefined } | undefined;
  private unacknowledged: UnacknowledgedOk | undefined;
  /** Our 2xx made the offer: its ACK brings the answer, so no other INVITE may come between. */
  private answerDue = false;
  /** A BYE that waits for the ACK (RFC 3261 §15); told whether it is still to be sent. */
  private waitingBye: ((needed: boolean) => void) | undefined;
  /** An offer of the peer that has no answer: a re-INVITE or an UPDATE. */
  private incoming: { readonly transaction: AnyServerTransaction; readonly limit: Timer } | undefined;
  private leaving: Promise<void> | undefined;
  private readonly responses: DialogResponses;
  /** Its 2xx has not been sent yet: it waits for a PRACK. */
  private unsent = false;
  /** What the caller answered in PRACK to our offer; its ACK then brings none. */
  private earlyAnswer: string | undefined;

  constructor(
    private readonly facts: DialogFacts,
    private readonly context: StackContext,
  ) {
    const { state } = facts;
    this.id = state.key;
    this.callIdHeader = state.callId;
    this.localTag = state.localTag;
    this.remoteTag = state.remoteTag;
    this.timer = new SessionTimerKeeper(facts.sessionTimer ?? new SessionTimerAsk(context.sessionTimer), context, {
      onRefreshDue: () => void this.refresh(),
      onExpired: () => this.endAs('session-timer'),
    });
    this.offers = new OfferQueue(context, {
      ...facts,
      timer: this.timer,
      session: () => this.session,
      onAgreed: (sdp) => this.agreed(sdp),
      mayOffer: () => this.incoming === undefined && this.unacknowledged === undefined,
      onGone: () => this.endAs('dialog-gone'),
      onBroken: () => this.endAs('local'),
    });
    this.responses = new DialogResponses(facts, context);
    context.dialogs.set(this.id, this);
  }

  get flow(): FlowRef | undefined {
    return this.facts.state.flow;
  }

  allows(method: string): boolean | undefined {
    return this.facts.state.allows(method);
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
    return this.offers.push(sdp);
  }

  async request(method: string, options: RequestContent = {}): Promise<SipResponse> {
    checkExtraHeaders(options.headers);
    if (this.ended !== undefined) throw requestError(method, { why: 'transport', detail: 'the dialog has ended' });
    const result: Exchange = await exchange(this.context, this.facts, method, options);
    if (result.kind === 'failed') {
      if (result.failure.why === 'timeout' && !ofSubscription.has(method)) this.endAs('dialog-gone');
      throw requestError(method, result.failure);
    }
    const { status } = result.response;
    if ((status === 408 || status === 481) && !ofSubscription.has(method)) this.endAs('dialog-gone');
    return asSipResponse(result.response);
  }

  bye(options: { readonly headers?: ExtraHeaders } = {}): Promise<void> {
    checkExtraHeaders(options.headers);
    if (this.leaving !== undefined) return this.leaving;
    if (this.ended !== undefined) return Promise.resolve();
    return this.leave({ by: 'local' }, options);
  }

  /** The 2xx that made the dialog of an INVITE of ours. */
  confirmedBy(response: SipResponseMessage): void {
    if (this.ended === undefined) this.timer.accepted(response.headers);
  }

  /** A session description of ours was agreed on: what a refresh says again. */
  agreed(sdp: string): void {
    this.session = sdp;
  }

  /** Answers an INVITE of this dialog with 2xx and repeats it until ACK; the first one makes the dialog. */
  accept(transaction: InviteServerTransaction, sdp: string, headers: ExtraHeaders = [], agreed?: EarlyAgreement): void {
    const { request } = transaction;
    this.unsent = false;
    const whole = this.success(transaction, agreed === undefined ? sdp : undefined, headers);
    if (agreed !== undefined) this.agreed(sdp);
    this.earlyAnswer = agreed?.answer;
    this.answerDue = sessionOf(request) === undefined && agreed === undefined;
    this.unacknowledged = new UnacknowledgedOk(
      cseqOf(request),
      () => transaction.respond(whole),
      this.context,
      () => this.neverAcknowledged(),
    );
  }

  /** The 2xx that makes the dialog has to wait (RFC 3262 §3); `accept` or `neverWas` follows. */
  waitForTurn(): void {
    this.unsent = true;
  }

  /** The INVITE was given up before it could be answered: the dialog has ended before it began. */
  neverWas(): void {
    this.context.dialogs.delete(this.id);
    this.finish({ by: 'remote' });
    this.releaseBye(false);
  }

  /** An ACK whose tags are this dialog's. */
  receiveAck(request: SipRequestMessage): void {
    if (this.unacknowledged === undefined || this.unacknowledged.sequence !== cseqOf(request)) return;
    this.acknowledged(sessionOf(request) ?? this.earlyAnswer);
  }

  /** A re-INVITE (RFC 3261 §14.2). */
  receiveInvite(transaction: InviteServerTransaction): void {
    const { request } = transaction;
    if (this.ended !== undefined || !this.facts.state.acceptSequence(request)) {
      this.responses.refuse(transaction, this.ended === undefined ? 500 : 481);
      return;
    }
    this.followFlow(transaction);
    const refusal = this.overlapOf(true) ?? this.timer.refusalOf(request);
    if (refusal !== undefined) {
      this.responses.refuse(transaction, refusal.status, refusal.headers);
      return;
    }
    if (this.unacknowledged !== undefined) this.acknowledged(undefined);
    transaction.respond(responseTo(request, 100));
    this.handUp(transaction);
  }

  /** UPDATE (RFC 3311 §5.2): without a session description it is a sign of life, and may say where the peer is now. */
  private receiveUpdate(transaction: NonInviteServerTransaction): void {
    const { request } = transaction;
    const offers = sessionOf(request) !== undefined;
    const refusal = this.overlapOf(offers) ?? this.timer.refusalOf(request);
    if (refusal !== undefined) this.responses.refuse(transaction, refusal.status, refusal.headers);
    else if (offers) this.handUp(transaction);
    else transaction.respond(this.success(transaction, undefined));
  }

  /**
   * Requests that come in each other's way (RFC 3261 §14.2, RFC 3311 §5.2): an offer of the peer while
   * an earlier one waits for us gets 500 with Retry-After, one that meets an offer of ours 491.
   */
  private overlapOf(offers: boolean): Refusal | undefined {
    if (this.incoming !== undefined && (offers || this.incoming.transaction.request.method === 'UPDATE')) {
      return { status: 500, headers: [['Retry-After', overlapRetryAfter(this.context.random)]] };
    }
    const answerMissing = this.unacknowledged !== undefined && this.answerDue;
    return offers && (this.offers.pending || answerMissing) ? { status: 491, headers: [] } : undefined;
  }

  /** Gives an offer of the peer to whoever decides; who does not within 64*T1 has refused it with 500. */
  private handUp(transaction: AnyServerTransaction): void {
    const { offerHandler } = this;
    if (offerHandler === undefined) {
      this.responses.refuse(transaction, 488);
      return;
    }
    const limit = this.context.clock.after(lifetimeMs(this.context.timers), () => this.settleIncoming(500));
    this.incoming = { transaction, limit };
    const reoffer = this.reofferOf(transaction);
    if (!guarded(this.context.log, 'offers', () => offerHandler(reoffer))) reoffer.reject(500);
  }

  /** CANCEL of a re-INVITE that is not answered; the CANCEL itself has its 200. */
  receiveCancel(transaction: InviteServerTransaction): void {
    if (this.incoming?.transaction === transaction) this.settleIncoming(487);
  }

  /** Any other request of the dialog, BYE among them. */
  receiveRequest(transaction: NonInviteServerTransaction): void {
    const { request } = transaction;
    if (!this.facts.state.acceptSequence(request)) {
      this.responses.refuse(transaction, 500);
      return;
    }
    this.followFlow(transaction);
    if (request.method === 'BYE') {
      this.responses.refuse(transaction, 200);
      this.finish({ by: 'remote', headers: request.headers });
      this.unacknowledged?.stop();
      this.unacknowledged = undefined;
      if (this.leaving === undefined) this.context.dialogs.delete(this.id);
      this.releaseBye(false);
      return;
    }
    if (request.method === 'PRACK' && this.facts.early !== undefined) {
      this.facts.early.receivePrack(transaction);
    } else if (this.ended !== undefined || request.method === 'PRACK') {
      this.responses.refuse(transaction, 481);
    } else if (request.method === 'UPDATE') {
      this.receiveUpdate(transaction);
    } else if (this.requestHandler !== undefined) {
      const { state, contactUser } = this.facts;
      const contact = contactFor(this.context.localOn(transaction.flow), contactUser);
      this.requestHandler(new StackRequest(transaction, { toTag: state.localTag, server: this.context.userAgent, contact }));
    } else {
      this.responses.refuse(transaction, request.method === 'OPTIONS' ? 200 : 501);
    }
  }

  /** Ends the dialog for a reason of its own, with a BYE in case the peer still knows it (RFC 3261 §12.2.1.2, RFC 4028 §10). */
  private endAs(by: DialogEnd['by']): void {
    if (this.ended === undefined) void this.leave({ by }, {});
  }

  private async refresh(): Promise<void> {
    const { status } = await this.offers.refresh();
    if (this.ended === undefined && status >= 300) this.timer.refreshFailed();
  }

  private neverAcknowledged(): void {
    this.unacknowledged = undefined;
    this.endAs('ack-timeout');
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
    this.releaseBye(true);
    this.offers.pump();
  }

  private releaseBye(needed: boolean): void {
    const { waitingBye } = this;
    this.waitingBye = undefined;
    waitingBye?.(needed);
  }

  /** Ends the dialog here and now, and toward the peer as soon as the rules let us (§15: not before the ACK). */
  private leave(end: DialogEnd, options: RequestContent): Promise<void> {
    const turn =
      this.unacknowledged === undefined && !this.unsent
        ? Promise.resolve(true)
        : new Promise<boolean>((resolve) => {
            this.waitingBye = resolve;
          });
    this.leaving = turn.then(async (needed) => {
      if (needed) await exchange(this.context, this.facts, 'BYE', options);
      this.context.dialogs.delete(this.id);
    });
    this.finish(end);
    return this.leaving;
  }

  private finish(end: DialogEnd): void {
    if (this.ended !== undefined) return;
    this.ended = end;
    this.timer.stop();
    this.settleIncoming(this.incoming?.transaction instanceof InviteServerTransaction ? 487 : 481);
    this.offers.close();
    for (const handler of this.endHandlers.splice(0)) guarded(this.context.log, 'ended dialogs', () => handler(end));
  }

  private reofferOf(transaction: AnyServerTransaction): Reoffer {
    const sdp = sessionOf(transaction.request);
    return {
      method: transaction instanceof InviteServerTransaction ? 'INVITE' : 'UPDATE',
      ...(sdp === undefined ? {} : { sdp }),
      headers: transaction.request.headers,
      accept: (answer) => {
        if (this.incoming?.transaction !== transaction) return;
        this.takeIncoming();
        if (transaction instanceof InviteServerTransaction) {
          this.accept(transaction, answer);
        } else {
          transaction.respond(this.success(transaction, answer));
          this.offers.pump();
        }
      },
      reject: (status) => {
        if (this.incoming?.transaction === transaction) this.settleIncoming(status);
      },
    };
  }

  /** The 2xx to an INVITE or UPDATE, which also says that the session is alive. */
  private success(transaction: AnyServerTransaction, sdp: string | undefined, headers: ExtraHeaders = []): SipResponseMessage {
    const { request } = transaction;
    const response = this.responses.success(transaction, { sdp, headers, timer: this.timer });
    this.offers.refreshed();
    this.facts.state.refreshTarget(request);
    if (sdp !== undefined) this.agreed(sdp);
    return response;
  }

  /** The offer of the peer is not waiting any more. */
  private takeIncoming(): AnyServerTransaction | undefined {
    const { incoming } = this;
    this.incoming = undefined;
    incoming?.limit.cancel();
    return incoming?.transaction;
  }

  private settleIncoming(status: number): void {
    const transaction = this.takeIncoming();
    if (transaction === undefined) return;
    this.responses.refuse(transaction, status);
    this.offers.pump();
  }

  moveFlow(from: FlowRef, to: FlowRef): void {
    const { state } = this.facts;
    if (state.flow === from) state.moveTo(to);
  }

  /** A browser that came back on another connection is reached there from now on. */
  private followFlow({ flow }: AnyServerTransaction): void {
    if (isWebSocket(flow.transport)) this.facts.state.moveTo(flow.ref);
  }
}
