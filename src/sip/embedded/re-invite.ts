import type { Timer } from '../../base/clock.js';
import type { OfferOutcome } from '../port.js';
import { AckSender } from './ack-sender.js';
import { ChallengeRetry } from './challenge-retry.js';
import { type ExchangeFacts, exchange } from './dialog-exchange.js';
import { InviteAttempt } from './invite-attempt.js';
import type { HeaderFields, SipRequestMessage, SipResponseMessage } from './message.js';
import { ProvisionalOrder } from './provisional-order.js';
import { contactFor, type LocalIdentity } from './request-sender.js';
import { putSession, sessionOf } from './session-body.js';
import type { StackContext } from './stack-context.js';
import { lifetimeMs } from './transaction-timers.js';

/** What comes of one re-INVITE. Exactly one of the first four, once. */
export interface ReInviteUser {
  /** The 2xx; with `answerWith` in the outcome its ACK waits for our answer. */
  onSuccess(response: SipResponseMessage, outcome: OfferOutcome): void;
  onFailure(response: SipResponseMessage): void;
  onTimeout(): void;
  onTransportError(): void;
  /** Our answer to the offer of a 2xx has left in the ACK. */
  onAnswered(sdp: string): void;
  /** Nobody answered the offer of a 2xx: the ACK has left without, and the session is broken. */
  onUnanswered(): void;
}

/** What it carries. */
export interface ReInviteContent {
  /** Absent: the peer is asked for an offer. */
  readonly sdp: string | undefined;
  addTo(headers: HeaderFields): void;
}

/** A peer that says "working" for longer has forgotten the re-INVITE (cf. timer C, RFC 3261 §16.6). */
const proceedingLimitMs = 180_000;

/** A re-INVITE of ours with its challenges, its ACK and, asked for an offer, our answer in it (RFC 3261 §14.1). */
export class ReInvite {
  private readonly retry: ChallengeRetry;
  private readonly limit: Timer;
  private attempt: InviteAttempt | undefined;
  /** An offer in a 2xx that waits for our answer. */
  private held: { readonly ack: AckSender; readonly limit: Timer } | undefined;
  private closed = false;
  private readonly provisionals = new ProvisionalOrder();
  /** Of a reliable provisional response: it is the answer, and a later one none (RFC 6337 §2.2). */
  private earlyAnswer: string | undefined;

  constructor(
    private readonly content: ReInviteContent,
    private readonly context: StackContext,
    private readonly facts: ExchangeFacts,
    private readonly user: ReInviteUser,
  ) {
    const { state, digest } = facts;
    this.retry = new ChallengeRetry(digest, {
      method: 'INVITE',
      uri: state.request('INVITE', 0).requestUri,
      ...(content.sdp === undefined ? {} : { body: content.sdp }),
    });
    this.limit = context.clock.after(proceedingLimitMs, () => this.attempt?.cancel());
    this.send();
  }

  /** The dialog ends: an INVITE under way is cancelled, and an offer nobody answered gets its ACK. */
  close(): void {
    this.closed = true;
    this.limit.cancel();
    this.attempt?.cancel();
    this.release()?.send();
  }

  private send(): void {
    const { context } = this;
    const { state } = this.facts;
    const sequence = state.nextSequence();
    const { moves } = state;
    let ack: AckSender | undefined;
    const attempt: InviteAttempt = new InviteAttempt(
      context,
      state.request('INVITE', sequence).destination,
      (local) => this.build(sequence, local),
      {
        onProvisional: (response) => this.provisional(response),
        onSuccess: (response) => {
          if (ack !== undefined) {
            if (this.held === undefined) ack.send();
            return;
          }
          if (attempt.request === undefined) return;
          this.retry.learn(response);
          state.refreshTarget(response);
          ack = new AckSender(context, state, attempt.request, sequence);
          this.succeed(response, ack);
        },
        onFailure: (response) => {
          if (!this.closed && this.retry.takes(response)) {
            this.send();
            return;
          }
          this.limit.cancel();
          this.user.onFailure(response);
        },
        onTimeout: () => {
          this.limit.cancel();
          if (state.moves === moves) this.user.onTimeout();
          else this.user.onTransportError();
        },
        onTransportError: () => {
          this.limit.cancel();
          this.user.onTransportError();
        },
      },
    );
    this.attempt = attempt;
  }

  /** One sent reliably gets its PRACK, once and in order, and what it answers holds for a 2xx without (RFC 3262 §4, §5). */
  private provisional(response: SipResponseMessage): void {
    const rack = this.closed ? undefined : this.provisionals.take(response);
    if (rack === undefined) return;
    this.earlyAnswer ??= sessionOf(response);
    void exchange(this.context, this.facts, 'PRACK', { addTo: (headers) => headers.add('RAck', rack) });
  }

  private build(sequence: number, local: LocalIdentity): SipRequestMessage {
    const { requestUri, headers } = this.facts.state.request('INVITE', sequence);
    headers.add('Contact', contactFor(local, this.facts.contactUser));
    this.content.addTo(headers);
    this.context.addCapabilities(headers);
    headers.add('User-Agent', this.context.userAgent);
    this.retry.addTo(headers);
    return { kind: 'request', method: 'INVITE', requestUri, body: putSession(headers, this.content.sdp), headers };
  }

  private succeed(response: SipResponseMessage, ack: AckSender): void {
    this.limit.cancel();
    const sdp = (this.content.sdp === undefined ? undefined : this.earlyAnswer) ?? sessionOf(response);
    const { status } = response;
    if (this.content.sdp !== undefined || sdp === undefined || this.closed) {
      ack.send();
      this.user.onSuccess(response, { status, ...(sdp === undefined ? {} : { sdp }) });
      return;
    }
    const limit = this.context.clock.after(lifetimeMs(this.context.timers), () => {
      this.release()?.send();
      this.user.onUnanswered();
    });
    this.held = { ack, limit };
    const answerWith = (answer: string): void => {
      const waiting = this.release();
      if (waiting === undefined) return;
      waiting.send(answer);
      this.user.onAnswered(answer);
    };
    this.user.onSuccess(response, { status, sdp, answerWith });
  }

  private release(): AckSender | undefined {
    const { held } = this;
    this.held = undefined;
    held?.limit.cancel();
    return held?.ack;
  }
}
