import { describe, expect, it } from 'vitest';
import type { CallEffect } from '../../../src/call/effect.js';
import type { CallEvent } from '../../../src/call/event.js';
import { begin, next } from '../../../src/call/machine.js';
import type { NextTarget, RouteTarget } from '../../../src/call/ports.js';
import type { CallState, CallStateName } from '../../../src/call/state.js';

const target: RouteTarget = { kind: 'trunk', trunk: 't', number: '+15550100', media: { kind: 'udp', codecs: ['PCMU'], learnFrom: [] } };
const user: RouteTarget = { kind: 'browser', user: 'alice', media: { kind: 'webrtc', codecs: ['PCMU'] }, ringMs: 20_000 };
const otherwise: readonly NextTarget[] = [
  { target: user, when: ['unavailable', 'no-answer'] },
  { target: { ...target, trunk: 'u', early: 'heard' }, when: ['busy', 'no-answer', 'unavailable'] },
];
const a = { role: 'answer', sdp: 'answer to a' } as const;
const reachable: readonly CallStateName[] = [
  'preparing',
  'dialling',
  'ringing',
  'rerouting',
  'answering',
  'connecting',
  'connected',
  'ending',
  'ended',
];

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
 * The world around a call: SIP peers and a media plane that may do anything the ports allow, at any
 * time. It keeps count of what was opened and what was ended.
 */
class World {
  state: CallState;
  readonly opened = { b: 0, media: 0 };
  readonly ended = { a: 0, b: 0, media: 0, facts: 0 };
  private a: 'invited' | 'answered' | 'over' = 'invited';
  private b: 'none' | 'inviting' | 'cancelling' | 'answered' | 'over' = 'none';
  private media: 'none' | 'preparing' | 'open' | 'closing' | 'closed' = 'none';
  private readonly timers = new Set<string>();
  private readonly pending: CallEvent[] = [];
  private flow = true;
  private answered = false;
  /** Legs with an offer that waits for an answer. */
  private readonly offered = { a: false, b: false };
  /** What the media plane was last told of the called side, and what the caller hears of its ringing. */
  private inForce: string | undefined;
  private rungLocally: 'not yet' | 'rings' | 'hears' = 'not yet';

  constructor(private readonly random: () => number) {
    const step = begin(random() < 0.5 ? 'browser-to-trunk' : 'trunk-to-browser');
    this.state = step.state;
    this.perform(step.effects);
  }

  get done(): boolean {
    return (
      this.state.name === 'ended' && this.pending.length === 0 && this.b !== 'inviting' && this.b !== 'cancelling' && this.b !== 'answered'
    );
  }

  /** Lets one thing happen, any that is possible now. */
  step(): void {
    const possible = this.possible();
    const chosen = possible[Math.floor(this.random() * possible.length)];
    if (chosen !== undefined) this.happen(chosen);
  }

  private happen(event: CallEvent): void {
    const { name } = this.state;
    this.before(event);
    const step = next(this.state, event);
    this.state = step.state;
    this.perform(step.effects);
    const waits = 'kept' in this.state ? this.state.kept : {};
    const owed = event.type === 'offered' && name !== 'ending' && name !== 'ended' && this.offered[event.leg];
    expect(owed && waits[event.leg] !== event, 'every offer gets its answer or its refusal at once, or is kept').toBe(false);
    const forgotten = this.state.name === 'connected' && (this.offered.a || this.offered.b);
    expect(forgotten, 'nothing waits in a connected call').toBe(false);
  }

  private possible(): CallEvent[] {
    const ready = this.ready();
    const list: CallEvent[] = [...ready, ...ready];
    if (this.a === 'invited' && this.random() < 0.1) list.push({ type: 'cancelled' });
    for (const id of this.timers) if (this.random() < 0.1) list.push({ type: 'timer', id: id as 'ring' });
    if (this.b === 'inviting') list.push(...this.ofRinging());
    // The adapter may or may not win the race of CANCEL and 200.
    if (this.b === 'cancelling') list.push({ type: 'failed', failure: 'cancelled', elsewhere: false }, { type: 'answered', sdp: 'b' });
    if (this.a === 'answered') list.push({ type: 'acked', leg: 'a' });
    // Before the answer as well (RFC 3311 §5.2); a stack hands up one offer at a time.
    if (this.a !== 'over' && !this.offered.a) list.push({ type: 'offered', leg: 'a', sdp: 'x' });
    for (const leg of ['a', 'b'] as const)
      if (this[leg] === 'answered' && this.random() < 0.2) list.push({ type: 'leg-ended', leg, by: 'remote' });
    if (this.b === 'answered' && !this.offered.b) list.push({ type: 'offered', leg: 'b', sdp: 'x' });
    if (this.media === 'open') list.push(...this.ofMedia());
    list.push(...this.ofFate());
    return list;
  }

