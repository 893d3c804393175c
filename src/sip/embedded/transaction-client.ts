import type { Clock, Timer } from '../../base/clock.js';
import { type Flow, type FlowFailure, isReliable, isWebSocket } from './flow.js';
import { HeaderFields, type SipRequestMessage, type SipResponseMessage } from './message.js';
import { serialize } from './serializer.js';
import { type InviteClientEffect, type InviteClientEvent, type InviteClientState, inviteClient } from './transaction-invite-client.js';
import { TransactionMachine } from './transaction-machine.js';
import {
  type NonInviteClientEffect,
  type NonInviteClientEvent,
  type NonInviteClientState,
  nonInviteClient,
} from './transaction-non-invite-client.js';
import type { SipTimers } from './transaction-timers.js';

/** Who sent the request and waits for what comes of it. */
export interface ClientUser {
  onResponse(response: SipResponseMessage): void;
  onTimeout(): void;
  onTransportError(failure: FlowFailure): void;
}

export interface TransactionDeps {
  readonly clock: Clock;
  readonly timers: SipTimers;
}

/** A request on its way and its responses. `request` carries our Via on top and leaves on `flow`. */
export interface ClientTransaction {
  readonly request: SipRequestMessage;
  readonly flow: Flow;
  /** False once terminated. */
  readonly live: boolean;
  start(): void;
  receive(response: SipResponseMessage): void;
  /** Ends it as a transport error does. */
  giveUp(failure: FlowFailure): void;
  /** Ends it without a word to anyone. */
  kill(): void;
}

type AnyEvent = InviteClientEvent | NonInviteClientEvent;
type AnyEffect = InviteClientEffect | NonInviteClientEffect;

/** What both client transactions do around their machines. */
abstract class ClientTransactionBase implements ClientTransaction {
  /** The request as it leaves; given back at the final response, after which it is never sent again. */
  private bytes: Buffer;
  private stopWatching: () => void = () => {};
  private lastFailure: FlowFailure = { why: 'transport', detail: 'not sent' };
  private response: SipResponseMessage | undefined;
  /** The ACK of a failure response, sent again for each repetition of it. */
  private acknowledgement: Buffer | undefined;
  private probed = false;
  private grace: Timer | undefined;
  private ended = false;

  constructor(
    readonly request: SipRequestMessage,
    readonly flow: Flow,
    private user: ClientUser,
    protected readonly deps: TransactionDeps,
    private readonly onEnd: () => void,
  ) {
    this.bytes = serialize(request);
  }

  get live(): boolean {
    return !this.ended;
  }

  start(): void {
    this.send(this.bytes);
    this.stopWatching = this.flow.onClose((failure) => this.flowGone(failure));
    this.begin();
  }

  receive(response: SipResponseMessage): void {
    this.response = response;
    this.grace?.cancel();
    if (response.status >= 200) this.bytes = noBody;
    this.take(this.eventOf(response.status));
    this.response = undefined;
    if (this.done) this.user = nobody;
  }

  giveUp(failure: FlowFailure): void {
    this.fail(failure);
  }

  abstract kill(): void;
  protected abstract begin(): void;
  protected abstract take(event: AnyEvent): void;
  protected abstract eventOf(status: number): AnyEvent;
  /** True while no response has come. */
  protected abstract readonly unanswered: boolean;
  /** True when nothing more will be told to anyone: it only waits for repeated messages. */
  protected abstract readonly done: boolean;

  protected perform(effect: AnyEffect): void {
    switch (effect) {
      case 'retransmit':
        this.send(this.bytes);
        this.probeOnce();
        return;
      case 'ack':
        if (this.response !== undefined) this.acknowledgement ??= serialize(ackFor(this.request, this.response));
        if (this.acknowledgement !== undefined) this.send(this.acknowledgement);
        return;
      case 'deliver':
        if (this.response !== undefined) this.user.onResponse(this.response);
        return;
      case 'report-timeout':
        this.user.onTimeout();
        return;
      case 'report-transport-error':
        this.user.onTransportError(this.lastFailure);
    }
  }

  protected finish(): void {
    if (this.ended) return;
    this.ended = true;
    this.grace?.cancel();
    this.stopWatching();
    this.onEnd();
  }

  private send(bytes: Buffer): void {
    this.flow.send(bytes, (failure) => this.fail(failure));
  }

  private fail(failure: FlowFailure): void {
    this.lastFailure = failure;
    this.take('transport-error');
  }

  /**
   * A TCP peer that has said it is working may answer over a connection of its own (RFC 3261
   * §18.2.2), so its loss is fatal only before the first response; a WebSocket peer never can.
   */
  private flowGone(failure: FlowFailure): void {
    if (this.unanswered || isWebSocket(this.flow.transport)) this.fail(failure);
  }

