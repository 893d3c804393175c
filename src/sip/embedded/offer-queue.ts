import type { Timer } from '../../base/clock.js';
import type { OfferOutcome } from '../port.js';
import { type ExchangeFacts, exchange } from './dialog-exchange.js';
import { readRetryAfterSeconds } from './header-readers.js';
import type { SipResponseMessage } from './message.js';
import { isSipParseError } from './parse-error.js';
import { ReInvite } from './re-invite.js';
import type { SessionTimerKeeper } from './session-timer-keeper.js';
import type { StackContext } from './stack-context.js';

/** What our offers and refreshes need of their dialog. */
export interface OfferQueueFacts extends ExchangeFacts {
  /** We made the Call-ID: decides who waits longer after glare (RFC 3261 §14.1). */
  readonly ownsCallId: boolean;
  readonly timer: SessionTimerKeeper;
  /** Our session description as last agreed on, which a refresh repeats to the letter (RFC 4028 §7.4). */
  readonly session: () => string | undefined;
  /** A description of ours was agreed on. What is refused changes nothing (RFC 6141 §3.4). */
  readonly onAgreed: (sdp: string) => void;
  /** False while the peer's INVITE, or our 2xx to it, is not done (§14.1). */
  readonly mayOffer: () => boolean;
  /** The peer no longer knows the dialog (§12.2.1.2). */
  readonly onGone: () => void;
  /** An offer of the peer's was never answered: the two ends do not agree any more. */
  readonly onBroken: () => void;
}

interface Entry {
  readonly kind: 'offer' | 'refresh';
  /** Of an offer; a refresh takes what is agreed when its turn has come. */
  readonly sdp: string | undefined;
  readonly resolve: (result: OfferOutcome) => void;
  glares: number;
  /** It has waited once because the peer asked for it. */
  delayed: boolean;
}

const maxGlares = 6;
/** Longest Retry-After of a 500 that is waited for: the range of RFC 3261 §14.2. */
const maxRetryAfterSeconds = 10;

/**
 * Our re-INVITEs and session refreshes of one dialog, one after another: with the waits of RFC 3261
 * §14.1 after a 491, and that of Retry-After, once, after a 500.
 */
export class OfferQueue {
  private readonly waiting: Entry[] = [];
  private current: Entry | undefined;
  private invite: ReInvite | undefined;
  private pause: Timer | undefined;
  private closed = false;
  /** The peer refused an UPDATE as such, whatever its Allow said. */
  private noUpdate = false;

  constructor(
    private readonly context: StackContext,
    private readonly facts: OfferQueueFacts,
  ) {}

  /** True while an INVITE of ours is unanswered, or the offer it asked for is: the peer's gets 491 (§14.2). */
  get pending(): boolean {
    return this.invite !== undefined;
  }

  /** Offers `sdp`, or asks for an offer. */
  push(sdp: string | undefined): Promise<OfferOutcome> {
    return this.add('offer', sdp);
  }

  /** Tells the peer that we are there, by UPDATE when it takes one, else by the same offer again (RFC 4028 §7.4). */
  refresh(): Promise<OfferOutcome> {
    return this.add('refresh', undefined);
  }

  /** Goes on when nothing stands in the way; called whenever something may have got out of it. */
  pump(): void {
    if (this.closed || this.current !== undefined || this.pause !== undefined || !this.facts.mayOffer()) return;
    this.current = this.waiting.shift();
    if (this.current !== undefined) this.send(this.current);
  }

  /** The dialog has ended: what waits resolves with 481, and an INVITE under way is cancelled. */
  close(): void {
    this.closed = true;
    this.pause?.cancel();
    const all = this.current === undefined ? this.waiting.splice(0) : [this.current, ...this.waiting.splice(0)];
    this.current = undefined;
    const { invite } = this;
    this.invite = undefined;
    invite?.close();
    for (const { resolve } of all) resolve({ status: 481 });
  }

  /** A 2xx went either way: a refresh that waits has nothing left to do. */
  refreshed(): void {
    const due = this.waiting.filter(({ kind }) => kind === 'refresh');
    for (const entry of due) {
      this.waiting.splice(this.waiting.indexOf(entry), 1);
      entry.resolve({ status: 200 });
    }
  }