  /** What phones that ring may say, two of them at once. */
  private ofRinging(): CallEvent[] {
    const list: CallEvent[] = [];
    const fork = this.random() < 0.5 ? 'one' : 'two';
    const sdp = this.random() < 0.5 ? 'early' : 'moved';
    list.push({ type: 'progress', status: 180, fork }, { type: 'progress', status: 183, sdp, fork }, { type: 'answered', sdp: 'b' });
    list.push({ type: 'progress', status: 180, sdp, fork }, { type: 'progress', status: 199, fork });
    if (!this.offered.b) list.push({ type: 'offered', leg: 'b', sdp: 'x', fork });
    if (this.random() < 0.3)
      list.push(
        { type: 'failed', failure: 'trunk-unreachable', elsewhere: true },
        { type: 'failed', failure: 'busy', status: 486, elsewhere: false },
      );
    return list;
  }

  private ofFate(): CallEvent[] {
    const list: CallEvent[] = [];
    if (this.flow && this.random() < 0.02) list.push({ type: 'flow-lost', leg: this.random() < 0.5 ? 'a' : 'b' });
    if (!this.flow && this.random() < 0.1) list.push({ type: 'flow-found', leg: 'a' }, { type: 'flow-found', leg: 'b' });
    if (this.random() < 0.02) list.push({ type: 'fault' }, { type: 'hang-up', by: 'gateway', failure: 'shutting-down' });
    return list;
  }

  private ofMedia(): CallEvent[] {
    const list: CallEvent[] = [];
    for (const leg of ['a', 'b'] as const) {
      list.push(
        { type: 'media-up', leg },
        { type: 'media-silent', leg, silentMs: 5, cause: 'nothing-received', detail: '' },
        { type: 'media-resumed', leg },
      );
      if (this.random() < 0.02) list.push({ type: 'media-gone', leg }, { type: 'media-failed', leg });
    }
    return list;
  }

  /** The media plane works on one thing after another, so a leg is made anew after what was asked before. */
  private ready(): CallEvent[] {
    const early = this.pending.some(({ type }) => type === 'early-accepted' || type === 'early-refused');
    return early ? this.pending.filter(({ type }) => type !== 'callee-ready') : this.pending;
  }

  /** Whether anybody was called after somebody had answered. */
  private neverAfterAnswer(): void {
    expect(this.answered, 'called again after an answer').toBe(false);
  }

  private before(event: CallEvent): void {
    const at = this.pending.indexOf(event);
    if (at >= 0) this.pending.splice(at, 1);
    if (event.type === 'cancelled') this.end('a');
    if (event.type === 'flow-lost') this.flow = false;
    if (event.type === 'timer') this.timers.delete(event.id);
    if (event.type === 'answered') {
      this.b = 'answered';
      this.answered = true;
    }
    if (event.type === 'failed') this.end('b');
    if (event.type === 'leg-ended') this.end(event.leg);
    if (event.type === 'media-ready') this.media = 'open';
    if (event.type === 'offered') this.offered[event.leg] = true;
  }

  private end(leg: 'a' | 'b'): void {
    // The stack answers what is left of an offer itself.
    this.offered[leg] = false;
    this.ended[leg] += 1;
    this[leg] = 'over';
  }

  /** The runner hears at once that nobody could be dialled, so that news never comes after a time-out. */
  private abandon(): void {
    const at = this.pending.findIndex(({ type }) => type === 'dial-exhausted' || type === 'dial-refused');
    if (at >= 0) this.pending.splice(at, 1);
    else expect(this.b).toBe('inviting');
    if (this.b === 'inviting') this.end('b');
    this.b = 'over';
  }

  private perform(effects: readonly CallEffect[]): void {
    for (const effect of effects) this.one(effect);
  }