  /**
   * When the first retransmission is due, asks the peer's host whether anyone listens. A refusal
   * counts after T1 more without a response, so that one lost datagram and a firewall that refuses
   * strange ports do not add up to a false one.
   */
  private probeOnce(): void {
    if (this.probed) return;
    this.probed = true;
    this.flow.probe?.(() => {
      if (this.ended || !this.unanswered) return;
      this.grace = this.deps.clock.after(this.deps.timers.t1Ms, () => {
        if (this.unanswered) this.fail({ why: 'refused', detail: 'the peer host reports that nobody listens on this port' });
      });
    });
  }
}

/** Client side of an INVITE (RFC 3261 §17.1.1). */
export class InviteClientTransaction extends ClientTransactionBase {
  private readonly machine: TransactionMachine<InviteClientState, InviteClientEvent, InviteClientEffect>;

  constructor(request: SipRequestMessage, flow: Flow, user: ClientUser, deps: TransactionDeps, onEnd: () => void) {
    super(request, flow, user, deps, onEnd);
    const machineDeps = { ...deps, reliable: isReliable(flow.transport) };
    this.machine = new TransactionMachine(
      inviteClient,
      machineDeps,
      (effect: InviteClientEffect) => this.perform(effect),
      () => this.finish(),
    );
  }

  get state(): InviteClientState {
    return this.machine.state;
  }

  kill(): void {
    this.machine.kill();
  }

  protected get unanswered(): boolean {
    return this.machine.state === 'calling';
  }

  protected get done(): boolean {
    return this.machine.state === 'completed' || this.machine.state === 'terminated';
  }

  protected begin(): void {
    this.machine.start();
  }

  protected take(event: InviteClientEvent): void {
    this.machine.take(event);
  }

  protected eventOf(status: number): InviteClientEvent {
    if (status < 200) return 'provisional';
    return status < 300 ? 'success' : 'failure';
  }
}

/** Client side of any other request (RFC 3261 §17.1.2). */
export class NonInviteClientTransaction extends ClientTransactionBase {
  private readonly machine: TransactionMachine<NonInviteClientState, NonInviteClientEvent, NonInviteClientEffect>;

  constructor(request: SipRequestMessage, flow: Flow, user: ClientUser, deps: TransactionDeps, onEnd: () => void) {
    super(request, flow, user, deps, onEnd);
    const machineDeps = { ...deps, reliable: isReliable(flow.transport) };
    this.machine = new TransactionMachine(
      nonInviteClient,
      machineDeps,
      (effect: NonInviteClientEffect) => this.perform(effect),
      () => this.finish(),
    );
  }

  get state(): NonInviteClientState {
    return this.machine.state;
  }

  kill(): void {
    this.machine.kill();
  }

  protected get unanswered(): boolean {
    return this.machine.state === 'trying';
  }

  protected get done(): boolean {
    return this.machine.state === 'completed' || this.machine.state === 'terminated';
  }

  protected begin(): void {
    this.machine.start();
  }

  protected take(event: NonInviteClientEvent): void {
    this.machine.take(event);
  }

  protected eventOf(status: number): NonInviteClientEvent {
    return status < 200 ? 'provisional' : 'final';
  }
}

const noBody = Buffer.alloc(0);
const nothing = (): void => {};
/** For requests whose outcome matters to nobody, or no longer. */
export const nobody: ClientUser = { onResponse: nothing, onTimeout: nothing, onTransportError: nothing };

/** The request that follows another on its way hop by hop: ACK of a failure, CANCEL (RFC 3261 §17.1.1.3, §9.1). */
function alongside(request: SipRequestMessage, method: 'ACK' | 'CANCEL', to: string): SipRequestMessage {
  const headers = new HeaderFields();
  headers.add('Via', request.headers.get('Via') ?? '');
  headers.add('Max-Forwards', '70');
  for (const route of request.headers.all('Route')) headers.add('Route', route);
  headers.add('From', request.headers.get('From') ?? '');
  headers.add('To', to);
  headers.add('Call-ID', request.headers.get('Call-ID') ?? '');
  headers.add('CSeq', (request.headers.get('CSeq') ?? '').replace(/\S+$/, method));
  return { kind: 'request', method, requestUri: request.requestUri, headers, body: noBody };
}

/** The ACK of a non-2xx response: same branch, Request-URI and Route, To of the response (§17.1.1.3). */
export function ackFor(request: SipRequestMessage, response: SipResponseMessage): SipRequestMessage {
  return alongside(request, 'ACK', response.headers.get('To') ?? request.headers.get('To') ?? '');
}

/** The CANCEL of an INVITE: same branch, Request-URI, Route, To and CSeq number (§9.1). */
export function cancelFor(invite: SipRequestMessage): SipRequestMessage {
  return alongside(invite, 'CANCEL', invite.headers.get('To') ?? '');
}
