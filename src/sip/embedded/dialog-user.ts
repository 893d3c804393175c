import type { ExtraHeaders } from '../port.js';
import type { SipRequestMessage } from './message.js';
import type { InviteServerTransaction, NonInviteServerTransaction } from './transaction-server.js';

/** A dialog as the tables know it: what messages with its tags are given to. */
export interface DialogUser {
  receiveAck(request: SipRequestMessage): void;
  receiveInvite(transaction: InviteServerTransaction): void;
  receiveCancel(transaction: InviteServerTransaction): void;
  receiveRequest(transaction: NonInviteServerTransaction): void;
  bye(options?: { readonly headers?: ExtraHeaders }): Promise<void>;
}
