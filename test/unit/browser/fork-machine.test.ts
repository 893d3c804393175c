import { describe, expect, it } from 'vitest';
import {
  beginFork,
  type Fork,
  type ForkEffect,
  type ForkEvent,
  type ForkState,
  nextFork,
  type Unanswered,
} from '../../../src/browser/fork-machine.js';
import { seededRandom } from '../media/seeded-random.js';

const headers = { get: () => undefined, all: () => [] };
const rejected = (status: number): Unanswered => ({ kind: 'rejected', status, reason: '', headers });
const gone: Unanswered = { kind: 'failed', why: 'transport', detail: '' };
const devices = (...users: string[]): readonly Fork[] => users.map((user, id) => ({ id, user }));

/** Plays events from the start and gives all that was done. */
function play(plan: { readonly steps?: number; readonly declineStopsAll?: boolean }, events: readonly ForkEvent[]) {
  let { state, effects } = beginFork({ steps: plan.steps ?? 1, declineStopsAll: plan.declineStopsAll ?? false });
  const done: ForkEffect[] = [...effects];
  for (const event of events) {
    ({ state, effects } = nextFork(state, event));
    done.push(...effects);
  }
  return { state, done, result: done.filter((effect) => effect.do === 'refuse' || effect.do === 'connect') };
}

const failed = (fork: number, outcome: Unanswered): ForkEvent => ({ type: 'failed', fork, outcome });

describe('a call to many devices', () => {
  it('connects the first that answers and stops the others as completed elsewhere', () => {
    const { done, state } = play({}, [
      { type: 'called', forks: devices('a', 'b', 'b') },
      { type: 'answered', fork: 1 },
    ]);
    expect(done).toContainEqual({ do: 'stop', forks: [0, 2], why: 'elsewhere' });
    expect(done.at(-1)).toEqual({ do: 'connect', fork: 1 });
    expect(state).toEqual({ name: 'over' });
  });

  it('hangs up on the second of two answers that cross', () => {
    const { done } = play({}, [
      { type: 'called', forks: devices('a', 'b') },
      { type: 'answered', fork: 0 },
      { type: 'answered', fork: 1 },
    ]);
    expect(done.slice(-2)).toEqual([
      { do: 'connect', fork: 0 },
      { do: 'hang-up', fork: 1 },
    ]);
  });

  it('tells the caller once that it rings, over all steps', () => {
    const { done } = play({ steps: 2 }, [
      { type: 'called', forks: devices('a', 'b') },
      { type: 'progress', fork: 0 },
      { type: 'progress', fork: 1 },
      { type: 'step-timer' },
      { type: 'called', forks: [{ id: 2, user: 'c' }] },
      { type: 'progress', fork: 2 },
    ]);
    expect(done.filter((effect) => effect.do === 'tell-ringing')).toHaveLength(1);
  });

  it('goes on to the next step when the time is up, and lets nobody of the first one in any more', () => {
    const { done } = play({ steps: 2 }, [
      { type: 'called', forks: devices('a') },
      { type: 'step-timer' },
      { type: 'called', forks: [{ id: 1, user: 'b' }] },
      { type: 'answered', fork: 0 },
    ]);
    expect(done).toContainEqual({ do: 'stop', forks: [0], why: 'no-answer' });
    expect(done).toContainEqual({ do: 'call-step', step: 1 });
    expect(done.at(-1)).toEqual({ do: 'hang-up', fork: 0 });
  });

  it('passes a step over in which nobody is there', () => {
    const { result } = play({ steps: 2 }, [
      { type: 'called', forks: [] },
      { type: 'called', forks: [] },
    ]);
    expect(result).toMatchObject([{ do: 'refuse', outcome: { status: 480 } }]);
  });

  it('lets one who declines stop only his own devices, or all where that is wanted', () => {
    const events: readonly ForkEvent[] = [{ type: 'called', forks: devices('a', 'a', 'b') }, failed(0, rejected(603))];
    const one = play({}, events);
    expect([one.done.at(-1), one.state.name]).toEqual([{ do: 'stop', forks: [1], why: 'declined' }, 'ringing']);
    const all = play({ declineStopsAll: true }, events);
    expect(all.done.slice(-2)).toMatchObject([
      { do: 'stop', forks: [1, 2], why: 'declined' },
      { do: 'refuse', outcome: { status: 603 } },
    ]);
  });

  it.each<readonly [string, readonly string[], readonly Unanswered[], object]>([
    ['a decline of the user alone before all', ['a', 'a'], [rejected(480), rejected(603)], { status: 603 }],
    ['busy before no answer', ['a', 'b'], [rejected(480), rejected(486)], { status: 486 }],
    ['no answer of one before a decline of another', ['a', 'b'], [rejected(603), rejected(480)], { status: 480 }],
    ['a decline when all decline', ['a', 'b'], [rejected(603), rejected(603)], { status: 603 }],
    ['a refusal before a lost connection', ['a', 'b'], [gone, rejected(488)], { status: 488 }],
    ['a lost connection when there is nothing else', ['a', 'b'], [gone, gone], { why: 'transport' }],
  ])('tells the caller of %s', (_, users, outcomes, told) => {
    const { result } = play({}, [{ type: 'called', forks: devices(...users) }, ...outcomes.map((outcome, at) => failed(at, outcome))]);
    expect(result).toMatchObject([{ do: 'refuse', outcome: told }]);
  });

  it('stops all that ring when the caller gives up', () => {
    const { done } = play({}, [{ type: 'called', forks: devices('a', 'b') }, { type: 'cancel' }]);
    expect(done).toContainEqual({ do: 'stop', forks: [0, 1], why: 'cancelled' });
    expect(done.at(-1)).toMatchObject({ do: 'refuse', outcome: { why: 'cancelled' } });
  });

  it('in ten thousand random lives comes to one result, and leaves no device ringing and none connected to nothing', () => {
    const random = seededRandom(7);
    for (let count = 0; count < 10_000; count += 1) {
      const life = new Life(random);
      for (let turn = 0; turn < 40; turn += 1) life.turn(turn > 30);
      // Whoever still rings when the caller hangs up is stopped.
      life.take({ type: 'cancel' });
      expect([life.results, life.left()]).toEqual([1, []]);
    }
  });
});