  private one(effect: CallEffect): void {
    switch (effect.do) {
      case 'route':
        this.pending.push(this.random() < 0.9 ? { type: 'routed', target, otherwise } : { type: 'route-refused', failure: 'no-route' });
        return;
      case 'prepare-media':
        this.opened.media += 1;
        this.media = 'preparing';
        this.pending.push(
          this.random() < 0.9 ? { type: 'media-ready', a, bOffer: 'o' } : { type: 'media-refused', failure: 'media-not-acceptable' },
        );
        return;
      case 'dial':
        this.neverAfterAnswer();
        expect(this.b, 'one called leg at a time').not.toBe('inviting');
        if (effect.attempt > 1) return void this.pending.push({ type: 'dial-exhausted' });
        if (this.random() < 0.05) return void this.pending.push({ type: 'dial-refused', failure: 'too-many-calls' });
        this.opened.b += 1;
        this.b = 'inviting';
        return;
      case 'prepare-callee':
        this.rungLocally = 'not yet';
        this.neverAfterAnswer();
        expect(['none', 'over'], 'nobody is ringing while the next target is prepared').toContain(this.b);
        this.pending.push(
          this.random() < 0.9 ? { type: 'callee-ready', bOffer: 'p' } : { type: 'media-refused', failure: 'media-setup-failed' },
        );
        return;
      case 'abandon-callee':
        this.abandon();
        return;
      case 'progress-caller':
        expect(this.a).toBe('invited');
        if (effect.status === 183) this.rungLocally = 'hears';
        else expect(this.rungLocally, 'local ringing never starts again').not.toBe('hears');
        return;
      case 'answer-offer':
        expect(this.offered[effect.leg], 'an offer is answered once').toBe(true);
        expect(this.media, 'the media plane has the session').toBe('open');
        this.offered[effect.leg] = false;
        if (this.random() < 0.8) this.pending.push({ type: 'redescribed', leg: effect.leg, sdp: `newer for ${effect.leg}` });
        return;
      case 'refuse-offer':
        expect(this.offered[effect.leg], 'an offer is refused once').toBe(true);
        this.offered[effect.leg] = false;
        return;
      case 'accept-callee':
        this.inForce = effect.sdp;
        this.pending.push(this.random() < 0.9 ? acceptedAt(effect.stage, effect.attempt) : refusedAt(effect.stage, effect.attempt));
        return;
      case 'answer-caller':
        expect(this.a).toBe('invited');
        expect(this.inForce, 'the description of the fork that answered').toBe('b');
        expect([a.sdp, 'newer for a']).toContain(effect.answer.sdp);
        this.a = 'answered';
        return;
      case 'reject-caller':
        expect(this.a).toBe('invited');
        this.end('a');
        return;
      case 'cancel-callee':
        // Between a refused or exhausted dial and its event there is nothing to cancel.
        if (this.b === 'inviting') this.b = 'cancelling';
        else this.pending.push({ type: 'part-closed', part: 'b' });
        return;
      case 'bye':
        expect(this[effect.leg]).toBe('answered');
        this.end(effect.leg);
        this.pending.push({ type: 'part-closed', part: effect.leg });
        return;
      case 'close-media':
        this.ended.media += 1;
        this.media = 'closing';
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
        this.ended.facts += 1;
        expect(this.timers.size).toBe(0);
        return;
      default:
        return;
    }
  }
}

function acceptedAt(stage: 'early' | 'final', attempt: number): CallEvent {
  return stage === 'early' ? { type: 'early-accepted', attempt } : { type: 'final-accepted' };
}

function refusedAt(stage: 'early' | 'final', attempt: number): CallEvent {
  return stage === 'early' ? { type: 'early-refused', attempt } : { type: 'final-refused', failure: 'media-not-acceptable' };
}

describe('ten thousand calls in which anything happens at any time', () => {
  it('all end, with every leg ended once, media closed once and one last fact', () => {
    const reached = new Map<CallStateName, number>();
    for (let seed = 1; seed <= 10_000; seed += 1) {
      const world = new World(randomFrom(seed));
      let steps = 0;
      const seen = new Set<CallStateName>();
      while (!world.done && steps < 2000) {
        world.step();
        seen.add(world.state.name);
        steps += 1;
      }
      for (const name of seen) reached.set(name, (reached.get(name) ?? 0) + 1);
      const { opened, ended } = world;
      expect({ seed, done: world.done, a: ended.a, b: ended.b, media: ended.media, facts: ended.facts }).toEqual({
        seed,
        done: true,
        a: 1,
        b: opened.b,
        media: opened.media,
        facts: 1,
      });
    }
    for (const name of reachable) expect(reached.get(name) ?? 0, name).toBeGreaterThan(50);
  }, 60_000);
});
