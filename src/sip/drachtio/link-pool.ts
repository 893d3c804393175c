import { createServer, type Server, type Socket } from 'node:net';
import { formatHostPort, type HostPort } from '../../base/address.js';
import { GatewayError } from '../../base/errors.js';
import { Connector, type PoolUser } from './connector.js';
import { DrachtioLink } from './link.js';
import type { DrachtioError, DrachtioSipDeps, DrachtioSipOptions, DrachtioTiming } from './options.js';

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
