import { connect, createServer, type Server, type Socket } from 'node:net';
import { type Frame, FrameReader, writeFrame } from './drachtio-frames.js';

/** An application connected with the test server, in either direction. */
export class DrachtioApp {
  readonly verbs = new Set<string>();
  /** How often it asked for a method. */
  routeRequests = 0;
  /** Status lines of the responses it sent. */
  readonly responses: string[] = [];
  authenticated = false;
  private readonly reader = new FrameReader();

  constructor(
    readonly socket: Socket,
    private readonly options: { readonly secret: string; readonly sipAddresses: () => string },
    private readonly user: {
      onReady(app: DrachtioApp): void;
      onSip(app: DrachtioApp, frame: Frame): void;
      onClose(app: DrachtioApp): void;
    },
  ) {
    socket.setNoDelay(true);
    socket.on('data', (data) => {
      try {
        for (const frame of this.reader.push(data)) this.take(frame);
      } catch {
        socket.destroy();
      }
    });
    socket.on('error', () => {});
    socket.on('close', () => user.onClose(this));
  }

  get open(): boolean {
    return this.authenticated && !this.socket.destroyed;
  }

  send(tokens: readonly string[], text?: string): void {
    writeFrame(this.socket, tokens, text);
  }

  reply(frame: Frame, ok: boolean, rest: readonly string[] = [], text?: string): void {
    this.send(['response', frame.id, ok ? 'OK' : 'NOK', ...rest], text);
  }

  private take(frame: Frame): void {
    const [type, argument = ''] = frame.tokens;
    if (type === 'authenticate') this.authenticate(frame, argument);
    else if (!this.authenticated) this.socket.destroy();
    else if (type === 'ping') this.reply(frame, true, ['pong']);
    else if (type === 'route' || type === 'remove_route') {
      if (type === 'route') this.routeRequests += 1;
      if (type === 'route') this.verbs.add(argument);
      else this.verbs.delete(argument);
      this.reply(frame, true);
    } else if (type === 'sip') {
      if (frame.text.startsWith('SIP/')) this.responses.push(frame.text.slice(0, frame.text.indexOf('\r\n')));
      this.user.onSip(this, frame);
    } else {
      this.reply(frame, false, ['Unknown message type']);
      this.socket.end();
    }
  }

  private authenticate(frame: Frame, secret: string): void {
    if (secret !== this.options.secret) {
      this.reply(frame, false, ['incorrect secret']);
      this.socket.end();
      return;
    }
    this.authenticated = true;
    const addresses = this.options.sipAddresses();
    this.reply(frame, true, [addresses, 'v0.9.4', addresses]);
    this.user.onReady(this);
  }
}

/** The side of the test server that applications speak with. */
export class DrachtioApps {
  readonly all = new Set<DrachtioApp>();
  private readonly server: Server;
  private turn = 0;

  constructor(
    private readonly options: { readonly secret: string; readonly sipAddresses: () => string },
    private readonly user: { onSip(app: DrachtioApp, frame: Frame): void; onGone(app: DrachtioApp): void },
  ) {
    this.server = createServer((socket) => this.add(socket, () => {}));
  }

  /** Real port; once listening. */
  get port(): number {
    const address = this.server.address();
    return address === null || typeof address === 'string' ? 0 : address.port;
  }

  listen(port = 0): Promise<void> {
    return new Promise((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen(port, '127.0.0.1', () => resolve());
    });
  }

  /** The applications that asked for the method take turns. */
  nextFor(method: string): DrachtioApp | undefined {
    const able = [...this.all].filter((app) => app.open && app.verbs.has(method.toLowerCase()));
    this.turn += 1;
    return able[this.turn % Math.max(1, able.length)];
  }

  /** Connects to an application, as the server does for each call in its outbound mode. */
  dial(target: { readonly host: string; readonly port: number }, onReady: (app: DrachtioApp | undefined) => void): void {
    const socket = connect(target);
    let told = false;
    const tell = (app: DrachtioApp | undefined): void => {
      if (!told) onReady(app);
      told = true;
    };
    socket.once('close', () => tell(undefined));
    socket.once('connect', () => this.add(socket, tell));
    socket.on('error', () => {});
  }

  /** Takes a connection that something else accepted. */
  accept(socket: Socket): void {
    this.add(socket, () => {});
  }

  close(): Promise<void> {
    for (const { socket } of this.all) socket.destroy();
    return new Promise((resolve) => this.server.close(() => resolve()));
  }

  private add(socket: Socket, onReady: (app: DrachtioApp) => void): void {
    const app = new DrachtioApp(socket, this.options, {
      onReady,
      onSip: (from, frame) => this.user.onSip(from, frame),
      onClose: (gone) => {
        this.all.delete(gone);
        this.user.onGone(gone);
      },
    });
    this.all.add(app);
  }
}
