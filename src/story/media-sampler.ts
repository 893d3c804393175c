import type { Clock, Timer } from '../base/clock.js';
import { messageOf } from '../base/errors.js';
import type { SessionId } from '../base/ids.js';
import type { Log } from '../base/log.js';
import type { SessionStats } from '../media/plane.js';

export interface MediaSamplerDeps {
  readonly clock: Clock;
  readonly log: Log;
  /** Calls that are up, by the session of their media. */
  readonly sessions: () => ReadonlyMap<SessionId, string>;
  /** Counters of many sessions; those that are gone are left out. */
  readonly stats: (sessions: readonly SessionId[]) => Promise<readonly SessionStats[]>;
  readonly onSample: (callId: string, atMs: number, stats: SessionStats) => void;
}

/** A part of the sessions has its turn each time, so that no moment asks for all. */
const turnMs = 1000;
const usualTurns = 5;
/** With more sessions than this in a turn, each has its turn less often. */
const maxPerTurn = 100;

/** Looks at the media of every call now and then: each five seconds, and less often when there are very many calls. */
export class MediaSampler {
  private timer: Timer | undefined;
  private turn: readonly SessionId[] = [];
  private turnsTaken = usualTurns;
  private asking = false;

  constructor(private readonly deps: MediaSamplerDeps) {}

  start(): void {
    this.timer ??= this.deps.clock.after(turnMs, () => {
      this.timer = undefined;
      this.start();
      void this.sample();
    });
  }

  stop(): void {
    this.timer?.cancel();
    this.timer = undefined;
  }

  /** A plane that is slow to answer is not asked again meanwhile. */
  private async sample(): Promise<void> {
    if (this.asking) return;
    const all = this.deps.sessions();
    this.turnsTaken += 1;
    if (this.turn.length === 0 && this.turnsTaken >= usualTurns) {
      this.turn = [...all.keys()];
      this.turnsTaken = 0;
    }
    const share = Math.min(maxPerTurn, Math.max(1, Math.ceil(all.size / usualTurns)));
    const now = this.turn.slice(0, share).filter((session) => all.has(session));
    this.turn = this.turn.slice(share);
    if (now.length === 0) return;
    this.asking = true;
    try {
      const counted = await this.deps.stats(now);
      const atMs = this.deps.clock.wallMs();
      for (const stats of counted) {
        const callId = all.get(stats.session);
        if (callId !== undefined) this.deps.onSample(callId, atMs, stats);
      }
    } catch (thrown) {
      this.deps.log.debug({ error: messageOf(thrown) }, 'media could not be sampled');
    } finally {
      this.asking = false;
    }
  }
}
