import { readFileSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Child } from './child.js';
import { eventuallyTrue } from './eventually.js';
import { peerPath } from './programs.js';
import { scratch } from './scratch.js';

export interface SippOptions {
  /** Name of a file in `test/interop/scenarios`, without `.xml`. */
  readonly scenario: string;
  /** What stands for `{{name}}` in the scenario. */
  readonly fill?: Readonly<Record<string, string>>;
  readonly port: number;
  /** RTP; SIPp takes three more above it (RTCP, video). */
  readonly mediaPort?: number;
  /** `host:port` to call; absent for a scenario that waits to be called. */
  readonly remote?: string;
  /** Calls to handle before it ends by itself. */
  readonly calls?: number;
  readonly transport?: 'u1' | 't1';
  readonly args?: readonly string[];
  readonly withinSeconds?: number;
}

export interface SippCounts {
  readonly successful: number;
  readonly failed: number;
}

const scenarioFile = (name: string): string => fileURLToPath(new URL(`../interop/scenarios/${name}.xml`, import.meta.url));

/** The step of a scenario that plays `{{pcap}}`, left out when there is none to play. */
const playsNothing = /<nop>\s*<action>\s*<exec play_pcap_audio="\{\{pcap\}\}"[^>]*>\s*<\/action>\s*<\/nop>/g;

/** SIPp running one scenario of ours: a phone or a carrier that nobody here wrote. */
export class Sipp {
  private readonly files = scratch('sipp');
  private readonly child: Child;

  private constructor(private readonly options: SippOptions) {
    const { fill = {}, port, mediaPort, remote, calls = 1, transport = 'u1', args = [], withinSeconds = 60 } = options;
    const values: Readonly<Record<string, string>> = {
      headers: '',
      holdMs: '500',
      ringMs: '200',
      heldMs: '400',
      caller: '+15550123',
      contactPort: String(port),
      contactTransport: transport === 't1' ? 'tcp' : 'udp',
      ...fill,
    };
    const template = readFileSync(scenarioFile(options.scenario), 'latin1');
    const audible = fill['pcap'] === undefined ? template.replace(playsNothing, '') : template;
    // A line that holds nothing would end the header.
    const whole = values['headers'] === '' ? audible.replace(/^ *\{\{headers\}\}\n/gm, '') : audible;
    const text = whole.replace(/\{\{(\w+)\}\}/g, (_, name: string) => {
      const value = values[name];
      if (value === undefined) throw new Error(`scenario ${options.scenario} needs "${name}"`);
      return value;
    });
    const scenario = this.files.file(`${basename(options.scenario)}.xml`);
    writeFileSync(scenario, text, 'latin1');
    this.child = new Child({
      command: peerPath('sipp'),
      cwd: this.files.path,
      args: [
        ...(remote === undefined ? [] : [remote]),
        '-sf',
        scenario,
        '-i',
        '127.0.0.1',
        '-p',
        String(port),
        '-t',
        transport,
        ...(mediaPort === undefined ? [] : ['-mi', '127.0.0.1', '-mp', String(mediaPort)]),
        '-m',
        String(calls),
        '-nostdin',
        '-timeout',
        `${withinSeconds}s`,
        '-timeout_error',
        '-trace_err',
        '-error_file',
        this.files.file('errors.log'),
        '-trace_msg',
        '-message_file',
        this.files.file('messages.log'),
        '-trace_stat',
        '-fd',
        '1',
        '-stf',
        this.files.file('stats.csv'),
        ...args,
      ],
    });
  }

  static async start(options: SippOptions): Promise<Sipp> {
    const sipp = new Sipp(options);
    await eventuallyTrue(() => sipp.listens() || sipp.child.exit !== undefined, {
      what: `SIPp listens on ${options.port}`,
      withinMs: 10_000,
      everyMs: 20,
      explain: () => sipp.describe(),
    });
    if (sipp.child.exit !== undefined) throw new Error(`SIPp ended at once\n${sipp.describe()}`);
    return sipp;
  }

  /** Bound means bound for the kernel, so its table is asked; nothing is sent that SIPp might count. */
  private listens(): boolean {
    const hex = this.options.port.toString(16).toUpperCase().padStart(4, '0');
    const table = this.options.transport === 't1' ? '/proc/net/tcp' : '/proc/net/udp';
    return readFileSync(table, 'latin1').includes(`0100007F:${hex} `);
  }

  /** Everything sent and received, as SIPp wrote it. */
  messages(): string {
    return this.read('messages.log');
  }

  /** First lines of the messages received, in order: `INVITE sip:…`, `SIP/2.0 200 OK`. */
  received(): string[] {
    const lines: string[] = [];
    for (const block of this.messages().split(/^-{20,}.*$/m)) {
      const match = /message received[^\n]*\n\s*\n([^\n\r]+)/.exec(block);
      if (match?.[1] !== undefined) lines.push(match[1]);
    }
    return lines;
  }

  /** Methods of the requests received, in order and without retransmissions in a row. */
  receivedMethods(): string[] {
    const methods = this.received()
      .filter((line) => !line.startsWith('SIP/2.0'))
      .map((line) => line.split(' ')[0] ?? '');
    return methods.filter((method, index) => method !== methods[index - 1]);
  }

  counts(): SippCounts {
    const [head, ...rows] = this.read('stats.csv').trim().split('\n');
    const names = (head ?? '').split(';');
    const last = (rows.at(-1) ?? '').split(';');
    const value = (name: string): number => {
      const count = Number(last[names.indexOf(name)]);
      if (!Number.isInteger(count)) throw new Error(`SIPp left no ${name} in its statistics\n${this.describe()}`);
      return count;
    };
    return { successful: value('SuccessfulCall(C)'), failed: value('FailedCall(C)') };
  }

  /** Waits until it has handled its calls; fails when its scenario was not followed. */
  async finished(withinMs: number): Promise<void> {
    const { code } = await this.child.waitForExit(withinMs);
    if (code !== 0) throw new Error(`SIPp says the scenario was not followed (exit ${code})\n${this.describe()}`);
  }

  /** Waits until it has handled its calls, well or not. */
  async ended(withinMs: number): Promise<SippCounts> {
    await this.child.waitForExit(withinMs);
    return this.counts();
  }

  describe(): string {
    return `${this.child.describe()}\n${this.read('errors.log').slice(-2_000)}\n${this.messages().slice(-6_000)}`;
  }

  async dispose(): Promise<void> {
    if (this.child.exit === undefined) await this.child.stop('SIGKILL');
    this.files.dispose();
  }

  private read(name: string): string {
    try {
      return readFileSync(this.files.file(name), 'latin1');
    } catch {
      return '';
    }
  }
}
