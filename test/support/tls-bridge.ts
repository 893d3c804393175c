import { connect as connectTcp, createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { connect as connectTls, createServer as createTlsServer } from 'node:tls';
import { testTls } from './tls-material.js';

/** Joins TLS on one side with plain TCP on the other: SIPp as Debian packs it speaks no TLS. */
export class TlsBridge {
  private readonly sockets = new Set<Socket>();

  private constructor(
    private readonly server: Server,
    readonly port: number,
  ) {}

  /** Ends TLS and goes on in TCP to `port`. */
  static endingTls(port: number): Promise<TlsBridge> {
    return TlsBridge.listen((join) =>
      createTlsServer({ cert: testTls.cert, key: testTls.key }, (near) => join(near, connectTcp(port, '127.0.0.1'))),
    );
  }

  /** Takes TCP and goes on in TLS to `port`. */
  static startingTls(port: number): Promise<TlsBridge> {
    return TlsBridge.listen((join) =>
      createTcpServer((near) => join(near, connectTls({ port, host: '127.0.0.1', ca: testTls.ca, servername: 'localhost' }))),
    );
  }

  private static async listen(make: (join: (near: Socket, far: Socket) => void) => Server): Promise<TlsBridge> {
    let bridge: TlsBridge | undefined;
    const server = make((near, far) => bridge?.join(near, far));
    const port = await new Promise<number>((resolve, reject) => {
      server.once('error', reject);
      server.listen(0, '127.0.0.1', () => {
        const address = server.address();
        resolve(typeof address === 'object' && address !== null ? address.port : 0);
      });
    });
    bridge = new TlsBridge(server, port);
    return bridge;
  }

  async dispose(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise<void>((resolve) => this.server.close(() => resolve()));
  }

  private join(near: Socket, far: Socket): void {
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      this.sockets.add(one);
      one.on('error', () => other.destroy());
      one.on('close', () => {
        this.sockets.delete(one);
        other.destroy();
      });
      one.pipe(other);
    }
  }
}
