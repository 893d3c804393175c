/**
 * The media plane inside this process: worker threads that relay RTP, each with its own sessions and
 * ports. RTP never touches the thread that serves SIP and HTTP, and a stall there does not stop audio.
 */
import type { Clock, Timer } from '../../base/clock.js';
import { GatewayError } from '../../base/errors.js';
import type { SessionId } from '../../base/ids.js';
import { type LiveObjects, mergeLiveObjects } from '../../base/live-objects.js';
import type { Log } from '../../base/log.js';
import type {
  DigitToSend,
  LegName,
  LegOptions,
  LegSlot,
  LegStats,
  MediaErrorInfo,
  MediaEvent,
  MediaPlane,
  PressId,
  SessionStats,
} from '../plane.js';
import type { EmbeddedMediaOptions } from './embedded-media-options.js';
import { MediaWorker } from './media-worker.js';

export type { EmbeddedMediaOptions } from './embedded-media-options.js';

export interface EmbeddedMediaDeps {
  readonly clock: Clock;
  readonly log: Log;
  /** The compiled worker; its place beside this file when left out. */
  readonly workerUrl?: URL;
}

/** A worker that dies again and again is not restarted faster than this. */
const restartAfterMs = 250;

type State = 'stopped' | 'running' | 'stopping';

export class EmbeddedMediaPlane implements MediaPlane {
  private readonly handlers: ((event: MediaEvent) => void)[] = [];
  private readonly workers = new Map<number, MediaWorker>();
  private readonly places = new Map<SessionId, MediaWorker>();
  /** Asked for and not yet there: their callers learn of a failure from the promise alone. */
  private readonly opening = new Set<SessionId>();
  private readonly restarts = new Map<number, Timer>();
  private state: State = 'stopped';

  constructor(
    private readonly options: EmbeddedMediaOptions,
    private readonly deps: EmbeddedMediaDeps,
  ) {}

  onEvent(handler: (event: MediaEvent) => void): void {
    this.handlers.push(handler);
  }

  async start(): Promise<void> {
    if (this.state !== 'stopped') return;
    this.state = 'running';
    const workers = Array.from({ length: Math.max(1, this.options.workers) }, (_, index) => this.startWorker(index));
    await Promise.all(workers.map(({ ready }) => ready));
  }

  async stop(): Promise<void> {
    if (this.state !== 'running') return;
    this.state = 'stopping';
    for (const timer of this.restarts.values()) timer.cancel();
    this.restarts.clear();
    await Promise.all([...this.workers.values()].map((worker) => worker.stop()));
    this.workers.clear();
    this.places.clear();
    this.state = 'stopped';
  }

  async open(session: SessionId): Promise<void> {
    if (this.places.has(session)) {
      const detail = `session ${session} is open already`;
      throw new GatewayError<MediaErrorInfo>({ code: 'wrong-state', detail }, detail);
    }
    const worker = this.leastLoaded();
    this.place(session, worker);
    this.opening.add(session);
    try {
      await worker.request({ method: 'open', session });
    } catch (thrown) {
      this.forget(session);
      throw thrown;
    } finally {
      this.opening.delete(session);
    }
  }

  async offer(session: SessionId, leg: LegSlot, options: LegOptions): Promise<string> {
    return this.workerOf(session).request({ method: 'offer', session, leg, options });
  }

  async answer(session: SessionId, leg: LegSlot, offer: string, options: LegOptions): Promise<string> {
    return this.workerOf(session).request({ method: 'answer', session, leg, offer, options });
  }

  async accept(session: SessionId, leg: LegSlot, answer: string): Promise<void> {
    await this.workerOf(session).request({ method: 'accept', session, leg, answer });
  }

  async sendDigits(session: SessionId, leg: LegName, digits: readonly DigitToSend[]): Promise<readonly PressId[]> {
    return this.workerOf(session).request({ method: 'sendDigits', session, leg, digits });
  }

  async sendMessage(session: SessionId, leg: LegName, text: string): Promise<boolean> {
    return this.workerOf(session).request({ method: 'sendMessage', session, leg, text });
  }

  async replace(session: SessionId, leg: LegName): Promise<LegStats | undefined> {
    return this.workerOf(session).request({ method: 'replace', session, leg });
  }

