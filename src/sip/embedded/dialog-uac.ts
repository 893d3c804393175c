import { randomToken } from '../../base/ids.js';
import type { ExtraHeaders, OutboundCall, OutboundOptions, OutboundOutcome, Progress, Reoffer } from '../port.js';
import { AnsweredForks, type SentInvite } from './answered-forks.js';
import { ChallengeRetry } from './challenge-retry.js';
import { DialogState } from './dialog-state.js';
import { DigestClient } from './digest-client.js';
import { EarlyClientDialog } from './early-client-dialog.js';
import { addExtraHeaders, checkExtraHeaders } from './extra-headers.js';
import type { FlowFailure } from './flow.js';
import { guarded } from './guard.js';
import { toTag } from './header-readers.js';
import { InviteAttempt, nobody } from './invite-attempt.js';
import type { InviteUser } from './invite-user.js';
import { HeaderFields, type SipRequestMessage, type SipResponseMessage } from './message.js';
import { addOptionTag } from './option-tags.js';
import { contactUserOf, destinationOf, formatAddress, newCallIdHeader } from './port-values.js';
import { contactFor, type LocalIdentity } from './request-sender.js';
import { putSession, sessionOf } from './session-body.js';
import { SessionTimerAsk } from './session-timer-ask.js';
import type { StackContext } from './stack-context.js';
import { newBranch } from './transaction-key.js';

/** An early dialog and the state it shares with what grows out of it. */
interface EarlyFork {
  readonly state: DialogState;
  readonly dialog: EarlyClientDialog;
}

/**
 * An INVITE of ours from the first byte to its outcome (RFC 3261 §13.2). Forks show as several To
 * tags; the first 2xx is the answer, every other one is acknowledged and ended with BYE (§13.2.2.4).
 */
export class OutgoingInvite implements OutboundCall, InviteUser {
  readonly id: string;
  readonly callIdHeader = newCallIdHeader();
  readonly outcome: Promise<OutboundOutcome>;
  private readonly tag = randomToken(8);
  private readonly digest: DigestClient | undefined;
  private readonly retry: ChallengeRetry;
  private readonly timer: SessionTimerAsk;
  private readonly forks: AnsweredForks;
  private readonly early = new Map<string, EarlyFork>();
  private sequence = 0;
  private attempt: InviteAttempt | undefined;
  private progressHandler: ((progress: Progress) => void) | undefined;
  private offerHandler: ((offer: Reoffer, fork: string) => void) | undefined;
  private heardHandler: (() => void) | undefined;
  private resolve: (outcome: OutboundOutcome) => void = () => {};
  private settled = false;
  private cancelHeaders: ExtraHeaders | undefined;

  constructor(
    private readonly options: OutboundOptions,
    private readonly context: StackContext,
  ) {
    checkExtraHeaders(options.headers);
    this.id = `uac-${newBranch().slice(7)}`;
    this.digest = options.credentials === undefined ? undefined : new DigestClient(options.credentials);
    this.retry = new ChallengeRetry(this.digest, {
      method: 'INVITE',
      uri: options.requestUri,
      ...(options.offer === undefined ? {} : { body: options.offer }),
    });
    this.timer = new SessionTimerAsk(options.sessionTimer ?? context.sessionTimer);
    const { via } = options;
    this.forks = new AnsweredForks(
      {
        target: options.requestUri,
        ...(via !== undefined && 'proxy' in via ? { proxy: via.proxy } : {}),
        sessionTimer: this.timer,
        contactUser: this.contactUser,
        digest: this.digest,
      },
      context,
    );
    this.outcome = new Promise((resolve) => {
      this.resolve = resolve;
    });
    context.invites.add(this);
    this.send();
  }

  onProgress(handler: (progress: Progress) => void): void {
    this.progressHandler = handler;
  }

  onOffer(handler: (offer: Reoffer, fork: string) => void): void {
    this.offerHandler = handler;
  }

  onHeard(handler: () => void): void {
    this.heardHandler = handler;
  }

  cancel(options: { readonly headers?: ExtraHeaders } = {}): void {
    checkExtraHeaders(options.headers);
    if (this.cancelHeaders !== undefined || this.settled) return;
    this.cancelHeaders = options.headers ?? [];
    if (this.attempt?.cancel(this.cancelHeaders) === false) this.settleCancelled('cancelled before anything was sent');
  }

  shutDown(): void {
    this.cancel();
  }

  abandon(): void {
    this.attempt?.abandon();
    this.settleCancelled('the stack has stopped');
  }

  private send(): void {
    const { context, options } = this;
    this.sequence += 1;
    const { sequence } = this;
    const attempt: InviteAttempt = new InviteAttempt(context, destinationOf(options), (local) => this.build(local, sequence), {
      onProvisional: (response) => {
        this.heard();
        this.provisional(response, attempt);
      },
      onSuccess: (response) => {
        this.heard();
        this.success(response, attempt, sequence);
      },
      onFailure: (response) => {
        this.heard();
        this.failure(response);
      },
      onTimeout: () => this.failed({ why: 'timeout', detail: 'no response within 64*T1' }),
      onTransportError: (failure) => this.failed(failure),
    });
    this.attempt = attempt;
  }

