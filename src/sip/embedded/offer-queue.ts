import type { Timer } from '../../base/clock.js';
import { AckSender } from './ack-sender.js';
import { ChallengeRetry } from './challenge-retry.js';
import type { DialogState } from './dialog-state.js';
import type { DigestClient } from './digest-client.js';
import { InviteAttempt } from './invite-attempt.js';
import type { SipRequestMessage, SipResponseMessage } from './message.js';
import { contactFor, type LocalIdentity } from './request-sender.js';
import { putSession, sessionOf } from './session-body.js';
import type { StackContext } from './stack-context.js';

/** Final status of a re-INVITE, with the peer's answer when it was accepted. */
export interface OfferResult {
  readonly status: number;
  readonly sdp?: string;
}

/** What re-INVITEs need of their dialog. */
export interface OfferQueueFacts {
  readonly state: DialogState;
  /** We made the Call-ID: decides who waits longer after glare (RFC 3261 §14.1). */
  readonly ownsCallId: boolean;
  readonly contactUser: string | undefined;
  readonly digest: DigestClient | undefined;
  /** False while the peer's INVITE, or our 2xx to it, is not done (§14.1). */
  readonly mayOffer: () => boolean;
  /** The peer no longer knows the dialog (§12.2.1.2). */
  readonly onGone: () => void;
}

interface Entry {
  readonly sdp: string;
  readonly resolve: (result: OfferResult) => void;
  glares: number;
}

const maxGlares = 6;
/** A peer that says "working" for longer has forgotten the re-INVITE (cf. timer C, RFC 3261 §16.6). */
const proceedingLimitMs = 180_000;

/** Our re-INVITEs of one dialog, one after another, with the waits of RFC 3261 §14.1 after a 491. */
export class OfferQueue {
  private readonly waiting: Entry[] = [];
  private current: Entry | undefined;
  private attempt: InviteAttempt | undefined;
  private pause: Timer | undefined;
  private limit: Timer | undefined;
  private closed = false;

  constructor(
    private readonly context: StackContext,
    private readonly facts: OfferQueueFacts,
  ) {}

  /** True while an INVITE of ours is unanswered: the peer's gets 491 (§14.2). */
  get pending(): boolean {
    return this.attempt !== undefined;
  }

  push(sdp: string): Promise<OfferResult> {
    return new Promise((resolve) => {
      if (this.closed) {
        resolve({ status: 481 });
        return;
      }
      this.waiting.push({ sdp, resolve, glares: 0 });
      this.pump();
    });
  }

  /** Goes on when nothing stands in the way; called whenever something may have got out of it. */
  pump(): void {
    if (this.closed || this.current !== undefined || this.pause !== undefined || !this.facts.mayOffer()) return;
    this.current = this.waiting.shift();
    if (this.current !== undefined) this.invite(this.current);
  }

  /** The dialog has ended: what waits resolves with 481, and an INVITE under way is cancelled. */
  close(): void {
    this.closed = true;
    this.pause?.cancel();
    this.limit?.cancel();
    this.attempt?.cancel();
    const all = this.current === undefined ? this.waiting.splice(0) : [this.current, ...this.waiting.splice(0)];
    this.current = undefined;
    for (const { resolve } of all) resolve({ status: 481 });
  }

  private invite(entry: Entry): void {
    const { state, digest } = this.facts;
    const retry = new ChallengeRetry(digest, { method: 'INVITE', uri: state.request('INVITE', 0).requestUri });
    this.send(entry, retry);
  }

  private send(entry: Entry, retry: ChallengeRetry): void {
    const { context } = this;
    const { state } = this.facts;
    const sequence = state.nextSequence();
    let ack: AckSender | undefined;
    const attempt: InviteAttempt = new InviteAttempt(
      context,
      state.request('INVITE', sequence).destination,
      (local) => this.build(entry, retry, sequence, local),
      {
        onProvisional: () => {},
        onSuccess: (response) => {
          if (ack === undefined && attempt.request !== undefined) {
            state.refreshTarget(response);
            ack = new AckSender(context, state, attempt.request, sequence);
            ack.send();
            this.succeed(response);
          } else {
            ack?.send();
          }
        },
        onFailure: (response) => {
          if (!this.closed && retry.takes(response)) this.send(entry, retry);
          else this.fail(entry, response.status);
        },
        onTimeout: () => this.fail(entry, 408),
        onTransportError: () => this.done({ status: 503 }),
      },
    );
    this.attempt = attempt;
    this.limit?.cancel();
    this.limit = context.clock.after(proceedingLimitMs, () => attempt.cancel());
  }

  private build(entry: Entry, retry: ChallengeRetry, sequence: number, local: LocalIdentity): SipRequestMessage {
    const { requestUri, headers } = this.facts.state.request('INVITE', sequence);
    headers.add('Contact', contactFor(local, this.facts.contactUser));
    this.context.addCapabilities(headers);
    headers.add('User-Agent', this.context.userAgent);
    retry.addTo(headers);
    return { kind: 'request', method: 'INVITE', requestUri, body: putSession(headers, entry.sdp), headers };
  }

  private succeed(response: SipResponseMessage): void {
    const sdp = sessionOf(response);
    this.done({ status: response.status, ...(sdp === undefined ? {} : { sdp }) });
  }

  private fail(entry: Entry, status: number): void {
    entry.glares += status === 491 ? 1 : 0;
    if (status === 491 && !this.closed && entry.glares <= maxGlares) {
      this.attempt = undefined;
      this.limit?.cancel();
      this.current = undefined;
      this.waiting.unshift(entry);
      this.pause = this.context.clock.after(this.glareDelayMs(), () => {
        this.pause = undefined;
        this.pump();
      });
      return;
    }
    this.done({ status });
    if (status === 408 || status === 481) this.facts.onGone();
  }

  /** 2.1 to 4 s for the owner of the Call-ID, up to 2 s for the other, in steps of 10 ms. */
  private glareDelayMs(): number {
    const { random } = this.context;
    return this.facts.ownsCallId ? 2100 + 10 * Math.floor(random() * 191) : 10 * Math.floor(random() * 201);
  }

  private done(result: OfferResult): void {
    this.limit?.cancel();
    this.attempt = undefined;
    const entry = this.current;
    this.current = undefined;
    entry?.resolve(result);
    this.pump();
  }
}
