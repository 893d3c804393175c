import type { Clock, Timer } from '../../base/clock.js';
import { lifetimeMs, type SipTimers } from './transaction-timers.js';

/**
 * A 2xx of an INVITE until its ACK (RFC 3261 §13.3.1.4): sent again after T1, doubling up to T2, on
 * every transport, since the ACK comes from beyond the next hop. After 64*T1 nobody has heard it.
 */
export class UnacknowledgedOk {
  private repeat: Timer | undefined;
  private readonly limit: Timer;
  private over = false;

  constructor(
    readonly sequence: number,
    private readonly send: () => void,
    private readonly deps: { readonly clock: Clock; readonly timers: SipTimers },
    onTimeout: () => void,
  ) {
    this.limit = deps.clock.after(lifetimeMs(deps.timers), () => {
      this.stop();
      onTimeout();
    });
    send();
    this.repeatAfter(deps.timers.t1Ms);
  }

  /** The ACK has come, or nobody waits for it any more. */
  stop(): void {
    this.over = true;
    this.repeat?.cancel();
    this.limit.cancel();
  }

  private repeatAfter(delayMs: number): void {
    if (this.over) return;
    this.repeat = this.deps.clock.after(delayMs, () => {
      this.send();
      this.repeatAfter(Math.min(delayMs * 2, this.deps.timers.t2Ms));
    });
  }
}
