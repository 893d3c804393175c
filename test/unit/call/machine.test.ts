import { describe, expect, it } from 'vitest';
import type { CallEffect, CallEffectName } from '../../../src/call/effect.js';
import type { CallEvent, CallEventType } from '../../../src/call/event.js';
import type { FailureCode } from '../../../src/call/failure-code.js';
import { next } from '../../../src/call/machine.js';
import type { NextTarget, RouteTarget, TryNext } from '../../../src/call/ports.js';
import { type CallState, type CallStateName, connected, type EndCause } from '../../../src/call/state.js';
import type { Referral } from '../../../src/call/transfer/refer.js';

const target: RouteTarget = { kind: 'trunk', trunk: 't', number: '+15550100', media: { kind: 'udp', codecs: ['PCMU'], learnFrom: [] } };
const a = { role: 'answer', sdp: 'answer to a' } as const;
const direction = 'browser-to-trunk' as const;
const legs = { a: 'browser', b: 'trunk' } as const;
const otherwise: readonly NextTarget[] = [{ target: { ...target, trunk: 'u', ringMs: 20_000 }, when: ['unavailable', 'no-answer'] }];
const cause: EndCause = { by: 'caller', failure: 'cancelled' };
const referral: Referral = { to: '+15550123', reports: 'wanted' };

/** One state of each name. The type makes a missing one a compile error. */
const states: { readonly [N in CallStateName]: Extract<CallState, { name: N }> } = {
  routing: { name: 'routing', direction, legs },
  preparing: { name: 'preparing', direction, legs, target, otherwise: [] },
  dialling: { name: 'dialling', direction, legs, target, otherwise: [], a, bOffer: 'offer to b', attempt: 0, forks: [] },
  ringing: { name: 'ringing', direction, legs, target, otherwise: [], a, attempt: 0, forks: [], shown: 180 },
  rerouting: { name: 'rerouting', direction, legs, target, otherwise: [], a },
  answering: { name: 'answering', direction, legs, a, kept: {} },
  connecting: { name: 'connecting', direction, legs, role: 'answer', kept: {} },
  connected: connected(direction),
  ending: { name: 'ending', cause, waiting: ['b', 'media'] },
  ended: { name: 'ended', cause },
};

/** One event of each type; where a field decides, `variants` below has the others. */
const events: { readonly [T in CallEventType]: Extract<CallEvent, { type: T }> } = {
  routed: { type: 'routed', target },
  'route-refused': { type: 'route-refused', failure: 'no-route' },
  'media-ready': { type: 'media-ready', a, bOffer: 'offer to b' },
  'media-refused': { type: 'media-refused', failure: 'media-not-acceptable', status: 400 },
  'callee-ready': { type: 'callee-ready', bOffer: 'another offer to b' },
  'dial-refused': { type: 'dial-refused', failure: 'too-many-calls' },
  'dial-exhausted': { type: 'dial-exhausted' },
  progress: { type: 'progress', status: 180 },
  'early-accepted': { type: 'early-accepted', attempt: 0 },
  'early-refused': { type: 'early-refused', attempt: 0 },
  answered: { type: 'answered', sdp: 'answer of b' },
  'final-accepted': { type: 'final-accepted' },
  'final-refused': { type: 'final-refused', failure: 'media-not-acceptable' },
  failed: { type: 'failed', failure: 'busy', status: 486, elsewhere: false },
  cancelled: { type: 'cancelled' },
  acked: { type: 'acked', leg: 'a' },
  'answer-refused': { type: 'answer-refused', leg: 'a' },
  offered: { type: 'offered', leg: 'b', sdp: 're-offer' },
  redescribed: { type: 'redescribed', leg: 'a', sdp: 'newer answer to a' },
  'leg-ended': { type: 'leg-ended', leg: 'b', by: 'remote' },
  'flow-lost': { type: 'flow-lost', leg: 'a' },
  'flow-found': { type: 'flow-found', leg: 'a' },
  'media-up': { type: 'media-up', leg: 'a' },
  'media-failed': { type: 'media-failed', leg: 'a' },
  'media-gone': { type: 'media-gone', leg: 'a' },
  'media-silent': { type: 'media-silent', leg: 'b', silentMs: 5000, cause: 'nothing-received', detail: 'nothing' },
  'media-resumed': { type: 'media-resumed', leg: 'b' },
  'leg-direction': { type: 'leg-direction', leg: 'b', direction: 'sendonly' },
  informed: { type: 'informed', leg: 'a', accepted: true },
  referred: { type: 'referred', leg: 'b', referral },
  'refer-allowed': { type: 'refer-allowed', plan: { kind: 'dial', target } },
  'refer-passed': { type: 'refer-passed', uri: 'sip:+15550123@carrier.example' },
  'refer-denied': { type: 'refer-denied', status: 403, failure: 'destination-denied' },
  'refer-reported': { type: 'refer-reported', by: 'notify', status: 200 },
  'replacement-offered': { type: 'replacement-offered', leg: 'b' },
  'third-offered': { type: 'third-offered', sdp: 'offer to c' },
  'third-media-refused': { type: 'third-media-refused', failure: 'too-many-calls' },
  'third-progress': { type: 'third-progress', status: 180 },
  'third-answered': { type: 'third-answered', sdp: 'answer of c' },
  'third-failed': { type: 'third-failed', failure: 'busy', status: 486, elsewhere: false },
  'third-exhausted': { type: 'third-exhausted' },
  'third-accepted': { type: 'third-accepted' },
  'given-away': { type: 'given-away', leg: 'b' },
  'media-lost': { type: 'media-lost' },
  timer: { type: 'timer', id: 'ring' },
  'hang-up': { type: 'hang-up', by: 'gateway' },
  fault: { type: 'fault' },
  'part-closed': { type: 'part-closed', part: 'b' },
};

