import { createHash, randomBytes } from 'node:crypto';
import type { Clock } from '../base/clock.js';
import type { Granted } from './access.js';

const lifeMs = 12 * 3_600_000;
const idleMs = 3_600_000;
const maxSessions = 200;
const tokenBytes = 32;

interface Session {
  readonly access: Granted;
  readonly beganMs: number;
  lastMs: number;
}

/** By its hash, so that looking one up takes no time that tells how much of a guess was right. */
const keyOf = (token: string): string => createHash('sha256').update(token).digest('base64');

/** Who has logged in to the dashboard. A session ends after twelve hours, or one without a request. */
export class Sessions {
  /** In the order in which they were last used. */
  private readonly sessions = new Map<string, Session>();

  constructor(private readonly deps: { readonly clock: Pick<Clock, 'nowMs'> }) {}

  /** Begins one and gives its token. When there are too many, the one that was idle longest ends. */
  open(access: Granted): string {
    const token = randomBytes(tokenBytes).toString('base64url');
    const nowMs = this.deps.clock.nowMs();
    this.sessions.set(keyOf(token), { access, beganMs: nowMs, lastMs: nowMs });
    if (this.sessions.size > maxSessions) {
      const [oldest] = this.sessions.keys();
      if (oldest !== undefined) this.sessions.delete(oldest);
    }
    return token;
  }

  /** What the bearer of a token may do; undefined when his session is over. Counts as a use of it. */
  find(token: string): Granted | undefined {
    const key = keyOf(token);
    const session = this.sessions.get(key);
    if (session === undefined) return undefined;
    this.sessions.delete(key);
    const nowMs = this.deps.clock.nowMs();
    if (nowMs - session.beganMs >= lifeMs || nowMs - session.lastMs >= idleMs) return undefined;
    session.lastMs = nowMs;
    this.sessions.set(key, session);
    return session.access;
  }

  close(token: string): void {
    this.sessions.delete(keyOf(token));
  }

  get size(): number {
    return this.sessions.size;
  }
}
