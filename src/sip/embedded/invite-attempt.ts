import type { Timer } from '../../base/clock.js';
import type { ExtraHeaders } from '../port.js';
import { addExtraHeaders } from './extra-headers.js';
import type { FlowFailure } from './flow.js';
import type { SipRequestMessage, SipResponseMessage } from './message.js';
import type { BuildRequest, Destination, Sending } from './request-sender.js';
import type { StackContext } from './stack-context.js';
import type { ClientUser } from './transaction-client.js';
import { lifetimeMs } from './transaction-timers.js';

/** What comes of one INVITE request on the wire. */
export interface InviteAttemptUser {
  onProvisional(response: SipResponseMessage): void;
  /** Each 2xx, repeated ones and those of other forks too. */
  onSuccess(response: SipResponseMessage): void;
  onFailure(response: SipResponseMessage): void;
  onTimeout(): void;
  onTransportError(failure: FlowFailure): void;
}

const nothing = (): void => {};

/** For an INVITE of which nothing more is wanted to be known. */
export const nobody: InviteAttemptUser = {
  onProvisional: nothing,
  onSuccess: nothing,
  onFailure: nothing,
  onTimeout: nothing,
  onTransportError: nothing,
};

/**
 * One INVITE request and its CANCEL (RFC 3261 §9.1): asked for before any response, the CANCEL waits
 * for a provisional one; without a final response within 64*T1 after it the INVITE is given up.
 */
export class InviteAttempt implements ClientUser {
  private readonly sending: Sending;
  private cancelHeaders: ExtraHeaders | undefined;
  private cancelSent = false;
  /** The transaction that had a provisional response: only that one may be cancelled. */
  private proceeding: Sending['transaction'];
  private over = false;
  private guard: Timer | undefined;

  constructor(
    private readonly context: StackContext,
    destination: Destination,
    build: BuildRequest,
    private user: InviteAttemptUser,
  ) {
    this.sending = context.sender.send(destination, build, this);
  }

  /** The INVITE as it left; undefined while no way has been found. */
  get request(): SipRequestMessage | undefined {
    return this.sending.transaction?.request;
  }

  get transaction(): Sending['transaction'] {
    return this.sending.transaction;
  }

  get cancelled(): boolean {
    return this.cancelHeaders !== undefined;
  }

  /** False when nothing had left: then nothing will, and nothing more is reported. */
  cancel(headers: ExtraHeaders = []): boolean {
    if (this.over || this.cancelled) return true;
    this.cancelHeaders = headers;
    if (this.sending.transaction === undefined) {
      this.over = true;
      this.sending.abandon();
      return false;
    }
    this.sending.stay();
    if (this.proceeding === this.sending.transaction) this.sendCancel();
    return true;
  }

  /** What comes from now on is told to `user`: 2xx of other forks, and repeated ones. */
  handOver(user: InviteAttemptUser): void {
    this.user = user;
  }

  /** Ends the transaction without a word. */
  abandon(): void {
    this.over = true;
    this.guard?.cancel();
    this.sending.abandon();
  }

  onResponse(response: SipResponseMessage): void {
    if (response.status < 200) {
      this.proceeding = this.sending.transaction;
      if (this.cancelled) this.sendCancel();
      this.user.onProvisional(response);
      return;
    }
    this.over = true;
    this.guard?.cancel();
    if (response.status < 300) this.user.onSuccess(response);
    else this.user.onFailure(response);
  }

  onTimeout(): void {
    this.over = true;
    this.guard?.cancel();
    this.user.onTimeout();
  }

  onTransportError(failure: FlowFailure): void {
    this.over = true;
    this.guard?.cancel();
    this.user.onTransportError(failure);
  }

  private sendCancel(): void {
    const { transaction } = this.sending;
    if (this.cancelSent || this.over || transaction === undefined) return;
    this.cancelSent = true;
    this.context.transactions.cancel(transaction, (request) => addExtraHeaders(request.headers, this.cancelHeaders));
    this.guard = this.context.clock.after(lifetimeMs(this.context.timers), () => {
      this.sending.abandon();
      this.onTimeout();
    });
  }
}