/** `state + event -> state: effects`. What is not listed must leave the state and do nothing. */
const arrows = `
routing + routed -> preparing: fact set-timer prepare-media
routing + route-refused -> ended: clear-timers reject-caller finish
routing + offered -> routing: refuse-offer
routing + cancelled -> ended: clear-timers finish
routing + flow-lost -> ended: clear-timers reject-caller finish
routing + hang-up -> ended: clear-timers reject-caller finish
routing + fault -> ended: clear-timers reject-caller finish
preparing + media-ready -> dialling: clear-timer set-timer dial
preparing + media-refused -> ending: clear-timers reject-caller close-media set-timer
preparing + offered -> preparing: refuse-offer
preparing + answer-refused -> ending: clear-timers reject-caller close-media set-timer
preparing + cancelled -> ending: clear-timers close-media set-timer
preparing + flow-lost -> ending: clear-timers reject-caller close-media set-timer
preparing + media-up -> preparing: fact
preparing + media-failed -> ending: clear-timers reject-caller close-media set-timer
preparing + media-gone -> ending: clear-timers reject-caller close-media set-timer
preparing + media-lost -> ending: clear-timers reject-caller close-media set-timer
preparing + hang-up -> ending: clear-timers reject-caller close-media set-timer
preparing + fault -> ending: clear-timers reject-caller close-media set-timer
dialling + dial-refused -> ending: clear-timers reject-caller close-media set-timer
dialling + dial-exhausted -> ending: clear-timers reject-caller close-media set-timer
dialling + progress -> ringing: progress-caller fact fact
dialling + early-accepted -> ringing: progress-caller fact fact
dialling + early-refused -> ringing: progress-caller fact fact
dialling + answered -> answering: clear-timer set-timer fact accept-callee
dialling + offered -> dialling: answer-offer
dialling + redescribed -> dialling*:
dialling + failed -> ending: clear-timers reject-caller close-media set-timer
dialling + answer-refused -> ending: clear-timers reject-caller cancel-callee close-media set-timer
dialling + cancelled -> ending: clear-timers cancel-callee close-media set-timer
dialling + flow-lost -> ending: clear-timers reject-caller cancel-callee close-media set-timer
dialling + media-up -> dialling: fact
dialling + media-failed -> dialling: renew-caller
dialling + media-gone -> ending: clear-timers reject-caller cancel-callee close-media set-timer
dialling + media-lost -> ending: clear-timers reject-caller cancel-callee close-media set-timer
dialling + timer -> ending: clear-timers reject-caller cancel-callee close-media set-timer
dialling + hang-up -> ending: clear-timers reject-caller cancel-callee close-media set-timer
dialling + fault -> ending: clear-timers reject-caller cancel-callee close-media set-timer
ringing + early-accepted -> ringing*: progress-caller fact
ringing + answered -> answering: clear-timer set-timer fact accept-callee
ringing + offered -> ringing: answer-offer
ringing + redescribed -> ringing*:
ringing + failed -> ending: clear-timers reject-caller close-media set-timer
ringing + answer-refused -> ending: clear-timers reject-caller cancel-callee close-media set-timer
ringing + cancelled -> ending: clear-timers cancel-callee close-media set-timer
ringing + flow-lost -> ending: clear-timers reject-caller cancel-callee close-media set-timer
ringing + media-up -> ringing: fact
ringing + media-failed -> ending: clear-timers reject-caller cancel-callee close-media set-timer
ringing + media-gone -> ending: clear-timers reject-caller cancel-callee close-media set-timer
ringing + media-lost -> ending: clear-timers reject-caller cancel-callee close-media set-timer
ringing + timer -> ending: clear-timers reject-caller cancel-callee close-media set-timer
ringing + hang-up -> ending: clear-timers reject-caller cancel-callee close-media set-timer
ringing + fault -> ending: clear-timers reject-caller cancel-callee close-media set-timer
rerouting + media-refused -> ending: clear-timers reject-caller close-media set-timer
rerouting + callee-ready -> dialling: clear-timer set-timer dial
rerouting + redescribed -> rerouting*:
rerouting + answer-refused -> ending: clear-timers reject-caller close-media set-timer
rerouting + cancelled -> ending: clear-timers close-media set-timer
rerouting + flow-lost -> ending: clear-timers reject-caller close-media set-timer
rerouting + media-up -> rerouting: fact
rerouting + media-failed -> rerouting: renew-caller
rerouting + media-gone -> ending: clear-timers reject-caller close-media set-timer
rerouting + media-lost -> ending: clear-timers reject-caller close-media set-timer
rerouting + hang-up -> ending: clear-timers reject-caller close-media set-timer
rerouting + fault -> ending: clear-timers reject-caller close-media set-timer
answering + final-accepted -> connecting: answer-caller
answering + final-refused -> ending: clear-timers reject-caller bye:b close-media set-timer
answering + answer-refused -> ending: clear-timers reject-caller bye:b close-media set-timer
answering + cancelled -> ending: clear-timers bye:b close-media set-timer
answering + offered -> answering*:
answering + redescribed -> answering*:
answering + leg-ended -> ending: clear-timers reject-caller close-media set-timer
answering + flow-lost -> ending: clear-timers reject-caller bye:b close-media set-timer
answering + media-up -> answering: fact
answering + media-failed -> ending: clear-timers reject-caller bye:b close-media set-timer
answering + media-gone -> ending: clear-timers reject-caller bye:b close-media set-timer
answering + media-lost -> ending: clear-timers reject-caller bye:b close-media set-timer
answering + hang-up -> ending: clear-timers reject-caller bye:b close-media set-timer
answering + fault -> ending: clear-timers reject-caller bye:b close-media set-timer
connecting + acked -> connected:
connecting + answer-refused -> ending: clear-timers bye:a bye:b close-media set-timer
connecting + offered -> connecting*:
connecting + leg-ended -> ending: clear-timers bye:a close-media set-timer
connecting + flow-lost -> ending: clear-timers bye:a bye:b close-media set-timer
connecting + media-up -> connecting: fact
connecting + media-failed -> ending: clear-timers bye:a bye:b close-media set-timer
connecting + media-gone -> ending: clear-timers bye:a bye:b close-media set-timer
connecting + media-lost -> ending: clear-timers bye:a bye:b close-media set-timer
connecting + hang-up -> ending: clear-timers bye:a bye:b close-media set-timer
connecting + fault -> ending: clear-timers bye:a bye:b close-media set-timer
connected + answer-refused -> ending: clear-timers bye:a bye:b close-media set-timer
connected + offered -> connected: answer-offer
connected + leg-ended -> ending: clear-timers bye:a close-media set-timer
connected + flow-lost -> connected*: fact set-timer
connected + media-up -> connected: fact
connected + media-failed -> ending: clear-timers bye:a bye:b close-media set-timer
connected + media-gone -> connected*: set-timer
connected + media-silent -> connected*: fact
connected + leg-direction -> connected*: fact tell-hold
connected + referred -> connected*: judge-refer
connected + replacement-offered -> connected*: describe-third
connected + given-away -> ending: clear-timers bye:a close-media set-timer
connected + media-lost -> ending: clear-timers bye:a bye:b close-media set-timer
connected + hang-up -> ending: clear-timers bye:a bye:b close-media set-timer
connected + fault -> ending: clear-timers bye:a bye:b close-media set-timer
ending + answered -> ending: bye:b
ending + failed -> ending*:
ending + part-closed -> ending*:
ended + answered -> ended: bye:b
`;

