import type { IncomingMessage } from 'node:http';
import { isIPv6 } from 'node:net';
import type { Duplex } from 'node:stream';
import { createSecureContext } from 'node:tls';
import { formatHostPort, type HostPort, parseHostPort } from '../../base/address.js';
import type { Clock } from '../../base/clock.js';
import { GatewayError, messageOf } from '../../base/errors.js';
import type { Log } from '../../base/log.js';
import type { FlowRef } from '../port.js';
import { callIdOf, type SipTrace, type TracedMessage } from '../trace.js';
import { CertificateChoice } from './certificate-choice.js';
import { type ConnectionFlow, type Flow, type FlowFailure, type FlowUser, isWebSocket } from './flow.js';
import type { SipFramingErrorInfo } from './framing.js';
import { LocalAddresses } from './local-address.js';
import { type Candidate, type DialTransport, defaultPort } from './locate.js';
import type { Via } from './message.js';
import { openStream, type StreamFlow, StreamTransport, type TlsMaterial } from './transport-stream.js';
import { UdpTransport } from './transport-udp.js';
import { type WebSocketOptions, WebSocketTransport } from './transport-ws.js';

/** One address to listen on; port 0 takes any free port. */
export interface ListenAddress {
  readonly transport: 'udp' | 'tcp' | 'tls';
  readonly host: string;
  readonly port: number;
}

/** Why the SIP stack could not start. */
export type SipListenError =
  | { readonly code: 'sip-listen-failed'; readonly transport: string; readonly address: string }
  | { readonly code: 'sip-tls-material-missing' };

export interface TransportOptions {
  readonly listen: readonly ListenAddress[];
  readonly publicAddress?: string;
  readonly tls?: TlsMaterial;
  readonly webSocket: WebSocketOptions;
}

export interface TransportDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly onMessage: (flow: Flow, data: Buffer) => void;
  readonly onBroken: FlowUser['onBroken'];
  readonly onFlowClosed: (flow: FlowRef) => void;
}

/** All sockets of the stack: listens, opens and re-uses connections, and knows every flow by its reference. */
export class TransportLayer implements FlowUser {
  /** Told of every message that crosses a flow. */
  trace: SipTrace | undefined;
  private readonly udp: UdpTransport[] = [];
  private readonly streams: StreamTransport[] = [];
  private readonly ws: WebSocketTransport;
  private readonly flows = new Map<FlowRef, ConnectionFlow>();
  /** Connections we opened, by where they lead. */
  private readonly dialled = new Map<string, StreamFlow>();
  private readonly locals = new LocalAddresses();
  private tls: TlsMaterial | undefined;

  constructor(
    private readonly options: TransportOptions,
    private readonly deps: TransportDeps,
  ) {
    const { clock, log } = deps;
    this.tls = options.tls;
    const onError = (detail: string): void => log.warn({ detail }, 'SIP socket error');
    for (const { transport, host, port } of options.listen) {
      if (transport === 'udp') {
        this.udp.push(new UdpTransport(this.udp.length, { host, port }, { user: this, locals: this.locals, onError }));
      } else {
        this.streams.push(new StreamTransport(transport, { host, port }, options.tls, { clock, user: this, onError }));
      }
    }
    this.ws = new WebSocketTransport(options.webSocket, { clock, log, user: this });
  }

  /** Opens every listening socket, or none: the first that fails closes the others. */
  async start(): Promise<void> {
    if (this.options.tls === undefined && this.options.listen.some((each) => each.transport === 'tls')) {
      throw new GatewayError<SipListenError>(
        { code: 'sip-tls-material-missing' },
        'A TLS listener needs a certificate and a key: give both, or leave the listener out.',
      );
    }
    for (const [index, transport] of [...this.udp, ...this.streams].entries()) {
      try {
        await transport.start();
      } catch (thrown) {
        const listen = transport.bound;
        const kind = index < this.udp.length ? 'udp' : (this.streams[index - this.udp.length]?.transport ?? 'tcp');
        await this.stop();
        throw new GatewayError<SipListenError>(
          { code: 'sip-listen-failed', transport: kind, address: formatHostPort(listen) },
          `SIP cannot listen on ${kind} ${formatHostPort(listen)}: ${messageOf(thrown)}`,
          { cause: thrown },
        );
      }
    }
  }

  /**
   * Certificate, key and authorities for connections made from now on, either way; live ones stay.
   * Returns what is wrong with them, and then keeps to the old ones.
   */
  renewTls(fresh: TlsMaterial): string | undefined {
    if (this.tls === undefined) return 'the SIP stack was started without TLS';
    const { cert, key, ca, more = [] } = fresh;
    try {
      new CertificateChoice(more, ca);
      createSecureContext({ cert, key, ...(ca === undefined ? {} : { ca }) });
    } catch (thrown) {
      return messageOf(thrown);
    }
    this.tls = fresh;
    for (const stream of this.streams) stream.renew(fresh);
    return undefined;
  }

  async stop(): Promise<void> {
    this.ws.stop();
    for (const flow of [...this.flows.values()]) flow.close('the gateway is stopping', isWebSocket(flow.transport));
    await Promise.all([...this.udp, ...this.streams].map((transport) => transport.stop()));
    await Promise.all([...this.flows.values()].map((flow) => new Promise<void>((resolve) => flow.onClose(() => resolve()))));
  }

  /** Listening addresses with the ports they really have. */
  bound(): readonly ListenAddress[] {
    return [
      ...this.udp.map((each) => ({ transport: 'udp' as const, ...each.bound })),
      ...this.streams.map((each) => ({ transport: each.transport, ...each.bound })),
    ];
  }

  acceptWebSocket(request: IncomingMessage, socket: Duplex, head: Buffer, secure: boolean): void {
    this.ws.accept(request, socket, head, secure);
  }