  async drop(session: SessionId, leg: LegSlot): Promise<LegStats | undefined> {
    return this.workerOf(session).request({ method: 'drop', session, leg });
  }

  async stats(session: SessionId): Promise<SessionStats> {
    return this.workerOf(session).request({ method: 'stats', session });
  }

  async statsOf(sessions: readonly SessionId[]): Promise<readonly SessionStats[]> {
    const shares = new Map<MediaWorker, SessionId[]>();
    for (const session of sessions) {
      const worker = this.places.get(session);
      if (worker === undefined) continue;
      const share = shares.get(worker);
      if (share === undefined) shares.set(worker, [session]);
      else share.push(session);
    }
    // A worker that dies meanwhile takes its sessions with it.
    const none: readonly SessionStats[] = [];
    const counted = await Promise.all(
      [...shares].map(([worker, share]) => worker.request({ method: 'statsOf', sessions: share }).catch(() => none)),
    );
    return counted.flat();
  }

  async close(session: SessionId): Promise<SessionStats | undefined> {
    const worker = this.places.get(session);
    if (worker === undefined) return undefined;
    this.forget(session);
    try {
      return await worker.request({ method: 'close', session });
    } catch {
      // The worker has died meanwhile, and the session with it.
      return undefined;
    }
  }

  async liveObjects(): Promise<LiveObjects> {
    const none = { media_session: 0, media_socket: 0, media_timer: 0, media_port: 0, media_worker: this.workers.size };
    const parts = await Promise.all(
      [...this.workers.values()].map((worker) => worker.request({ method: 'liveObjects' }).catch(() => ({}))),
    );
    return mergeLiveObjects([none, ...parts]);
  }

  private startWorker(workerIndex: number): MediaWorker {
    const url = this.deps.workerUrl ?? new URL('./worker.js', import.meta.url);
    const worker = new MediaWorker(
      url,
      { media: { ...this.options, workers: Math.max(1, this.options.workers) }, workerIndex },
      {
        onEvent: (event) => this.tell(event),
        onFault: (fault) => this.deps.log.error({ worker: workerIndex, fault }, 'media worker fault'),
        onDied: (detail) => this.onDied(workerIndex, detail),
      },
    );
    this.workers.set(workerIndex, worker);
    return worker;
  }

  private onDied(workerIndex: number, detail: string): void {
    const worker = this.workers.get(workerIndex);
    this.deps.log.error({ worker: workerIndex, detail, sessions: worker?.sessions.size ?? 0 }, 'media worker died');
    this.workers.delete(workerIndex);
    for (const session of [...(worker?.sessions ?? [])]) {
      this.forget(session);
      if (!this.opening.has(session)) this.tell({ type: 'session-lost', session, detail });
    }
    if (this.state !== 'running') return;
    const timer = this.deps.clock.after(restartAfterMs, () => {
      this.restarts.delete(workerIndex);
      // One that dies before it is ready comes by here again.
      this.startWorker(workerIndex).ready.catch(() => {});
    });
    this.restarts.set(workerIndex, timer);
  }

  private tell(event: MediaEvent): void {
    for (const handler of this.handlers) {
      try {
        handler(event);
      } catch (thrown) {
        this.deps.log.error({ err: thrown, event: event.type }, 'a listener of media events failed');
      }
    }
  }

  private leastLoaded(): MediaWorker {
    let best: MediaWorker | undefined;
    for (const worker of this.workers.values()) if (best === undefined || worker.sessions.size < best.sessions.size) best = worker;
    if (best === undefined || this.state !== 'running')
      throw new GatewayError<MediaErrorInfo>({ code: 'no-worker' }, 'No media worker is running');
    return best;
  }

  private workerOf(session: SessionId): MediaWorker {
    const worker = this.places.get(session);
    if (worker === undefined)
      throw new GatewayError<MediaErrorInfo>({ code: 'unknown-session', session }, `There is no media session ${session}`);
    return worker;
  }

  private place(session: SessionId, worker: MediaWorker): void {
    this.places.set(session, worker);
    worker.sessions.add(session);
  }

  private forget(session: SessionId): void {
    this.places.get(session)?.sessions.delete(session);
    this.places.delete(session);
  }
}
