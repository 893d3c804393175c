import type { Clock } from '../base/clock.js';

/** Wrong passwords in a row for one user from one place, before a minute has to pass. */
const freeTries = 10;
const restMs = 60_000;
const maxCounted = 10_000;

/** Slows down those who guess passwords. A user is held back only where his password is guessed, so that nobody is locked out from afar. */
export class PasswordTries {
  /** In the order of the last wrong one. */
  private readonly wrong = new Map<string, { count: number; lastMs: number }>();

  constructor(private readonly deps: { readonly clock: Pick<Clock, 'nowMs'> }) {}

  mustWait(who: string): boolean {
    const { count, lastMs } = this.wrong.get(who) ?? { count: 0, lastMs: 0 };
    return count >= freeTries && this.deps.clock.nowMs() - lastMs < restMs;
  }

  failed(who: string): void {
    const nowMs = this.deps.clock.nowMs();
    const before = this.wrong.get(who);
    const count = before === undefined || nowMs - before.lastMs >= restMs ? 1 : before.count + 1;
    this.wrong.delete(who);
    this.wrong.set(who, { count, lastMs: nowMs });
    const [oldest] = this.wrong.keys();
    if (this.wrong.size > maxCounted && oldest !== undefined) this.wrong.delete(oldest);
  }

  succeeded(who: string): void {
    this.wrong.delete(who);
  }
}
