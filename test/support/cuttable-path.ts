import { connect, createServer, type Server, type Socket } from 'node:net';

/** A TCP path that can be cut and mended: connections through it break, and new ones are refused until then. */
export class CuttablePath {
  private readonly pairs = new Set<readonly [Socket, Socket]>();
  private cut = false;
  /** Connections that were let through so far. */
  made = 0;

  private constructor(
    private readonly server: Server,
    readonly port: number,
  ) {}

  static async start(target: { readonly host: string; readonly port: number }): Promise<CuttablePath> {
    const server = createServer();
    const port = await new Promise<number>((resolve, reject) => {
      server.once('error', reject);
      server.listen(0, '127.0.0.1', () => {
        const address = server.address();
        resolve(typeof address === 'object' && address !== null ? address.port : 0);
      });
    });
    const path = new CuttablePath(server, port);
    server.on('connection', (near) => path.join(near, target));
    return path;
  }

  private join(near: Socket, target: { readonly host: string; readonly port: number }): void {
    near.on('error', () => {});
    if (this.cut) {
      near.destroy();
      return;
    }
    this.made += 1;
    const far = connect(target);
    const pair = [near, far] as const;
    this.pairs.add(pair);
    far.on('error', () => {});
    for (const [from, to] of [pair, [far, near]] as const) {
      from.pipe(to);
      from.on('close', () => {
        this.pairs.delete(pair);
        to.destroy();
      });
    }
  }

  /** Breaks what goes through and lets nothing new through. */
  sever(): void {
    this.cut = true;
    for (const [near, far] of this.pairs) {
      near.destroy();
      far.destroy();
    }
  }

  mend(): void {
    this.cut = false;
  }

  async dispose(): Promise<void> {
    this.sever();
    await new Promise<void>((resolve) => this.server.close(() => resolve()));
  }
}
