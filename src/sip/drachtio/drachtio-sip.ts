import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { HostPort } from '../../base/address.js';
import { messageOf } from '../../base/errors.js';
import type { LiveObjects } from '../../base/live-objects.js';
import type { Log } from '../../base/log.js';
import { CountingClock } from '../embedded/counting-clock.js';
import type {
  FlowRef,
  InboundCall,
  InboundRequest,
  OutboundCall,
  OutboundOptions,
  RequestOptions,
  SipCapabilities,
  SipPort,
  SipResponse,
} from '../port.js';
import { defaultSessionTimer } from '../session-timer.js';
import type { SipTrace } from '../trace.js';
import type { DrachtioContext, OpenDialog, OpenInvite } from './context.js';
import { Dispatch, type HandledMethod } from './dispatch.js';
import type { DrachtioLink, SipAddress } from './link.js';
import { LinkPool } from './link-pool.js';
import { type DrachtioSipDeps, type DrachtioSipOptions, type DrachtioTiming, defaultDrachtioTiming } from './options.js';
import { OutgoingInvite } from './outgoing-invite.js';
import { sendSingle } from './single-request.js';

const farewellStepMs = 20;

/**
 * The SIP port on drachtio servers: they have the transports, the transactions, the retransmissions
 * and the dialogs' numbers and routes; what is said, and when, is decided here.
 */
export class DrachtioSip implements SipPort {
  readonly capabilities: SipCapabilities = {
    webSocket: true,
    /** The server does not tell when a WebSocket closes. */
    flowEvents: false,
    digestSha256: true,
    reliableProvisionals: true,
    update: true,
    sessionTimers: true,
    /** The server names a dialog by Call-ID and From tag alone, and acknowledges one 2xx of an INVITE. */
    forks: false,
    lateOffer: true,
    /** The server repeats messages, and is repeated to, by itself. */
    trace: 'once',
  };
  private readonly clock: CountingClock;
  private readonly log: Log;
  private readonly timing: DrachtioTiming;
  private readonly pool: LinkPool;
  private readonly context: DrachtioContext;
  private readonly dispatch: Dispatch;
  private readonly dialogs = new Map<string, OpenDialog>();
  private readonly invites = new Set<OpenInvite>();
  private trace: SipTrace | undefined;
  private starting: Promise<void> | undefined;
  private stopping: Promise<void> | undefined;

  constructor(options: DrachtioSipOptions, deps: DrachtioSipDeps) {
    const { log } = deps;
    const random = deps.random ?? Math.random;
    const clock = new CountingClock(deps.clock, (thrown) => log.error({ fault: messageOf(thrown) }, 'A SIP timer set off a fault'));
    this.timing = { ...defaultDrachtioTiming, ...options.timing };
    this.pool = new LinkPool(
      options,
      this.timing,
      { clock, log, random, trace: () => this.trace },
      {
        onRequest: (link, request, responder) => this.dispatch.receive(link, request, responder),
        onDown: (link) => this.connectionLost(link),
      },
    );
    this.context = {
      clock,
      log,
      random,
      timing: this.timing,
      userAgent: options.userAgent,
      sessionTimer: options.sessionTimer ?? defaultSessionTimer,
      pool: this.pool,
      dialogs: this.dialogs,
      invites: this.invites,
      allow: () => this.dispatch.allow,
    };
    this.dispatch = new Dispatch(this.context);
    this.clock = clock;
    this.log = log;
  }

  start(): Promise<void> {
    this.starting ??= this.pool.start();
    return this.starting;
  }

  /** Refuses, cancels or hangs up what is left, waits a moment for the answers, and frees everything. */
  stop(): Promise<void> {
    this.stopping ??= this.shutDown();
    return this.stopping;
  }

  /** Where servers connect to us; valid after `start`, when there is such a listener. */
  get listeningOn(): HostPort | undefined {
    return this.pool.listeningOn;
  }

  /** Where the servers that are connected speak SIP. */
  bound(): readonly SipAddress[] {
    return this.pool.links.flatMap(({ sipAddresses }) => sipAddresses);
  }

  /** The WebSocket of a page ends at the server, not here; whoever tries is told so. */
  acceptWebSocket(_request: IncomingMessage, socket: Duplex): void {
    const text = 'SIP over WebSocket is served by the drachtio server: connect to its ws or wss contact instead.\n';
    const head = `HTTP/1.1 501 Not Implemented\r\nConnection: close\r\nContent-Type: text/plain\r\nContent-Length: ${text.length}`;
    socket.on('error', () => {});
    socket.end(`${head}\r\n\r\n${text}`);
  }

  onCall(handler: (call: InboundCall) => void): void {
    this.dispatch.callHandler = handler;
  }

  onRequest(method: HandledMethod, handler: (request: InboundRequest) => void): void {
    this.dispatch.handle(method, handler);
  }

  /** Never called: see `capabilities.flowEvents`. */
  onFlowClosed(_handler: (flow: FlowRef) => void): void {}

  onTrace(trace: SipTrace): void {
    this.trace = trace;
  }

  call(options: OutboundOptions): OutboundCall {
    return new OutgoingInvite(options, this.context);
  }

  async request(options: RequestOptions): Promise<SipResponse> {
    return sendSingle(options, this.context);
  }

  liveObjects(): LiveObjects {
    return {
      transaction: this.pool.links.reduce((sum, link) => sum + link.transactions, 0),
      dialog: this.dialogs.size,
      invite: this.invites.size,
      flow: 0,
      socket: this.pool.sockets,
      sip_timer: this.clock.liveTimers,
    };
  }

  /** Whoever spoke over this connection cannot be spoken with any more. */
  private connectionLost(link: DrachtioLink): void {
    const dialogs = [...this.dialogs.values()].filter((dialog) => dialog.link === link);
    const invites = [...this.invites].filter((invite) => invite.link === link);
    if (dialogs.length + invites.length > 0) {
      this.log.warn(
        { server: link.options.name, dialogs: dialogs.length, invites: invites.length },
        'calls were lost with a drachtio connection',
      );
    }
    for (const invite of invites) invite.abandon();
    for (const dialog of dialogs) dialog.connectionLost();
  }

  private async shutDown(): Promise<void> {
    await this.starting?.catch(() => {});
    this.dispatch.closing = true;
    for (const invite of [...this.invites]) invite.shutDown();
    for (const dialog of [...this.dialogs.values()]) void dialog.bye();
    const untilMs = this.clock.nowMs() + this.timing.farewellMs;
    while (this.dialogs.size + this.invites.size > 0 && this.clock.nowMs() < untilMs) {
      await new Promise<void>((resolve) => this.clock.after(farewellStepMs, resolve));
    }
    for (const invite of [...this.invites]) invite.abandon();
    await this.pool.close();
    this.dialogs.clear();
    this.clock.cancelAll();
  }
}
