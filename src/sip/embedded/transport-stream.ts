import { createServer, isIP, connect as netConnect, type Server, type Socket } from 'node:net';
import {
  checkServerIdentity,
  createServer as createTlsServer,
  type PeerCertificate,
  type TLSSocket,
  type Server as TlsServer,
  connect as tlsConnect,
} from 'node:tls';
import { formatHostPort, type HostPort } from '../../base/address.js';
import type { Clock, Timer } from '../../base/clock.js';
import { messageOf } from '../../base/errors.js';
import { type CertificateAndKey, CertificateChoice } from './certificate-choice.js';
import { CloseListeners, type ConnectionFlow, type FlowFailure, type FlowUser, newFlowRef, plainAddress } from './flow.js';
import { StreamFramer } from './framing.js';
import { StreamKeepAlive } from './stream-keep-alive.js';

/** Certificate and trust of the TLS transport, as PEM texts. */
export interface TlsMaterial {
  readonly cert: string;
  readonly key: string;
  /** Further certificates, for clients that ask for a name of theirs (SNI); `cert` is shown to all others. */
  readonly more?: readonly CertificateAndKey[];
  /** Trusted authorities; those of Node when absent. */
  readonly ca?: string;
  /** Check the certificate of peers we connect to (RFC 5922 §7). Default true. */
  readonly verifyPeer?: boolean;
  /** Ask those that connect to us for a certificate, and take none without one of `ca`. Default false. */
  readonly requestClientCert?: boolean;
}

/**
 * Whether a certificate speaks for the domain we asked for: by a `sip:` URI that is the domain, else
 * by its DNS names (RFC 5922 §7.1, §7.2).
 * Deviates: a wildcard in a DNS name counts, because carriers' certificates have them.
 */
function identityFault(domain: string, certificate: PeerCertificate): Error | undefined {
  const names = (certificate.subjectaltname ?? '').split(', ').flatMap((each) => /^URI:sip:([^;?@]+)$/i.exec(each)?.[1] ?? []);
  return names.some((each) => each.toLowerCase() === domain.toLowerCase()) ? undefined : checkServerIdentity(domain, certificate);
}

const maxConnections = 4096;
/** Connections that one source address may hold, those in their TLS handshake included. */
const maxPerSource = 256;
const connectTimeoutMs = 5000;
/** A connection that nobody uses is closed after this long; the next request opens another. */
const idleLimitMs = 10 * 60_000;
/** A message that began has to be whole by then. */
const partialLimitMs = 10_000;
/** Who connects to us has to say something by then. */
const firstWordLimitMs = 10_000;
const checkEveryMs = 5000;
const maxQueuedBytes = 4 * 1024 * 1024;
const keepAliveDelayMs = 30_000;
const pong = Buffer.from('\r\n');
const ping = Buffer.from('\r\n\r\n');

/** What stream transports need. */
export interface StreamDeps {
  readonly clock: Clock;
  readonly user: FlowUser;
  readonly onError: (detail: string) => void;
}

/** A listening TCP or TLS socket, and the connections made from this transport. */
export class StreamTransport {
  private server: Server | undefined;
  private tls: TlsServer | undefined;
  private boundTo: HostPort | undefined;
  private readonly perSource = new Map<string, number>();

  private choice: CertificateChoice | undefined;

  constructor(
    readonly transport: 'tcp' | 'tls',
    private readonly listen: HostPort,
    private readonly material: TlsMaterial | undefined,
    private readonly deps: StreamDeps,
  ) {}

  get bound(): HostPort {
    return this.boundTo ?? this.listen;
  }

  get sockets(): number {
    return this.server === undefined ? 0 : 1;
  }