interface Arrow {
  readonly to: CallStateName;
  /** The state keeps its name and changes its data. */
  readonly changed: boolean;
  readonly effects: readonly string[];
}

const listed = new Map<string, Arrow>(
  arrows
    .trim()
    .split('\n')
    .map((line) => {
      const match = /^(\S+) \+ (\S+) -> ([a-z]+)(\*?):(.*)$/.exec(line);
      if (match === null) throw new Error(`unreadable arrow: ${line}`);
      const [, from, event, to, star, effects = ''] = match;
      return [`${from} + ${event}`, { to: to as CallStateName, changed: star === '*', effects: effects.split(' ').filter(Boolean) }];
    }),
);

const nameOf = (effect: CallEffect): string => (effect.do === 'bye' ? `bye:${effect.leg}` : effect.do);

describe('the arrows of a call', () => {
  const pairs = Object.values(states).flatMap((state) =>
    Object.values(events).map((event) => ({ state, event, key: `${state.name} + ${event.type}` })),
  );

  it('covers every pair of state and event, and lists none that does not exist', () => {
    expect(pairs).toHaveLength(10 * 48);
    const known = new Set(pairs.map(({ key }) => key));
    expect([...listed.keys()].filter((key) => !known.has(key))).toEqual([]);
    expect(listed.size).toBe(85 + 24);
  });

  for (const { state, event, key } of pairs) {
    const arrow = listed.get(key);
    if (arrow === undefined) {
      it(`${key} leaves the call as it is`, () => {
        expect(next(state, event)).toEqual({ state, effects: [] });
      });
    } else {
      it(`${key} leads to ${arrow.to}`, () => {
        const step = next(state, event);
        expect(step.state.name).toBe(arrow.to);
        expect(step.effects.map(nameOf)).toEqual(arrow.effects);
        if (arrow.to === state.name && !arrow.changed) expect(step.state).toEqual(state);
        if (arrow.changed) expect(step.state).not.toEqual(state);
      });
    }
  }
});

function effectsOf(state: CallState, event: CallEvent): readonly CallEffect[] {
  return next(state, event).effects;
}

function run(start: CallState, ...happened: readonly CallEvent[]): { readonly state: CallState; readonly effects: readonly CallEffect[] } {
  let state = start;
  const effects: CallEffect[] = [];
  for (const event of happened) {
    const step = next(state, event);
    state = step.state;
    effects.push(...step.effects);
  }
  return { state, effects };
}

const only = <N extends CallEffectName>(effects: readonly CallEffect[], name: N): readonly Extract<CallEffect, { do: N }>[] =>
  effects.filter((effect): effect is Extract<CallEffect, { do: N }> => effect.do === name);