  private add(kind: Entry['kind'], sdp: string | undefined): Promise<OfferOutcome> {
    return new Promise((resolve) => {
      if (this.closed) {
        resolve({ status: 481 });
        return;
      }
      this.waiting.push({ kind, sdp, resolve, glares: 0, delayed: false });
      this.pump();
    });
  }

  private send(entry: Entry): void {
    const session = this.facts.session();
    if (entry.kind === 'offer') this.reInvite(entry, entry.sdp);
    else if (session === undefined || (!this.noUpdate && this.facts.state.allows('UPDATE') === true)) void this.update(entry);
    else this.reInvite(entry, session);
  }

  private async update(entry: Entry): Promise<void> {
    const { context, facts } = this;
    const result = await exchange(context, facts, 'UPDATE', { addTo: (headers) => facts.timer.addToRequest(headers) });
    if (this.current !== entry) return;
    if (result.kind === 'failed') {
      if (result.failure.why === 'timeout') this.refused(entry, 408);
      else this.done({ status: 503 });
      return;
    }
    const { response } = result;
    if (response.status >= 300) {
      this.noUpdate ||= response.status === 405 || response.status === 501;
      if (this.noUpdate && facts.session() !== undefined) this.send(entry);
      else this.refused(entry, response.status, response);
      return;
    }
    facts.state.refreshTarget(response);
    this.accepted(response);
    this.done({ status: response.status });
  }

  private reInvite(entry: Entry, sdp: string | undefined): void {
    const { facts } = this;
    const addTo = facts.timer.addToRequest.bind(facts.timer);
    this.invite = new ReInvite({ sdp, addTo }, this.context, facts, {
      onSuccess: (response, outcome) => {
        if (this.closed) return;
        this.accepted(response);
        if (sdp !== undefined) facts.onAgreed(sdp);
        if (outcome.answerWith === undefined) this.done(outcome);
        else entry.resolve(outcome);
      },
      onFailure: (response) => this.refused(entry, response.status, response),
      onTimeout: () => this.refused(entry, 408),
      onTransportError: () => this.done({ status: 503 }),
      onAnswered: (answer) => {
        facts.onAgreed(answer);
        this.done({ status: 200 });
      },
      onUnanswered: () => facts.onBroken(),
    });
  }

  private accepted(response: SipResponseMessage): void {
    this.facts.timer.accepted(response.headers);
    this.refreshed();
  }

  private refused(entry: Entry, status: number, response?: SipResponseMessage): void {
    if (this.closed) return;
    const delayMs = response === undefined ? undefined : this.delayBefore(entry, response);
    if (delayMs === undefined) {
      this.done({ status });
      if (status === 408 || status === 481) this.facts.onGone();
      return;
    }
    this.invite = undefined;
    this.current = undefined;
    this.waiting.unshift(entry);
    this.pause = this.context.clock.after(delayMs, () => {
      this.pause = undefined;
      this.pump();
    });
  }

  /** How long to wait before another try; undefined when there is none. */
  private delayBefore(entry: Entry, response: SipResponseMessage): number | undefined {
    if (response.status === 491) {
      entry.glares += 1;
      return entry.glares <= maxGlares ? this.glareDelayMs() : undefined;
    }
    if (response.status === 500 && !entry.delayed) {
      const seconds = retryAfterOf(response);
      if (seconds === undefined || seconds > maxRetryAfterSeconds) return undefined;
      entry.delayed = true;
      return seconds * 1000;
    }
    return this.facts.timer.takes(response) ? 0 : undefined;
  }

  /** 2.1 to 4 s for the owner of the Call-ID, up to 2 s for the other, in steps of 10 ms. */
  private glareDelayMs(): number {
    const { random } = this.context;
    return this.facts.ownsCallId ? 2100 + 10 * Math.floor(random() * 191) : 10 * Math.floor(random() * 201);
  }

  private done(result: OfferOutcome): void {
    this.invite = undefined;
    const entry = this.current;
    this.current = undefined;
    entry?.resolve(result);
    this.pump();
  }
}

function retryAfterOf({ headers }: SipResponseMessage): number | undefined {
  try {
    return readRetryAfterSeconds(headers);
  } catch (thrown) {
    if (isSipParseError(thrown)) return undefined;
    throw thrown;
  }
}
