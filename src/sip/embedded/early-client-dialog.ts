import type { ExtraHeaders, Reoffer } from '../port.js';
import { reasonPhrase } from '../status.js';
import { type ExchangeFacts, exchange } from './dialog-exchange.js';
import type { DialogUser } from './dialog-user.js';
import { EarlyOffer, overlapRetryAfter } from './early-offer.js';
import { addExtraHeaders } from './extra-headers.js';
import type { SipResponseMessage } from './message.js';
import { isReliable, ProvisionalOrder } from './provisional-order.js';
import { contactFor } from './request-sender.js';
import { responseTo } from './serializer.js';
import { putSession, sessionOf } from './session-body.js';
import type { StackContext } from './stack-context.js';
import type { InviteServerTransaction, NonInviteServerTransaction } from './transaction-server.js';

interface Options {
  /** Our offer in the INVITE; absent when the called side makes it. */
  readonly offer: string | undefined;
}

interface User {
  readonly offerHandler: () => ((offer: Reoffer) => void) | undefined;
  /** An offer that came reliably was not answered: the call makes no sense any more (RFC 3262 §5). */
  readonly onUnanswered: () => void;
}

/**
 * One early dialog of an INVITE of ours (RFC 3261 §12.1.2): its reliable provisional responses get
 * their PRACKs, and its UPDATEs their answers (RFC 3262 §4, RFC 3311 §5.2).
 */
export class EarlyClientDialog implements DialogUser {
  private readonly order = new ProvisionalOrder();
  private readonly offers: EarlyOffer;
  private closed = false;
  /** What is in force on each side, once offer and answer have both come in reliable messages. */
  private agreedHere: string | undefined;
  private agreedThere: string | undefined;
  /** Last description of an unreliable response: a hint of the answer to come. */
  private hint: string | undefined;

  constructor(
    private readonly options: Options,
    private readonly context: StackContext,
    private readonly facts: ExchangeFacts,
    private readonly user: User,
  ) {
    this.offers = new EarlyOffer(context);
    context.dialogs.set(facts.state.key, this);
  }

  /** Our description and theirs, once they are agreed on; a 2xx then brings none. */
  get agreement(): { readonly here: string; readonly there: string } | undefined {
    const { agreedHere: here, agreedThere: there } = this;
    return here === undefined || there === undefined ? undefined : { here, there };
  }

  /** The description of the called side for a 2xx without one. */
  get lastHint(): string | undefined {
    return this.hint;
  }

  /** Takes a provisional response; false when it has been seen, or is not its turn yet. */
  take(response: SipResponseMessage): boolean {
    const sdp = sessionOf(response);
    if (sdp !== undefined && this.agreedThere === undefined) this.hint = sdp;
    if (!isReliable(response)) return true;
    const rack = this.closed ? undefined : this.order.take(response);
    if (rack === undefined) return false;
    if (sdp === undefined || this.agreedThere !== undefined) this.acknowledge(rack);
    else if (this.options.offer === undefined) this.handUpOffer(rack, sdp);
    else {
      this.agreedHere = this.options.offer;
      this.agreedThere = sdp;
      this.acknowledge(rack);
    }
    return true;
  }

  /** The INVITE has its final response, or another fork has it: the early dialog is over (RFC 3261 §12.3). */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.offers.close(481);
    if (this.context.dialogs.get(this.facts.state.key) === this) this.context.dialogs.delete(this.facts.state.key);
  }

  receiveRequest(transaction: NonInviteServerTransaction): void {
    const { request } = transaction;
    if (!this.facts.state.acceptSequence(request)) this.answer(transaction, 500);
    else if (request.method === 'UPDATE') this.receiveUpdate(transaction);
    else this.answer(transaction, request.method === 'OPTIONS' ? 200 : 481);
  }

  /** While ours is not answered (RFC 3261 §14.2). */
  receiveInvite(transaction: InviteServerTransaction): void {
    this.answer(transaction, 491);
  }

  /** The INVITE's transaction stays on its connection, and its early dialogs with it. */
  moveFlow(): void {}

  receiveAck(): void {}

  receiveCancel(): void {}

  /** The INVITE ends it. */
  bye(): Promise<void> {
    return Promise.resolve();
  }

  private receiveUpdate(transaction: NonInviteServerTransaction): void {
    const { request } = transaction;
    const sdp = sessionOf(request);
    if (sdp === undefined) {
      this.facts.state.refreshTarget(request);
      this.answer(transaction, 200);
    } else if (this.offers.waits) {
      this.answer(transaction, 500, [['Retry-After', overlapRetryAfter(this.context.random)]]);
    } else if (this.agreement === undefined) {
      this.answer(transaction, 491);
    } else {
      this.facts.state.refreshTarget(request);
      this.offers.handUp({ method: 'UPDATE', sdp, headers: request.headers }, this.user.offerHandler(), {
        accept: (answer) => {
          this.agreedHere = answer;
          this.agreedThere = sdp;
          this.answer(transaction, 200, [], answer);
        },
        reject: (status) => this.answer(transaction, status),
      });
    }
  }

  /** The PRACK carries the answer; one that is refused gets its PRACK all the same. */
  private handUpOffer(rack: string, sdp: string): void {
    this.offers.handUp({ method: 'PRACK', sdp }, this.user.offerHandler(), {
      accept: (answer) => {
        this.agreedHere = answer;
        this.agreedThere = sdp;
        this.acknowledge(rack, answer);
      },
      reject: () => {
        this.acknowledge(rack);
        if (!this.closed) this.user.onUnanswered();
      },
    });
  }

  private acknowledge(rack: string, answer?: string): void {
    void exchange(this.context, this.facts, 'PRACK', {
      addTo: (headers) => headers.add('RAck', rack),
      ...(answer === undefined ? {} : { body: { type: 'application/sdp', content: answer } }),
    });
  }

  private answer(
    transaction: InviteServerTransaction | NonInviteServerTransaction,
    status: number,
    headers: ExtraHeaders = [],
    sdp?: string,
  ): void {
    const { request, flow } = transaction;
    const response = responseTo(request, status, reasonPhrase(status), this.facts.state.localTag);
    addExtraHeaders(response.headers, headers);
    if (status === 200) {
      if (request.method === 'UPDATE') response.headers.add('Contact', contactFor(this.context.localOn(flow), this.facts.contactUser));
      this.context.addCapabilities(response.headers);
    }
    response.headers.add('Server', this.context.userAgent);
    transaction.respond({ ...response, body: putSession(response.headers, sdp) });
  }
}
