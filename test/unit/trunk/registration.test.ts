import { describe, expect, it } from 'vitest';
import {
  bindingAt,
  nextRegistration,
  type RegistrationEffect,
  type RegistrationEvent,
  type RegistrationState,
} from '../../../src/trunk/registration.js';

const rules = { peers: 2, expiresSeconds: 600 };
const step = (state: RegistrationState, event: RegistrationEvent, peers = 2) => nextRegistration(state, event, { ...rules, peers });

const idle: RegistrationState = { name: 'idle' };
const bound = { peer: 0, sinceMs: 0, untilMs: 600_000, grantedMs: 600_000 };
const registering: RegistrationState = { name: 'registering', peer: 0, expiresSeconds: 600, tried: 0, rounds: 0 };
const registered: RegistrationState = { name: 'registered', expiresSeconds: 600, bound };
const waiting: RegistrationState = { name: 'waiting', peer: 1, expiresSeconds: 600, tried: 0, rounds: 1 };
const leaving: RegistrationState = { name: 'leaving' };
const stopped: RegistrationState = { name: 'stopped' };

const events: readonly RegistrationEvent[] = [
  { type: 'start' },
  { type: 'accepted', grantedSeconds: 600, nowMs: 0 },
  { type: 'too-brief', minSeconds: 900 },
  { type: 'refused', status: 403 },
  { type: 'unanswered' },
  { type: 'timer' },
  { type: 'flow-lost', nowMs: 60_000 },
  { type: 'moved' },
  { type: 'stop' },
  { type: 'left' },
];

/** The state each pair leads to; a dash is no change at all. */
const table: Readonly<Record<RegistrationState['name'], string>> = {
  idle: 'registering - - - - - - - stopped -',
  registering: '- registered registering waiting registering - - registering leaving -',
  registered: '- - - - - registering registering registering leaving -',
  waiting: '- - - - - registering - registering stopped -',
  leaving: '- - - - - stopped - - - stopped',
  stopped: '- - - - - - - - - -',
};

describe('a registration', () => {
  it('goes from each state with each event to a known one, and the other pairs change nothing', () => {
    for (const state of [idle, registering, registered, waiting, leaving, stopped]) {
      const found = events.map((event) => {
        const { state: to, effects } = step(state, event);
        return to === state && effects.length === 0 ? '-' : to.name;
      });
      expect(found.join(' '), state.name).toBe(table[state.name]);
    }
  });

  it('is refreshed between 80 % and 90 % of what was granted, not of what was asked', () => {
    const { state, effects } = step(registering, { type: 'accepted', grantedSeconds: 100, nowMs: 5_000 });
    expect(effects).toContainEqual({ do: 'set-timer', minMs: 80_000, maxMs: 90_000 });
    expect(bindingAt(state, 104_999)).toEqual({ peer: 0, sinceMs: 5_000, untilMs: 105_000, grantedMs: 100_000 });
    expect(bindingAt(state, 105_000)).toBeUndefined();
  });

  it('holds while it is being refreshed, and keeps the time since when', () => {
    const refreshing = step(registered, { type: 'timer' }).state;
    expect(bindingAt(refreshing, 599_999)).toEqual(bound);
    const again = step(refreshing, { type: 'accepted', grantedSeconds: 600, nowMs: 500_000 }).state;
    expect(bindingAt(again, 600_001)).toEqual({ peer: 0, sinceMs: 0, untilMs: 1_100_000, grantedMs: 600_000 });
  });

  it('asks for as long as the carrier wants, once', () => {
    const longer = step(registering, { type: 'too-brief', minSeconds: 3600 });
    expect(longer.effects).toContainEqual({ do: 'register', peer: 0, expiresSeconds: 3600 });
    for (const minSeconds of [3600, 600, 1e9]) {
      expect(step(longer.state, { type: 'too-brief', minSeconds }).state.name, String(minSeconds)).toBe('waiting');
    }
  });

  it('asks the next peer at once, and pauses when all have failed: 30 s, doubling, 5 minutes at most', () => {
    const second = step(registering, { type: 'unanswered' });
    expect(second.effects).toContainEqual({ do: 'register', peer: 1, expiresSeconds: 600 });
    let state = second.state;
    const pauses: number[] = [];
    for (let round = 0; round < 6; round += 1) {
      const failed = step(state, { type: 'refused', status: 503 });
      const timer = failed.effects.find((effect) => effect.do === 'set-timer');
      if (timer?.do !== 'set-timer') throw new Error('no pause');
      expect(timer.minMs).toBe(timer.maxMs / 2);
      pauses.push(timer.maxMs / 1000);
      state = step(step(failed.state, { type: 'timer' }).state, { type: 'unanswered' }).state;
    }
    expect(pauses).toEqual([30, 60, 120, 240, 300, 300]);
  });

  it('waits as long as a peer in trouble says, within reason', () => {
    const pause = (retryAfterMs: number) => step(registering, { type: 'refused', status: 503, retryAfterMs }, 1).effects;
    expect(pause(120_000)).toContainEqual({ do: 'set-timer', minMs: 60_000, maxMs: 120_000 });
    expect(pause(1e9)).toContainEqual({ do: 'set-timer', minMs: 300_000, maxMs: 600_000 });
  });

  it.each([401, 403, 404, 407, 302, 603])('that is refused with %i is asked for again slowly, and no other peer is tried', (status) => {
    const { state, effects } = step({ ...registering, bound }, { type: 'refused', status });
    expect(effects).toEqual([
      { do: 'set-timer', minMs: 150_000, maxMs: 300_000 },
      { do: 'tell', what: 'refused' },
    ]);
    expect(bindingAt(state, 0)).toBeUndefined();
  });

  it('is made anew at once over a new connection, but not in a loop with a peer that closes each one', () => {
    expect(step(registered, { type: 'flow-lost', nowMs: 10_000 }).effects).toContainEqual({ do: 'register', peer: 0, expiresSeconds: 600 });
    expect(step(registered, { type: 'flow-lost', nowMs: 9_999 }).state.name).toBe('waiting');
  });

  it('goes home to the first peer with a refresh, where the binding lasts long enough for it not to answer', () => {
    const away = (grantedMs: number): RegistrationState => ({ ...registered, bound: { ...bound, peer: 1, grantedMs } });
    expect(step(away(600_000), { type: 'timer' }).effects).toContainEqual({ do: 'register', peer: 0, expiresSeconds: 600 });
    expect(step(away(599_000), { type: 'timer' }).effects).toContainEqual({ do: 'register', peer: 1, expiresSeconds: 600 });
    const asked = step(away(600_000), { type: 'timer' }).state;
    expect(step(asked, { type: 'unanswered' }).effects).toContainEqual({ do: 'register', peer: 1, expiresSeconds: 600 });
    expect(bindingAt(asked, 0)?.peer).toBe(1);
  });

  it('is taken back at the end, with a bound on the wait; one never granted is not', () => {
    expect(step(registered, { type: 'stop' }).effects).toEqual([
      { do: 'set-timer', minMs: 2_000, maxMs: 2_000 },
      { do: 'unregister', peer: 0 },
    ]);
    expect(step(waiting, { type: 'stop' }).effects.map((effect) => effect.do)).toEqual(['clear-timer', 'tell']);
  });

  it('that was not bound by a 200 counts as refused', () => {
    expect(step(registering, { type: 'accepted', grantedSeconds: 0, nowMs: 0 }).state.name).toBe('waiting');
  });
});

