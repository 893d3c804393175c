import { describe, expect, it } from 'vitest';
import type { CallEffect } from '../../../src/call/effect.js';
import type { CallEvent } from '../../../src/call/event.js';
import { next } from '../../../src/call/machine.js';
import type { CallState } from '../../../src/call/state.js';
import { connectedCall } from './connected-call.js';

function run(start: CallState, ...events: readonly CallEvent[]): { readonly state: CallState; readonly effects: readonly CallEffect[] } {
  let state = start;
  const effects: CallEffect[] = [];
  for (const event of events) {
    const step = next(state, event);
    state = step.state;
    effects.push(...step.effects);
  }
  return { state, effects };
}

const phoneHolds: readonly CallEvent[] = [
  { type: 'offered', leg: 'b', sdp: 'hold' },
  { type: 'leg-direction', leg: 'b', direction: 'sendonly' },
];
const phoneResumes: readonly CallEvent[] = [
  { type: 'offered', leg: 'b', sdp: 'resume' },
  { type: 'leg-direction', leg: 'b', direction: 'sendrecv' },
];
const pageListens: readonly CallEvent[] = [
  { type: 'informed', leg: 'a', accepted: true },
  { type: 'leg-direction', leg: 'a', direction: 'recvonly' },
];
const pageTalks: readonly CallEvent[] = [
  { type: 'informed', leg: 'a', accepted: true },
  { type: 'leg-direction', leg: 'a', direction: 'sendrecv' },
];
const silent = (leg: 'a' | 'b'): CallEvent => ({ type: 'media-silent', leg, silentMs: 5000, cause: 'nothing-received', detail: '' });
const facts = (effects: readonly CallEffect[]): readonly string[] =>
  effects.flatMap((effect) => (effect.do === 'fact' ? [`${effect.fact.type}${'leg' in effect.fact ? ` ${effect.fact.leg}` : ''}`] : []));
const told = (effects: readonly CallEffect[]): readonly string[] =>
  effects.flatMap((effect) => (effect.do === 'tell-hold' ? [`${effect.leg} ${effect.direction}`] : []));

describe('a connected call on hold', () => {
  it('is told to the other side once, and what that side answers is no news', () => {
    const { effects } = run(connectedCall(), ...phoneHolds, ...pageListens);
    expect(told(effects)).toEqual(['a sendonly']);
    expect(facts(effects)).toEqual(['held b']);
  });

  it('is taken off hold for both', () => {
    const { state, effects } = run(connectedCall(), ...phoneHolds, ...pageListens, ...phoneResumes, ...pageTalks);
    expect(told(effects)).toEqual(['a sendonly', 'a sendrecv']);
    expect(facts(effects)).toEqual(['held b', 'resumed b']);
    expect(state).toMatchObject({ hold: { a: { wish: 'sendrecv', told: 'sendrecv' }, b: { wish: 'sendrecv', told: 'sendrecv' } } });
  });

  it('goes on when the other side refuses to hear of it', () => {
    const { state, effects } = run(connectedCall(), ...phoneHolds, { type: 'informed', leg: 'a', accepted: false });
    expect([state.name, told(effects)]).toEqual(['connected', ['a sendonly']]);
  });

  it('is not ended by silence, however long it lasts', () => {
    const { state, effects } = run(connectedCall(), ...phoneHolds, ...pageListens, silent('a'), silent('b'), { type: 'timer', id: 'dead' });
    expect(state.name).toBe('connected');
    expect(effects).not.toContainEqual({ do: 'set-timer', id: 'dead' });
    expect(facts(effects)).toEqual(['held b']);
  });

  it('that was silent on both sides before is not ended while it lasts, and is watched again after it', () => {
    const held = run(connectedCall(), silent('a'), silent('b'), ...phoneHolds, ...pageListens);
    expect(held.effects.filter((effect) => 'id' in effect)).toEqual([
      { do: 'set-timer', id: 'dead' },
      { do: 'clear-timer', id: 'dead' },
    ]);
    const resumed = run(held.state, ...phoneResumes);
    expect(resumed.effects).toContainEqual({ do: 'set-timer', id: 'dead' });
    expect(run(resumed.state, { type: 'timer', id: 'dead' }).state).toMatchObject({ name: 'ending', cause: { failure: 'media-lost' } });
  });

  it('outlives the grace of a lost connection although the page is silent, until its media is gone', () => {
    const { state } = run(
      connectedCall(),
      ...phoneHolds,
      ...pageListens,
      silent('a'),
      { type: 'flow-lost', leg: 'a' },
      { type: 'timer', id: 'grace' },
    );
    expect(state).toMatchObject({ name: 'connected', presence: { a: 'signalling-overdue' } });
    expect(run(state, { type: 'media-gone', leg: 'a' }).state).toMatchObject({ name: 'ending', cause: { failure: 'browser-gone' } });
  });

  it('says so in the offer a side asks for by a re-INVITE without one', () => {
    const { effects } = run(connectedCall(), ...phoneHolds, ...pageListens, { type: 'offered', leg: 'a' });
    expect(effects).toContainEqual({ do: 'answer-offer', leg: 'a', direction: 'sendonly' });
  });

  it('holds a page that asked to talk again, as long as the phone holds', () => {
    const { effects } = run(
      connectedCall(),
      ...phoneHolds,
      ...pageListens,
      { type: 'offered', leg: 'a', sdp: 'x' },
      { type: 'leg-direction', leg: 'a', direction: 'sendrecv' },
    );
    expect(told(effects)).toEqual(['a sendonly', 'a sendonly']);
  });
});

describe('a page whose connection was lost', () => {
  const lost = run(connectedCall(), { type: 'flow-lost', leg: 'a' }).state;

  it('is back when it offers again or presses a key, and may be lost again', () => {
    for (const sign of [
      { type: 'offered', leg: 'a', sdp: 'ice restart' },
      { type: 'flow-found', leg: 'a' },
    ] as const satisfies readonly CallEvent[]) {
      const { state, effects } = run(lost, sign);
      expect(facts(effects)).toEqual(['reattached a']);
      expect(effects).toContainEqual({ do: 'clear-timer', id: 'grace' });
      expect(facts(run(state, { type: 'flow-lost', leg: 'a' }).effects)).toEqual(['flow-lost a']);
    }
  });
});
