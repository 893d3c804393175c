import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { formatHostPort } from '../../base/address.js';
import type { Timer } from '../../base/clock.js';
import { DrachtioLink, type LinkUser } from './link.js';
import type { DrachtioServer, DrachtioSipDeps, DrachtioTiming } from './options.js';

/** Who the connections are for. */
export type PoolUser = Pick<LinkUser, 'onRequest'> & { onDown(link: DrachtioLink): void };

/** What waits for the first servers. */
export interface ConnectorWatcher {
  onUp(): void;
  /** The first time the server refuses the secret. */
  onRefused(): void;
}

/** Keeps one connection with one server. */
export class Connector {
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
