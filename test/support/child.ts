import { type ChildProcess, spawn } from 'node:child_process';
import { eventuallyTrue } from './eventually.js';

export interface ChildExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface ChildOptions {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

/** Another program under test: its output kept, its end awaited. */
export class Child {
  readonly exited: Promise<ChildExit>;
  private readonly process: ChildProcess;
  private out = '';
  private err = '';
  private ended: ChildExit | undefined;

  constructor(private readonly options: ChildOptions) {
    this.process = spawn(options.command, [...options.args], {
      env: { ...process.env, ...options.env },
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    this.process.stdout?.on('data', (chunk: Buffer) => {
      this.out += chunk.toString('utf8');
    });
    this.process.stderr?.on('data', (chunk: Buffer) => {
      this.err += chunk.toString('utf8');
    });
    this.process.stdin?.on('error', () => {});
    this.exited = new Promise((resolve) => {
      this.process.once('error', (error) => {
        this.err += `\n${error.message}`;
        this.ended = { code: 127, signal: null };
        resolve(this.ended);
      });
      this.process.once('close', (code, signal) => {
        this.ended = { code, signal };
        resolve(this.ended);
      });
    });
  }

  get pid(): number {
    return this.process.pid ?? -1;
  }

  get stdout(): string {
    return this.out;
  }

  get stderr(): string {
    return this.err;
  }

  get exit(): ChildExit | undefined {
    return this.ended;
  }

  write(text: string): void {
    this.process.stdin?.write(text);
  }

  signal(signal: NodeJS.Signals): void {
    if (this.ended === undefined) this.process.kill(signal);
  }

  /** Resolves when the output holds `pattern`; fails at once when the program ends before. */
  async waitForOutput(pattern: RegExp, withinMs: number): Promise<RegExpExecArray> {
    let match: RegExpExecArray | null = null;
    let early = false;
    await eventuallyTrue(
      () => {
        match = pattern.exec(this.out) ?? pattern.exec(this.err);
        early = this.ended !== undefined;
        return match !== null || early;
      },
      { what: `${this.options.command} printed ${pattern}`, withinMs, everyMs: 20, explain: () => this.describe() },
    );
    if (match === null) throw new Error(`${this.options.command} ended without printing ${pattern}\n${this.describe()}`);
    return match;
  }

  /** Resolves with the exit; fails when the program has not ended by the deadline. */
  async waitForExit(withinMs: number): Promise<ChildExit> {
    await eventuallyTrue(() => this.ended !== undefined, {
      what: `${this.options.command} ended`,
      withinMs,
      everyMs: 20,
      explain: () => this.describe(),
    });
    return this.exited;
  }

  /** Asks with `signal`, insists with SIGKILL after `graceMs`. */
  async stop(signal: NodeJS.Signals = 'SIGTERM', graceMs = 5_000): Promise<ChildExit> {
    this.signal(signal);
    const insist = setTimeout(() => this.signal('SIGKILL'), graceMs);
    const exit = await this.exited;
    clearTimeout(insist);
    return exit;
  }

  /** Command and the end of its output, for a failure message. */
  describe(): string {
    const tail = (text: string): string => text.split('\n').slice(-40).join('\n');
    return [
      `$ ${this.options.command} ${this.options.args.join(' ')}`,
      this.ended === undefined ? 'still running' : `ended with ${this.ended.code ?? this.ended.signal}`,
      tail(this.out),
      tail(this.err),
    ].join('\n');
  }
}
