import { readFileSync, writeFileSync } from 'node:fs';
import { Child } from './child.js';
import { eventuallyTrue } from './eventually.js';
import { freePort, freePortRun } from './free-ports.js';
import { peerPath } from './programs.js';
import { type Scratch, scratch } from './scratch.js';
import { testTls } from './tls-material.js';

export interface CoturnOptions {
  /** What the credentials of the gateway are made with. */
  readonly secret: string;
  /** Address it listens at and relays from; loopback when absent. */
  readonly address?: string;
}

/** coturn as operators run it beside the gateway: `use-auth-secret`, on UDP, TCP and TLS. */
export class Coturn {
  private constructor(
    private readonly files: Scratch,
    private readonly child: Child,
    readonly address: string,
    readonly port: number,
    readonly tlsPort: number,
  ) {}

  static async start({ secret, address = '127.0.0.1' }: CoturnOptions): Promise<Coturn> {
    const files = scratch('coturn');
    const [port, tlsPort, relays] = [await freePort(), await freePort(), await freePortRun(40)];
    writeFileSync(files.file('cert.pem'), testTls.cert);
    writeFileSync(files.file('key.pem'), testTls.key);
    const settings = [
      `listening-ip=${address}`,
      `relay-ip=${address}`,
      `listening-port=${port}`,
      `tls-listening-port=${tlsPort}`,
      `min-port=${relays}`,
      `max-port=${relays + 39}`,
      'use-auth-secret',
      `static-auth-secret=${secret}`,
      'realm=turn.test',
      `cert=${files.file('cert.pem')}`,
      `pkey=${files.file('key.pem')}`,
      // The gateway of the test is on loopback, where a relay must not lead in earnest.
      'allow-loopback-peers',
      'cli-password=not-used',
      'no-cli',
      `pidfile=${files.file('turnserver.pid')}`,
      `userdb=${files.file('turndb')}`,
      'log-file=stdout',
      'verbose',
      'no-multicast-peers',
    ];
    writeFileSync(files.file('turnserver.conf'), `${settings.join('\n')}\n`);
    const child = new Child({ command: peerPath('turnserver'), args: ['-c', files.file('turnserver.conf')], cwd: files.path });
    const coturn = new Coturn(files, child, address, port, tlsPort);
    await eventuallyTrue(() => coturn.listens() || child.exit !== undefined, {
      what: `coturn listens on ${port} and ${tlsPort}`,
      withinMs: 10_000,
      everyMs: 20,
      explain: () => child.describe(),
    });
    if (child.exit !== undefined) throw new Error(`coturn ended at once\n${child.describe()}`);
    return coturn;
  }

  /** Its URL for one transport, as `media.turn.urls` takes it. */
  url(transport: 'udp' | 'tcp' | 'tls'): string {
    return transport === 'tls'
      ? `turns:${this.address}:${this.tlsPort}?transport=tcp`
      : `turn:${this.address}:${this.port}?transport=${transport}`;
  }

  get log(): string {
    return this.child.stdout + this.child.stderr;
  }

  async dispose(): Promise<void> {
    await this.child.stop('SIGTERM', 3_000);
    this.files.dispose();
  }

  private listens(): boolean {
    const address = this.address
      .split('.')
      .reverse()
      .map((part) => Number(part).toString(16).padStart(2, '0'))
      .join('')
      .toUpperCase();
    const on = (table: string, port: number): boolean =>
      readFileSync(`/proc/net/${table}`, 'latin1').includes(`${address}:${port.toString(16).toUpperCase().padStart(4, '0')} `);
    return on('udp', this.port) && on('tcp', this.port) && on('tcp', this.tlsPort);
  }
}
