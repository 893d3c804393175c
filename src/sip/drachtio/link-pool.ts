import { connect as connectTcp, createServer, isIP, type Server, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { formatHostPort, type HostPort } from '../../base/address.js';
import type { Timer } from '../../base/clock.js';
import { GatewayError } from '../../base/errors.js';
import { DrachtioLink, type LinkUser } from './link.js';
import type { DrachtioError, DrachtioServer, DrachtioSipDeps, DrachtioSipOptions, DrachtioTiming } from './options.js';

export type PoolUser = Pick<LinkUser, 'onRequest'> & { onDown(link: DrachtioLink): void };

/**
 * The connections with drachtio servers: one to each server we connect to, kept up with a growing
 * wait between attempts, and one for each call of a server that connects to us.
 */
export class LinkPool {
  private readonly connectors: Connector[];
  private readonly accepted = new Set<DrachtioLink>();
  private readonly listener: Server | undefined;
  private nextIndex = 0;
  private closed = false;

  constructor(
    private readonly options: Pick<DrachtioSipOptions, 'servers' | 'listen'>,
    private readonly timing: DrachtioTiming,
    private readonly deps: DrachtioSipDeps & { readonly random: () => number },
    private readonly user: PoolUser,
  ) {
    this.connectors = options.servers.map((server) => new Connector(server, timing, deps, user));
    this.listener = options.listen === undefined ? undefined : createServer((socket) => this.accept(socket));
  }

  /** Listens, and waits for the first server that takes us, when there is one to wait for. */
  async start(): Promise<void> {
    await this.listen();
    if (this.connectors.length === 0) return;
    try {
      await this.firstUp();
    } catch (thrown) {
      await this.close();
      throw thrown;
    }
  }

  /** The connection for a new request: those that are up take turns. */
  next(): DrachtioLink | undefined {
    for (let tried = 0; tried < this.connectors.length; tried += 1) {
      const link = this.connectors[this.nextIndex % this.connectors.length]?.live;
      this.nextIndex += 1;
      if (link !== undefined) return link;
    }
    return undefined;
  }

  get links(): readonly DrachtioLink[] {
    return [...this.connectors.flatMap(({ live }) => live ?? []), ...this.accepted];
  }

  /** Sockets of every kind, those being opened too. */
  get sockets(): number {
    return this.connectors.filter(({ busy }) => busy).length + this.accepted.size;
  }

  /** Where servers can connect to us, with the real port; once started. */
  get listeningOn(): HostPort | undefined {
    const address = this.listener?.address();
    return address === null || address === undefined || typeof address === 'string'
      ? undefined
      : { host: address.address, port: address.port };
  }

  /** An accepted connection is for one call; when the call is over, so is the connection. */
  release(link: DrachtioLink): void {
    if (this.accepted.has(link)) link.close();
  }

  /** Resolves when every socket is closed. */
  async close(): Promise<void> {
    this.closed = true;
    const { listener } = this;
    const closed = [...this.connectors.map((connector) => connector.close()), ...[...this.accepted].map((link) => link.destroy())];
    if (listener?.listening === true) closed.push(new Promise((resolve) => listener.close(() => resolve())));
    await Promise.all(closed);
  }

  private listen(): Promise<void> {
    const { listener } = this;
    const { listen } = this.options;
    if (listener === undefined || listen === undefined) return Promise.resolve();
    const { host, port } = listen;
    return new Promise((resolve, reject) => {
      listener.once('error', (cause) => {
        const info: DrachtioError = { code: 'drachtio-listen-failed', host, port };
        reject(
          new GatewayError<DrachtioError>(info, `Cannot listen for drachtio servers on ${formatHostPort({ host, port })}.`, { cause }),
        );
      });
      listener.listen(port, host, () => resolve());
    });
  }

  private accept(socket: Socket): void {
    const { listen } = this.options;
    if (listen === undefined || this.closed) {
      socket.destroy();
      return;
    }
    const name = formatHostPort({ host: socket.remoteAddress ?? '?', port: socket.remotePort ?? 0 });
    socket.setNoDelay(true);
    const link = new DrachtioLink(socket, { secret: listen.secret, name, announce: false, timing: this.timing }, this.deps, {
      onUp: () => {},
      onRequest: this.user.onRequest,
      onDown: (down) => {
        this.accepted.delete(down);
        this.user.onDown(down);
      },
    });
    this.accepted.add(link);
  }

  private firstUp(): Promise<void> {
    return new Promise((resolve, reject) => {
      const servers = this.connectors.length;
      const late = this.deps.clock.after(this.timing.startMs, () => {
        const info: DrachtioError = { code: 'drachtio-unreachable', servers };
        reject(new GatewayError<DrachtioError>(info, 'No drachtio server could be reached; check sip.drachtio and that the server runs.'));
      });
      let refused = 0;
      for (const connector of this.connectors) {
        connector.open({
          onUp: () => {
            late.cancel();
            resolve();
          },
          onRefused: () => {
            refused += 1;
            if (refused < servers) return;
            late.cancel();
            const { host, port } = connector.server;
            const info: DrachtioError = { code: 'drachtio-secret-refused', host, port };
            reject(new GatewayError<DrachtioError>(info, `The drachtio server at ${formatHostPort({ host, port })} refused the secret.`));
          },
        });
      }
    });
  }
}

interface ConnectorWatcher {
  onUp(): void;
  /** The first time the server refuses the secret. */
  onRefused(): void;
}

/** Keeps one connection with one server. */
class Connector {
  private link: DrachtioLink | undefined;
  private socket: Socket | undefined;
  private retry: Timer | undefined;
  private waitMs: number;
  private watcher: ConnectorWatcher | undefined;
  private closed = false;

  constructor(
    readonly server: DrachtioServer,
    private readonly timing: DrachtioTiming,
    private readonly deps: DrachtioSipDeps & { readonly random: () => number },
    private readonly user: PoolUser,
  ) {
    this.waitMs = timing.firstRetryMs;
  }

  get live(): DrachtioLink | undefined {
    return this.link?.up === true ? this.link : undefined;
  }

  get busy(): boolean {
    return this.socket !== undefined;
  }

  open(watcher: ConnectorWatcher): void {
    this.watcher = watcher;
    this.dial();
  }

  close(): Promise<void> {
    this.closed = true;
    this.retry?.cancel();
    const { socket } = this;
    return new Promise((resolve) => {
      if (socket === undefined) resolve();
      else socket.once('close', () => resolve()).destroy();
    });
  }

  private dial(): void {
    const { server, timing, deps } = this;
    const socket = openSocket(server);
    this.socket = socket;
    const name = formatHostPort(server);
    const late = deps.clock.after(timing.connectMs, () => socket.destroy());
    socket.setNoDelay(true);
    socket.on('error', () => late.cancel());
    socket.once('close', () => {
      late.cancel();
      this.socket = undefined;
      this.redial();
    });
    socket.once(server.tls === undefined ? 'connect' : 'secureConnect', () => {
      late.cancel();
      this.link = new DrachtioLink(socket, { secret: server.secret, name, announce: true, timing }, deps, {
        onUp: () => this.up(name),
        onRequest: this.user.onRequest,
        onDown: (link, secretRefused) => this.down(link, secretRefused, name),
      });
    });
  }

  private up(name: string): void {
    this.waitMs = this.timing.firstRetryMs;
    this.deps.log.info({ server: name }, 'connected with a drachtio server');
    this.watcher?.onUp();
  }

  private down(link: DrachtioLink, secretRefused: boolean, name: string): void {
    this.link = undefined;
    if (!this.closed) {
      this.deps.log.warn(
        { server: name },
        secretRefused ? 'a drachtio server refused the secret' : 'the connection with a drachtio server was lost',
      );
    }
    if (secretRefused) this.watcher?.onRefused();
    this.user.onDown(link);
  }

  /** Waits that double, each between half of itself and all of it, so that gateways do not come back in step. */
  private redial(): void {
    if (this.closed) return;
    const waitMs = this.waitMs * (0.5 + this.deps.random() / 2);
    this.waitMs = Math.min(this.waitMs * 2, this.timing.maxRetryMs);
    this.retry = this.deps.clock.after(waitMs, () => this.dial());
  }
}

function openSocket({ host, port, tls }: DrachtioServer): Socket {
  if (tls === undefined) return connectTcp({ host, port });
  const name = isIP(host) === 0 ? { servername: host } : {};
  return connectTls({ host, port, ...name, rejectUnauthorized: tls.verifyPeer, ...(tls.ca === undefined ? {} : { ca: tls.ca }) });
}
