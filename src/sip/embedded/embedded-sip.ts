import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Clock } from '../../base/clock.js';
import { messageOf } from '../../base/errors.js';
import type { LiveObjects } from '../../base/live-objects.js';
import type { Log } from '../../base/log.js';
import type {
  FlowRef,
  InboundCall,
  InboundRequest,
  OutboundCall,
  OutboundOptions,
  RequestOptions,
  SessionTimerChoice,
  SipCapabilities,
  SipPort,
  SipResponse,
} from '../port.js';
import { defaultSessionTimer } from '../session-timer.js';
import type { SipTrace } from '../trace.js';
import { CountingClock } from './counting-clock.js';
import { OutgoingInvite } from './dialog-uac.js';
import type { DialogUser } from './dialog-user.js';
import { CachingDnsResolver } from './dns-resolver.js';
import { guarded } from './guard.js';
import { type HandledMethod, InboundDispatch } from './inbound-dispatch.js';
import type { InviteUser } from './invite-user.js';
import { type Resolver, systemResolver } from './locate.js';
import { addOptionTag } from './option-tags.js';
import { defaultOverload, LoopLag, Overload, type OverloadOptions } from './overload.js';
import { RequestSender } from './request-sender.js';
import { SingleRequests } from './single-request.js';
import type { StackContext } from './stack-context.js';
import { TransactionLayer } from './transaction-layer.js';
import { defaultSipTimers, type SipTimers } from './transaction-timers.js';
import { type ListenAddress, TransportLayer } from './transport-layer.js';
import type { TlsMaterial } from './transport-stream.js';
import type { WebSocketOptions } from './transport-ws.js';

export type { ListenAddress } from './transport-layer.js';

/** What the embedded stack is told. */
export interface EmbeddedSipOptions {
  readonly listen: readonly ListenAddress[];
  /** Host in Via and Contact; default: the local address toward the peer. */
  readonly publicAddress?: string;
  readonly tls?: TlsMaterial;
  readonly webSocket: WebSocketOptions;
  readonly userAgent: string;
  /** RFC 3261's when absent. */
  readonly timers?: SipTimers;
  /** For calls that do not choose their own; half an hour when absent (RFC 4028). */
  readonly sessionTimer?: SessionTimerChoice;
  /** Name servers, `address` or `address:port`; the machine's own resolver when absent. */
  readonly dnsServers?: readonly string[];
  /** When new calls are turned away; `defaultOverload` when absent. */
  readonly overload?: OverloadOptions;
}

export interface EmbeddedSipDeps {
  readonly clock: Clock;
  readonly log: Log;
  /** DNS; the machine's when absent. */
  readonly resolver?: Resolver;
  /** Uniform in [0, 1): SRV weights and the waits after glare. */
  readonly random?: () => number;
  /** How late the event loop runs; measured when absent. */
  readonly lagMs?: () => number;
}

/** How long `stop` waits for the answers to its last messages. */
const farewellMs = 1000;
const farewellStepMs = 20;

/** The gateway's own SIP stack (RFC 3261) behind the SIP port. */
export class EmbeddedSip implements SipPort {
  readonly capabilities: SipCapabilities = {
    webSocket: true,
    flowEvents: true,
    digestSha256: true,
    reliableProvisionals: true,
    update: true,
    sessionTimers: true,
    forks: true,
    lateOffer: true,
    trace: 'wire',
  };
  private readonly clock: CountingClock;
  private readonly log: Log;
  private readonly transport: TransportLayer;
  private readonly transactions: TransactionLayer;
  private readonly sender: RequestSender;
  private readonly context: StackContext;
  private readonly dispatch: InboundDispatch;
  private readonly single: SingleRequests;
  private readonly dialogs = new Map<string, DialogUser>();
  private readonly invites = new Set<InviteUser>();
  private readonly flowHandlers: ((flow: FlowRef) => void)[] = [];
  private readonly lag: LoopLag;
  private starting: Promise<void> | undefined;
  private stopping: Promise<void> | undefined;

