import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { MediaEngine } from './media-engine.js';
import type { MediaCommand, MediaReply } from './media-process.js';

type WithoutId<C> = C extends MediaCommand ? Omit<C, 'id'> : never;

/** The gateway's embedded media plane, one worker, in its own process. */
export class PlaneEngine implements MediaEngine {
  readonly name = 'this gateway';
  private readonly waiting = new Map<number, { resolve(value: string): void; reject(error: Error): void }>();
  private nextId = 1;

  private constructor(private readonly child: ChildProcess) {
    child.on('message', ({ id, value, error }: MediaReply) => {
      const waiter = this.waiting.get(id);
      this.waiting.delete(id);
      if (error === undefined) waiter?.resolve(value ?? '');
      else waiter?.reject(new Error(error));
    });
  }

  static async start(): Promise<PlaneEngine> {
    const child = fork(fileURLToPath(new URL('media-process.js', import.meta.url)), { stdio: 'inherit' });
    const engine = new PlaneEngine(child);
    await new Promise<void>((resolve, reject) => {
      engine.waiting.set(0, { resolve: () => resolve(), reject });
      child.once('exit', (code) => reject(new Error(`the media process ended with ${code}`)));
    });
    return engine;
  }

  get pid(): number {
    return this.child.pid ?? -1;
  }

  begin(call: string, kind: 'webrtc' | 'udp', offer: string): Promise<string> {
    return this.ask({ do: 'begin', call, kind, offer });
  }

  complete(call: string, answer: string): Promise<string> {
    return this.ask({ do: 'complete', call, answer });
  }

  async end(call: string): Promise<void> {
    await this.ask({ do: 'end', call });
  }

  async stop(): Promise<void> {
    await this.ask({ do: 'stop' });
    const gone = new Promise((resolve) => this.child.once('exit', resolve));
    this.child.disconnect();
    await gone;
  }

  private ask(command: WithoutId<MediaCommand>): Promise<string> {
    const id = this.nextId;
    this.nextId += 1;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      this.child.send({ ...command, id });
    });
  }
}
