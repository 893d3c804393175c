import type { Timer } from '../../base/clock.js';
import { readCSeq, readRAck } from './header-readers.js';
import type { SipRequestMessage, SipResponseMessage } from './message.js';
import { addOptionTag } from './option-tags.js';
import { isSipParseError } from './parse-error.js';
import { sessionOf } from './session-body.js';
import type { StackContext } from './stack-context.js';
import type { InviteServerTransaction } from './transaction-server.js';
import { lifetimeMs } from './transaction-timers.js';

/** The greatest first RSeq (RFC 3262 §3). */
const maxFirstRSeq = 2 ** 31 - 1;

interface Waiting {
  readonly rseq: number;
  /** It held a session description: no 2xx may overtake it. */
  readonly session: boolean;
  readonly limit: Timer;
  repeat: Timer;
}

/**
 * The reliable provisional responses to one INVITE (RFC 3262 §3): numbered from a random start, one at
 * a time, each sent again after T1, doubling, until its PRACK or for 64*T1. Unreliable ones that come
 * while one waits keep their place behind it.
 */
export class ReliableProvisionals {
  private waiting: Waiting | undefined;
  private readonly queue: { readonly response: SipResponseMessage; readonly reliable: boolean }[] = [];
  private rseq: number;
  private stopped = false;

  constructor(
    private readonly transaction: InviteServerTransaction,
    private readonly context: StackContext,
    private readonly user: {
      /** The PRACK of the one that waited has come. */
      readonly onAcknowledged: () => void;
      /** None came within 64*T1. */
      readonly onNeverAcknowledged: () => void;
    },
  ) {
    this.rseq = 1 + Math.floor(context.random() * (maxFirstRSeq - 1));
  }

  /** The response that waits has a session description, which a 2xx would overtake. */
  get holdsSuccess(): boolean {
    return this.waiting?.session === true;
  }

  /** Sends a provisional response in its turn. */
  send(response: SipResponseMessage, reliable: boolean): void {
    if (this.stopped) return;
    this.queue.push({ response, reliable });
    this.pump();
  }

  /** A final response follows: nothing more is sent, and PRACKs of what was sent are still known (§3). */
  stop(): void {
    this.stopped = true;
    this.queue.length = 0;
    this.waiting?.repeat.cancel();
    this.waiting?.limit.cancel();
  }

  /** True when a PRACK acknowledges the one that waits; call `acknowledged` once it is answered. */
  matches(prack: SipRequestMessage): boolean {
    try {
      const rack = readRAck(prack.headers);
      if (rack === undefined || this.waiting?.rseq !== rack.rseq) return false;
      const invite = readCSeq(this.transaction.request.headers);
      return rack.cseq.number === invite.number && rack.cseq.method === 'INVITE';
    } catch (thrown) {
      if (isSipParseError(thrown)) return false;
      throw thrown;
    }
  }

  acknowledged(): void {
    const { waiting } = this;
    if (waiting === undefined) return;
    waiting.repeat.cancel();
    waiting.limit.cancel();
    this.waiting = undefined;
    this.user.onAcknowledged();
    this.pump();
  }

  private pump(): void {
    while (this.waiting === undefined && !this.stopped) {
      const next = this.queue.shift();
      if (next === undefined) return;
      if (next.reliable) this.sendReliably(next.response);
      else this.transaction.respond(next.response);
    }
  }

  private sendReliably(response: SipResponseMessage): void {
    const { context } = this;
    this.rseq += 1;
    addOptionTag(response.headers, 'Require', '100rel');
    response.headers.add('RSeq', String(this.rseq));
    const limit = context.clock.after(lifetimeMs(context.timers), () => {
      this.stop();
      this.waiting = undefined;
      this.user.onNeverAcknowledged();
    });
    const waiting: Waiting = {
      rseq: this.rseq,
      session: sessionOf(response) !== undefined,
      limit,
      repeat: this.repeatAfter(context.timers.t1Ms, response),
    };
    this.waiting = waiting;
    this.transaction.respond(response);
  }

  private repeatAfter(delayMs: number, response: SipResponseMessage): Timer {
    return this.context.clock.after(delayMs, () => {
      this.transaction.respond(response);
      if (this.waiting !== undefined) this.waiting.repeat = this.repeatAfter(delayMs * 2, response);
    });
  }
}
