import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Child } from './child.js';
import { eventuallyTrue } from './eventually.js';
import { freePort } from './free-ports.js';
import { peerPath } from './programs.js';
import { scratch } from './scratch.js';

export interface KamailioOptions {
  /** Port of the customer, where calls go that no registration has. */
  readonly customer: number;
  /** Ports of the two back ends, UDP. */
  readonly backends: readonly [number, number];
  /** Password of the customer `gateway` in realm `carrier.test`. */
  readonly password: string;
  readonly algorithm?: 'MD5' | 'SHA-256';
  /** A back end that says nothing for so long has failed. */
  readonly silentMs?: number;
  readonly minExpiresSeconds?: number;
}

const template = fileURLToPath(new URL('../interop/kamailio.cfg', import.meta.url));
/** Debian puts modules below the triplet of the architecture. */
const folders = ['/usr/lib/x86_64-linux-gnu', '/usr/lib/aarch64-linux-gnu', '/usr/lib'].map((base) => `${base}/kamailio/modules/`);

/** Where Kamailio's modules are. */
export const kamailioModules = (): string => folders.find((folder) => existsSync(folder)) ?? '/usr/lib/kamailio/modules/';

/** Kamailio as a carrier's edge: digest, Record-Route, registrar, two back ends (`test/interop/kamailio.cfg`). */
export class Kamailio {
  private constructor(
    private readonly files: ReturnType<typeof scratch>,
    private readonly child: Child,
    readonly port: number,
  ) {}

  static async start(options: KamailioOptions): Promise<Kamailio> {
    const files = scratch('kamailio');
    const port = await freePort();
    const values: Readonly<Record<string, string>> = {
      port: String(port),
      modules: kamailioModules(),
      customer: String(options.customer),
      backend1: String(options.backends[0]),
      backend2: String(options.backends[1]),
      password: options.password,
      algorithm: options.algorithm === 'SHA-256' ? 'SHA-256' : '',
      silentMs: String(options.silentMs ?? 1500),
      minExpires: String(options.minExpiresSeconds ?? 0),
    };
    const text = readFileSync(template, 'utf8').replace(/\{\{(\w+)\}\}/g, (_, name: string) => {
      const value = values[name];
      if (value === undefined) throw new Error(`kamailio.cfg needs "${name}"`);
      return value;
    });
    writeFileSync(files.file('kamailio.cfg'), text);
    mkdirSync(files.file('run'));
    const child = new Child({
      command: peerPath('kamailio'),
      args: ['-f', files.file('kamailio.cfg'), '-DD', '-E', '-Y', files.file('run'), '-w', files.path, '-m', '32', '-M', '4'],
      cwd: files.path,
    });
    const proxy = new Kamailio(files, child, port);
    await eventuallyTrue(() => proxy.listens() || child.exit !== undefined, {
      what: `Kamailio listens on ${port}`,
      withinMs: 10_000,
      everyMs: 20,
      explain: () => child.describe(),
    });
    if (child.exit !== undefined) throw new Error(`Kamailio ended at once\n${child.describe()}`);
    return proxy;
  }

  /** Its notices: who registered, which call was accepted, which back end failed. */
  get log(): string {
    return this.child.stdout + this.child.stderr;
  }

  describe(): string {
    return this.child.describe();
  }

  async dispose(): Promise<void> {
    await this.child.stop('SIGTERM', 5_000);
    this.files.dispose();
  }

  private listens(): boolean {
    const hex = this.port.toString(16).toUpperCase().padStart(4, '0');
    return ['udp', 'tcp'].every((table) => readFileSync(`/proc/net/${table}`, 'latin1').includes(`0100007F:${hex} `));
  }
}
