import { createSocket, type RemoteInfo, type Socket, type SocketOptions } from 'node:dgram';
import { lookup } from 'node:dns';
import { isIP, isIPv6 } from 'node:net';
import { formatHostPort, type HostPort } from '../../base/address.js';
import { messageOf } from '../../base/errors.js';
import type { FlowRef } from '../port.js';
import type { Flow, FlowFailure, FlowUser } from './flow.js';
import { isWildcard, type LocalAddresses } from './local-address.js';

const receiveBufferBytes = 4 * 1024 * 1024;
/** Leading CRLFs are ignored by every SIP element (RFC 3261 §7.5), so this asks for nothing. */
const probeBytes = Buffer.from('\r\n\r\n');
const probeLifetimeMs = 2000;
const maxProbes = 64;

/** A SIP start line begins with a letter; CRLF keep-alives, STUN and noise do not. */
function looksLikeSip(data: Buffer): boolean {
  for (const byte of data.subarray(0, 64)) {
    if (byte === 13 || byte === 10) continue;
    return (byte >= 65 && byte <= 90) || (byte >= 97 && byte <= 122);
  }
  return false;
}

/** Datagrams go to addresses; Node's own look-up puts off each until the next tick to find that out. */
const lookUp: NonNullable<SocketOptions['lookup']> = (host, options, done) => {
  const family = isIP(host);
  if (family === 0) lookup(host, options, done);
  else done(null, host, family);
};

/** What the UDP transport needs besides its address. */
export interface UdpDeps {
  readonly user: FlowUser;
  readonly locals: LocalAddresses;
  readonly onError: (detail: string) => void;
}

/** One UDP socket. Flows over it hold no state: their reference spells out both ends. */
export class UdpTransport {
  private socket: Socket | undefined;
  private boundTo: HostPort | undefined;
  private readonly probes = new Set<Socket>();
  /** Datagrams that are on their way into the socket. */
  private leaving = 0;
  private emptied: (() => void) | undefined;

  constructor(
    private readonly index: number,
    private readonly listen: HostPort,
    private readonly deps: UdpDeps,
  ) {}

  get bound(): HostPort {
    return this.boundTo ?? this.listen;
  }

  /** Sockets now open, probes included. */
  get sockets(): number {
    return (this.socket === undefined ? 0 : 1) + this.probes.size;
  }

  reaches(address: string): boolean {
    return isIPv6(address) === isIPv6(this.bound.host);
  }

  start(): Promise<void> {
    const socket = createSocket({ type: isIPv6(this.listen.host) ? 'udp6' : 'udp4', recvBufferSize: receiveBufferBytes, lookup: lookUp });
    return new Promise((resolve, reject) => {
      socket.once('error', reject);
      socket.bind({ address: this.listen.host, port: this.listen.port }, () => {
        socket.off('error', reject);
        socket.on('error', (error) => this.deps.onError(messageOf(error)));
        const { address, port } = socket.address();
        this.boundTo = { host: address, port };
        this.socket = socket;
        resolve();
      });
      socket.on('message', (data, from) => this.receive(data, from));
    });
  }

  /** Takes nothing more to send; what it has taken still leaves. */
  async stop(): Promise<void> {
    for (const probe of this.probes) probe.close();
    this.probes.clear();
    const { socket } = this;
    if (socket === undefined) return;
    this.socket = undefined;
    if (this.leaving > 0) {
      await new Promise<void>((resolve) => {
        this.emptied = resolve;
      });
    }
    await new Promise<void>((resolve) => socket.close(resolve));
  }

  /** The flow to a peer; in the same turn when our address toward it is known. */
  flowTo(remote: HostPort, done: (flow: Flow) => void): void {
    const { host, port } = this.bound;
    if (!isWildcard(host)) {
      done(new UdpFlow(this, this.index, remote, { host, port }));
      return;
    }
    this.deps.locals.toward(remote.host, (local) => done(new UdpFlow(this, this.index, remote, { host: local, port })));
  }

  send(flow: Flow, bytes: Buffer, onFailure: (failure: FlowFailure) => void): void {
    const { socket } = this;
    const { remote } = flow;
    if (socket === undefined) {
      queueMicrotask(() => onFailure({ why: 'transport', detail: 'the UDP socket is closed' }));
      return;
    }
    socket.send(bytes, remote.port, remote.host, (error) => {
      this.leaving -= 1;
      if (this.leaving === 0) this.emptied?.();
      if (error !== null) onFailure({ why: 'transport', detail: messageOf(error) });
    });
    this.leaving += 1;
    this.deps.user.onSent(flow, bytes);
  }

  /**
   * Linux reports "port unreachable" only to connected sockets, and connecting a second socket to
   * our own port would take datagrams away from the first and let other processes share the port.
   * So a socket on a port of its own sends an empty keep-alive and listens for the refusal.
   */
  probe(remote: HostPort, onRefused: () => void): void {
    if (this.socket === undefined || this.probes.size >= maxProbes) return;
    const probe = createSocket(isIPv6(remote.host) ? 'udp6' : 'udp4');
    this.probes.add(probe);
    const finish = (): void => {
      clearTimeout(timer);
      if (this.probes.delete(probe)) probe.close();
    };
    const timer = setTimeout(finish, probeLifetimeMs);
    timer.unref();
    const failed = (error: Error): void => {
      const refused = 'code' in error && error.code === 'ECONNREFUSED';
      const live = this.probes.has(probe);
      finish();
      if (refused && live) onRefused();
    };
    probe.on('error', failed);
    probe.connect(remote.port, remote.host, () => {
      if (this.probes.has(probe)) probe.send(probeBytes, (error) => (error === null ? undefined : failed(error)));
    });
  }

  private receive(data: Buffer, from: RemoteInfo): void {
    if (this.socket === undefined || from.port === 0 || !looksLikeSip(data)) return;
    this.flowTo({ host: from.address, port: from.port }, (flow) => this.deps.user.onMessage(flow, data));
  }
}

class UdpFlow implements Flow {
  readonly transport = 'udp';
  readonly open = true;

  constructor(
    private readonly udp: UdpTransport,
    private readonly index: number,
    readonly remote: HostPort,
    readonly local: HostPort,
  ) {}

  get ref(): FlowRef {
    return `udp:${this.index}:${formatHostPort(this.remote)}` as FlowRef;
  }

  send(bytes: Buffer, onFailure: (failure: FlowFailure) => void): void {
    this.udp.send(this, bytes, onFailure);
  }

  onClose(): () => void {
    return () => {};
  }

  probe(onRefused: () => void): void {
    this.udp.probe(this.remote, onRefused);
  }
}
