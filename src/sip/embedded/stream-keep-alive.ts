import { randomInt } from 'node:crypto';
import type { Clock, Timer } from '../../base/clock.js';

/** Bounds of the time between two pings where the server names none (RFC 5626 §4.4.1). */
const pingAfterMs = [95_000, 120_000] as const;
const pongWithinMs = 10_000;

export interface StreamKeepAliveDeps {
  readonly clock: Clock;
  /** Time from the last sign of life to the next ping; drawn anew each time when absent. */
  readonly pingAfterMs?: number;
  readonly ping: () => void;
  readonly onDead: () => void;
}

/**
 * Keeps a connection that we opened alive through NATs, and finds out that it is dead, by CRLF pings
 * (RFC 5626 §3.5.1). A peer is held to its pong only once it has sent one: many answer no ping.
 */
export class StreamKeepAlive {
  private timer: Timer;
  private answers = false;

  constructor(private readonly deps: StreamKeepAliveDeps) {
    this.timer = this.rest();
  }

  /** Anything came from the peer: the connection is not dead. */
  heard(): void {
    this.timer.cancel();
    this.timer = this.rest();
  }

  pong(): void {
    this.answers = true;
  }

  stop(): void {
    this.timer.cancel();
  }

  private rest(): Timer {
    const [soonest, latest] = pingAfterMs;
    return this.deps.clock.after(this.deps.pingAfterMs ?? randomInt(soonest, latest + 1), () => {
      this.deps.ping();
      this.timer = this.answers ? this.deps.clock.after(pongWithinMs, () => this.deps.onDead()) : this.rest();
    });
  }
}
