import { createServer, type Server } from 'node:http';
import { readHeaderBlock } from '../../src/sip/embedded/header-lines.js';
import { defaultSipTimers, type SipTimers } from '../../src/sip/embedded/transaction-timers.js';
import type { ListenAddress } from '../../src/sip/embedded/transport-layer.js';
import { type DrachtioApp, DrachtioApps } from './drachtio-apps.js';
import { DrachtioCalledSide } from './drachtio-called-side.js';
import { DrachtioCallingSide } from './drachtio-calling-side.js';
import { DrachtioCore } from './drachtio-core.js';
import type { Frame } from './drachtio-frames.js';

export interface DrachtioServerOptions {
  readonly secret: string;
  readonly listen?: readonly ListenAddress[];
  readonly timers?: SipTimers;
  /** Connect here for each new INVITE instead of asking connected applications (the server's "outbound" mode). */
  readonly outboundTo?: () => { readonly host: string; readonly port: number };
  readonly appPort?: number;
  /** Also end WebSocket connections, on a port of their own. */
  readonly webSocket?: boolean;
}

const loopback: readonly ListenAddress[] = [{ transport: 'udp', host: '127.0.0.1', port: 0 }];

/**
 * A small server that speaks drachtio's wire protocol with applications and SIP with the world, as
 * far as the adapter's tests need it: written after the real server's source, warts included.
 */
export class DrachtioServer {
  readonly apps: DrachtioApps;
  private readonly core: DrachtioCore;
  private readonly called: DrachtioCalledSide;
  private readonly calling: DrachtioCallingSide;
  private http: Server | undefined;

  private constructor(private readonly options: DrachtioServerOptions) {
    this.called = new DrachtioCalledSide({
      core: () => this.core,
      route: (method, done) => this.route(method, done),
      callerIn: (key) => [...this.calling.clients.values()].find(({ early }) => early !== undefined && early.key === key),
    });
    this.core = new DrachtioCore(options.listen ?? loopback, options.timers ?? defaultSipTimers, this.called);
    this.calling = new DrachtioCallingSide(this.core);
    const sipAddresses = (): string =>
      this.core.transport
        .bound()
        .map(({ transport, host, port }) => `${transport}/${host}:${port}`)
        .join();
    this.apps = new DrachtioApps(
      { secret: options.secret, sipAddresses },
      { onSip: (app, frame) => this.fromApp(app, frame), onGone: () => {} },
    );
  }

  /** Faults of applications that the real server would not forgive. */
  get complaints(): readonly string[] {
    return this.core.complaints;
  }

  static async start(options: DrachtioServerOptions): Promise<DrachtioServer> {
    const server = new DrachtioServer(options);
    await Promise.all([server.core.transport.start(), server.apps.listen(options.appPort)]);
    if (options.webSocket === true) await server.listenWeb();
    return server;
  }

  get appPort(): number {
    return this.apps.port;
  }

  get sipPort(): number {
    return this.core.transport.bound()[0]?.port ?? 0;
  }

  get webPort(): number {
    const address = this.http?.address();
    return address === null || address === undefined || typeof address === 'string' ? 0 : address.port;
  }

  uri(user = 'bob'): string {
    const bound = this.core.transport.bound()[0];
    return `sip:${user}@127.0.0.1:${bound?.port};transport=${bound?.transport}`;
  }

  liveObjects(): { readonly dialogs: number; readonly invites: number; readonly transactions: number } {
    return {
      dialogs: this.core.dialogs.size,
      invites: this.called.invites.size + this.calling.clients.size,
      transactions: this.core.transactions.size,
    };
  }

  async stop(): Promise<void> {
    this.core.sender.close();
    this.core.transactions.endAll();
    await this.apps.close();
    await this.core.transport.stop();
    this.http?.closeAllConnections();
    await new Promise<void>((resolve) => (this.http === undefined ? resolve() : this.http.close(() => resolve())));
    this.core.clock.cancelAll();
  }

  /** Loses every dialog, as a server does that was started anew. */
  forgetDialogs(): void {
    for (const dialog of [...this.core.dialogs.values()]) this.core.forget(dialog);
  }

  /** Breaks the connections with the applications; the port stays open. */
  dropApps(): void {
    for (const { socket } of this.apps.all) socket.destroy();
  }

  private async listenWeb(): Promise<void> {
    const http = createServer();
    http.on('upgrade', (request, socket, head) => this.core.transport.acceptWebSocket(request, socket, head, false));
    await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
    this.http = http;
  }

  private route(method: string, done: (app: DrachtioApp | undefined) => void): void {
    const { outboundTo } = this.options;
    if (outboundTo === undefined || method !== 'INVITE') done(this.apps.nextFor(method));
    else this.apps.dial(outboundTo(), done);
  }

  private fromApp(app: DrachtioApp, frame: Frame): void {
    const [, transactionId = '', dialogId = '', route = ''] = frame.tokens;
    const split = frame.text.indexOf('\r\n\r\n');
    const { startLine, headers } = readHeaderBlock(split < 0 ? frame.text : frame.text.slice(0, split));
    const body = split < 0 ? '' : frame.text.slice(split + 4);
    if (startLine.startsWith('SIP/'))
      this.called.respond(app, frame, transactionId, Number(startLine.split(' ')[1]), startLine, headers, body);
    else if (dialogId !== '') this.calling.inside(app, frame, dialogId, startLine.split(' ')[0] ?? '', headers, body);
    else if (startLine.startsWith('CANCEL ')) this.calling.cancel(app, frame, transactionId, headers);
    else this.calling.outside(app, frame, startLine, headers, body, route);
  }
}
