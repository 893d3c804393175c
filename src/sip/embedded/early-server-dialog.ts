import type { ExtraHeaders, Reoffer } from '../port.js';
import { reasonPhrase } from '../status.js';
import type { DialogState } from './dialog-state.js';
import { EarlyOffer, overlapRetryAfter } from './early-offer.js';
import { addExtraHeaders } from './extra-headers.js';
import { guarded } from './guard.js';
import { readTokens } from './header-readers.js';
import type { SipRequestMessage, SipResponseMessage } from './message.js';
import { ReliableProvisionals } from './reliable-provisionals.js';
import { contactFor } from './request-sender.js';
import { responseTo } from './serializer.js';
import { putSession, sessionOf } from './session-body.js';
import type { StackContext } from './stack-context.js';
import type { InviteServerTransaction, NonInviteServerTransaction } from './transaction-server.js';

/** What came of offers before the final answer, so that the 2xx must not say it again (RFC 3262 §5). */
export interface EarlyAgreement {
  /** The caller's answer to our offer, which its PRACK brought, if nothing was agreed on since. */
  readonly answer?: string;
}

interface Facts {
  readonly state: DialogState;
  readonly contactUser: string | undefined;
}

interface User {
  /** A PRACK that a 2xx may have waited for. */
  readonly onAcknowledged: () => void;
  /** The caller never sent one. */
  readonly onNeverAcknowledged: () => void;
}

type Wish = 'required' | 'supported' | 'no';

const namesReliable = (request: SipRequestMessage, header: string): boolean =>
  readTokens(request.headers, header).some((token) => token.toLowerCase() === '100rel');

/** The early dialog at the one called: its provisional responses, their PRACKs and UPDATEs (RFC 3262, RFC 3311). */
export class EarlyServerDialog {
  offerHandler: ((offer: Reoffer) => void) | undefined;
  answerHandler: ((sdp: string) => void) | undefined;
  private readonly provisionals: ReliableProvisionals;
  private readonly offers: EarlyOffer;
  private readonly wish: Wish;
  private readonly late: boolean;
  /** Where offer and answer stand: ours may be told reliably, and is agreed on with its PRACK. */
  private exchange: 'open' | 'told' | 'agreed' = 'open';
  private updated = false;
  private prackAnswer: string | undefined;

  constructor(
    private readonly invite: InviteServerTransaction,
    private readonly context: StackContext,
    private readonly facts: Facts,
    user: User,
  ) {
    const { request } = invite;
    this.wish = namesReliable(request, 'Require') ? 'required' : namesReliable(request, 'Supported') ? 'supported' : 'no';
    this.late = sessionOf(request) === undefined;
    this.provisionals = new ReliableProvisionals(invite, context, user);
    this.offers = new EarlyOffer(context);
  }

  /** Whether provisional responses with a description are sent reliably. */
  get takesReliable(): boolean {
    return this.wish !== 'no';
  }

  /** No 2xx may be sent now (RFC 3262 §3). */
  get holdsSuccess(): boolean {
    return this.provisionals.holdsSuccess;
  }

  /** There when the 2xx must not carry a session description. */
  get agreement(): EarlyAgreement | undefined {
    if (this.updated) return {};
    return this.late && this.prackAnswer !== undefined ? { answer: this.prackAnswer } : undefined;
  }

  progress(status: number, sdp: string | undefined, headers: ExtraHeaders | undefined, reliable: boolean | undefined): void {
    const response = responseTo(this.invite.request, status, reasonPhrase(status), this.facts.state.localTag);
    addExtraHeaders(response.headers, headers);
    response.headers.add('Contact', this.contact(this.invite));
    this.context.addCapabilities(response.headers);
    response.headers.add('Server', this.context.userAgent);
    const sends = this.wish === 'required' || (this.wish === 'supported' && sdp !== undefined && reliable !== false);
    // Told reliably once, it is not told again: the caller would have to take it for a new offer (RFC 3262 §5).
    const said = sends && this.exchange !== 'open' ? undefined : sdp;
    if (sends && said !== undefined) this.exchange = 'told';
    this.provisionals.send({ ...response, body: putSession(response.headers, said) }, sends);
  }

