import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { AdminServer } from './admin/admin-server.js';
import type { GatewayState } from './admin/ports.js';
import { formatHostPort, type HostPort } from './base/address.js';
import type { Clock } from './base/clock.js';
import { messageOf } from './base/errors.js';
import { type LiveObjects, mergeLiveObjects } from './base/live-objects.js';
import type { Log } from './base/log.js';
import type { Startable } from './base/startable.js';
import type { CallFact, FactSink } from './call/facts.js';
import { logFold } from './cdr/log-fold.js';
import type { GatewayConfig } from './config/schema.js';
import type { Secrets } from './config/secrets.js';
import { type EmbeddedMediaOptions, EmbeddedMediaPlane } from './media/embedded/embedded-media-plane.js';
import type { MediaPlane } from './media/plane.js';
import { Metrics } from './metrics/metrics.js';
import type { FraudGuard } from './policy/guard.js';
import { DrachtioSip } from './sip/drachtio/drachtio-sip.js';
import { EmbeddedSip, type EmbeddedSipOptions, type ListenAddress } from './sip/embedded/embedded-sip.js';
import { LoopLag } from './sip/embedded/overload.js';
import type { SipPort } from './sip/port.js';
import { makeAdmin } from './wiring/admin.js';
import { type CallCore, makeCallCore } from './wiring/call-core.js';
import { CallRecords } from './wiring/call-records.js';
import { destinationCheck } from './wiring/destinations.js';
import { makeGuard } from './wiring/guard.js';
import { demoTrunk, drachtioOptions, mediaOptions, ownOrigins, sipOptions, sipTls, trunkOptions } from './wiring/options.js';
import { type TicketOffice, ticketOffice } from './wiring/tickets.js';
import { TurnPart } from './wiring/turn.js';

/**
 * The one place that knows concrete classes: makes them from the configuration, joins them, and
 * gives them a life.
 *
 * Start: 1 HTTP (alive, not ready) · 2 media plane and TURN · 3 SIP listeners · 4 demo carrier · 5 call core
 * and edges; then ready. HTTP is first because SIP must know the origin of our own pages, the
 * carrier is after SIP because each of the two has to know the other's port.
 * Stop: calls are drained, then the reverse: 5 edges, call records, 4, 3, 2, 1. HTTP is last so that
 * `/readyz` and `/metrics` answer to the end.
 */

/** What the gateway needs of a SIP stack beside the port. */
export interface SipStack extends SipPort {
  bound(): readonly ListenAddress[];
  acceptWebSocket(request: IncomingMessage, socket: Duplex, head: Buffer, secure: boolean): void;
  /** Certificates for new connections; returns what is wrong with them. Absent where the stack has no TLS of its own. */
  renewTls?(material: NonNullable<EmbeddedSipOptions['tls']>): string | undefined;
}

/** A SIP trunk in a box, run beside the gateway. */
export interface DemoCarrier {
  /** Starts it, tells it where the gateway's UDP SIP is, and resolves with where its own is. */
  start(gatewaySip: HostPort): Promise<HostPort>;
  stop(): Promise<void>;
}

export interface GatewayDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly secrets: Secrets;
  readonly version: string;
  /** Folder with the built page and widget. */
  readonly webFolder: URL;
  /** Demo mode: the demo page at `/`, and a trunk to this carrier. */
  readonly demoCarrier?: DemoCarrier;
  /** In place of the embedded stack, for tests. */
  readonly makeSip?: (options: EmbeddedSipOptions, deps: { readonly clock: Clock; readonly log: Log }) => SipStack;
  /** In place of the embedded plane, for tests. */
  readonly makeMedia?: (options: EmbeddedMediaOptions, deps: { readonly clock: Clock; readonly log: Log }) => MediaPlane;
}

export interface GatewayAddresses {
  /** URL of the HTTP listener, as this machine reaches it. */
  readonly http: string;
  readonly sip: readonly ListenAddress[];
  readonly demoCarrier?: HostPort;
}

export interface Gateway extends Startable {
  readonly state: GatewayState;
  /** Where things run; once started. */
  addresses(): GatewayAddresses;
  /** Takes no new calls and ends the live ones after `graceMs`. Calling it again with less time shortens it. */
  drain(graceMs: number): Promise<void>;
  /** Ends live calls at once, unless drained before, and frees everything. */
  stop(): Promise<void>;
  /** Takes certificates read anew for connections made from now on. Returns what could not be taken and why. */
  renewCertificates(secrets: Secrets): readonly string[];
  liveObjects(): Promise<LiveObjects>;
}

