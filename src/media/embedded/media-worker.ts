/** One worker thread as the main thread sees it: requests become promises, its death an event. */
import { Worker } from 'node:worker_threads';
import { GatewayError } from '../../base/errors.js';
import type { SessionId } from '../../base/ids.js';
import type { MediaErrorInfo, MediaEvent } from '../plane.js';
import type { WorkerMessage, WorkerRequest, WorkerResults, WorkerStart } from './worker-protocol.js';

export interface MediaWorkerHandlers {
  readonly onEvent: (event: MediaEvent) => void;
  readonly onFault: (message: string) => void;
  /** The thread has ended without being asked to. */
  readonly onDied: (detail: string) => void;
}

interface Waiting {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: GatewayError<MediaErrorInfo>) => void;
}

export class MediaWorker {
  /** Sessions placed here. */
  readonly sessions = new Set<SessionId>();
  /** Resolves when the thread takes requests; rejects when it dies before. */
  readonly ready: Promise<void>;

  private readonly thread: Worker;
  private readonly waiting = new Map<number, Waiting>();
  private readonly exited: Promise<void>;
  private nextId = 1;
  private alive = true;
  private stopping = false;
  private lastError = '';

  constructor(
    url: URL,
    readonly start: WorkerStart,
    private readonly handlers: MediaWorkerHandlers,
  ) {
    this.thread = new Worker(url, { workerData: start, name: `media-${start.workerIndex}` });
    this.thread.on('error', (error) => {
      this.lastError = error instanceof Error ? error.message : String(error);
    });
    this.exited = new Promise((resolve) => {
      this.thread.once('exit', (code) => {
        this.onExit(code);
        resolve();
      });
    });
    this.ready = new Promise((resolve, reject) => {
      this.waiting.set(0, { resolve: () => resolve(), reject });
    });
    this.thread.on('message', (message: WorkerMessage) => this.onMessage(message));
  }

  request<R extends WorkerRequest>(request: R): Promise<WorkerResults[R['method']]> {
    if (!this.alive) return Promise.reject(dead());
    const id = this.nextId;
    this.nextId += 1;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve: resolve as (result: unknown) => void, reject });
      this.thread.postMessage({ id, request });
    });
  }

  /** Ends all sessions and the thread. */
  async stop(): Promise<void> {
    this.stopping = true;
    if (this.alive) await this.request({ method: 'shutDown' }).catch(() => undefined);
    await Promise.race([this.exited, this.thread.terminate()]);
  }

  private onMessage(message: WorkerMessage): void {
    switch (message.type) {
      case 'ready':
        this.settle(0)?.resolve(undefined);
        return;
      case 'result':
        this.settle(message.id)?.resolve(message.result);
        return;
      case 'error':
        this.settle(message.id)?.reject(new GatewayError(message.info, message.message));
        return;
      case 'event':
        this.handlers.onEvent(message.event);
        return;
      case 'fault':
        this.handlers.onFault(message.message);
    }
  }

  private settle(id: number): Waiting | undefined {
    const waiting = this.waiting.get(id);
    this.waiting.delete(id);
    return waiting;
  }

  private onExit(code: number): void {
    this.alive = false;
    for (const { reject } of this.waiting.values()) reject(dead());
    this.waiting.clear();
    if (!this.stopping) this.handlers.onDied(this.lastError === '' ? `the media worker ended with code ${code}` : this.lastError);
  }
}

function dead(): GatewayError<MediaErrorInfo> {
  return new GatewayError<MediaErrorInfo>({ code: 'no-worker' }, 'The media worker that was asked has ended');
}
