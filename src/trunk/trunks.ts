/** The life of the trunks beside their calls: registrations, probes, and what an operator sees of them. */
import type { Clock } from '../base/clock.js';
import type { Log } from '../base/log.js';
import type { Startable } from '../base/startable.js';
import type { PeerView, TrunkView } from '../call/trunk-view.js';
import type { FlowRef, SipPort } from '../sip/port.js';
import { localAddresses, NetworkWatch } from './network-watch.js';
import type { TrunkOptions } from './options.js';
import { PeerAddresses, type ResolveHost } from './peer-addresses.js';
import { PeerBook } from './peer-book.js';
import { PeerProbe } from './peer-probe.js';
import { RegistrationRunner } from './registration-runner.js';
import { TrunkLines } from './trunk-lines.js';

export interface TrunksDeps {
  readonly sip: SipPort;
  readonly clock: Clock;
  readonly log: Log;
  /** Uniform in [0, 1); the machine's when absent. */
  readonly random?: () => number;
  /** Addresses of a peer's host; the machine's resolver when absent. */
  readonly resolveHost?: ResolveHost;
  /** The machine's addresses as one text; the operating system's when absent. */
  readonly addresses?: () => string;
}

/** Everything the dialler and the edge of the trunks share. */
export class Trunks implements Startable {
  readonly lines: TrunkLines;
  readonly book: PeerBook;
  readonly addresses: PeerAddresses;
  private readonly registrations = new Map<string, RegistrationRunner>();
  private readonly probes = new Map<string, PeerProbe>();
  private readonly network: NetworkWatch;

  constructor(
    private readonly trunks: readonly TrunkOptions[],
    deps: TrunksDeps,
  ) {
    const { clock, log, sip, random = Math.random } = deps;
    this.lines = new TrunkLines(trunks, { clock });
    this.book = new PeerBook(trunks, { clock, log });
    this.addresses = new PeerAddresses(trunks, {
      clock,
      log,
      ...(deps.resolveHost === undefined ? {} : { resolveHost: deps.resolveHost }),
    });
    for (const trunk of trunks) {
      const peers = this.book.peers(trunk.id);
      const { register, probe: rules } = trunk;
      if (register !== undefined) {
        const byPriority = [...peers].sort((one, other) => one.priority - other.priority);
        this.registrations.set(trunk.id, new RegistrationRunner({ trunk, register, peers: byPriority }, { sip, clock, log, random }));
      }
      if (rules === undefined) continue;
      for (const peer of peers) {
        this.probes.set(probeKey(trunk.id, peer.uri), new PeerProbe({ trunk, peer, rules }, { sip, clock, random, book: this.book }));
      }
    }
    this.book.onSuspect((trunk, uri) => this.probes.get(probeKey(trunk, uri))?.now());
    this.network = new NetworkWatch(
      () => {
        log.info({}, "this machine's addresses have changed; registering anew");
        for (const registration of this.registrations.values()) registration.moved();
      },
      { clock, addresses: deps.addresses ?? localAddresses },
    );
  }

  async start(): Promise<void> {
    const parts = this.registrations.size === 0 ? [] : [this.network];
    await Promise.all([this.addresses, ...parts, ...this.registrations.values(), ...this.probes.values()].map((part) => part.start()));
  }

  /** Takes our registrations back; to be called while the SIP stack still runs. */
  async stop(): Promise<void> {
    await Promise.all([this.addresses, this.network, ...this.probes.values(), ...this.registrations.values()].map((part) => part.stop()));
  }

  flowClosed(flow: FlowRef): void {
    for (const registration of this.registrations.values()) registration.flowClosed(flow);
  }

  /** The peer a trunk is registered with, if it is. */
  registeredWith(trunk: string): string | undefined {
    return this.registrations.get(trunk)?.peerUri;
  }

  /** Trunks registered over a flow. */
  registeredOver(flow: FlowRef): readonly string[] {
    return [...this.registrations].flatMap(([trunk, one]) => (one.flow === flow ? [trunk] : []));
  }

  /** The user a trunk's inbound calls name, where it registers. */
  contactUserOf(trunk: string): string | undefined {
    return this.registrations.get(trunk)?.contactUser;
  }

  states(): readonly TrunkView[] {
    return this.trunks.map((trunk) => {
      const registration = this.registrations.get(trunk.id)?.view();
      return {
        id: trunk.id,
        peers: trunk.peers.map(({ uri }) => this.peerView(trunk.id, uri)),
        ...(registration === undefined ? {} : { registration }),
        callsInUse: this.lines.inUse(trunk.id),
        ...(trunk.maxCalls === undefined ? {} : { maxCalls: trunk.maxCalls }),
      };
    });
  }

  private peerView(trunk: string, uri: string): PeerView {
    const health = this.book.health(trunk, uri);
    return { uri, health: health.name, ...(health.name === 'resting' ? { untilMs: this.book.wallTimeOf(health.untilMs) } : {}) };
  }
}

const probeKey = (trunk: string, uri: string): string => `${trunk} ${uri}`;
