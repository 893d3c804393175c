import type { Flow } from './flow.js';
import { readCSeq, topVia, toTag } from './header-readers.js';
import type { SipRequestMessage, SipResponseMessage } from './message.js';
import {
  type ClientTransaction,
  type ClientUser,
  cancelFor,
  InviteClientTransaction,
  NonInviteClientTransaction,
  nobody,
  type TransactionDeps,
} from './transaction-client.js';
import { clientKey, mergeKey, responseKey, serverKey } from './transaction-key.js';
import { InviteServerTransaction, NonInviteServerTransaction, type Respond, type ServerTransaction } from './transaction-server.js';

/** What the transaction layer hands up. */
export interface TransactionUser {
  /** A request not seen before. `merged` when the same one is being worked on by another way (RFC 3261 §8.2.2.2). */
  onInvite(transaction: InviteServerTransaction, merged: boolean): void;
  onRequest(transaction: NonInviteServerTransaction, merged: boolean): void;
  /** A CANCEL with the INVITE it is for, if there is one (§9.2). */
  onCancel(transaction: NonInviteServerTransaction, invite: InviteServerTransaction | undefined): void;
  /** An ACK that acknowledges no failure response: one of a 2xx (§13.3.1.4). */
  onAck(request: SipRequestMessage): void;
}

/**
 * Finds the transaction a message belongs to and makes new ones (RFC 3261 §17). All look-ups are by
 * key; a transaction leaves the tables when its machine ends.
 */
export class TransactionLayer {
  private readonly clients = new Map<string, ClientTransaction>();
  private readonly servers = new Map<string, ServerTransaction>();
  private readonly merging = new Map<string, string>();

  constructor(
    private readonly deps: TransactionDeps & { readonly respond: Respond },
    private readonly user: TransactionUser,
  ) {}

  get size(): number {
    return this.clients.size + this.servers.size;
  }

  /** Sends a request that already carries our Via, with `branch` in it. */
  send(request: SipRequestMessage, branch: string, flow: Flow, user: ClientUser): ClientTransaction {
    const key = clientKey(branch, request.method);
    const onEnd = (): void => {
      this.clients.delete(key);
    };
    const Transaction = request.method === 'INVITE' ? InviteClientTransaction : NonInviteClientTransaction;
    const transaction = new Transaction(request, flow, user, this.deps, onEnd);
    this.clients.set(key, transaction);
    transaction.start();
    return transaction;
  }

  /** Sends the CANCEL of an INVITE the same way; what comes back matters to nobody (RFC 3261 §9.1). */
  cancel(invite: ClientTransaction, extra: (request: SipRequestMessage) => void): void {
    const request = cancelFor(invite.request);
    extra(request);
    const branch = topVia(request.headers).parameters.get('branch') ?? '';
    this.send(request, branch, invite.flow, nobody);
  }

  /** The request of ours that left with this branch, while it is under way. */
  sentWith(branch: string, method: string): ClientTransaction | undefined {
    return this.clients.get(clientKey(branch, method));
  }

  receiveResponse(response: SipResponseMessage): void {
    this.clients.get(responseKey(response, topVia(response.headers)))?.receive(response);
  }

  receiveRequest(request: SipRequestMessage, flow: Flow): void {
    const via = topVia(request.headers);
    if (request.method === 'ACK') {
      const invite = this.servers.get(serverKey(request, 'INVITE', via));
      if (!(invite instanceof InviteServerTransaction) || !invite.acknowledged()) this.user.onAck(request);
      return;
    }
    const key = serverKey(request, request.method, via);
    const known = this.servers.get(key);
    if (known !== undefined) {
      known.requestAgain();
      return;
    }
    const facts = { request, via, flow };
    if (request.method === 'CANCEL') {
      const transaction = this.addNonInvite(key, facts);
      const invite = this.servers.get(serverKey(request, 'INVITE', via));
      this.user.onCancel(transaction, invite instanceof InviteServerTransaction ? invite : undefined);
      return;
    }
    const merge = toTag(request.headers) === undefined ? mergeKey(request) : undefined;
    const merged = merge !== undefined && this.merging.has(merge);
    const claimed = merged ? undefined : merge;
    if (claimed !== undefined) this.merging.set(claimed, key);
    if (request.method === 'INVITE') {
      const transaction = new InviteServerTransaction(facts, this.deps, this.deps.respond, () => this.forget(key, claimed));
      this.servers.set(key, transaction);
      this.user.onInvite(transaction, merged);
    } else {
      this.user.onRequest(this.addNonInvite(key, facts, claimed), merged);
    }
  }

  /** The server transaction a request belongs to, to answer a fault with. */
  serverOf(request: SipRequestMessage): ServerTransaction | undefined {
    return this.servers.get(serverKey(request, request.method));
  }

  /** Ends every transaction; requests of ours without a final response are reported as not answered. */
  endAll(): void {
    for (const transaction of [...this.clients.values()]) {
      transaction.giveUp({ why: 'transport', detail: 'the SIP stack has stopped' });
      transaction.kill();
    }
    for (const transaction of [...this.servers.values()]) transaction.kill();
  }

  private addNonInvite(
    key: string,
    facts: { readonly request: SipRequestMessage; readonly via: ReturnType<typeof topVia>; readonly flow: Flow },
    claimed?: string,
  ): NonInviteServerTransaction {
    const transaction = new NonInviteServerTransaction(facts, this.deps, this.deps.respond, () => this.forget(key, claimed));
    this.servers.set(key, transaction);
    return transaction;
  }

  private forget(key: string, claimed: string | undefined): void {
    this.servers.delete(key);
    if (claimed !== undefined) this.merging.delete(claimed);
  }
}

/** CSeq number of a request; the readers have checked it when the message was parsed. */
export function cseqOf(message: SipRequestMessage | SipResponseMessage): number {
  return readCSeq(message.headers).number;
}