class RunningGateway implements Gateway {
  private current: GatewayState = 'starting';
  private readonly admin: AdminServer;
  private readonly metrics: Metrics;
  private readonly lag: LoopLag;
  private readonly records: CallRecords;
  private readonly facts: FactSink;
  private readonly tickets: TicketOffice;
  private readonly guard: FraudGuard;
  private readonly turn: TurnPart;
  private media: MediaPlane | undefined;
  private sip: SipStack | undefined;
  private core: CallCore | undefined;
  private carrierAt: HostPort | undefined;
  private starting: Promise<void> | undefined;
  private stopping: Promise<void> | undefined;

  constructor(
    private readonly config: GatewayConfig,
    private readonly deps: GatewayDeps,
  ) {
    this.lag = new LoopLag(deps.clock);
    this.lag.start();
    this.metrics = new Metrics(
      { version: deps.version },
      {
        liveObjects: () => this.liveObjects(),
        trunks: () => this.core?.trunks.states() ?? [],
        isReady: () => this.current === 'ready',
        budgets: () => this.guard.budgets(),
      },
    );
    this.records = new CallRecords(config, {
      clock: deps.clock,
      log: deps.log,
      facts: (fact) => this.facts(fact),
      onFailure: (kind) => this.metrics.countCdrFailure(kind),
      sessions: () => this.core?.calls.sessions() ?? new Map(),
      stats: async (sessions) => (await this.media?.statsOf(sessions)) ?? [],
    });
    const { guard, brake } = makeGuard(config, {
      clock: deps.clock,
      log: deps.log.child({ part: 'guard' }),
      facts: (fact) => this.facts(fact),
      hangUp: (callId, failure) => void this.core?.calls.hangUp(callId, failure),
    });
    this.guard = guard;
    this.facts = this.guarded([this.guard.take, ...this.records.folds, this.metrics.take, logFold(deps.log)]);
    const judge = destinationCheck(config);
    this.tickets = ticketOffice(config, {
      clock: deps.clock,
      log: deps.log.child({ part: 'tickets' }),
      secrets: deps.secrets,
      mayDial: (number) => judge(number).allowed,
    });
    this.turn = new TurnPart(config, { clock: deps.clock, log: deps.log.child({ part: 'turn' }), secrets: deps.secrets });
    const { version, webFolder, demoCarrier } = deps;
    this.admin = makeAdmin(
      config,
      { version, webFolder, demoPage: demoCarrier !== undefined },
      {
        clock: deps.clock,
        log: deps.log.child({ part: 'http' }),
        secrets: deps.secrets,
        state: () => this.current,
        drain: (graceMs) => void this.drain(graceMs),
        core: () => this.core,
        ...{ records: this.records, metrics: this.metrics, guard, brake, tickets: this.tickets, turn: this.turn },
        bound: () => this.admin.bound(),
        acceptWebSocket: (request, socket, head) => this.sip?.acceptWebSocket(request, socket, head, deps.secrets.httpTls !== undefined),
      },
    );
  }

  get state(): GatewayState {
    return this.current;
  }

  start(): Promise<void> {
    this.starting ??= this.startAll();
    return this.starting;
  }

  addresses(): GatewayAddresses {
    const { http } = this.config;
    const bound = this.admin.bound() ?? { host: http.host, port: http.port };
    const host = bound.host === '0.0.0.0' || bound.host === '::' ? '127.0.0.1' : bound.host;
    return {
      http: `${http.tls === undefined ? 'http' : 'https'}://${formatHostPort({ host, port: bound.port })}`,
      sip: this.sip?.bound() ?? [],
      ...(this.carrierAt === undefined ? {} : { demoCarrier: this.carrierAt }),
    };
  }

  async drain(graceMs: number): Promise<void> {
    if (this.current === 'ready') {
      this.current = 'draining';
      this.deps.log.info({ graceMs, calls: this.core?.calls.calls().length ?? 0 }, 'draining: no new calls are taken');
    }
    await this.core?.calls.drain(graceMs);
  }

  stop(): Promise<void> {
    this.stopping ??= this.stopAll();
    return this.stopping;
  }

  renewCertificates(secrets: Secrets): readonly string[] {
    const { httpTls, sipTls: sipFiles } = secrets;
    const faults: string[] = [];
    const http = httpTls === undefined || this.config.http.tls === undefined ? undefined : this.admin.renewTls(httpTls);
    if (http !== undefined) faults.push(`http.tls: ${http}`);
    const sip = sipFiles === undefined ? undefined : this.sip?.renewTls?.(sipTls(this.config, sipFiles));
    if (sip !== undefined) faults.push(`sip.tls: ${sip}`);
    const turn = this.turn.renewTls(secrets);
    if (turn !== undefined) faults.push(`media.turn.embedded.tls: ${turn}`);
    return faults;
  }

