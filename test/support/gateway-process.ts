import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Child, type ChildExit } from './child.js';
import { eventually } from './eventually.js';
import { freePort, freePortRun } from './free-ports.js';
import { scratch } from './scratch.js';

const repository = fileURLToPath(new URL('../../', import.meta.url));
const main = `${repository}dist/cli/main.js`;

export interface GatewayOptions {
  /** Origins of the pages of the test. */
  readonly allowedOrigins?: readonly string[];
  readonly trunks?: readonly Record<string, unknown>[];
  /** Variables of its environment: where secrets come from. */
  readonly env?: Readonly<Record<string, string>>;
  /** Where browsers and the trunk send media to; loopback when absent. */
  readonly mediaAddress?: string;
  /** Keys of `media` beside those of the test itself. */
  readonly media?: Readonly<Record<string, unknown>>;
  /** Sections that replace the test's own, key by key at the top level. */
  readonly config?: Readonly<Record<string, unknown>>;
}

export interface CdrLine {
  readonly [field: string]: unknown;
}

export type LiveCounts = Readonly<Record<string, number>>;

/** The built gateway as a process of its own, configured on ports found free. */
export class GatewayProcess {
  private baseline: LiveCounts = {};

  private constructor(
    private readonly files: ReturnType<typeof scratch>,
    private readonly child: Child,
    readonly httpPort: number,
    readonly sipPort: number,
    readonly trunkPorts: readonly [number, number],
  ) {}

  static async start(options: GatewayOptions = {}): Promise<GatewayProcess> {
    const files = scratch('gateway');
    const httpPort = await freePort();
    const sipPort = await freePort();
    const browserPorts = await freePortRun(20);
    const trunkPorts = await freePortRun(40);
    const config = {
      http: { host: '127.0.0.1', port: httpPort, allowedOrigins: options.allowedOrigins ?? [] },
      sip: { listen: [`udp:127.0.0.1:${sipPort}`, `tcp:127.0.0.1:${sipPort}`] },
      media: {
        workers: 1,
        ...(options.mediaAddress === undefined ? {} : { publicAddress: options.mediaAddress }),
        browserPorts: { min: browserPorts, max: browserPorts + 19 },
        trunkPorts: { min: trunkPorts, max: trunkPorts + 39 },
        ...options.media,
      },
      trunks: options.trunks ?? [],
      policy: { destinations: { allow: ['*'] } },
      cdr: { file: files.file('cdr.jsonl') },
      log: { level: 'debug' },
      ...options.config,
    };
    const file = files.file('gateway.yaml');
    writeFileSync(file, JSON.stringify(config, null, 2));
    const child = new Child({
      command: process.execPath,
      args: [main, 'serve', '--config', file],
      cwd: files.path,
      env: options.env ?? {},
    });
    return new GatewayProcess(files, child, httpPort, sipPort, [trunkPorts, trunkPorts + 39]).begun();
  }

  /** What `npm start` starts, without a configuration file; only the ports are moved out of the way. */
  static async startDemo(): Promise<GatewayProcess> {
    const files = scratch('demo');
    const [httpPort, sipPort] = [await freePort(), await freePort()];
    const [browserPorts, trunkPorts] = [await freePortRun(20), await freePortRun(40)];
    const env = {
      GATEWAY_HTTP__PORT: String(httpPort),
      GATEWAY_SIP__LISTEN: `udp:127.0.0.1:${sipPort}`,
      GATEWAY_MEDIA__BROWSER_PORTS__MIN: String(browserPorts),
      GATEWAY_MEDIA__BROWSER_PORTS__MAX: String(browserPorts + 19),
      GATEWAY_MEDIA__TRUNK_PORTS__MIN: String(trunkPorts),
      GATEWAY_MEDIA__TRUNK_PORTS__MAX: String(trunkPorts + 39),
    };
    const child = new Child({ command: process.execPath, args: [main, 'serve'], cwd: files.path, env });
    return new GatewayProcess(files, child, httpPort, sipPort, [trunkPorts, trunkPorts + 39]).begun();
  }

  private async begun(): Promise<this> {
    try {
      await this.ready();
      this.baseline = await this.live();
      return this;
    } catch (thrown) {
      await this.child.stop('SIGKILL');
      throw thrown;
    }
  }

  get http(): string {
    return `http://127.0.0.1:${this.httpPort}`;
  }

  get webSocket(): string {
    return `ws://127.0.0.1:${this.httpPort}/sip`;
  }

  get log(): string {
    return this.child.stdout + this.child.stderr;
  }

