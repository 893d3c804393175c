import type { Timer } from '../../base/clock.js';
import { HeaderFields } from '../embedded/message.js';
import { sessionOf } from '../embedded/session-body.js';
import type { OfferOutcome } from '../port.js';
import type { DrachtioContext } from './context.js';
import type { SentRequest, WireFailure, WireResponse } from './pending-request.js';

/** What the re-INVITEs of a dialog need of it. */
export interface OfferLineDeps {
  readonly context: DrachtioContext;
  /** False while the peer's INVITE, or our 2xx to it, is not done (RFC 3261 §14.1). */
  readonly mayOffer: () => boolean;
  readonly invite: (
    sdp: string | undefined,
    handlers: { onResponse(response: WireResponse): void; onFailure(failure: WireFailure): void },
  ) => SentRequest;
  /** The peer no longer knows the dialog (§12.2.1.2). */
  readonly onGone: () => void;
}

interface Entry {
  readonly sdp: string | undefined;
  readonly resolve: (outcome: OfferOutcome) => void;
  glares: number;
}

const maxGlares = 6;
/** A peer that says "working" for longer has forgotten the re-INVITE (cf. timer C, RFC 3261 §16.6). */
const proceedingLimitMs = 180_000;

/** Our re-INVITEs of one dialog, one after another, with the waits of RFC 3261 §14.1 after a 491. */
export class OfferLine {
  private readonly waiting: Entry[] = [];
  private current: Entry | undefined;
  private sent: SentRequest | undefined;
  private pause: Timer | undefined;
  private limit: Timer | undefined;
  /** Acknowledges the 2xx whose offer we have not answered yet. */
  private lateAck: (() => void) | undefined;
  private closed = false;

  constructor(
    private readonly options: { readonly ownsCallId: boolean },
    private readonly deps: OfferLineDeps,
  ) {}

  /** True while an INVITE of ours is unanswered, or its late answer is still to be given. */
  get pending(): boolean {
    return this.sent !== undefined;
  }

  push(sdp: string | undefined): Promise<OfferOutcome> {
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
    if (this.closed || this.current !== undefined || this.pause !== undefined || !this.deps.mayOffer()) return;
    const entry = this.waiting.shift();
    if (entry === undefined) return;
    this.current = entry;
    this.limit = this.deps.context.clock.after(proceedingLimitMs, () => this.sent?.cancel(new HeaderFields()));
    this.sent = this.deps.invite(entry.sdp, {
      onResponse: (response) => this.responded(entry, response),
      onFailure: ({ why }) => this.fail(entry, why === 'timeout' ? 408 : why === 'dialog' ? 481 : 503),
    });
  }

  /** The dialog has ended: what waits resolves with 481. */
  close(): void {
    this.closed = true;
    this.pause?.cancel();
    this.limit?.cancel();
    this.lateAck?.();
    this.lateAck = undefined;
    this.sent?.abandon();
    this.sent = undefined;
    const all = [...(this.current === undefined ? [] : [this.current]), ...this.waiting.splice(0)];
    this.current = undefined;
    for (const { resolve } of all) resolve({ status: 481 });
  }

  private responded(entry: Entry, { message, acknowledge }: WireResponse): void {
    const { status } = message;
    if (status < 200) return;
    if (status >= 300) {
      this.fail(entry, status);
      return;
    }
    const sdp = sessionOf(message);
    if (entry.sdp === undefined && sdp !== undefined && !this.closed) {
      this.limit?.cancel();
      this.lateAck = () => acknowledge({});
      entry.resolve({ status, sdp, answerWith: (answer) => this.answerLate(entry, () => acknowledge({ body: answer })) });
      return;
    }
    acknowledge({});
    this.done(entry, { status, ...(sdp === undefined ? {} : { sdp }) });
  }

  /** The answer to an offer of the peer's 2xx goes into the ACK (RFC 3261 §13.2.2.4). */
  private answerLate(entry: Entry, acknowledge: () => void): void {
    if (this.current !== entry || this.lateAck === undefined) return;
    this.lateAck = undefined;
    acknowledge();
    this.done(entry, { status: 200 });
  }

  private fail(entry: Entry, status: number): void {
    entry.glares += status === 491 ? 1 : 0;
    if (status === 491 && !this.closed && entry.glares <= maxGlares) {
      this.limit?.cancel();
      this.sent = undefined;
      this.current = undefined;
      this.waiting.unshift(entry);
      this.pause = this.deps.context.clock.after(this.glareDelayMs(), () => {
        this.pause = undefined;
        this.pump();
      });
      return;
    }
    this.done(entry, { status });
    if (status === 408 || status === 481) this.deps.onGone();
  }

  /** 2.1 to 4 s for the owner of the Call-ID, up to 2 s for the other, in steps of 10 ms. */
  private glareDelayMs(): number {
    const random = this.deps.context.random();
    return this.options.ownsCallId ? 2100 + 10 * Math.floor(random * 191) : 10 * Math.floor(random * 201);
  }

  private done(entry: Entry, outcome: OfferOutcome): void {
    if (this.current !== entry) return;
    this.limit?.cancel();
    this.sent = undefined;
    this.current = undefined;
    entry.resolve(outcome);
    this.pump();
  }
}
