/** The embedded TURN server as the main thread sees it: it runs in a thread of its own, as media does. */
import { createSecureContext } from 'node:tls';
import { Worker } from 'node:worker_threads';
import type { Clock, Timer } from '../base/clock.js';
import { GatewayError, messageOf } from '../base/errors.js';
import type { LiveObjects } from '../base/live-objects.js';
import type { Log } from '../base/log.js';
import type { Startable } from '../base/startable.js';
import type { EmbeddedTurnOptions } from './embedded-turn.js';
import { listenText, type TurnErrorInfo, type TurnListenAddress, urlOf } from './listener.js';
import type { TurnTls } from './stream-listener.js';

export type TurnWorkerRequest =
  | { readonly type: 'count'; readonly id: number }
  | { readonly type: 'renewTls'; readonly tls: TurnTls }
  | { readonly type: 'stop' };

export type TurnWorkerMessage =
  | { readonly type: 'ready'; readonly bound: readonly TurnListenAddress[] }
  | { readonly type: 'failed'; readonly message: string }
  | { readonly type: 'counted'; readonly id: number; readonly objects: LiveObjects }
  | { readonly type: 'fault'; readonly message: string };

interface TurnThreadDeps {
  readonly clock: Clock;
  readonly log: Log;
  /** The compiled thread; its place beside this file when left out. */
  readonly workerUrl?: URL;
}

type State = 'stopped' | 'running' | 'stopping';

/** A thread that dies again and again is not begun anew faster than this. */
const restartAfterMs = 250;
const none: LiveObjects = { turn_allocation: 0, turn_connection: 0 };

export class TurnThread implements Startable {
  private state: State = 'stopped';
  private options: EmbeddedTurnOptions;
  private worker: Worker | undefined;
  private bound: readonly TurnListenAddress[] = [];
  private restart: Timer | undefined;
  private nextId = 1;
  private readonly counting = new Map<number, (objects: LiveObjects) => void>();

  constructor(
    options: EmbeddedTurnOptions,
    private readonly deps: TurnThreadDeps,
  ) {
    this.options = options;
  }

  async start(): Promise<void> {
    if (this.state !== 'stopped') return;
    this.state = 'running';
    try {
      await this.run();
    } catch (thrown) {
      this.state = 'stopped';
      throw thrown;
    }
    this.deps.log.info({ listen: this.bound.map(listenText) }, 'the TURN server listens');
  }

  async stop(): Promise<void> {
    this.state = 'stopping';
    this.restart?.cancel();
    this.restart = undefined;
    const { worker } = this;
    if (worker !== undefined) {
      const exited = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
      this.ask({ type: 'stop' });
      await exited;
    }
    this.state = 'stopped';
  }

  /** URLs of its listeners, in the order of the configuration. */
  urls(): readonly string[] {
    return this.bound.map((listen) => urlOf(listen, this.options.publicAddress));
  }

  /** Connections from now on are shown this certificate. Returns what is wrong with it, and then keeps to the old one. */
  renewTls({ cert, key }: TurnTls): string | undefined {
    try {
      createSecureContext({ cert, key });
    } catch (thrown) {
      return messageOf(thrown);
    }
    this.options = { ...this.options, tls: { cert, key } };
    this.ask({ type: 'renewTls', tls: { cert, key } });
    return undefined;
  }

  async liveObjects(): Promise<LiveObjects> {
    if (this.worker === undefined) return none;
    const id = this.nextId;
    this.nextId += 1;
    return new Promise((resolve) => {
      this.counting.set(id, resolve);
      this.ask({ type: 'count', id });
    });
  }

  private ask(request: TurnWorkerRequest): void {
    this.worker?.postMessage(request);
  }

  /** Begins a thread; resolves when it listens. */
  private run(): Promise<void> {
    // Whatever port was taken the first time stays the one that pages were told of.
    const listen = this.bound.length === 0 ? this.options.listen : this.bound;
    const worker = new Worker(this.deps.workerUrl ?? new URL('./turn-worker.js', import.meta.url), {
      workerData: { ...this.options, listen },
      name: 'turn',
    });
    this.worker = worker;
    return new Promise((resolve, reject) => {
      let died = 'the thread of the TURN server has ended';
      worker.on('message', (message: TurnWorkerMessage) => {
        if (message.type === 'failed') died = message.message;
        if (message.type === 'failed') void worker.terminate();
        else if (message.type === 'ready') {
          this.bound = message.bound;
          resolve();
        } else this.take(message);
      });
      worker.on('error', (error) => {
        died = messageOf(error);
      });
      worker.once('exit', () => {
        this.onExit(died);
        reject(new GatewayError<TurnErrorInfo>({ code: 'turn-listen-failed', listen: listen.map(listenText).join(' ') }, died));
      });
    });
  }

  private take(message: Exclude<TurnWorkerMessage, { readonly type: 'ready' | 'failed' }>): void {
    if (message.type === 'fault') {
      this.deps.log.error({ error: message.message }, 'the TURN server went on after a fault');
      return;
    }
    this.counting.get(message.id)?.(message.objects);
    this.counting.delete(message.id);
  }

  private onExit(why: string): void {
    this.worker = undefined;
    for (const resolve of this.counting.values()) resolve(none);
    this.counting.clear();
    if (this.state !== 'running' || this.bound.length === 0) return;
    this.deps.log.error({ error: why }, 'the TURN server has ended and is begun anew');
    this.restart = this.deps.clock.after(restartAfterMs, () => {
      this.restart = undefined;
      this.run().catch(() => {});
    });
  }
}
