import type { Cancellable, QueueClock } from './digit-queue.js';

/** What became of one offer to the far side. */
export type OfferOutcome =
  | 'accepted'
  /** 491: the far side had one of its own on the way. */
  | 'glare'
  /** Nobody answered it. */
  | 'unanswered'
  | 'refused'
  /** 481: there is no such call any more. */
  | 'gone';

export interface RenegotiationDeps {
  readonly clock: QueueClock;
  /** From 0 to 1, as `Math.random` gives. */
  readonly random: () => number;
  /** Offers what is wanted now, with a new path for the media or with the one there is. */
  readonly offer: (newPath: boolean) => Promise<OfferOutcome>;
  readonly onDone: (outcome: 'accepted' | 'refused' | 'gone', newPath: boolean) => void;
}

const firstPauseMs = 500;
const longestPauseMs = 8000;

/**
 * Offers one change of a call after the other. Changes that are wanted while an offer is under way are
 * made together in the next one, and an offer that collided or was lost is made again.
 */
export class Renegotiation {
  private wanted: { readonly newPath: boolean } | undefined;
  private offering = false;
  private timer: Cancellable | undefined;
  private pauseMs = firstPauseMs;
  private stopped = false;

  constructor(
    private readonly options: { /** We made the Call-ID. */ readonly ownsCallId: boolean },
    private readonly deps: RenegotiationDeps,
  ) {}

  /** Something about the call is to change. What was waiting for its time goes at once. */
  want(newPath = false): void {
    this.note(newPath);
    if (!this.offering) void this.go();
  }

  /** The call is over. */
  stop(): void {
    this.stopped = true;
    this.timer?.cancel();
  }

  private note(newPath: boolean): void {
    this.wanted = { newPath: newPath || this.wanted?.newPath === true };
  }

  private async go(): Promise<void> {
    const { wanted } = this;
    if (this.stopped || wanted === undefined) return;
    this.timer?.cancel();
    this.wanted = undefined;
    this.offering = true;
    const outcome = await this.deps.offer(wanted.newPath);
    this.offering = false;
    if (this.stopped) return;
    if (outcome === 'glare' || outcome === 'unanswered') {
      this.again(outcome, wanted.newPath);
      return;
    }
    this.pauseMs = firstPauseMs;
    this.deps.onDone(outcome, wanted.newPath);
    await this.go();
  }

  private again(outcome: 'glare' | 'unanswered', newPath: boolean): void {
    this.note(newPath);
    const pauseMs = outcome === 'glare' ? this.glarePauseMs() : this.pauseMs * (0.75 + this.deps.random() / 2);
    if (outcome === 'unanswered') this.pauseMs = Math.min(longestPauseMs, this.pauseMs * 2);
    this.timer = this.deps.clock.after(pauseMs, () => void this.go());
  }

  /** In steps of 10 ms: 2.1 to 4 s for the side that made the Call-ID, up to 2 s for the other (RFC 3261 §14.1). */
  private glarePauseMs(): number {
    const [least, most] = this.options.ownsCallId ? [210, 400] : [0, 200];
    return 10 * (least + Math.floor(this.deps.random() * (most - least + 1)));
  }
}