  start(): Promise<void> {
    const accept = (socket: Socket): void => {
      if (socket.destroyed) return;
      const flow = new StreamFlow(
        this.transport,
        socket,
        { host: plainAddress(socket.remoteAddress), port: socket.remotePort ?? 0 },
        this.deps,
      );
      flow.awaitFirstWord();
      flow.connected();
    };
    const server = this.transport === 'tcp' ? createServer(accept) : this.tlsServer(accept);
    server.maxConnections = maxConnections;
    server.prependListener('connection', (socket: Socket) => this.admit(socket));
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(this.listen.port, this.listen.host, () => {
        server.off('error', reject);
        server.on('error', (error) => this.deps.onError(messageOf(error)));
        const address = server.address();
        if (address !== null && typeof address === 'object') this.boundTo = { host: address.address, port: address.port };
        this.server = server;
        resolve();
      });
    });
  }

  /** New connections get this certificate from now on; those that are up keep theirs. */
  renew({ cert, key, ca, more = [] }: TlsMaterial): void {
    this.choice = new CertificateChoice(more, ca);
    this.tls?.setSecureContext({ cert, key, ...(ca === undefined ? {} : { ca }), minVersion: 'TLSv1.2' });
  }

  /** Stops listening. Connections are closed by the layer above, which owns them. */
  stop(): Promise<void> {
    const { server } = this;
    this.server = undefined;
    return server === undefined ? Promise.resolve() : new Promise((resolve) => server.close(() => resolve()));
  }

  /** Counts a connection for its source, or ends it when the source has too many. */
  private admit(socket: Socket): void {
    const source = socket.remoteAddress ?? '';
    const count = this.perSource.get(source) ?? 0;
    if (count >= maxPerSource) {
      socket.destroy();
      return;
    }
    this.perSource.set(source, count + 1);
    socket.once('close', () => {
      const left = (this.perSource.get(source) ?? 1) - 1;
      if (left > 0) this.perSource.set(source, left);
      else this.perSource.delete(source);
    });
  }

  private tlsServer(accept: (socket: Socket) => void): Server {
    const { cert, key, ca, more = [], requestClientCert = false } = this.material ?? { cert: '', key: '' };
    this.choice = new CertificateChoice(more, ca);
    const server = createTlsServer(
      {
        cert,
        key,
        ...(ca === undefined ? {} : { ca }),
        minVersion: 'TLSv1.2',
        handshakeTimeout: connectTimeoutMs,
        requestCert: requestClientCert,
        rejectUnauthorized: requestClientCert,
        SNICallback: (name, done) => done(null, this.choice?.for(name)),
      },
      accept,
    );
    this.tls = server;
    server.on('tlsClientError', (error) => this.deps.onError(`TLS handshake: ${messageOf(error)}`));
    return server;
  }
}

/** Where to connect to. */
export interface StreamTarget {
  readonly transport: 'tcp' | 'tls';
  readonly remote: HostPort;
  /** Silence before a ping; as RFC 5626 §4.4.1 has it when absent. */
  readonly pingAfterMs?: number;
  /** Name the certificate must carry (RFC 5922 §7.2); the address when absent. */
  readonly serverName?: string;
}

/** Opens a connection. The flow can be used at once: what is sent waits for the connection. */
export function openStream(target: StreamTarget, material: TlsMaterial | undefined, deps: StreamDeps): StreamFlow {
  const { host, port } = target.remote;
  const name = target.serverName ?? host;
  const socket =
    target.transport === 'tcp'
      ? netConnect({ host, port })
      : tlsConnect({
          host,
          port,
          minVersion: 'TLSv1.2',
          rejectUnauthorized: material?.verifyPeer !== false,
          checkServerIdentity: (_, certificate) => identityFault(name, certificate),
          ...(isIP(name) === 0 ? { servername: name } : {}),
          ...(material === undefined ? {} : { cert: material.cert, key: material.key }),
          ...(material?.ca === undefined ? {} : { ca: material.ca }),
        });
  const flow = new StreamFlow(target.transport, socket, target.remote, deps);
  flow.keepAlive(target.pingAfterMs);
  const timer = deps.clock.after(connectTimeoutMs, () =>
    flow.fail({ why: 'timeout', detail: `no connection to ${formatHostPort(target.remote)}` }),
  );
  socket.once(target.transport === 'tcp' ? 'connect' : 'secureConnect', () => {
    timer.cancel();
    flow.connected();
  });
  socket.once('close', () => timer.cancel());
  return flow;
}

/** Reads what Node says about a socket into the words of the port. */
function failureOf(error: Error, transport: 'tcp' | 'tls', secured: boolean): FlowFailure {
  const code = 'code' in error ? String(error.code) : '';
  const detail = messageOf(error);
  if (code === 'ECONNREFUSED') return { why: 'refused', detail };
  if (code === 'ETIMEDOUT') return { why: 'timeout', detail };
  const isNetwork = code === 'ECONNRESET' || code === 'EPIPE' || code.startsWith('ENET') || code.startsWith('EHOST');
  return { why: transport === 'tls' && !secured && !isNetwork ? 'tls' : 'transport', detail };
}

/** One TCP or TLS connection. */
export class StreamFlow implements ConnectionFlow {
  readonly ref;
  private readonly framer = new StreamFramer();
  private readonly closing = new CloseListeners();
  private check: Timer | undefined;
  private ready = false;
  private lastActivityMs: number;
  private partialSinceMs: number | undefined;
  private failure: FlowFailure | undefined;
  private queue: Buffer[] = [];
  private readonly whenReady: (() => void)[] = [];
  private keeper: StreamKeepAlive | undefined;
  private firstWordDueMs: number | undefined;