describe('several targets', () => {
  const dialling: CallState = { ...states.dialling, otherwise };
  const ringing: CallState = { ...states.ringing, otherwise };
  const failed = (failure: FailureCode, next?: TryNext): CallEvent => ({
    type: 'failed',
    failure,
    elsewhere: false,
    ...(next === undefined ? {} : { next }),
  });

  it('goes on to the next target when the trunk cannot be had, and makes its leg anew', () => {
    const { state, effects } = next(dialling, failed('trunk-unreachable'));
    expect(state).toEqual({ name: 'rerouting', direction, legs, target: otherwise[0]?.target, otherwise: [], a });
    expect(effects).toEqual([
      { do: 'clear-timer', id: 'ring' },
      { do: 'fact', fact: { type: 'attempt-failed', trunk: 't', failure: 'trunk-unreachable' } },
      { do: 'fact', fact: { type: 'routed', direction, trunk: 'u', dialled: '+15550100' } },
      { do: 'set-timer', id: 'setup' },
      { do: 'prepare-callee', target: otherwise[0]?.target },
    ]);
    expect(effectsOf(state, { type: 'callee-ready', bOffer: 'new' })).toContainEqual({ do: 'set-timer', id: 'ring', ms: 20_000 });
  });

  it('cancels the target that rang too long before it goes on', () => {
    const { state, effects } = next(ringing, { type: 'timer', id: 'ring' });
    expect(state.name).toBe('rerouting');
    expect(only(effects, 'abandon-callee')).toEqual([{ do: 'abandon-callee', cause: { by: 'gateway', failure: 'no-answer' } }]);
  });

  it('goes on when the last peer of a trunk has failed', () => {
    const tried = next(dialling, { type: 'failed', failure: 'trunk-congested', status: 503, elsewhere: true }).state;
    const { state, effects } = next(tried, { type: 'dial-exhausted' });
    expect(state.name).toBe('rerouting');
    expect(only(effects, 'fact')[0]?.fact).toEqual({ type: 'attempt-failed', trunk: 't', failure: 'trunk-congested', sipStatus: 503 });
  });

  for (const failure of ['busy', 'rejected', 'number-not-found', 'destination-denied'] as const) {
    it(`ends when the failure is ${failure}, for which no target is there`, () => {
      expect(next(dialling, failed(failure)).state.name).toBe('ending');
      expect(next(ringing, failed(failure)).state.name).toBe('ending');
    });
  }

  it('does as the trunk’s own rules say: on for an error the table would end with, and nowhere for one it would not', () => {
    expect(next(dialling, failed('trunk-error')).state.name).toBe('ending');
    expect(next(dialling, failed('trunk-error', 'target')).state.name).toBe('rerouting');
    expect(next(dialling, failed('trunk-congested', 'nowhere')).state.name).toBe('ending');
  });

  it('hears nothing of the early media of a peer that has failed since', () => {
    const { state } = run(
      dialling,
      { type: 'progress', status: 183, sdp: 'early' },
      { type: 'failed', failure: 'trunk-congested', status: 503, elsewhere: true },
    );
    expect(state).toMatchObject({ name: 'dialling', attempt: 1 });
    expect(next(state, { type: 'early-accepted', attempt: 0 })).toEqual({ state, effects: [] });
    const rings = next(state, { type: 'progress', status: 180 }).state;
    expect(next(rings, { type: 'early-accepted', attempt: 0 })).toEqual({ state: rings, effects: [] });
    expect(next(rings, { type: 'early-accepted', attempt: 1 }).state).toMatchObject({ shown: 183 });
  });

  it('tries nobody else once somebody has answered', () => {
    const { state } = next(dialling, { type: 'answered', sdp: 'b' });
    expect(next(state, { type: 'final-refused', failure: 'media-setup-failed' }).state.name).toBe('ending');
    expect(next(state, { type: 'leg-ended', leg: 'b', by: 'transport' }).state.name).toBe('ending');
    expect(next(state, { type: 'timer', id: 'ring' }).state).toBe(state);
  });

  it('knows the called side by the target, not by the direction', () => {
    const forwarded: NextTarget = { target, when: ['no-answer'] };
    const user: RouteTarget = { kind: 'browser', user: 'alice', media: { kind: 'webrtc', codecs: ['PCMU'] } };
    const { state } = run(
      { name: 'routing', direction: 'trunk-to-browser', legs: { a: 'trunk', b: 'browser' } },
      { type: 'routed', target: user, otherwise: [forwarded] },
      { type: 'media-ready', a, bOffer: 'o' },
      { type: 'progress', status: 180 },
      { type: 'timer', id: 'ring' },
      { type: 'callee-ready', bOffer: 'p' },
      { type: 'answered', sdp: 'q' },
      { type: 'final-accepted' },
      { type: 'acked', leg: 'a' },
    );
    expect(state).toMatchObject({ name: 'connected', legs: { a: 'trunk', b: 'trunk' } });
  });
});