  private async ready(): Promise<void> {
    await eventually(
      async () => {
        if (this.child.exit !== undefined) return 'ended';
        return (await fetch(`${this.http}/readyz`)).ok ? 'ready' : undefined;
      },
      { what: 'the gateway says it is ready', withinMs: 15_000, everyMs: 50, explain: () => this.child.describe() },
    );
    if (this.child.exit !== undefined) throw new Error(`the gateway ended at once\n${this.child.describe()}`);
  }

  /** `gateway_live_objects` by kind. */
  async live(): Promise<LiveCounts> {
    const text = await (await fetch(`${this.http}/metrics`)).text();
    const counts: Record<string, number> = {};
    for (const match of text.matchAll(/^gateway_live_objects\{[^}]*kind="([^"]+)"[^}]*\} (\S+)$/gm)) {
      counts[match[1] ?? ''] = Number(match[2]);
    }
    if (Object.keys(counts).length === 0) throw new Error('the gateway publishes no gateway_live_objects');
    return counts;
  }

  get ended(): boolean {
    return this.child.exit !== undefined;
  }

  /**
   * Waits until calls, dialogs, media and flows are gone. Transactions and their timers stay for up
   * to 32 s to answer retransmissions (RFC 3261 §17.2, timers H, I, J), an INVITE that nobody ever
   * answered as long (timer B); `waitUntilNothingIsLeft` has them too. A connection to a peer that
   * the next call is to use is named in `kept`.
   */
  async waitUntilCallsAreGone(withinMs = 8_000, kept: readonly string[] = []): Promise<void> {
    await this.waitUntilGone(withinMs, (kind) => !['transaction', 'sip_timer', 'invite', ...kept].includes(kind));
  }

  /** Waits until every kind is back where it stood before the first call. */
  async waitUntilNothingIsLeft(withinMs = 45_000): Promise<void> {
    await this.waitUntilGone(withinMs, () => true);
  }

  private async waitUntilGone(withinMs: number, counts: (kind: string) => boolean): Promise<void> {
    let last: LiveCounts = {};
    await eventually(
      async () => {
        last = await this.live();
        const kinds = new Set([...Object.keys(last), ...Object.keys(this.baseline)]);
        return [...kinds].filter(counts).every((kind) => (last[kind] ?? 0) <= (this.baseline[kind] ?? 0)) ? true : undefined;
      },
      {
        what: 'nothing is left of the calls',
        withinMs,
        everyMs: 250,
        explain: () => `before: ${JSON.stringify(this.baseline)}\nnow: ${JSON.stringify(last)}\n${this.log.slice(-4_000)}`,
      },
    );
  }

  /** Hangs up all there are. */
  async endCalls(): Promise<void> {
    for (const { id } of await this.calls()) await fetch(`${this.http}/api/v1/calls/${String(id)}`, { method: 'DELETE' });
  }

  async calls(): Promise<readonly Record<string, unknown>[]> {
    const body = (await (await fetch(`${this.http}/api/v1/calls`)).json()) as
      | { calls?: Record<string, unknown>[] }
      | Record<string, unknown>[];
    return Array.isArray(body) ? body : (body.calls ?? []);
  }

  /** Call records written so far. */
  cdrs(): CdrLine[] {
    try {
      return readFileSync(this.files.file('cdr.jsonl'), 'utf8')
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as CdrLine);
    } catch {
      return [];
    }
  }

  /** The newest record, once there are `count`. */
  async cdr(count = 1, withinMs = 10_000): Promise<CdrLine> {
    return eventually(() => (this.cdrs().length >= count ? this.cdrs().at(-1) : undefined), {
      what: `${count} call record(s) written`,
      withinMs,
      explain: () => this.log.slice(-4_000),
    });
  }

  signal(signal: NodeJS.Signals): void {
    this.child.signal(signal);
  }

  /** Waits for its end after a signal. */
  exit(withinMs: number): Promise<ChildExit> {
    return this.child.waitForExit(withinMs);
  }

  /** SIGTERM; a gateway that does not leave with 0 in time is a failure. */
  async stop(withinMs = 15_000): Promise<void> {
    this.child.signal('SIGTERM');
    const exit = await this.child.waitForExit(withinMs);
    if (exit.code !== 0) throw new Error(`the gateway left with ${exit.code ?? exit.signal}\n${this.child.describe()}`);
  }

  /** For clean-up after a test, whatever its outcome. */
  async dispose(): Promise<void> {
    try {
      if (this.child.exit === undefined) await this.stop();
    } finally {
      if (this.child.exit === undefined) await this.child.stop('SIGKILL');
      this.files.dispose();
    }
  }
}
