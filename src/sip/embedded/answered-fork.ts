import type { Timer } from '../../base/clock.js';
import type { AckSender } from './ack-sender.js';
import type { Dialog } from './dialog.js';
import type { StackContext } from './stack-context.js';
import { lifetimeMs } from './transaction-timers.js';

/** The ACK for the 2xx of one fork, which may wait for our answer (RFC 3261 §13.2.2.4). */
export class AnsweredFork {
  private limit: Timer | undefined;

  constructor(
    private readonly ack: AckSender,
    private readonly context: StackContext,
  ) {}

  acknowledge(): void {
    this.ack.send();
  }

  /** The 2xx came again: so does its ACK, unless it still waits. */
  acknowledgeAgain(): void {
    if (this.limit === undefined) this.ack.send();
  }

  /**
   * The 2xx brought the offer: the ACK leaves with the answer that is given to what this returns. A
   * dialog that ends first gets it without one, and so does one that nobody answers within 64*T1.
   */
  hold(dialog: Dialog): (answer: string) => void {
    this.limit = this.context.clock.after(lifetimeMs(this.context.timers), () => void dialog.bye());
    const release = (answer?: string): void => {
      if (this.limit === undefined) return;
      this.limit.cancel();
      this.limit = undefined;
      this.ack.send(answer);
      if (answer !== undefined) dialog.agreed(answer);
    };
    dialog.onEnd(() => release());
    return release;
  }
}