  async liveObjects(): Promise<LiveObjects> {
    const media = (await this.media?.liveObjects()) ?? {};
    const turn = await this.turn.liveObjects();
    return mergeLiveObjects([
      this.core?.calls.liveObjects() ?? {},
      this.core?.registrar.liveObjects() ?? {},
      this.sip?.liveObjects() ?? {},
      media,
      turn,
    ]);
  }

  private async startAll(): Promise<void> {
    try {
      await this.records.start();
      await this.tickets.start();
      await this.admin.start();
      await this.startPlanes();
      this.current = 'ready';
    } catch (thrown) {
      await this.stopParts();
      throw thrown;
    }
  }

  private async startPlanes(): Promise<void> {
    const { config, deps } = this;
    const { clock, log, secrets } = deps;
    const makeMedia = deps.makeMedia ?? ((options, needs) => new EmbeddedMediaPlane(options, needs));
    const makeSip = deps.makeSip ?? ((options, needs) => new EmbeddedSip(options, needs));
    const media = makeMedia(mediaOptions(config), { clock, log: log.child({ part: 'media' }) });
    this.media = media;
    await media.start();
    await this.turn.start();
    const origins = ownOrigins(config, this.admin.bound() ?? config.http);
    const sipDeps = { clock, log: log.child({ part: 'sip' }) };
    const drachtio = drachtioOptions(config, secrets);
    const sip: SipStack =
      drachtio === undefined ? makeSip(sipOptions(config, secrets, origins), sipDeps) : new DrachtioSip(drachtio, sipDeps);
    this.sip = sip;
    if (this.records.stories !== undefined) sip.onTrace?.(this.records.stories.traced);
    await sip.start();
    this.carrierAt = await deps.demoCarrier?.start(demoSipAddress(sip));
    const trunks = config.trunks.map((trunk) => trunkOptions(trunk, config, secrets));
    this.core = makeCallCore(config, this.carrierAt === undefined ? trunks : [...trunks, demoTrunk(this.carrierAt, config)], {
      ...{ sip, media, guard: this.guard, tickets: this.tickets, facts: this.facts, clock, log, secrets },
      loopDelayMs: () => this.lag.read(),
    });
    await this.core.trunks.start();
    this.records.startSampling();
  }

  /** A start that is still under way is seen through first, so that nothing starts after it was stopped. */
  private async stopAll(): Promise<void> {
    await this.starting?.catch(() => {});
    await this.drain(0);
    await this.stopParts();
  }

  private async stopParts(): Promise<void> {
    this.current = 'stopped';
    await this.step('call records', () => this.records.stop());
    await this.step('used tickets', () => this.tickets.stop());
    await this.step('registrations', async () => this.core?.registrar.clear());
    await this.step('guard', async () => this.guard.stop());
    await this.step('trunks', async () => this.core?.trunks.stop());
    await this.step('demo carrier', async () => this.deps.demoCarrier?.stop());
    await this.step('SIP', async () => this.sip?.stop());
    await this.step('media', async () => this.media?.stop());
    await this.step('TURN', () => this.turn.stop());
    await this.step('HTTP', () => this.admin.stop());
    this.lag.stop();
    this.metrics.stop();
  }

  /** A part that cannot be stopped keeps no other from being stopped. */
  private async step(part: string, stop: () => Promise<void>): Promise<void> {
    try {
      await stop();
    } catch (thrown) {
      this.deps.log.error({ part, error: messageOf(thrown) }, 'stopping a part failed');
    }
  }

  /** One sink out of many; what one of them throws never reaches another, nor the call. */
  private guarded(folds: readonly FactSink[]): FactSink {
    return (fact: CallFact) => {
      for (const fold of folds) {
        try {
          fold(fact);
        } catch (thrown) {
          this.deps.log.error({ fact: fact.type, error: messageOf(thrown) }, 'a fold over call facts failed');
        }
      }
    };
  }
}

/** Where the demo carrier reaches us: the first UDP listener. */
function demoSipAddress(sip: SipStack): HostPort {
  const { host, port } = sip.bound().find(({ transport }) => transport === 'udp') ?? { host: '127.0.0.1', port: 5060 };
  return { host: host === '0.0.0.0' ? '127.0.0.1' : host, port };
}

/** Makes a gateway; nothing runs before `start`. */
export function createGateway(config: GatewayConfig, deps: GatewayDeps): Gateway {
  return new RunningGateway(config, deps);
}