  constructor(
    readonly transport: 'tcp' | 'tls',
    private readonly socket: Socket | TLSSocket,
    readonly remote: HostPort,
    private readonly deps: StreamDeps,
  ) {
    this.ref = newFlowRef(transport);
    this.lastActivityMs = deps.clock.nowMs();
    socket.setNoDelay(true);
    socket.setKeepAlive(true, keepAliveDelayMs);
    socket.on('data', (chunk: Buffer) => this.receive(chunk));
    socket.on('error', (error: Error) => {
      this.failure ??= failureOf(error, transport, this.ready);
    });
    socket.on('close', () => this.closed());
    deps.user.onFlowOpen(this);
  }

  get open(): boolean {
    return !this.closing.fired && !this.socket.destroyed && this.socket.writable;
  }

  get local(): HostPort {
    return { host: plainAddress(this.socket.localAddress), port: this.socket.localPort ?? 0 };
  }

  /** The connection stands: what was sent meanwhile leaves now. */
  connected(): void {
    this.ready = true;
    for (const bytes of this.queue) this.socket.write(bytes);
    this.queue = [];
    this.check = this.deps.clock.after(checkEveryMs, () => this.checkUp());
    for (const each of this.whenReady.splice(0)) each();
  }

  /** The peer has connected to us, and has to say something before long. */
  awaitFirstWord(): void {
    this.firstWordDueMs = this.deps.clock.nowMs() + firstWordLimitMs;
  }

  /** Pings the peer from now on; for connections that we opened. */
  keepAlive(pingAfterMs?: number): void {
    this.keeper = new StreamKeepAlive({
      ...(pingAfterMs === undefined ? {} : { pingAfterMs }),
      clock: this.deps.clock,
      ping: () => {
        if (this.ready && this.open) this.socket.write(ping);
      },
      onDead: () => this.fail({ why: 'timeout', detail: 'the peer no longer answers pings' }),
    });
  }

  /** Calls back when the connection stands and its local address is known; in the same turn if it does. */
  onReady(listener: () => void): void {
    if (this.ready) listener();
    else this.whenReady.push(listener);
  }

  send(bytes: Buffer, onFailure: (failure: FlowFailure) => void): void {
    if (!this.open || this.socket.writableLength > maxQueuedBytes) {
      queueMicrotask(() => onFailure(this.failure ?? { why: 'transport', detail: 'the connection is closed or does not drain' }));
      return;
    }
    this.lastActivityMs = this.deps.clock.nowMs();
    if (this.ready) this.socket.write(bytes);
    else this.queue.push(bytes);
    this.deps.user.onSent(this, bytes);
  }

  onClose(listener: (failure: FlowFailure) => void): () => void {
    return this.closing.add(listener);
  }

  fail(failure: FlowFailure): void {
    this.failure ??= failure;
    this.socket.destroy();
  }

  close(reason: string, gently = false): void {
    this.failure ??= { why: 'transport', detail: reason };
    if (gently) this.socket.destroySoon();
    else this.socket.destroy();
  }

  private receive(chunk: Buffer): void {
    const now = this.deps.clock.nowMs();
    this.lastActivityMs = now;
    this.keeper?.heard();
    for (const item of this.framer.push(chunk)) {
      this.firstWordDueMs = undefined;
      this.partialSinceMs = undefined;
      if (item.kind === 'message') this.deps.user.onMessage(this, item.data);
      else if (item.kind === 'ping') this.send(pong, () => {});
      else if (item.kind === 'pong') this.keeper?.pong();
      else if (item.kind === 'broken') {
        const { head, why } = item.error.info;
        if (head !== undefined) this.deps.user.onBroken(this, head, why);
        this.close(item.error.message, true);
        return;
      }
    }
    if (this.framer.pendingBytes === 0) this.partialSinceMs = undefined;
    else this.partialSinceMs ??= now;
  }

  private checkUp(): void {
    const now = this.deps.clock.nowMs();
    if (this.firstWordDueMs !== undefined && now >= this.firstWordDueMs) {
      this.close('nothing was said in time');
    } else if (this.partialSinceMs !== undefined && now - this.partialSinceMs >= partialLimitMs) {
      this.close('a message was not finished in time');
    } else if (now - this.lastActivityMs > idleLimitMs) {
      this.close('idle');
    } else {
      this.check = this.deps.clock.after(checkEveryMs, () => this.checkUp());
    }
  }

  private closed(): void {
    this.check?.cancel();
    this.keeper?.stop();
    this.queue = [];
    const failure = this.failure ?? { why: 'transport', detail: 'the peer closed the connection' };
    this.closing.fire(failure);
    this.deps.user.onFlowClosed(this);
  }
}
