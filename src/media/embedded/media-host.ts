/**
 * All sessions of one worker thread. It knows no threads itself: requests come as calls, events go to
 * a function, so it runs in a test as well as behind a message port.
 */
import type { Clock, Timer } from '../../base/clock.js';
import { GatewayError } from '../../base/errors.js';
import type { SessionId } from '../../base/ids.js';
import type { LiveObjects } from '../../base/live-objects.js';
import type { DigitToSend, LegName, LegOptions, LegSlot, LegStats, MediaErrorInfo, MediaEvent, PressId, SessionStats } from '../plane.js';
import { MAX_REPORT_BYTES } from '../rtp/rtcp-packet.js';
import { LegFactory, type LegFactoryOptions } from './leg-factory.js';
import { Session } from './session.js';

/** Of the one coarse timer: RTCP, consent, silence, set-up. */
const tickMs = 500;
/** Behind a report: a BYE and the SRTCP trailer. */
const scratchTailBytes = 128;

export interface MediaHostDeps {
  readonly clock: Clock;
  readonly emit: (event: MediaEvent) => void;
}

export class MediaHost {
  private readonly sessions = new Map<SessionId, Session>();
  private ticker: Timer | undefined;

  private constructor(
    private readonly legs: LegFactory,
    private readonly deps: MediaHostDeps,
  ) {}

  static async create(options: LegFactoryOptions, deps: MediaHostDeps): Promise<MediaHost> {
    const { clock, emit } = deps;
    const scratch = Buffer.alloc(MAX_REPORT_BYTES + scratchTailBytes);
    const legs = await LegFactory.create(options, { nowMs: () => clock.nowMs(), wallMs: () => clock.wallMs(), emit, scratch });
    return new MediaHost(legs, deps);
  }

  open(id: SessionId): void {
    if (this.sessions.has(id)) {
      const detail = `session ${id} is open already`;
      throw new GatewayError<MediaErrorInfo>({ code: 'wrong-state', detail }, detail);
    }
    const { clock, emit } = this.deps;
    this.sessions.set(id, new Session(id, { legs: this.legs, clock, emit }));
    this.keepTicking();
  }

  offer(id: SessionId, leg: LegSlot, options: LegOptions): Promise<string> {
    return this.sessionOf(id).offer(leg, options);
  }

  answer(id: SessionId, leg: LegSlot, offer: string, options: LegOptions): Promise<string> {
    return this.sessionOf(id).answer(leg, offer, options);
  }

  accept(id: SessionId, leg: LegSlot, answer: string): Promise<void> {
    return this.sessionOf(id).accept(leg, answer);
  }

  sendDigits(id: SessionId, leg: LegName, digits: readonly DigitToSend[]): Promise<readonly PressId[]> {
    return this.sessionOf(id).sendDigits(leg, digits);
  }

  sendMessage(id: SessionId, leg: LegName, text: string): boolean {
    return this.sessionOf(id).sendMessage(leg, text);
  }

  replace(id: SessionId, leg: LegName): Promise<LegStats | undefined> {
    return this.sessionOf(id).replace(leg);
  }

  drop(id: SessionId, leg: LegSlot): Promise<LegStats | undefined> {
    return this.sessionOf(id).drop(leg);
  }

  stats(id: SessionId): SessionStats {
    return this.sessionOf(id).stats();
  }

  /** Those that are not there any more are left out. */
  statsOf(ids: readonly SessionId[]): readonly SessionStats[] {
    return ids.flatMap((id) => this.sessions.get(id)?.stats() ?? []);
  }

  /** Idempotent. */
  async close(id: SessionId): Promise<SessionStats | undefined> {
    const session = this.sessions.get(id);
    if (session === undefined) return undefined;
    this.sessions.delete(id);
    if (this.sessions.size === 0) this.stopTicking();
    return session.close();
  }

  async closeAll(): Promise<void> {
    await Promise.all([...this.sessions.keys()].map((id) => this.close(id)));
  }

  liveObjects(): LiveObjects {
    let sockets = 0;
    for (const session of this.sessions.values()) sockets += session.sockets;
    return {
      media_session: this.sessions.size,
      media_socket: sockets,
      media_timer: this.deps.clock.liveTimers,
      media_port: this.legs.leasedPorts,
    };
  }

  private sessionOf(id: SessionId): Session {
    const session = this.sessions.get(id);
    if (session === undefined)
      throw new GatewayError<MediaErrorInfo>({ code: 'unknown-session', session: id }, `There is no media session ${id}`);
    return session;
  }

  private keepTicking(): void {
    this.ticker ??= this.deps.clock.after(tickMs, () => {
      this.ticker = undefined;
      const nowMs = this.deps.clock.nowMs();
      for (const session of this.sessions.values()) session.tick(nowMs);
      if (this.sessions.size > 0) this.keepTicking();
    });
  }

  private stopTicking(): void {
    this.ticker?.cancel();
    this.ticker = undefined;
  }
}
