import { describe, expect, it } from 'vitest';
import type { CallEffect } from '../../../src/call/effect.js';
import type { CallEvent } from '../../../src/call/event.js';
import { owed } from '../../../src/call/hold.js';
import { next } from '../../../src/call/machine.js';
import type { RouteTarget } from '../../../src/call/ports.js';
import type { CallState } from '../../../src/call/state.js';
import type { Referral } from '../../../src/call/transfer/refer.js';
import type { LegName, MediaDirection } from '../../../src/media/plane.js';
import { connectedCall } from './connected-call.js';

const target: RouteTarget = { kind: 'trunk', trunk: 't', number: '+15550123', media: { kind: 'udp', codecs: ['PCMU'], learnFrom: [] } };
const page: RouteTarget = { kind: 'browser', user: 'alice', media: { kind: 'webrtc', codecs: ['PCMU'] } };
const directions: readonly MediaDirection[] = ['sendrecv', 'sendonly', 'recvonly', 'inactive'];
const legs = ['a', 'b'] as const;

/** A small seeded generator (mulberry32), so that a failing run can be repeated. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/**
 * The world around a connected call in which anybody transfers, holds, takes over and hangs up at
 * any time. It keeps count of everybody who was called and of what became of him.
 */
class World {
  state: CallState = connectedCall();
  /** Everybody who ever had a dialog or an INVITE in this call. */
  readonly people = { came: 2, left: 0 };
  readonly refers = { asked: 0, answered: 0 };
  readonly seated: LegName[] = [];
  offersOfOurs = 0;
  offersOfTheirs = 0;
  finished = 0;
  private readonly on: Record<LegName, 'up' | 'over'> = { a: 'up', b: 'up' };
  private third: 'none' | 'making' | 'inviting' | 'answered' = 'none';
  private caller: 'none' | 'waiting' = 'none';
  private parted = 0;
  private readonly timers = new Set<string>();
  private readonly pending: CallEvent[] = [];

  constructor(
    private readonly random: () => number,
    /** How likely somebody ends the call in a step. */
    private readonly restless: number,
  ) {}

  get done(): boolean {
    return this.state.name === 'ended' && this.pending.length === 0;
  }

  step(): void {
    const possible = this.possible();
    const event = possible[Math.floor(this.random() * possible.length)];
    if (event === undefined) return;
    const at = this.pending.indexOf(event);
    if (at >= 0) this.pending.splice(at, 1);
    this.before(event);
    const { state, effects } = next(this.state, event);
    this.state = state;
    for (const effect of effects) this.perform(effect);
  }

  /** Everything that is under way comes to an end, and nobody does anything new. */
  calm(): void {
    for (let i = 0; i < 50 && this.pending.length > 0; i += 1) {
      const event = this.pending.shift();
      if (event === undefined) return;
      const { state, effects } = next(this.state, event);
      this.state = state;
      for (const effect of effects) this.perform(effect);
    }
  }

  private possible(): CallEvent[] {
    const list: CallEvent[] = [...this.pending, ...this.pending, ...this.pending];
    for (const leg of legs) if (this.on[leg] === 'up') list.push(...this.ofLeg(leg));
    if (this.third === 'inviting') list.push(...ofInvited);
    if (this.third === 'answered' && this.random() < 0.05) list.push({ type: 'third-failed', failure: 'rejected', elsewhere: false });
    if (this.caller === 'waiting' && this.random() < 0.1) list.push({ type: 'third-failed', failure: 'cancelled', elsewhere: false });
    for (const id of this.timers) if (this.random() < 0.1) list.push({ type: 'timer', id: id as 'dead' });
    if (this.random() < this.restless) list.push({ type: 'hang-up', by: 'gateway' }, { type: 'fault' }, { type: 'media-lost' });
    return list;
  }

