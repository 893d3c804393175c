import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { formatHostPort, type HostPort, parseHostPort } from '../base/address.js';
import type { Clock } from '../base/clock.js';
import { GatewayError } from '../base/errors.js';
import type { Log } from '../base/log.js';
import type { DemoCarrier } from '../gateway.js';

export interface DemoCarrierOptions {
  /** The carrier's program. */
  readonly program: URL;
  /** Time it has to say that it is ready, and to end. */
  readonly patienceMs: number;
}

export type DemoCarrierErrorInfo = { readonly code: 'demo-carrier-failed'; readonly detail: string };

function failed(detail: string): GatewayError<DemoCarrierErrorInfo> {
  return new GatewayError({ code: 'demo-carrier-failed', detail }, `the demo carrier did not start: ${detail}`);
}

/** Reads the line in which the carrier says where it listens; undefined for any other. */
function readyLine(line: string): HostPort | undefined {
  try {
    const { sip } = JSON.parse(line) as { readonly sip?: unknown };
    return typeof sip === 'string' ? parseHostPort(sip, 5060) : undefined;
  } catch {
    return undefined;
  }
}

/**
 * The demo carrier as a child process. It has a process group of its own, so that Ctrl-C reaches the
 * gateway alone, which ends its calls first; and it ends when our end of its standard input closes,
 * so that it never outlives us.
 */
export class DemoCarrierProcess implements DemoCarrier {
  private child: ChildProcess | undefined;
  private stopping = false;

  constructor(
    private readonly options: DemoCarrierOptions,
    private readonly deps: { readonly clock: Clock; readonly log: Log },
  ) {}

  async start(gatewaySip: HostPort): Promise<HostPort> {
    const child = spawn(process.execPath, [fileURLToPath(this.options.program)], {
      detached: true,
      env: { ...process.env, DEMO_CARRIER_LISTEN: '127.0.0.1:0', DEMO_GATEWAY_SIP: formatHostPort(gatewaySip) },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.child = child;
    const at = await this.ready(child);
    child.on('exit', (code, signal) => {
      if (!this.stopping) this.deps.log.error({ code, signal }, 'the demo carrier has ended; calls to it will fail');
    });
    return at;
  }

  async stop(): Promise<void> {
    this.stopping = true;
    const { child } = this;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
    const ended = once(child, 'exit');
    const timer = this.deps.clock.after(this.options.patienceMs, () => child.kill('SIGKILL'));
    child.stdin?.end();
    child.kill('SIGTERM');
    await ended;
    timer.cancel();
  }

  private ready(child: ChildProcess): Promise<HostPort> {
    const { clock } = this.deps;
    return new Promise((resolve, reject) => {
      const timer = clock.after(this.options.patienceMs, () => reject(failed(`it was not ready within ${this.options.patienceMs} ms`)));
      const settle = (run: () => void): void => {
        timer.cancel();
        run();
      };
      child.once('error', (thrown) => settle(() => reject(failed(thrown.message))));
      child.once('exit', (code, signal) => settle(() => reject(failed(`it ended with ${signal ?? code}`))));
      child.stdin?.on('error', () => {});
      if (child.stdout === null) return;
      createInterface({ input: child.stdout }).on('line', (line) => {
        const at = readyLine(line);
        if (at !== undefined) settle(() => resolve(at));
        else this.deps.log.debug({ line }, 'demo carrier');
      });
    });
  }
}