describe('ten thousand carriers that do anything at any time', () => {
  /** Repeatable (mulberry32). */
  function dice(seed: number): () => number {
    let state = seed;
    return () => {
      state = (state + 0x6d2b79f5) | 0;
      let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
      mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
      return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
    };
  }

  /** A registration whose surroundings keep their promises, and no more: a timer fires once, a request gets one outcome. */
  class Rig {
    state: RegistrationState = idle;
    timer = false;
    request = false;
    nowMs = 0;

    constructor(
      private readonly random: () => number,
      private readonly peers: number,
    ) {}

    turn(at: number): RegistrationEvent {
      this.nowMs += this.random() * 400_000;
      const possible = at === 0 ? [{ type: 'start' } as const] : this.possible(at);
      const event: RegistrationEvent = possible[Math.floor(this.random() * possible.length)] ?? { type: 'moved' };
      if (event.type === 'timer') this.timer = false;
      if (['accepted', 'too-brief', 'refused', 'unanswered'].includes(event.type)) this.request = false;
      const step = nextRegistration(this.state, event, { peers: this.peers, expiresSeconds: 600 });
      this.state = step.state;
      for (const effect of step.effects) this.run(effect);
      if (this.state.name === 'leaving' || this.state.name === 'stopped') this.request = false;
      return event;
    }

    /** Whether something will move it on, or it is at its end. */
    get moves(): boolean {
      const { timer, request } = this;
      return { idle: true, registering: request, registered: timer, waiting: timer, leaving: timer, stopped: !timer }[this.state.name];
    }

    private possible(at: number): readonly RegistrationEvent[] {
      const { nowMs, random } = this;
      return [
        { type: 'flow-lost', nowMs },
        { type: 'moved' },
        ...(this.timer ? [{ type: 'timer' } as const, { type: 'timer' } as const] : []),
        ...(this.request
          ? ([
              { type: 'accepted', grantedSeconds: Math.floor(random() * 900), nowMs },
              { type: 'too-brief', minSeconds: Math.floor(random() * 100_000) },
              { type: 'refused', status: 300 + Math.floor(random() * 400) },
              { type: 'unanswered' },
            ] as const)
          : []),
        ...(this.state.name === 'leaving' ? [{ type: 'left' } as const] : []),
        ...(at > 20 ? [{ type: 'stop' } as const] : []),
      ];
    }

    private run(effect: RegistrationEffect): void {
      if (effect.do === 'set-timer') this.timer = true;
      if (effect.do === 'clear-timer') this.timer = false;
      if (effect.do === 'register') this.request = true;
      if ('peer' in effect && effect.peer >= this.peers) throw new Error(`there is no peer ${effect.peer}`);
    }
  }

  it('never leave a registration without something that moves it on, nor a stopped one with a timer', () => {
    const reached = new Set<string>();
    for (let seed = 0; seed < 10_000; seed += 1) {
      const rig = new Rig(dice(seed), 1 + (seed % 3));
      for (let turn = 0; turn < 30; turn += 1) {
        const event = rig.turn(turn);
        reached.add(rig.state.name);
        if (!rig.moves) throw new Error(`seed ${seed}, turn ${turn}: ${rig.state.name} after ${event.type} is stuck`);
      }
    }
    expect([...reached].sort()).toEqual(['leaving', 'registered', 'registering', 'stopped', 'waiting']);
  });
});
