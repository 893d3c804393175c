import { describe, expect, it } from 'vitest';
import type { DigitFact } from '../../../../src/call/digits/digit-fact.js';
import { nextDigits } from '../../../../src/call/digits/digit-machine.js';
import type { DigitMode } from '../../../../src/call/digits/digit-rules.js';
import { type DigitEffect, type DigitEvent, type DigitLeg, type DigitState, noDigits } from '../../../../src/call/digits/digit-state.js';
import type { LegName } from '../../../../src/media/plane.js';
import { seededRandom } from '../../../support/lossy-relay.js';

const legs: readonly LegName[] = ['a', 'b'];
const modes: readonly DigitMode[] = ['auto', 'rfc4733', 'info', 'inband'];

/** A call whose legs, plane and peers do whatever they may at any moment. */
class RandomCall {
  private state: DigitState;
  readonly facts: DigitFact[] = [];
  readonly secrets = new Set<number>();
  readonly withheld = new Set<number>();
  private readonly owed: DigitEvent[] = [];
  private readonly inFlight = new Map<LegName, number>();
  private press = 0;
  private atMs = 0;

  constructor(private readonly random: () => number) {
    this.state = noDigits({ a: this.leg(0), b: this.leg(0) });
  }

  get open(): number {
    return this.state.open.length;
  }

  step(): void {
    const roll = this.random();
    this.atMs += this.random() * 200;
    if (roll < 0.35) this.pressed();
    else if (roll < 0.8) this.settle();
    else if (roll < 0.92) this.legMoves();
    else this.happen({ type: 'secure', open: this.random() < 0.5, by: 'api', atMs: this.atMs });
  }

  end(): void {
    this.happen({ type: 'over' });
    while (this.owed.length > 0) this.settle();
  }

  private pressed(): void {
    const relayed = this.random() < 0.4;
    const by = relayed ? this.pick(['rfc4733', 'inband'] as const) : this.pick(['rfc4733', 'inband', 'info', 'api'] as const);
    const from = this.pick(legs);
    const press = relayed ? { press: this.nextPress() } : {};
    if (press.press !== undefined) this.owe(press.press);
    this.happen({ type: 'pressed', from, by, digit: '5', durationMs: 100, atMs: this.atMs, ...press });
  }

  /** Something that is owed comes about, in any order. */
  private settle(): void {
    const at = Math.floor(this.random() * this.owed.length);
    const [event] = this.owed.splice(at, 1);
    if (event !== undefined) this.happen(event);
  }

  private legMoves(): void {
    const leg = this.pick(legs);
    const { party } = this.state.legs[leg];
    this.happen({ type: 'leg', leg, now: this.leg(this.random() < 0.3 ? party + 1 : party) });
  }

  private happen(event: DigitEvent): void {
    if (event.type === 'answered') for (const leg of legs) if (this.inFlight.get(leg) === event.id) this.inFlight.delete(leg);
    const step = nextDigits(this.state, event);
    this.state = step.state;
    for (const effect of step.effects) this.perform(effect);
  }

  private perform(effect: DigitEffect): void {
    switch (effect.do) {
      case 'fact':
        this.facts.push(effect.fact);
        if (effect.fact.type === 'digit' && effect.fact.digit === undefined) {
          this.secrets.add(effect.fact.id);
          if (effect.fact.from === 'trunk') this.withheld.add(effect.fact.id);
        }
        return;
      case 'hand-over':
        if (this.random() < 0.3) this.owed.push({ type: 'not-handed', id: effect.id });
        else {
          const press = this.nextPress();
          this.owed.push({ type: 'handed', id: effect.id, press });
          this.owe(press);
        }
        return;
      case 'send-info':
        expect(this.inFlight.has(effect.leg), 'one INFO at a time on a leg').toBe(false);
        this.inFlight.set(effect.leg, effect.id);
        this.owed.push({ type: 'answered', id: effect.id, status: this.pick([200, 200, 200, 408, 415, 481, 503]) });
        return;
      case 'send-message':
        expect(this.withheld.has(effect.id), 'a page is told no secret of the telephone').toBe(false);
        this.owed.push({ type: 'messaged', id: effect.id, taken: this.random() < 0.5 });
        return;
      case 'send-receipt':
        expect(this.secrets.has(effect.receipt.id) && effect.receipt.digit !== undefined, 'a secret is in no receipt').toBe(false);
        return;
    }
  }

  private owe(press: number): void {
    this.owed.push(
      this.random() < 0.8
        ? { type: 'left', press, as: 'rfc4733', durationMs: 100, packets: 7 }
        : { type: 'stuck', press, why: this.pick(['not-supported', 'call-ended', 'queue-full']) },
    );
  }

  private nextPress(): number {
    this.press += 1;
    return this.press;
  }

  private leg(party: number): DigitLeg {
    const kind = this.random() < 0.5 ? 'browser' : 'trunk';
    return { kind, mode: this.pick(modes), ready: this.random() < 0.7, hears: this.random() < 0.9, takesInfo: this.random() < 0.9, party };
  }

  private pick<T>(from: readonly T[]): T {
    return from[Math.floor(this.random() * from.length)] as T;
  }
}

/** Ends in what was told of one digit: an INFO that has left is over when it was acknowledged or has failed. */
const ends = (facts: readonly DigitFact[]): number =>
  facts.filter(
    (fact) => fact.type === 'digit-acknowledged' || fact.type === 'digit-failed' || (fact.type === 'digit-sent' && fact.as !== 'info'),
  ).length;

/** Lets a call live and end; returns how many digits it saw. */
function live(seed: number): number {
  const call = new RandomCall(seededRandom(seed));
  for (let i = 0; i < 120; i += 1) call.step();
  call.end();
  const seen = call.facts.flatMap((fact) => (fact.type === 'digit' ? [fact.id] : []));
  expect(seen).toEqual(seen.map((_, at) => at + 1));
  for (const id of seen) {
    const facts = call.facts.filter((fact) => 'id' in fact && fact.id === id);
    const told = `seed ${seed}, digit ${id}: ${facts.map(({ type }) => type).join(' ')}`;
    expect([facts[0]?.type, ends(facts), ends(facts.slice(-1))], told).toEqual(['digit', 1, 1]);
  }
  expect(call.open).toBe(0);
  return seen.length;
}

describe('digits under random events', () => {
  it('are each seen once and have exactly one end, whatever comes in between', () => {
    let digits = 0;
    for (let seed = 1; seed <= 1_500; seed += 1) digits += live(seed);
    expect(digits).toBeGreaterThan(40_000);
    // All of it is computing: 6 s on a machine of its own.
  }, 60_000);
});
