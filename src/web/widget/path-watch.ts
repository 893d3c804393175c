import type { Cancellable, QueueClock } from './digit-queue.js';

export interface PathWatchDeps {
  readonly clock: QueueClock;
  /** A new path is to be looked for. */
  readonly onNewPathWanted: () => void;
  /** It has been without sound for so long that nobody waits any more. */
  readonly onGivenUp: () => void;
}

/** ICE says so too when a few checks were lost, and finds back by itself then. */
const disconnectedForMs = 2000;
const givesUpAfterMs = 30_000;

/** Watches the path that a call's media takes, and says when another one is needed. */
export class PathWatch {
  private brokenTimer: Cancellable | undefined;
  private giveUpTimer: Cancellable | undefined;

  constructor(private readonly deps: PathWatchDeps) {}

  /** State of the peer connection, each time it is another one. */
  take(state: RTCPeerConnectionState): void {
    if (state === 'connected' || state === 'closed') {
      this.stop();
      return;
    }
    if (state !== 'disconnected' && state !== 'failed') return;
    const { clock, onNewPathWanted } = this.deps;
    this.brokenTimer?.cancel();
    if (state === 'failed') onNewPathWanted();
    else this.brokenTimer = clock.after(disconnectedForMs, onNewPathWanted);
    this.giveUpTimer ??= clock.after(givesUpAfterMs, () => this.deps.onGivenUp());
  }

  stop(): void {
    this.brokenTimer?.cancel();
    this.giveUpTimer?.cancel();
    this.giveUpTimer = undefined;
  }
}