describe('ringing and early media', () => {
  it('passes on that the call is forwarded or waits, and ringing after it, each once', () => {
    const { effects } = run(states.dialling, ...[181, 181, 182, 180, 183, 180].map((status): CallEvent => ({ type: 'progress', status })));
    expect(only(effects, 'progress-caller').map(({ status }) => status)).toEqual([181, 182, 180]);
    expect(only(effects, 'fact').map(({ fact }) => fact.type)).toEqual(['progress', 'progress', 'progress', 'ringing']);
  });

  it('takes in early media before it tells the caller 183 with the answer made beforehand', () => {
    const first = next(states.dialling, { type: 'progress', status: 183, sdp: 'early' });
    expect(first.effects).toEqual([{ do: 'accept-callee', sdp: 'early', stage: 'early', attempt: 0 }]);
    expect(only(effectsOf(first.state, { type: 'early-accepted', attempt: 0 }), 'progress-caller')).toEqual([
      { do: 'progress-caller', status: 183, sdp: a.sdp },
    ]);
  });

  it('tells 180 with the answer when a trunk rings without media, and 183 when media comes later', () => {
    const { state, effects } = run(
      states.dialling,
      { type: 'progress', status: 180 },
      { type: 'progress', status: 180 },
      { type: 'progress', status: 183, sdp: 'early' },
      { type: 'early-accepted', attempt: 0 },
    );
    expect(only(effects, 'progress-caller').map(({ status, sdp }) => [status, sdp])).toEqual([
      [180, a.sdp],
      [183, a.sdp],
    ]);
    expect(state).toMatchObject({ name: 'ringing', shown: 183 });
  });

  it('does not start local ringing again when 180 follows early media', () => {
    const { state, effects } = run(states.dialling, { type: 'early-accepted', attempt: 0 }, { type: 'progress', status: 180 });
    expect(only(effects, 'progress-caller')).toHaveLength(1);
    expect(state).toMatchObject({ shown: 183 });
  });

  it('takes in the newest early description of every fork, and the final one last', () => {
    const { effects } = run(
      states.dialling,
      { type: 'progress', status: 183, sdp: 'fork 1' },
      { type: 'early-accepted', attempt: 0 },
      { type: 'progress', status: 183, sdp: 'fork 2' },
      { type: 'early-accepted', attempt: 0 },
      { type: 'answered', sdp: 'fork 1 final' },
    );
    expect(only(effects, 'accept-callee').map(({ sdp, stage }) => `${stage} ${sdp}`)).toEqual([
      'early fork 1',
      'early fork 2',
      'final fork 1 final',
    ]);
  });

  it('hears the newest fork that has described media, and takes no repetition for news', () => {
    const { effects, state } = run(
      states.dialling,
      { type: 'progress', status: 183, sdp: 'announcement', fork: 'one' },
      { type: 'early-accepted', attempt: 0 },
      { type: 'progress', status: 180, fork: 'two' },
      { type: 'progress', status: 183, sdp: 'phone', fork: 'two' },
      { type: 'early-accepted', attempt: 0 },
      { type: 'progress', status: 183, sdp: 'announcement', fork: 'one' },
      { type: 'progress', status: 180, sdp: 'phone', fork: 'two' },
    );
    expect(only(effects, 'accept-callee').map(({ sdp }) => sdp)).toEqual(['announcement', 'phone']);
    expect(only(effects, 'progress-caller').map(({ status }) => status)).toEqual([183]);
    expect(state).toMatchObject({ forks: [{ fork: 'one' }, { fork: 'two' }] });
  });

  it('goes back to the fork before when the one that is heard stops ringing, and shows nothing new for it', () => {
    const two = run(
      states.ringing,
      { type: 'progress', status: 183, sdp: 'first', fork: 'one' },
      { type: 'progress', status: 183, sdp: 'second', fork: 'two' },
    ).state;
    expect(effectsOf(two, { type: 'progress', status: 199, fork: 'two' })).toEqual([
      { do: 'accept-callee', sdp: 'first', stage: 'early', attempt: 0 },
    ]);
    expect(effectsOf(two, { type: 'progress', status: 199, fork: 'one' })).toEqual([]);
    expect(next(states.dialling, { type: 'progress', status: 199, fork: 'one' })).toEqual({ state: states.dialling, effects: [] });
  });

  it('forgets the forks of a peer that has failed', () => {
    const { state } = run(
      states.dialling,
      { type: 'progress', status: 183, sdp: 'early', fork: 'one' },
      { type: 'failed', failure: 'trunk-congested', status: 503, elsewhere: true },
    );
    expect(state).toMatchObject({ name: 'dialling', attempt: 1, forks: [] });
  });

  it('gives a calling trunk no description in 180, which would silence its ringing', () => {
    const dialling: CallState = { ...states.dialling, direction: 'trunk-to-browser', legs: { a: 'trunk', b: 'browser' } };
    expect(only(effectsOf(dialling, { type: 'progress', status: 180 }), 'progress-caller')).toEqual([
      { do: 'progress-caller', status: 180 },
    ]);
  });

  it('gives our own offer only with early media, and as one that must go reliably', () => {
    const dialling: CallState = { ...states.dialling, a: { role: 'offer', sdp: 'our offer' } };
    expect(only(effectsOf(dialling, { type: 'progress', status: 180 }), 'progress-caller')).toEqual([
      { do: 'progress-caller', status: 180 },
    ]);
    expect(only(effectsOf(dialling, { type: 'early-accepted', attempt: 0 }), 'progress-caller')).toEqual([
      { do: 'progress-caller', status: 183, offer: 'our offer' },
    ]);
  });

  it('takes the answer to our offer when a PRACK brings it, whatever the call is about by then', () => {
    const late = { role: 'offer', sdp: 'our offer' } as const;
    const prack: CallEvent = { type: 'acked', leg: 'a', sdp: 'answer' };
    for (const state of [states.dialling, states.ringing, states.rerouting, states.answering]) {
      expect(effectsOf({ ...state, a: late }, prack)).toEqual([{ do: 'accept-answer', leg: 'a', sdp: 'answer' }]);
      expect(effectsOf(state, prack)).toEqual([]);
    }
  });

  it('answers the caller with the very description of the first 18x', () => {
    const { effects } = run(states.dialling, { type: 'progress', status: 180 }, { type: 'answered', sdp: 'b' }, { type: 'final-accepted' });
    expect(only(effects, 'answer-caller')).toEqual([{ do: 'answer-caller', answer: a }]);
  });
});