  private ofLeg(leg: LegName): CallEvent[] {
    const list: CallEvent[] = [
      { type: 'leg-direction', leg, direction: directions[Math.floor(this.random() * 4)] ?? 'sendrecv' },
      { type: 'media-silent', leg, silentMs: 5, cause: 'nothing-received', detail: '' },
      { type: 'media-resumed', leg },
    ];
    if (this.random() < 0.5) list.push({ type: 'offered', leg, sdp: 'x' }, { type: 'offered', leg });
    if (this.random() < 0.4) list.push({ type: 'referred', leg, referral: { to: '1', reports: this.wish() } });
    if (this.random() < 0.1 && this.caller === 'none') list.push({ type: 'replacement-offered', leg });
    if (this.random() < this.restless) list.push({ type: 'leg-ended', leg, by: 'remote' }, { type: 'given-away', leg });
    if (this.random() < this.restless) list.push({ type: 'flow-lost', leg }, { type: 'media-gone', leg }, { type: 'media-failed', leg });
    return list;
  }

  private wish(): Referral['reports'] {
    return this.random() < 0.8 ? 'wanted' : 'unwanted';
  }

  private before(event: CallEvent): void {
    switch (event.type) {
      case 'timer':
        this.timers.delete(event.id);
        return;
      case 'referred':
        this.refers.asked += 1;
        return;
      case 'replacement-offered':
        this.people.came += 1;
        this.caller = 'waiting';
        return;
      case 'leg-ended':
      case 'given-away':
        this.on[event.leg] = 'over';
        this.people.left += 1;
        return;
      case 'third-answered':
        this.third = 'answered';
        return;
      case 'third-failed':
        this.thirdLeft();
        return;
      case 'offered':
        this.offersOfTheirs += 1;
        return;
      default:
        return;
    }
  }

  private thirdLeft(): void {
    if (this.third === 'inviting' || this.third === 'answered') this.people.left += 1;
    else if (this.caller === 'waiting') {
      this.people.left += 1;
      this.caller = 'none';
    }
    if (this.third !== 'making') this.third = 'none';
  }

  private perform(effect: CallEffect): void {
    switch (effect.do) {
      case 'judge-refer':
        this.pending.push(this.verdict());
        return;
      case 'answer-refer':
        this.refers.answered += 1;
        return;
      case 'pass-refer':
        this.refers.answered += 1;
        this.pending.push({ type: 'refer-reported', by: 'answer', status: this.random() < 0.7 ? 202 : 405 });
        if (this.random() < 0.7) this.pending.push({ type: 'refer-reported', by: 'notify', status: this.random() < 0.5 ? 200 : 486 });
        return;
      case 'report-refer':
        expect(this.on[effect.leg]).toBe('up');
        return;
      case 'answer-offer':
        expect(this.on[effect.leg]).toBe('up');
        return;
      case 'tell-hold':
        this.offersOfOurs += 1;
        this.pending.push({ type: 'informed', leg: effect.leg, accepted: this.random() < 0.8 });
        return;
      default:
        this.performThird(effect);
    }
  }

  private verdict(): CallEvent {
    const chance = this.random();
    if (chance < 0.1) return { type: 'refer-denied', status: 403, failure: 'destination-denied' };
    if (chance < 0.25) return { type: 'refer-passed', uri: 'sip:1@carrier.example' };
    return { type: 'refer-allowed', plan: { kind: 'dial', target: chance < 0.6 ? target : page } };
  }

