/** The embedded STUN and TURN server: its listeners before the server itself. */
import type { Clock } from '../base/clock.js';
import type { LiveObjects } from '../base/live-objects.js';
import type { Startable } from '../base/startable.js';
import type { TurnListenAddress, TurnListener } from './listener.js';
import { StreamListener, type TurnTls } from './stream-listener.js';
import { TurnServer, type TurnServerOptions } from './turn-server.js';
import { listenUdp } from './udp-listener.js';

export interface EmbeddedTurnOptions extends TurnServerOptions {
  readonly listen: readonly TurnListenAddress[];
  readonly tls?: TurnTls;
  /** Name or address in the URLs that pages get; the listener's own when absent. */
  readonly publicAddress?: string;
}

/** Connections of clients that have no relay yet, beside those that have. */
const spareConnections = 100;
const spareConnectionsPerAddress = 20;

export class EmbeddedTurn implements Startable {
  private readonly server: TurnServer;
  private listeners: TurnListener[] = [];

  constructor(
    private readonly options: EmbeddedTurnOptions,
    private readonly deps: { readonly clock: Clock },
  ) {
    this.server = new TurnServer(options, deps);
  }

  async start(): Promise<void> {
    if (this.listeners.length > 0) return;
    try {
      for (const listen of this.options.listen) this.listeners.push(await this.bind(listen));
    } catch (thrown) {
      await this.stop();
      throw thrown;
    }
  }

  async stop(): Promise<void> {
    const listeners = this.listeners;
    this.listeners = [];
    await Promise.all(listeners.map((listener) => listener.close()));
    await this.server.stop();
  }

  /** Where it listens. */
  bound(): readonly TurnListenAddress[] {
    return this.listeners.map(({ address }) => address);
  }

  renewTls(tls: TurnTls): string | undefined {
    return this.listeners
      .map((listener) => (listener instanceof StreamListener ? listener.renewTls(tls) : undefined))
      .find((fault) => fault !== undefined);
  }

  liveObjects(): LiveObjects {
    const connections = this.listeners.reduce((sum, listener) => sum + listener.connections, 0);
    return { turn_allocation: this.server.allocations, turn_connection: connections };
  }

  private bind(listen: TurnListenAddress): Promise<TurnListener> {
    const { tls, quotas } = this.options;
    const handlers = {
      onMessage: (bytes: Buffer, client: Parameters<TurnServer['receive']>[1]) => this.server.receive(bytes, client),
      onGone: (client: Parameters<TurnServer['gone']>[0]) => this.server.gone(client),
      isServed: (client: Parameters<TurnServer['serves']>[0]) => this.server.serves(client),
    };
    if (listen.transport === 'udp') return listenUdp(listen, handlers);
    return StreamListener.listen(
      {
        listen,
        ...(tls === undefined ? {} : { tls }),
        maxConnections: quotas.allocations + spareConnections,
        maxConnectionsPerAddress: quotas.allocationsPerAddress + spareConnectionsPerAddress,
      },
      { clock: this.deps.clock, handlers },
    );
  }
}
