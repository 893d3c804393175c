import { type Flow, isReliable } from './flow.js';
import { HeaderFields, type SipRequestMessage, type SipResponseMessage, type Via } from './message.js';
import { serialize } from './serializer.js';
import type { TransactionDeps } from './transaction-client.js';
import { type InviteServerEffect, type InviteServerEvent, type InviteServerState, inviteServer } from './transaction-invite-server.js';
import { TransactionMachine } from './transaction-machine.js';
import {
  type NonInviteServerEffect,
  type NonInviteServerEvent,
  type NonInviteServerState,
  nonInviteServer,
} from './transaction-non-invite-server.js';

/** Where a server transaction's responses go. */
export type Respond = (flow: Flow, via: Via, bytes: Buffer) => void;

export interface ServerTransactionFacts {
  readonly request: SipRequestMessage;
  readonly via: Via;
  readonly flow: Flow;
}

const noBody = Buffer.alloc(0);
const outlineNames = ['Via', 'From', 'To', 'Call-ID', 'CSeq'] as const;

/** What names a request: its transaction stays for half a minute, and should not hold all of it so long. */
function outlineOf({ kind, method, requestUri, headers }: SipRequestMessage): SipRequestMessage {
  const outline = new HeaderFields();
  for (const name of outlineNames) outline.add(name, headers.get(name) ?? '');
  return { kind, method, requestUri, headers: outline, body: noBody };
}

/** A request we received and what we answer it with; repeated requests are absorbed here. */
abstract class ServerTransactionBase {
  readonly flow: Flow;
  private received: SipRequestMessage;
  private readonly via: Via;
  private last: Buffer | undefined;
  private ended = false;
  /** Status of the final response, once one was sent. */
  finalStatus: number | undefined;

  constructor(
    facts: ServerTransactionFacts,
    private readonly out: Respond,
    private readonly onEnd: () => void,
  ) {
    this.received = facts.request;
    this.flow = facts.flow;
    this.via = facts.via;
  }

  /** The request; once its final response has been given, no more of it than names it. */
  get request(): SipRequestMessage {
    return this.received;
  }

  get live(): boolean {
    return !this.ended;
  }

  protected store(response: SipResponseMessage): void {
    this.last = serialize(response);
    if (response.status < 200 || this.finalStatus !== undefined) return;
    this.finalStatus = response.status;
    this.received = outlineOf(this.received);
  }

  /** Nothing repeats it any more: a 2xx of an INVITE is its dialog's to send again (RFC 6026 §8.5). */
  protected forgetResponse(): void {
    this.last = undefined;
  }

  protected sendLast(): void {
    if (this.last !== undefined) this.out(this.flow, this.via, this.last);
  }

  protected finish(): void {
    if (this.ended) return;
    this.ended = true;
    this.onEnd();
  }
}

/** Server side of an INVITE (RFC 3261 §17.2.1). */
export class InviteServerTransaction extends ServerTransactionBase {
  /** Told when a failure response was never acknowledged (timer H). */
  onNoAck: () => void = () => {};
  private readonly machine: TransactionMachine<InviteServerState, InviteServerEvent, InviteServerEffect>;

  constructor(facts: ServerTransactionFacts, deps: TransactionDeps, out: Respond, onEnd: () => void) {
    super(facts, out, onEnd);
    this.machine = new TransactionMachine(
      inviteServer,
      { ...deps, reliable: isReliable(facts.flow.transport) },
      (effect: InviteServerEffect) => {
        if (effect === 'report-no-ack') this.onNoAck();
        else this.sendLast();
      },
      () => this.finish(),
    );
    this.machine.start();
  }

  get state(): InviteServerState {
    return this.machine.state;
  }

  /** Sends a response; after a failure response none, after a 2xx only 2xx (retransmitted by the dialog). */
  respond(response: SipResponseMessage): void {
    const { state } = this.machine;
    const success = response.status >= 200 && response.status < 300;
    if (state !== 'proceeding' && !(state === 'accepted' && success)) return;
    this.store(response);
    if (response.status < 200) this.machine.take('send-provisional');
    else this.machine.take(success ? 'send-success' : 'send-failure');
    if (success) this.forgetResponse();
  }

  requestAgain(): void {
    this.machine.take('request');
  }

  /** True when the ACK belonged to a failure response; an ACK of a 2xx is the dialog's. */
  acknowledged(): boolean {
    if (this.machine.state === 'accepted') return false;
    this.machine.take('ack');
    return true;
  }

  kill(): void {
    this.machine.kill();
  }
}

/** Server side of any other request (RFC 3261 §17.2.2). */
export class NonInviteServerTransaction extends ServerTransactionBase {
  private readonly machine: TransactionMachine<NonInviteServerState, NonInviteServerEvent, NonInviteServerEffect>;

  constructor(facts: ServerTransactionFacts, deps: TransactionDeps, out: Respond, onEnd: () => void) {
    super(facts, out, onEnd);
    this.machine = new TransactionMachine(
      nonInviteServer,
      { ...deps, reliable: isReliable(facts.flow.transport) },
      () => this.sendLast(),
      () => this.finish(),
    );
    this.machine.start();
  }

  get state(): NonInviteServerState {
    return this.machine.state;
  }

  respond(response: SipResponseMessage): void {
    const { state } = this.machine;
    if (state !== 'trying' && state !== 'proceeding') return;
    this.store(response);
    this.machine.take(response.status < 200 ? 'send-provisional' : 'send-final');
  }

  requestAgain(): void {
    this.machine.take('request');
  }

  kill(): void {
    this.machine.kill();
  }
}

export type ServerTransaction = InviteServerTransaction | NonInviteServerTransaction;