  private performThird(effect: CallEffect): void {
    switch (effect.do) {
      case 'prepare-third':
      case 'describe-third':
        expect(this.third).toBe('none');
        this.third = 'making';
        this.pending.push(
          this.random() < 0.9 ? { type: 'third-offered', sdp: 'c' } : { type: 'third-media-refused', failure: 'media-not-acceptable' },
        );
        return;
      case 'call-third':
        if (effect.attempt > 1) {
          this.pending.push({ type: 'third-exhausted' });
          return;
        }
        this.third = 'inviting';
        this.people.came += 1;
        return;
      case 'accept-third':
        this.pending.push(
          this.random() < 0.9 ? { type: 'third-accepted' } : { type: 'third-media-refused', failure: 'media-not-acceptable' },
        );
        return;
      case 'answer-third':
        expect(this.caller).toBe('waiting');
        this.caller = 'none';
        this.third = 'answered';
        return;
      case 'refuse-third':
        this.refuseCaller();
        return;
      case 'seat-third':
        expect(this.third).toBe('answered');
        this.third = 'none';
        if (this.on[effect.leg] === 'up') this.parted += 1;
        this.on[effect.leg] = 'up';
        this.seated.push(effect.leg);
        return;
      case 'drop-third':
        this.drop();
        return;
      case 'bye-parted':
        this.byeParted();
        return;
      default:
        this.performEnd(effect);
    }
  }

  private refuseCaller(): void {
    if (this.caller === 'none') return;
    this.caller = 'none';
    this.people.left += 1;
  }

  private drop(): void {
    this.refuseCaller();
    if (this.third === 'inviting' || this.third === 'answered') this.people.left += 1;
    this.third = 'none';
    for (const type of ['third-offered', 'third-media-refused', 'third-accepted', 'third-exhausted']) this.forget(type);
  }

  /** What is still on its way of a third leg that was dropped never arrives. */
  private forget(type: string): void {
    for (let i = this.pending.length - 1; i >= 0; i -= 1) if (this.pending[i]?.type === type) this.pending.splice(i, 1);
  }

  private byeParted(): void {
    this.people.left += this.parted;
    this.parted = 0;
  }

  private performEnd(effect: CallEffect): void {
    switch (effect.do) {
      case 'bye':
        expect(this.on[effect.leg]).toBe('up');
        this.on[effect.leg] = 'over';
        this.people.left += 1;
        this.pending.push({ type: 'part-closed', part: effect.leg });
        return;
      case 'close-media':
        this.pending.push({ type: 'part-closed', part: 'media' });
        return;
      case 'set-timer':
        this.timers.add(effect.id);
        return;
      case 'clear-timer':
        this.timers.delete(effect.id);
        return;
      case 'clear-timers':
        this.timers.clear();
        return;
      case 'finish':
        this.finished += 1;
        expect(this.timers.size).toBe(0);
        // The runner lets go of a transfer with the call.
        this.drop();
        this.byeParted();
        return;
      default:
        return;
    }
  }
}

const ofInvited: readonly CallEvent[] = [
  { type: 'third-progress', status: 180 },
  { type: 'third-answered', sdp: 'c' },
  { type: 'third-answered', sdp: 'c' },
  { type: 'third-failed', failure: 'busy', status: 486, elsewhere: false },
  { type: 'third-failed', failure: 'trunk-congested', status: 503, elsewhere: true },
];

describe('ten thousand connected calls in which everybody transfers, holds and hangs up at any time', () => {
  it('end with nobody left behind, every REFER answered once and one last fact', () => {
    let seated = 0;
    for (let seed = 1; seed <= 10_000; seed += 1) {
      const world = new World(randomFrom(seed), 0.05);
      for (let steps = 0; !world.done && steps < 3000; steps += 1) world.step();
      const { people, refers, finished, done } = world;
      seated += world.seated.length;
      const unanswered = refers.asked - refers.answered;
      expect({ seed, done, left: people.came - people.left, finished, answered: unanswered >= 0 }).toEqual({
        ...{ seed, done: true, left: 0, finished: 1, answered: true },
      });
    }
    expect(seated).toBeGreaterThan(3_000);
  });

  it('tell each side about the other in as many offers as there is news, and stop when there is none', () => {
    for (let seed = 1; seed <= 2_000; seed += 1) {
      const world = new World(randomFrom(seed), 0);
      for (let steps = 0; steps < 60; steps += 1) world.step();
      world.calm();
      if (world.state.name !== 'connected') continue;
      expect({ seed, owed: owed(world.state.hold) }).toEqual({ seed, owed: [] });
    }
  });
});
