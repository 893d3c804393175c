import type { ExtraHeaders, FlowRef } from '../port.js';
import type { SipRequestMessage } from './message.js';
import type { InviteServerTransaction, NonInviteServerTransaction } from './transaction-server.js';

/** A dialog as the tables know it: what messages with its tags are given to. */
export interface DialogUser {
  receiveAck(request: SipRequestMessage): void;
  receiveInvite(transaction: InviteServerTransaction): void;
  receiveCancel(transaction: InviteServerTransaction): void;
  receiveRequest(transaction: NonInviteServerTransaction): void;
  /** Its peer came from `from` to `to`; nothing for a dialog that is elsewhere. */
  moveFlow(from: FlowRef, to: FlowRef): void;
  bye(options?: { readonly headers?: ExtraHeaders }): Promise<void>;
}