  private build(local: LocalIdentity, sequence: number): SipRequestMessage {
    const { options, context } = this;
    const headers = new HeaderFields();
    headers.add('Max-Forwards', String(options.maxForwards ?? 70));
    headers.add('From', `${formatAddress(options.from)};tag=${this.tag}`);
    headers.add('To', formatAddress(options.to ?? { uri: options.requestUri }));
    headers.add('Call-ID', this.callIdHeader);
    headers.add('CSeq', `${sequence} INVITE`);
    headers.add('Contact', contactFor(local, this.contactUser));
    addExtraHeaders(headers, options.headers);
    this.timer.addTo(headers);
    const { reliable = 'supported' } = options;
    if (reliable !== 'off') addOptionTag(headers, 'Supported', '100rel');
    if (reliable === 'required') addOptionTag(headers, 'Require', '100rel');
    context.addCapabilities(headers);
    headers.add('User-Agent', context.userAgent);
    this.retry.addTo(headers);
    return { kind: 'request', method: 'INVITE', requestUri: options.requestUri, body: putSession(headers, options.offer), headers };
  }

  private heard(): void {
    const { heardHandler } = this;
    this.heardHandler = undefined;
    if (heardHandler !== undefined) guarded(this.context.log, 'heard', heardHandler);
  }

  private provisional(response: SipResponseMessage, attempt: InviteAttempt): void {
    if (response.status === 100 || this.settled) return;
    const fork = toTag(response.headers) ?? '';
    const sdp = sessionOf(response);
    if (!this.earlyFork(fork, response, attempt)?.dialog.take(response)) return;
    const { progressHandler } = this;
    if (this.cancelHeaders !== undefined || progressHandler === undefined) return;
    // An offer in a reliable response goes its own way, to whoever answers offers.
    const hint = this.options.offer === undefined ? undefined : sdp;
    const progress = { status: response.status, ...(hint === undefined ? {} : { sdp: hint }), headers: response.headers, fork };
    guarded(this.context.log, 'progress', () => progressHandler(progress));
  }

  private earlyFork(fork: string, response: SipResponseMessage, { transaction }: InviteAttempt): EarlyFork | undefined {
    const known = this.early.get(fork);
    if (known !== undefined) {
      known.state.refreshTarget(response);
      return known;
    }
    if (transaction === undefined) return undefined;
    const state = DialogState.ofUac(transaction.request, response, this.forks.firstHop(transaction.flow));
    const facts = { state, contactUser: this.contactUser, digest: this.digest };
    const dialog = new EarlyClientDialog({ offer: this.options.offer }, this.context, facts, {
      offerHandler: () => this.handlerOf(fork),
      onUnanswered: () => this.cancel(),
    });
    const made = { state, dialog };
    this.early.set(fork, made);
    return made;
  }

  private handlerOf(fork: string): ((offer: Reoffer) => void) | undefined {
    const { offerHandler } = this;
    return offerHandler === undefined ? undefined : (offer) => offerHandler(offer, fork);
  }

  private get contactUser(): string | undefined {
    return contactUserOf(this.options.from.uri);
  }

  private success(response: SipResponseMessage, attempt: InviteAttempt, sequence: number): void {
    const { transaction } = attempt;
    if (this.forks.repeats(response) || transaction === undefined) return;
    const invite = { transaction, sequence };
    this.retry.learn(response);
    const tag = toTag(response.headers) ?? '';
    const early = this.early.get(tag);
    this.early.delete(tag);
    early?.dialog.close();
    this.stayBehind(attempt, invite);
    if (this.settled || this.cancelHeaders !== undefined) {
      this.forks.tooLate(response, invite, early?.state);
      this.settleCancelled('answered while being cancelled');
      return;
    }
    const { dialog, fork } = this.forks.add(response, invite, early?.state);
    const agreement = early?.dialog.agreement;
    const ours = agreement?.here ?? this.options.offer;
    if (ours !== undefined) dialog.agreed(ours);
    const sdp = agreement?.there ?? sessionOf(response) ?? early?.dialog.lastHint ?? '';
    const answer = { kind: 'answered', dialog, sdp, headers: response.headers, fork: tag } as const;
    if (ours !== undefined || sdp === '') {
      fork.acknowledge();
      this.settle(answer);
    } else {
      this.settle({ ...answer, answerWith: fork.hold(dialog) });
    }
  }

  /** From its first 2xx on, only more of them can come; the call is not kept for these. */
  private stayBehind(attempt: InviteAttempt, invite: SentInvite): void {
    const { forks } = this;
    attempt.handOver({ ...nobody, onSuccess: (response) => forks.tooLate(response, invite) });
  }

  private failure(response: SipResponseMessage): void {
    if (this.settled) return;
    if (this.cancelHeaders === undefined && (this.retry.takes(response) || this.timer.takes(response))) {
      this.closeEarly();
      this.send();
      return;
    }
    if (this.cancelHeaders !== undefined && (response.status === 487 || response.status === 401 || response.status === 407)) {
      this.settleCancelled('cancelled');
      return;
    }
    const { status, reason, headers } = response;
    this.settle({ kind: 'rejected', status, reason, headers });
  }

  private failed({ why, detail }: FlowFailure): void {
    if (this.cancelHeaders !== undefined) this.settleCancelled(detail);
    else this.settle({ kind: 'failed', why, detail });
  }

  private settleCancelled(detail: string): void {
    this.settle({ kind: 'failed', why: 'cancelled', detail });
  }

  /** A final response ends all of them (RFC 3261 §12.3). */
  private closeEarly(): void {
    for (const { dialog } of this.early.values()) dialog.close();
    this.early.clear();
  }

  private settle(outcome: OutboundOutcome): void {
    if (this.settled) return;
    this.settled = true;
    this.closeEarly();
    this.context.invites.delete(this);
    this.resolve(outcome);
  }
}