  /** Connections now open or opening. */
  get openFlows(): number {
    return this.flows.size;
  }

  /** Descriptors now held: listening sockets, connections, UDP probes. */
  get openSockets(): number {
    let count = this.flows.size;
    for (const transport of [...this.udp, ...this.streams]) count += transport.sockets;
    return count;
  }

  /** Transports that requests can be sent on, in the order they are preferred. */
  get dialTransports(): readonly DialTransport[] {
    const listening = new Set(this.options.listen.map((each) => each.transport));
    const all: readonly DialTransport[] = ['udp', 'tcp', 'tls'];
    return all.filter((each) => each !== 'udp' || listening.has('udp'));
  }

  get listensOnTcp(): boolean {
    return this.streams.some((each) => each.transport === 'tcp');
  }

  /** The flow a reference names; undefined when the connection is gone. */
  flow(ref: FlowRef, done: (flow: Flow | undefined) => void): void {
    const connection = this.flows.get(ref);
    if (connection !== undefined || !ref.startsWith('udp:')) {
      done(connection?.open === true ? connection : undefined);
      return;
    }
    const match = /^udp:(\d+):(.+)$/.exec(ref);
    const remote = parseHostPort(match?.[2] ?? '', 5060);
    const transport = this.udp[Number(match?.[1])];
    if (transport === undefined || remote === undefined) done(undefined);
    else transport.flowTo(remote, done);
  }

  /** Opens a way to a candidate, or takes the one there is. Exactly one of the two is called. */
  reach(candidate: Candidate, onFlow: (flow: Flow) => void, onFailure: (failure: FlowFailure) => void): void {
    const remote = { host: candidate.address, port: candidate.port };
    if (candidate.transport !== 'udp') {
      this.reachStream(candidate.transport, candidate, onFlow, onFailure);
      return;
    }
    const transport = this.udp.find((each) => each.reaches(remote.host));
    if (transport === undefined) onFailure({ why: 'unresolvable', detail: `no UDP listener reaches ${formatHostPort(remote)}` });
    else transport.flowTo(remote, onFlow);
  }

  /** Host and port that stand in our Via and Contact on a flow. A peer on this machine is told the local address. */
  sentBy(flow: Flow): HostPort {
    const { local, remote } = flow;
    const onThisMachine = remote.host.startsWith('127.') || remote.host === '::1';
    const host = onThisMachine ? local.host : (this.options.publicAddress ?? local.host);
    if (flow.transport === 'udp' || isWebSocket(flow.transport)) return { host, port: local.port };
    const listening = this.streams.find((each) => each.transport === flow.transport && isIPv6(each.bound.host) === isIPv6(local.host));
    return { host, port: listening?.bound.port ?? local.port };
  }

  /**
   * Sends a response on the flow its request came on; when that connection is gone, on a new one to
   * the address the request came from and the port its Via names (RFC 3261 §18.2.2).
   */
  respond(flow: Flow, via: Via, bytes: Buffer): void {
    if (flow.open) {
      flow.send(bytes, (failure) => this.deps.log.debug({ flow: flow.ref, ...failure }, 'SIP response not sent'));
      return;
    }
    if (flow.transport !== 'tcp' && flow.transport !== 'tls') return;
    const { transport } = flow;
    const target = {
      transport,
      address: flow.remote.host,
      port: via.port ?? defaultPort(transport),
      serverName: via.host,
      transportGiven: true,
    };
    const lost = (failure: FlowFailure): void => this.deps.log.debug({ ...failure }, 'SIP response not sent');
    this.reach(target, (other) => other.send(bytes, lost), lost);
  }

  onMessage(flow: Flow, data: Buffer): void {
    if (this.trace !== undefined) this.traced('in', flow, data);
    this.deps.onMessage(flow, data);
  }

  onSent(flow: Flow, data: Buffer): void {
    if (this.trace !== undefined) this.traced('out', flow, data);
  }

  onBroken(flow: Flow, head: Buffer, why: SipFramingErrorInfo['why']): void {
    this.deps.onBroken(flow, head, why);
  }

  onFlowOpen(flow: ConnectionFlow): void {
    this.flows.set(flow.ref, flow);
  }

  onFlowClosed(flow: ConnectionFlow): void {
    this.flows.delete(flow.ref);
    this.deps.onFlowClosed(flow.ref);
  }

  private traced(way: TracedMessage['way'], { transport, local, remote }: Flow, bytes: Buffer): void {
    const callIdHeader = callIdOf(bytes);
    if (callIdHeader === undefined) return;
    try {
      this.trace?.({ way, transport, local, remote, atMs: this.deps.clock.wallMs(), callIdHeader, bytes });
    } catch (thrown) {
      this.deps.log.error({ fault: messageOf(thrown) }, 'A trace of SIP messages failed');
    }
  }

  private reachStream(
    transport: 'tcp' | 'tls',
    { address, port, serverName }: Candidate,
    onFlow: (flow: Flow) => void,
    onFailure: (failure: FlowFailure) => void,
  ): void {
    const remote = { host: address, port };
    const key = `${transport}:${formatHostPort(remote)}:${transport === 'tls' ? serverName : ''}`;
    let flow = this.dialled.get(key);
    if (flow === undefined || !flow.open) {
      const deps = { clock: this.deps.clock, user: this, onError: () => {} };
      const fresh = openStream({ transport, remote, serverName }, this.tls, deps);
      this.dialled.set(key, fresh);
      fresh.onClose(() => {
        if (this.dialled.get(key) === fresh) this.dialled.delete(key);
      });
      flow = fresh;
    }
    const ready = flow;
    const forget = ready.onClose(onFailure);
    ready.onReady(() => {
      forget();
      onFlow(ready);
    });
  }
}