/** One forked call with devices that do as they please. */
class Life {
  results = 0;
  private readonly devices = new Map<number, 'rings' | 'stopped' | 'answered'>();
  private readonly owed: ForkEvent[] = [];
  private connected: number | undefined;
  private nextId = 0;
  private state: ForkState;

  constructor(private readonly random: () => number) {
    const { state, effects } = beginFork({ steps: 1 + this.pick(3), declineStopsAll: this.pick(2) === 0 });
    this.state = state;
    for (const effect of effects) this.do(effect);
  }

  take(event: ForkEvent): void {
    const { state, effects } = nextFork(this.state, event);
    this.state = state;
    for (const effect of effects) this.do(effect);
  }

  /** Something happens; to those who have been called already, or only refusals. */
  turn(refusalsOnly: boolean): void {
    const called = this.owed.shift();
    const choice = refusalsOnly ? 3 : this.pick(6);
    if (called !== undefined) this.take(called);
    else if (choice === 0) this.take({ type: 'step-timer' });
    else if (choice === 1 && this.pick(4) === 0) this.take({ type: 'cancel' });
    else this.deviceActs(choice);
  }

  /** Devices that ring, or that were told to stop and have answered all the same. */
  left(): readonly number[] {
    return [...this.devices].filter(([id, does]) => does === 'rings' || (does === 'answered' && id !== this.connected)).map(([id]) => id);
  }

  private deviceActs(choice: number): void {
    const able = [...this.devices].filter(([, does]) => does !== 'answered').map(([id]) => id);
    const fork = able[this.pick(able.length)];
    if (fork === undefined) return;
    if (choice === 2) {
      this.devices.set(fork, 'answered');
      this.take({ type: 'answered', fork });
    } else if (choice === 3) {
      this.devices.delete(fork);
      this.take(failed(fork, [rejected(603), rejected(486), rejected(480), gone][this.pick(4)] ?? gone));
    } else this.take({ type: 'progress', fork });
  }

  private do(effect: ForkEffect): void {
    switch (effect.do) {
      case 'call-step':
        this.owed.push({ type: 'called', forks: this.ring() });
        return;
      case 'stop':
        for (const id of effect.forks) this.devices.set(id, 'stopped');
        return;
      case 'hang-up':
        this.devices.delete(effect.fork);
        return;
      case 'connect':
        this.connected = effect.fork;
        this.results += 1;
        return;
      case 'refuse':
        this.results += 1;
        return;
    }
  }

  private ring(): readonly Fork[] {
    const forks = Array.from({ length: this.pick(4) }, (_, at) => ({ id: this.nextId + at, user: `u${this.pick(3)}` }));
    this.nextId += forks.length;
    for (const { id } of forks) this.devices.set(id, 'rings');
    return forks;
  }

  private pick(count: number): number {
    return Math.floor(this.random() * count);
  }
}
