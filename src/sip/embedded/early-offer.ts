import type { Timer } from '../../base/clock.js';
import type { Reoffer } from '../port.js';
import { guarded } from './guard.js';
import type { StackContext } from './stack-context.js';
import { lifetimeMs } from './transaction-timers.js';

/** Retry-After of the 500 that answers overlapping offers: 0 to 10 s (RFC 3261 §14.2, RFC 3311 §5.2). */
const maxRetryAfterSeconds = 10;

/** Value of Retry-After for a 500 to an offer that came while another one waits. */
export function overlapRetryAfter(random: () => number): string {
  return String(Math.floor(random() * (maxRetryAfterSeconds + 1)));
}

/** What becomes of an offer inside an early dialog; exactly one of the two, once. */
export interface EarlyOfferUser {
  readonly accept: (sdp: string) => void;
  readonly reject: (status: number) => void;
}

/** The one offer of the peer in an early dialog that has no answer yet; who does not answer within 64*T1 has refused with 500. */
export class EarlyOffer {
  private pending: { readonly user: EarlyOfferUser; readonly limit: Timer } | undefined;

  constructor(private readonly context: StackContext) {}

  get waits(): boolean {
    return this.pending !== undefined;
  }

  /** Hands an offer up; without a handler it is refused with 488, and with 500 while another one waits. */
  handUp(
    offer: Pick<Reoffer, 'method' | 'headers'> & { readonly sdp: string },
    handler: ((offer: Reoffer) => void) | undefined,
    user: EarlyOfferUser,
  ): void {
    if (handler === undefined) {
      user.reject(488);
      return;
    }
    if (this.pending !== undefined) {
      user.reject(500);
      return;
    }
    const pending = { user, limit: this.context.clock.after(lifetimeMs(this.context.timers), () => settle(() => user.reject(500))) };
    const settle = (how: () => void): void => {
      if (this.pending !== pending) return;
      this.pending = undefined;
      pending.limit.cancel();
      how();
    };
    this.pending = pending;
    const reoffer: Reoffer = {
      ...offer,
      accept: (sdp) => settle(() => user.accept(sdp)),
      reject: (status) => settle(() => user.reject(status)),
    };
    if (!guarded(this.context.log, 'early offers', () => handler(reoffer))) reoffer.reject(500);
  }

  /** The early dialog is over. */
  close(status: number): void {
    const { pending } = this;
    this.pending = undefined;
    pending?.limit.cancel();
    pending?.user.reject(status);
  }
}
