import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { eventually, eventuallyTrue } from '../support/eventually.js';
import { kamailioModules } from '../support/kamailio.js';
import { peerPath } from '../support/programs.js';
import { type Scratch, scratch } from '../support/scratch.js';
import { cpuMs, familyOf, residentMiB } from './process-cpu.js';

/** What calls pass through, on a core of its own. */
export interface SipSystem {
  readonly name: string;
  /** Where calls go in. */
  readonly port: number;
  cpuMs(): number;
  residentMiB(): number;
  /** Resolves when nothing is left of the calls that are over. */
  settled(): Promise<void>;
  stop(): Promise<void>;
}

/** The core of the measured system; what loads it runs on the next one. */
const measuredCore = 0;
export const loadCore = 1;

const inFolder = (name: string): string => fileURLToPath(new URL(`../../test/bench/${name}`, import.meta.url));

/** Starts a program on one core. */
export function spawnPinned(core: number, command: string, args: readonly string[], log: string): ChildProcess {
  const output = openSync(log, 'a');
  const child = spawn('taskset', ['-c', String(core), command, ...args], { stdio: ['pipe', output, 'pipe'] });
  closeSync(output);
  return child;
}

export async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  await new Promise((resolve) => child.once('exit', resolve));
}

/** Whether a UDP socket is bound to a port of loopback. */
export function listensOn(port: number): boolean {
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  return readFileSync('/proc/net/udp', 'latin1').includes(`0100007F:${hex} `);
}

type LiveCounts = Readonly<Record<string, number>>;

/** The gateway's signalling with its logs and call records, in files. */
class GatewaySystem implements SipSystem {
  readonly name = 'this gateway (B2BUA)';
  private baseline: LiveCounts = {};
  private said = '';

  private constructor(
    readonly port: number,
    private readonly child: ChildProcess,
    private readonly files: Scratch,
  ) {
    child.stderr?.on('data', (chunk: Buffer) => {
      this.said += chunk.toString('utf8');
    });
  }

  static async start(port: number, called: number): Promise<SipSystem> {
    const files = scratch('bench');
    const program = fileURLToPath(new URL('sip-process.js', import.meta.url));
    // For a profile: BENCH_NODE_FLAGS=--cpu-prof.
    const flags = (process.env['BENCH_NODE_FLAGS'] ?? '').split(' ').filter((flag) => flag !== '');
    const args = [...flags, program, String(port), String(called), files.file('cdr.jsonl')];
    const system = new GatewaySystem(port, spawnPinned(measuredCore, process.execPath, args, files.file('gateway.log')), files);
    await system.hears(/^ready/m);
    system.baseline = await system.live();
    return system;
  }

  cpuMs(): number {
    return cpuMs(this.child.pid ?? -1);
  }

  residentMiB(): number {
    return residentMiB(this.child.pid ?? -1);
  }

  async settled(): Promise<void> {
    const isOver = async (): Promise<boolean> => {
      const live = await this.live();
      return Object.entries(live).every(([kind, count]) => count <= (this.baseline[kind] ?? 0));
    };
    await eventuallyTrue(isOver, { what: 'nothing is left of the calls', withinMs: 60_000, everyMs: 1_000, explain: () => this.said });
  }

  async stop(): Promise<void> {
    this.child.stdin?.write('stop\n');
    await ended(this.child);
    this.files.dispose();
  }

  private async live(): Promise<LiveCounts> {
    this.said = '';
    this.child.stdin?.write('live\n');
    const [, counts = '{}'] = await this.hears(/^live (.*)$/m);
    return JSON.parse(counts) as LiveCounts;
  }

  private hears(pattern: RegExp): Promise<RegExpExecArray> {
    const heard = (): RegExpExecArray | undefined => {
      if (this.child.exitCode !== null) throw new Error('it has ended');
      return pattern.exec(this.said) ?? undefined;
    };
    return eventually(heard, { what: `the gateway says ${pattern}`, withinMs: 15_000, explain: () => this.said });
  }
}

/** Kamailio as a stateful proxy with Record-Route, one worker (`kamailio.cfg`). */
class KamailioSystem implements SipSystem {
  readonly name = 'Kamailio (stateful proxy, Record-Route)';

  private constructor(
    readonly port: number,
    private readonly child: ChildProcess,
    private readonly files: Scratch,
  ) {}

  static async start(port: number, called: number): Promise<SipSystem> {
    const files = scratch('bench');
    const text = readFileSync(inFolder('kamailio.cfg'), 'utf8')
      .replaceAll('{{port}}', String(port))
      .replaceAll('{{called}}', String(called))
      .replaceAll('{{modules}}', kamailioModules());
    writeFileSync(files.file('kamailio.cfg'), text);
    mkdirSync(files.file('run'));
    const args = ['-f', files.file('kamailio.cfg'), '-DD', '-E', '-Y', files.file('run'), '-w', files.path, '-m', '512', '-M', '16'];
    const child = spawnPinned(measuredCore, peerPath('kamailio'), args, files.file('kamailio.log'));
    await eventuallyTrue(() => listensOn(port), {
      what: 'Kamailio listens',
      withinMs: 10_000,
      explain: () => readFileSync(files.file('kamailio.log'), 'utf8'),
    });
    return new KamailioSystem(port, child, files);
  }

  cpuMs(): number {
    return familyOf(this.child.pid ?? -1).reduce((sum, pid) => sum + cpuMs(pid), 0);
  }

  residentMiB(): number {
    return familyOf(this.child.pid ?? -1).reduce((sum, pid) => sum + residentMiB(pid), 0);
  }

  settled(): Promise<void> {
    return Promise.resolve();
  }

  async stop(): Promise<void> {
    this.child.kill('SIGTERM');
    await ended(this.child);
    this.files.dispose();
  }
}

export const startGateway = GatewaySystem.start;
export const startKamailio = KamailioSystem.start;

/** Nothing between the two SIPps: what they cost and can do by themselves. */
export async function startNothing(called: number): Promise<SipSystem> {
  const nothing = () => Promise.resolve();
  return { name: 'nothing between', port: called, cpuMs: () => 0, residentMiB: () => 0, settled: nothing, stop: nothing };
}
