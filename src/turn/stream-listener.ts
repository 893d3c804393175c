import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, Server as TlsServer } from 'node:tls';
import type { Clock, Timer } from '../base/clock.js';
import { GatewayError, messageOf } from '../base/errors.js';
import { type ClientPath, householdOf } from './client-path.js';
import {
  listenText,
  plainAddress,
  type TurnErrorInfo,
  type TurnListenAddress,
  type TurnListener,
  type TurnListenerHandlers,
} from './listener.js';
import { StreamFraming } from './stream-framing.js';

/** Certificate and key, PEM. */
export interface TurnTls {
  readonly cert: string;
  readonly key: string;
}

export interface StreamListenerOptions {
  readonly listen: TurnListenAddress;
  /** For `tls`. */
  readonly tls?: TurnTls;
  readonly maxConnections: number;
  readonly maxConnectionsPerAddress: number;
}

/** A connection without a relay is closed when nothing has come on it for so long. */
const idleMs = 30_000;
const sweepMs = 5_000;
/** What may wait for a client that is slow; audio that is late is of no use. */
const maxWaitingBytes = 64 * 1024;
const handshakeTimeoutMs = 10_000;

interface Connection {
  readonly client: ClientPath;
  readonly socket: Socket;
  heardAtMs: number;
}

/** Clients over TCP and TLS (RFC 8656 §3.1): messages are cut out of each connection's bytes. */
export class StreamListener implements TurnListener {
  private readonly server: Server;
  private readonly open = new Set<Connection>();
  /** Connections before and after their TLS handshake. */
  private readonly sockets = new Set<Socket>();
  private bound: TurnListenAddress;
  private sweeper: Timer | undefined;

  private constructor(
    private readonly options: StreamListenerOptions,
    private readonly deps: { readonly clock: Clock; readonly handlers: TurnListenerHandlers },
  ) {
    this.bound = options.listen;
    const { tls, listen } = options;
    const accept = (socket: Socket): void => this.accept(socket);
    this.server =
      listen.transport === 'tls'
        ? createTlsServer({ ...tls, noDelay: true, handshakeTimeout: handshakeTimeoutMs }, accept)
        : createServer({ noDelay: true }, accept);
    this.server.maxConnections = options.maxConnections;
    this.server.on('connection', (socket: Socket) => this.admit(socket));
    // The peer of a failed handshake learns of it by TLS itself.
    this.server.on('tlsClientError', () => {});
  }

  static async listen(options: StreamListenerOptions, deps: StreamListener['deps']): Promise<StreamListener> {
    const listener = new StreamListener(options, deps);
    await listener.start();
    return listener;
  }

  get address(): TurnListenAddress {
    return this.bound;
  }

  get connections(): number {
    return this.sockets.size;
  }

  /** New connections get this certificate from now on. Returns what is wrong with it, and then keeps to the old one. */
  renewTls({ cert, key }: TurnTls): string | undefined {
    if (!(this.server instanceof TlsServer)) return undefined;
    try {
      this.server.setSecureContext({ cert, key });
    } catch (thrown) {
      return messageOf(thrown);
    }
    return undefined;
  }

  async close(): Promise<void> {
    this.sweeper?.cancel();
    this.sweeper = undefined;
    const closed = new Promise<void>((resolve) => {
      this.server.close(() => resolve());
    });
    for (const socket of this.sockets) socket.destroy();
    await closed;
  }

  private start(): Promise<void> {
    const { listen } = this.options;
    return new Promise((resolve, reject) => {
      this.server.once('error', (thrown) => {
        const message = `cannot listen on ${listenText(listen)}: ${messageOf(thrown)}; see media.turn.embedded.listen`;
        reject(new GatewayError<TurnErrorInfo>({ code: 'turn-listen-failed', listen: listenText(listen) }, message, { cause: thrown }));
      });
      this.server.listen({ host: listen.host, port: listen.port }, () => {
        this.bound = { ...listen, port: (this.server.address() as AddressInfo).port };
        resolve();
      });
    });
  }

  /** Counts a TCP connection, before TLS; too many of one address are closed at once. */
  private admit(socket: Socket): void {
    const place = householdOf(socket.remoteAddress ?? '');
    const same = [...this.sockets].filter((other) => householdOf(other.remoteAddress ?? '') === place).length;
    socket.on('error', () => socket.destroy());
    if (same >= this.options.maxConnectionsPerAddress) {
      socket.destroy();
      return;
    }
    this.sockets.add(socket);
    socket.once('close', () => this.sockets.delete(socket));
  }

  private accept(socket: Socket): void {
    const { remoteAddress, remotePort: port } = socket;
    if (remoteAddress === undefined || port === undefined) {
      socket.destroy();
      return;
    }
    const { clock, handlers } = this.deps;
    const address = plainAddress(remoteAddress);
    const client: ClientPath = {
      id: `${this.bound.transport} ${this.bound.port} ${address} ${port}`,
      address,
      port,
      isStream: true,
      send: (bytes) => {
        if (!socket.destroyed && socket.writableLength <= maxWaitingBytes) socket.write(bytes);
      },
    };
    const connection: Connection = { client, socket, heardAtMs: clock.nowMs() };
    const framing = new StreamFraming();
    this.open.add(connection);
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk: Buffer) => {
      connection.heardAtMs = clock.nowMs();
      const messages = framing.push(chunk);
      if (messages === undefined) socket.destroy();
      else for (const message of messages) handlers.onMessage(message, client);
    });
    socket.once('end', () => socket.end());
    socket.once('close', () => {
      this.open.delete(connection);
      handlers.onGone(client);
    });
    this.keepSweeping();
  }

  private keepSweeping(): void {
    const { clock, handlers } = this.deps;
    this.sweeper ??= clock.after(sweepMs, () => {
      this.sweeper = undefined;
      const nowMs = clock.nowMs();
      for (const { client, socket, heardAtMs } of this.open) {
        if (nowMs - heardAtMs >= idleMs && !handlers.isServed(client)) socket.destroy();
      }
      if (this.open.size > 0) this.keepSweeping();
    });
  }
}