describe('a trunk whose early media counts once it is heard', () => {
  const dialling: CallState = { ...states.dialling, target: { ...target, early: 'heard' } };
  const described: CallEvent = { type: 'progress', status: 183, sdp: 'early', fork: 'one' };
  const accepted: CallEvent = { type: 'early-accepted', attempt: 0 };
  const firstPacket: CallEvent = { type: 'media-up', leg: 'b' };
  const shown = (effects: readonly CallEffect[]): readonly number[] => only(effects, 'progress-caller').map(({ status }) => status);

  it('shows nothing at the description, and 183 with the first packet', () => {
    const waiting = run(dialling, described, accepted);
    expect(waiting.state).toMatchObject({ name: 'ringing' });
    expect(shown(waiting.effects)).toEqual([]);
    expect(only(waiting.effects, 'set-timer')).toEqual([{ do: 'set-timer', id: 'early' }]);
    const heard = next(waiting.state, firstPacket);
    expect(heard.effects).toEqual([
      { do: 'fact', fact: { type: 'media-up', leg: 'b', kind: 'trunk' } },
      { do: 'clear-timer', id: 'early' },
      { do: 'progress-caller', status: 183, sdp: a.sdp },
      { do: 'fact', fact: { type: 'progress', status: 183, earlyMedia: true } },
      { do: 'fact', fact: { type: 'ringing' } },
    ]);
  });

  it('rings locally when no packet comes, and stops that when one comes later', () => {
    const { state, effects } = run(dialling, described, accepted, { type: 'timer', id: 'early' }, firstPacket);
    expect(shown(effects)).toEqual([180, 183]);
    expect(state).toMatchObject({ shown: 183 });
    expect(only(effects, 'fact').filter(({ fact }) => fact.type === 'ringing')).toHaveLength(1);
  });

  it('rings at once at 180 with a description, and takes the description in', () => {
    const { state, effects } = next(dialling, { type: 'progress', status: 180, sdp: 'early', fork: 'one' });
    expect(effects.map(nameOf)).toEqual(['progress-caller', 'fact', 'fact', 'accept-callee']);
    expect(shown(effects)).toEqual([180]);
    expect(effectsOf(state, accepted)).toEqual([]);
    expect(shown(effectsOf(state, firstPacket))).toEqual([183]);
  });

  it('rings at 180 after a 183 that is not heard, not after one that is', () => {
    const silent = run(dialling, described, accepted, { type: 'progress', status: 180, fork: 'one' });
    expect(shown(silent.effects)).toEqual([180]);
    expect(only(silent.effects, 'clear-timer').map(({ id }) => id)).toEqual(['early']);
    expect(shown(run(dialling, described, accepted, firstPacket, { type: 'progress', status: 180, fork: 'one' }).effects)).toEqual([183]);
  });

  it('rings after a call that waits in a queue with early media nobody hears', () => {
    const queue: CallEvent = { type: 'progress', status: 182 };
    const { effects } = run(dialling, queue, described, accepted, { type: 'timer', id: 'early' });
    expect(shown(effects)).toEqual([182, 180]);
  });

  it('waits for nothing any more once somebody answers, fails or another target is tried', () => {
    const waiting = run({ ...dialling, otherwise } as CallState, described, accepted).state;
    for (const event of [
      { type: 'answered', sdp: 'b' },
      { type: 'failed', failure: 'trunk-unreachable', elsewhere: false },
    ] as const) {
      expect(only(effectsOf(waiting, event), 'clear-timer').map(({ id }) => id)).toEqual(['ring', 'early']);
    }
    expect(next(states.ringing, { type: 'timer', id: 'early' })).toEqual({ state: states.ringing, effects: [] });
  });
});

describe('an offer before the answer', () => {
  const ringing = run(states.ringing, { type: 'progress', status: 183, sdp: 'early', fork: 'one' }).state;

  it('of the fork that is heard goes to the media plane, of another one is refused', () => {
    expect(effectsOf(ringing, { type: 'offered', leg: 'b', sdp: 'moved', fork: 'one' })).toEqual([
      { do: 'answer-offer', leg: 'b', sdp: 'moved' },
    ]);
    expect(effectsOf(ringing, { type: 'offered', leg: 'b', sdp: 'moved', fork: 'two' })).toEqual([
      { do: 'refuse-offer', leg: 'b', status: 488 },
    ]);
  });

  it('of the caller changes the description that the 200 will say', () => {
    const { effects } = run(
      ringing,
      { type: 'offered', leg: 'a', sdp: 'caller moved' },
      { type: 'redescribed', leg: 'a', sdp: 'newer answer' },
      { type: 'answered', sdp: 'b' },
      { type: 'final-accepted' },
    );
    expect(only(effects, 'answer-offer')).toEqual([{ do: 'answer-offer', leg: 'a', sdp: 'caller moved' }]);
    expect(only(effects, 'answer-caller')).toEqual([{ do: 'answer-caller', answer: { role: 'answer', sdp: 'newer answer' } }]);
  });

  it('of the caller is taken between two targets too', () => {
    expect(effectsOf(states.rerouting, { type: 'offered', leg: 'a', sdp: 'caller moved' })).toEqual([
      { do: 'answer-offer', leg: 'a', sdp: 'caller moved' },
    ]);
    expect(effectsOf(states.rerouting, { type: 'offered', leg: 'b', sdp: 'of a leg that is over' })).toEqual([]);
  });
});