  /** A request of the caller inside the early dialog, but for BYE. */
  receive(transaction: NonInviteServerTransaction): void {
    const { request } = transaction;
    if (!this.facts.state.acceptSequence(request)) {
      this.answer(transaction, 500);
      return;
    }
    switch (request.method) {
      case 'PRACK':
        this.receivePrack(transaction);
        return;
      case 'UPDATE':
        this.receiveUpdate(transaction);
        return;
      case 'OPTIONS':
        this.answer(transaction, 200);
        return;
      default:
        this.answer(transaction, 481);
    }
  }

  /** A PRACK, its CSeq taken already; valid after the final answer too (RFC 3262 §3). */
  receivePrack(transaction: NonInviteServerTransaction): void {
    const { request } = transaction;
    if (!this.provisionals.matches(request)) {
      this.answer(transaction, 481);
      return;
    }
    const sdp = sessionOf(request);
    // One of an earlier response says nothing of the description that waits behind it.
    const agrees = this.provisionals.holdsSuccess && this.exchange === 'told';
    const answers = this.late && agrees;
    const answer = answers ? sdp : undefined;
    if (answer !== undefined) this.prackAnswer = answer;
    if (agrees) this.exchange = 'agreed';
    this.provisionals.acknowledged();
    if (sdp === undefined || answers) this.answer(transaction, 200);
    else this.handUp(transaction, 'PRACK', sdp);
    const { answerHandler } = this;
    if (answer !== undefined && answerHandler !== undefined) guarded(this.context.log, 'early answers', () => answerHandler(answer));
  }

  /** A final response is about to be sent, or the call is over. */
  stop(): void {
    this.provisionals.stop();
    this.offers.close(500);
  }

  private receiveUpdate(transaction: NonInviteServerTransaction): void {
    const { request } = transaction;
    const sdp = sessionOf(request);
    if (sdp === undefined) {
      this.facts.state.refreshTarget(request);
      this.answer(transaction, 200);
      return;
    }
    if (this.offers.waits || (!this.late && this.exchange !== 'agreed')) {
      this.answer(transaction, 500, [['Retry-After', overlapRetryAfter(this.context.random)]]);
      return;
    }
    if (this.exchange !== 'agreed') {
      this.answer(transaction, 491);
      return;
    }
    this.facts.state.refreshTarget(request);
    this.handUp(transaction, 'UPDATE', sdp);
  }

  private handUp(transaction: NonInviteServerTransaction, method: 'PRACK' | 'UPDATE', sdp: string): void {
    this.offers.handUp({ method, sdp, headers: transaction.request.headers }, this.offerHandler, {
      accept: (answer) => {
        this.updated = true;
        this.answer(transaction, 200, [], answer);
      },
      reject: (status) => this.answer(transaction, status),
    });
  }

  private answer(transaction: NonInviteServerTransaction, status: number, headers: ExtraHeaders = [], sdp?: string): void {
    const { request } = transaction;
    const response: SipResponseMessage = responseTo(request, status, reasonPhrase(status), this.facts.state.localTag);
    addExtraHeaders(response.headers, headers);
    if (status === 200 && request.method === 'UPDATE') response.headers.add('Contact', this.contact(transaction));
    if (status === 200 && request.method !== 'PRACK') this.context.addCapabilities(response.headers);
    response.headers.add('Server', this.context.userAgent);
    transaction.respond({ ...response, body: putSession(response.headers, sdp) });
  }

  private contact({ flow }: InviteServerTransaction | NonInviteServerTransaction): string {
    return contactFor(this.context.localOn(flow), this.facts.contactUser);
  }
}