  constructor(options: EmbeddedSipOptions, deps: EmbeddedSipDeps) {
    const { log } = deps;
    const timers = options.timers ?? defaultSipTimers;
    const random = deps.random ?? Math.random;
    const { dnsServers } = options;
    const ownResolver = dnsServers === undefined ? systemResolver : new CachingDnsResolver(dnsServers, deps.clock);
    const resolver = deps.resolver ?? ownResolver;
    const clock = new CountingClock(deps.clock, (thrown) => log.error({ fault: messageOf(thrown) }, 'A SIP timer set off a fault'));
    const transport = new TransportLayer(options, {
      clock,
      log,
      onMessage: (flow, data) => this.dispatch.receive(flow, data),
      onBroken: (flow, head, why) => this.dispatch.receiveBroken(flow, head, why),
      onFlowClosed: (flow) => this.flowClosed(flow),
    });
    const respond = transport.respond.bind(transport);
    const transactions = new TransactionLayer(
      { clock, timers, respond },
      {
        onInvite: (transaction, merged) => this.dispatch.onInvite(transaction, merged),
        onRequest: (transaction, merged) => this.dispatch.onRequest(transaction, merged),
        onCancel: (transaction, invite) => this.dispatch.onCancel(transaction, invite),
        onAck: (request) => this.dispatch.onAck(request),
      },
    );
    const sender = new RequestSender({ clock, log, transport, transactions, resolver, random });
    this.context = {
      clock,
      log,
      timers,
      userAgent: options.userAgent,
      sessionTimer: options.sessionTimer ?? defaultSessionTimer,
      sender,
      transactions,
      dialogs: this.dialogs,
      invites: this.invites,
      random,
      localOn: (flow) => ({ transport: flow.transport, sentBy: transport.sentBy(flow) }),
      addCapabilities: (headers) => {
        if (!headers.has('Allow')) headers.add('Allow', this.dispatch.allow);
        addOptionTag(headers, 'Supported', 'replaces');
      },
    };
    const overload = new Overload(options.overload ?? defaultOverload, {
      clock,
      transactions: () => transactions.size,
      invites: () => this.invites.size,
      lagMs: deps.lagMs ?? (() => this.lag.read()),
    });
    this.dispatch = new InboundDispatch(this.context, respond, overload);
    this.single = new SingleRequests(this.context);
    this.lag = new LoopLag(clock);
    this.clock = clock;
    this.log = log;
    this.transport = transport;
    this.transactions = transactions;
    this.sender = sender;
  }

  start(): Promise<void> {
    this.starting ??= this.transport.start().then(() => this.lag.start());
    return this.starting;
  }

  /** Refuses, cancels or hangs up what is left, waits a moment for the answers, and frees everything. */
  stop(): Promise<void> {
    this.stopping ??= this.shutDown();
    return this.stopping;
  }

  /** Listening addresses with their real ports; valid after `start`. */
  bound(): readonly ListenAddress[] {
    return this.transport.bound();
  }

  /** Certificates for connections made from now on; returns what is wrong with them, and then keeps to the old ones. */
  renewTls(material: TlsMaterial): string | undefined {
    return this.transport.renewTls(material);
  }

  /** Takes over an HTTP upgrade to SIP over WebSocket (RFC 7118 §4). */
  acceptWebSocket(request: IncomingMessage, socket: Duplex, head: Buffer, secure: boolean): void {
    this.transport.acceptWebSocket(request, socket, head, secure);
  }

  onCall(handler: (call: InboundCall) => void): void {
    this.dispatch.callHandler = handler;
  }

  onRequest(method: HandledMethod, handler: (request: InboundRequest) => void): void {
    this.dispatch.handle(method, handler);
  }

  onFlowClosed(handler: (flow: FlowRef) => void): void {
    this.flowHandlers.push(handler);
  }

  moveFlow(from: FlowRef, to: FlowRef): void {
    for (const dialog of this.dialogs.values()) dialog.moveFlow(from, to);
  }

  onTrace(trace: SipTrace): void {
    this.transport.trace = trace;
  }

  call(options: OutboundOptions): OutboundCall {
    return new OutgoingInvite(options, this.context);
  }

  request(options: RequestOptions): Promise<SipResponse> {
    return this.single.send(options);
  }

  liveObjects(): LiveObjects {
    return {
      transaction: this.transactions.size,
      dialog: this.dialogs.size,
      invite: this.invites.size,
      flow: this.transport.openFlows,
      socket: this.transport.openSockets,
      sip_timer: this.clock.liveTimers,
    };
  }

  private flowClosed(flow: FlowRef): void {
    for (const handler of this.flowHandlers) guarded(this.log, 'closed flows', () => handler(flow));
  }

  private async shutDown(): Promise<void> {
    await this.starting?.catch(() => {});
    this.dispatch.closing = true;
    this.lag.stop();
    for (const invite of [...this.invites]) invite.shutDown();
    for (const dialog of [...this.dialogs.values()]) void dialog.bye();
    const untilMs = this.clock.nowMs() + farewellMs;
    while (this.dialogs.size + this.invites.size > 0 && this.clock.nowMs() < untilMs) {
      await new Promise<void>((resolve) => this.clock.after(farewellStepMs, resolve));
    }
    this.sender.close();
    this.transactions.endAll();
    for (const invite of [...this.invites]) invite.abandon();
    this.dialogs.clear();
    await this.transport.stop();
    this.clock.cancelAll();
  }
}