describe('a trunk with several peers', () => {
  const unreachable: CallEvent = { type: 'failed', failure: 'trunk-unreachable', elsewhere: true };

  it('dials the next peer with the same offer when the first cannot be reached', () => {
    const step = next(states.dialling, unreachable);
    expect(step.effects).toEqual([{ do: 'dial', target, offer: 'offer to b', attempt: 1 }]);
    expect(step.state).toMatchObject({ name: 'dialling', attempt: 1 });
  });

  it('ends with the failure of the last peer when there is none left', () => {
    const { state } = run(states.dialling, unreachable, { type: 'dial-exhausted' });
    expect(state).toMatchObject({ name: 'ending', cause: { by: 'gateway', failure: 'trunk-unreachable' } });
  });

  it('does not dial again once a phone has rung', () => {
    expect(next(states.ringing, unreachable).state.name).toBe('ending');
  });
});

describe('why a call ends', () => {
  const causeAfter = (state: CallState, event: CallEvent): EndCause | undefined => {
    const { state: after } = next(state, event);
    return after.name === 'ending' || after.name === 'ended' ? after.cause : undefined;
  };

  it('names the side that hung up, without a failure', () => {
    expect(causeAfter(states.connected, { type: 'leg-ended', leg: 'a', by: 'remote' })).toEqual({ by: 'caller' });
    expect(causeAfter(states.connected, { type: 'leg-ended', leg: 'b', by: 'remote' })).toEqual({ by: 'callee' });
  });

  it('names a lost dialog by the kind of its leg', () => {
    expect(causeAfter(states.connected, { type: 'leg-ended', leg: 'a', by: 'ack-timeout' })).toEqual({
      by: 'caller',
      failure: 'browser-gone',
    });
    expect(causeAfter(states.connected, { type: 'leg-ended', leg: 'b', by: 'transport' })).toEqual({
      by: 'callee',
      failure: 'trunk-unreachable',
    });
    expect(causeAfter(states.connected, { type: 'leg-ended', leg: 'b', by: 'dialog-gone' })).toEqual({
      by: 'callee',
      failure: 'trunk-error',
    });
  });

  it('carries the status of the called side', () => {
    expect(causeAfter(states.dialling, events.failed)).toEqual({ by: 'callee', failure: 'busy', sipStatus: 486 });
  });

  it('tells a trunk that never rang from a phone that nobody picked up', () => {
    expect(causeAfter(states.dialling, events.timer)?.failure).toBe('trunk-timeout');
    expect(causeAfter(states.ringing, events.timer)?.failure).toBe('no-answer');
  });

  it('is too-long when the longest time is over, in every answered state', () => {
    for (const state of [states.answering, states.connecting, states.connected]) {
      expect(causeAfter(state, { type: 'timer', id: 'length' })?.failure).toBe('too-long');
    }
    expect(causeAfter(states.ringing, { type: 'timer', id: 'length' })).toBeUndefined();
  });

  it('is a cancellation when the gateway hangs up before the answer, and no failure after it', () => {
    expect(causeAfter(states.ringing, events['hang-up'])).toEqual({ by: 'gateway', failure: 'cancelled' });
    expect(causeAfter(states.connected, events['hang-up'])).toEqual({ by: 'gateway' });
    expect(causeAfter(states.connected, { type: 'hang-up', by: 'gateway', failure: 'shutting-down' })).toEqual({
      by: 'gateway',
      failure: 'shutting-down',
    });
  });

  it('rejects an unreadable offer with the status the media plane asked for', () => {
    expect(only(effectsOf(states.preparing, events['media-refused']), 'reject-caller')).toEqual([
      { do: 'reject-caller', failure: 'media-not-acceptable', status: 400 },
    ]);
  });

  it('gives up on media that is not opened in time', () => {
    expect(causeAfter(states.preparing, { type: 'timer', id: 'setup' })?.failure).toBe('media-setup-failed');
  });
});

describe('the browser that goes away', () => {
  const flowLost: CallEvent = { type: 'flow-lost', leg: 'a' };
  const silentA: CallEvent = { type: 'media-silent', leg: 'a', silentMs: 5000, cause: 'nothing-received', detail: 'nothing' };
  const grace: CallEvent = { type: 'timer', id: 'grace' };
  const gone: CallEvent = { type: 'media-gone', leg: 'a' };

  it('stays in the call after its WebSocket is lost while its media flows', () => {
    expect(run(states.connected, flowLost, grace).state).toMatchObject({ name: 'connected', presence: { a: 'signalling-overdue' } });
  });

  it('is gone when the grace is over and its media is silent, in either order', () => {
    for (const order of [
      [flowLost, silentA, grace],
      [flowLost, grace, silentA],
      [silentA, flowLost, grace],
    ]) {
      expect(run(states.connected, ...order).state).toMatchObject({ name: 'ending', cause: { by: 'caller', failure: 'browser-gone' } });
    }
  });

  it('is not gone when its media came back before the grace was over', () => {
    const { state } = run(states.connected, flowLost, silentA, { type: 'media-resumed', leg: 'a' }, grace);
    expect(state.name).toBe('connected');
  });

  it('has the grace to come back when signalling and media are both lost, and is gone after it', () => {
    for (const order of [
      [flowLost, gone],
      [gone, flowLost],
      [gone, flowLost, gone],
    ]) {
      const { state, effects } = run(states.connected, ...order);
      expect(state).toMatchObject({ name: 'connected', presence: { a: 'away' } });
      expect(only(effects, 'set-timer').at(-1)).toEqual({ do: 'set-timer', id: 'grace' });
      expect(run(states.connected, ...order, grace).state).toMatchObject({ cause: { by: 'caller', failure: 'browser-gone' } });
    }
  });

  it('that shows its token when the grace is over gets it once more', () => {
    const taking: CallEvent = { type: 'replacement-offered', leg: 'a' };
    expect(run(states.connected, flowLost, gone, taking, grace).state).toMatchObject({ name: 'connected', presence: { a: 'away' } });
    const { state } = run(states.connected, flowLost, gone, taking, { type: 'third-offered', sdp: 'answer' }, grace);
    expect(state).toMatchObject({ name: 'connected', presence: { a: 'there' } });
  });

  it('gets a moment to say BYE when its media says goodbye first', () => {
    expect(run(states.connected, gone, { type: 'leg-ended', leg: 'a', by: 'remote' }).state).toMatchObject({ cause: { by: 'caller' } });
    expect(run(states.connected, gone, { type: 'timer', id: 'gone' }).state).toMatchObject({ cause: { failure: 'browser-gone' } });
  });

  it('is back when it makes an offer again', () => {
    const { state, effects } = run(states.connected, flowLost, { type: 'offered', leg: 'a', sdp: 'again' });
    expect(state).toEqual({ ...states.connected, hold: state.name === 'connected' ? state.hold : undefined });
    expect(only(effects, 'fact')).toContainEqual({ do: 'fact', fact: { type: 'reattached', leg: 'a' } });
    expect(only(effects, 'clear-timer')).toEqual([{ do: 'clear-timer', id: 'grace' }]);
  });

  it('ends a call that has gone silent on both legs for good', () => {
    const silentB: CallEvent = events['media-silent'];
    const { state, effects } = run(states.connected, silentA, silentB, { type: 'timer', id: 'dead' });
    expect(only(effects, 'set-timer').map(({ id }) => id)).toEqual(['dead', 'closing']);
    expect(state).toMatchObject({ cause: { failure: 'media-lost' } });
    expect(run(states.connected, silentA, silentB, events['media-resumed'], { type: 'timer', id: 'dead' }).state.name).toBe('connected');
  });
});

describe('a caller without an offer', () => {
  const connecting: CallState = { ...states.connecting, role: 'offer' };

  it('must bring the answer in its ACK', () => {
    expect(next(connecting, { type: 'acked', leg: 'a', sdp: 'late answer' })).toMatchObject({
      state: { name: 'connected' },
      effects: [{ do: 'accept-answer', leg: 'a', sdp: 'late answer' }],
    });
    expect(next(connecting, { type: 'acked', leg: 'a' }).state).toMatchObject({ name: 'ending', cause: { failure: 'media-setup-failed' } });
  });
});

describe('an offer that comes before the call is connected', () => {
  const acked: CallEvent = { type: 'acked', leg: 'a' };
  const offer = (leg: 'a' | 'b', sdp = `hold of ${leg}`): CallEvent => ({ type: 'offered', leg, sdp });
  const offersAnswered = (...happened: readonly CallEvent[]): readonly CallEffect[] =>
    only(run(states.answering, ...happened).effects, 'answer-offer');

  it('of the one called waits for the ACK of the caller', () => {
    const before = run(states.answering, offer('b'), events['final-accepted']);
    expect(only(before.effects, 'answer-offer')).toEqual([]);
    expect(run(before.state, acked)).toMatchObject({
      state: { name: 'connected', hold: { b: { offer: 'theirs' } } },
      effects: [{ do: 'answer-offer', leg: 'b', sdp: 'hold of b' }],
    });
  });

  it('is answered on each side, the newest of it once', () => {
    expect(offersAnswered(offer('b', 'first'), events['final-accepted'], offer('a'), offer('b'), acked, acked)).toEqual([
      { do: 'answer-offer', leg: 'a', sdp: 'hold of a' },
      { do: 'answer-offer', leg: 'b', sdp: 'hold of b' },
    ]);
  });

  it('of the caller, whose INVITE has no answer yet, is refused (RFC 3311 §5.2)', () => {
    expect(run(states.answering, offer('a')).effects).toEqual([{ do: 'refuse-offer', leg: 'a', status: 491 }]);
  });

  it('is of no account when the call ends instead', () => {
    expect(offersAnswered(offer('b'), events['final-accepted'], { type: 'leg-ended', leg: 'a', by: 'ack-timeout' }, acked)).toEqual([]);
  });
});
