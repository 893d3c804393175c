/**
 * The life of a call's digits. Pure: no clock, no I/O. Each digit that is seen gets one number and
 * exactly one end: `digit-sent` where the media carried it, `digit-acknowledged` where an INFO did, or
 * `digit-failed`.
 */
import { type LegName, otherLeg } from '../../media/plane.js';
import type { DigitFact, DigitFailure } from './digit-fact.js';
import type { DigitEffect, DigitEvent, DigitState, DigitStep, OpenDigit, PressEnd, Receipt } from './digit-state.js';

/** Digits that wait for one leg's INFO, as many as are pressed before somebody answers; more than these fail. */
const MAX_WAITING = 32;
const MAX_STRAYS = 64;
/** Statuses that say a peer takes no INFO, or none of ours (RFC 3261 §21.4.6, §21.4.13, §21.5.2; RFC 6086 §4.2.2). */
const INFO_UNKNOWN: readonly number[] = [405, 415, 469, 501];

type Pressed = Extract<DigitEvent, { type: 'pressed' }>;

/** The state after `event`, and what is to be done. */
export function nextDigits(state: DigitState, event: DigitEvent): DigitStep {
  switch (event.type) {
    case 'pressed':
      return pressed(state, event);
    case 'handed':
      return handed(state, event.id, event.press);
    case 'not-handed':
      return change(state, event.id, (now, digit) => (digit.stage.name === 'handing' ? byInfoOrNot(now, digit) : step(now)));
    case 'left':
    case 'stuck':
      return pressEnded(state, event);
    case 'answered':
      return change(state, event.id, (now, digit) => infoAnswered(now, digit, event.status));
    case 'messaged':
      return change(state, event.id, (now, digit) => messaged(now, digit, event.taken));
    case 'leg':
      return legChanged(state, event);
    case 'secure':
      return secured(state, event);
    case 'over':
      return state.open.reduce((so, digit) => and(so, failed(so.state, digit, digit.failed ?? { why: 'call-ended' })), step(state));
  }
}

function pressed(state: DigitState, event: Pressed): DigitStep {
  const { from: leg, by, digit, durationMs, gapMs, atMs, press } = event;
  const id = state.lastId + 1;
  const to = otherLeg(leg);
  const from = state.legs[leg].kind;
  const secure = state.secure || atMs - durationMs <= state.securedUntilMs;
  const open: OpenDigit = {
    id,
    to,
    party: state.legs[to].party,
    from,
    by,
    digit,
    durationMs,
    secure,
    stage: { name: 'handing' },
    message: 'none',
  };
  const fact: DigitFact = { type: 'digit', id, from, by, ...(secure ? {} : { digit }), durationMs };
  const seen: DigitStep = {
    state: { ...state, lastId: id, open: [...state.open, open] },
    effects: [{ do: 'fact', fact }, ...receipt(state, open, { state: 'seen', durationMs })],
  };
  const way = state.legs[to];
  const after = (then: DigitStep): DigitStep => and(seen, then);
  if (way.kind === 'browser') {
    return after(secure && from === 'trunk' ? failed(seen.state, open, { why: 'withheld' }) : wait(seen.state, open));
  }
  if (press !== undefined) return after(relaying(seen.state, open, press));
  if (way.mode === 'info' || by === 'rfc4733' || by === 'inband') return after(byInfoOrNot(seen.state, open));
  const origin = by === 'api' ? 'api' : 'page';
  const hand: DigitEffect = { do: 'hand-over', id, leg: to, digit, durationMs, ...(gapMs === undefined ? {} : { gapMs }), origin };
  return after(step(seen.state, [hand]));
}

/** What the media does not carry leaves by INFO where the trunk's mode allows it and the peer takes it. */
function byInfoOrNot(state: DigitState, digit: OpenDigit): DigitStep {
  const way = state.legs[digit.to];
  if (way.kind !== 'trunk' || way.party !== digit.party) return failed(state, digit, { why: 'no-dialog' });
  const may = way.mode === 'info' || (way.mode === 'auto' && way.takesInfo && !state.infoRefused.includes(digit.to));
  if (!may) return failed(state, digit, { why: 'not-supported' });
  return way.ready ? wait(state, digit) : failed(state, digit, { why: 'no-dialog' });
}

/** Puts a digit at the end of the leg's INFO queue. */
function wait(state: DigitState, digit: OpenDigit): DigitStep {
  const waiting = state.open.filter(({ to, stage }) => to === digit.to && stage.name === 'waiting').length;
  if (waiting >= MAX_WAITING) return failed(state, digit, { why: 'queue-full' });
  return inTurn(keep(state, { ...digit, stage: { name: 'waiting' } }), digit.to);
}

/** Tells the page of what it has not been told, and asks the next INFO when none is under way. */
function inTurn(state: DigitState, leg: LegName): DigitStep {
  const way = state.legs[leg];
  const told = way.kind === 'browser' && way.hears ? messages(state, leg) : step(state);
  if (!way.ready) return told;
  const busy = told.state.open.some(({ to, stage, failed: over }) => to === leg && stage.name === 'asking' && over === undefined);
  const head = busy ? undefined : told.state.open.find(({ to, stage }) => to === leg && stage.name === 'waiting');
  if (head === undefined) return told;
  const { id, digit, durationMs } = head;
  const sent: DigitFact = { type: 'digit-sent', id, to: way.kind, as: 'info', durationMs };
  return and(
    told,
    step(keep(told.state, { ...head, stage: { name: 'asking' } }), [
      { do: 'send-info', id, leg, digit, durationMs },
      { do: 'fact', fact: sent },
      ...receipt(state, head, { state: 'sent', as: 'info', durationMs }),
    ]),
  );
}

function messages(state: DigitState, leg: LegName): DigitStep {
  const due = state.open.filter(({ to, stage, message }) => to === leg && stage.name === 'waiting' && message === 'none');
  return due.reduce(
    (so, one) =>
      and(
        so,
        step(keep(so.state, { ...one, message: 'sending' }), [
          { do: 'send-message', id: one.id, leg, digit: one.digit, durationMs: one.durationMs },
        ]),
      ),
    step(state),
  );
}

function handed(state: DigitState, id: number, press: number): DigitStep {
  return change(state, id, (now, digit) => (digit.stage.name === 'handing' ? relaying(now, digit, press) : step(now)));
}

function relaying(state: DigitState, digit: OpenDigit, press: number): DigitStep {
  const stray = state.strays.find((one) => one.press === press);
  const now = keep(state, { ...digit, stage: { name: 'relaying', press } });
  if (stray === undefined) return step(now);
  return pressEnded({ ...now, strays: now.strays.filter((one) => one !== stray) }, stray);
}

function pressEnded(state: DigitState, end: PressEnd): DigitStep {
  const digit = state.open.find(({ stage }) => stage.name === 'relaying' && stage.press === end.press);
  if (digit === undefined) return step({ ...state, strays: [...state.strays, end].slice(-MAX_STRAYS) });
  if (end.type === 'stuck') return failed(state, digit, { why: end.why });
  const { as, durationMs, packets } = end;
  const to = state.legs[digit.to].kind;
  return step(without(state, digit), [
    { do: 'fact', fact: { type: 'digit-sent', id: digit.id, to, as, durationMs, packets } },
    ...receipt(state, digit, { state: 'sent', as, durationMs, packets }),
  ]);
}

function infoAnswered(state: DigitState, digit: OpenDigit, status: number): DigitStep {
  if (digit.stage.name !== 'asking' || digit.failed !== undefined) return step(state);
  if (status >= 200 && status < 300) return and(acknowledged(state, digit), inTurn(without(state, digit), digit.to));
  const refusals = INFO_UNKNOWN.includes(status) && !state.infoRefused.includes(digit.to);
  const knowing: DigitState = refusals ? { ...state, infoRefused: [...state.infoRefused, digit.to] } : state;
  const why = { why: 'refused', sipStatus: status } as const;
  const ended = digit.message === 'none' ? failed(knowing, digit, why) : decideByMessage(knowing, { ...digit, failed: why });
  return and(ended, inTurn(ended.state, digit.to));
}

function acknowledged(state: DigitState, digit: OpenDigit): DigitStep {
  return step(without(state, digit), [
    { do: 'fact', fact: { type: 'digit-acknowledged', id: digit.id } },
    ...receipt(state, digit, { state: 'acknowledged' }),
  ]);
}

function messaged(state: DigitState, digit: OpenDigit, taken: boolean): DigitStep {
  return decideByMessage(state, { ...digit, message: taken ? 'taken' : 'none' });
}

/** A digit whose INFO has failed has reached the page all the same when its message was taken. */
function decideByMessage(state: DigitState, digit: OpenDigit): DigitStep {
  if (digit.failed === undefined || digit.message === 'sending') return step(keep(state, digit));
  if (digit.message === 'none') return failed(state, digit, digit.failed);
  const { id, durationMs } = digit;
  const fact: DigitFact = { type: 'digit-sent', id, to: state.legs[digit.to].kind, as: 'message', durationMs };
  return step(without(state, digit), [{ do: 'fact', fact }, ...receipt(state, digit, { state: 'sent', as: 'message', durationMs })]);
}

/** Digits that waited for somebody who is gone are not for whoever sits there now. */
function legChanged(state: DigitState, { leg, now }: Extract<DigitEvent, { type: 'leg' }>): DigitStep {
  const before = state.legs[leg];
  const moved = now.party !== before.party || now.kind !== before.kind;
  const legs = { ...state.legs, [leg]: now };
  if (!moved) return inTurn({ ...state, legs }, leg);
  const lost = state.open.filter(({ to, stage }) => to === leg && stage.name === 'waiting');
  const infoRefused = state.infoRefused.filter((one) => one !== leg);
  const so = lost.reduce((all, digit) => and(all, failed(all.state, digit, { why: 'no-dialog' })), step({ ...state, legs, infoRefused }));
  return and(so, inTurn(so.state, leg));
}

function secured(state: DigitState, { open, by, atMs }: Extract<DigitEvent, { type: 'secure' }>): DigitStep {
  if (open === state.secure) return step(state);
  const securedUntilMs = open ? state.securedUntilMs : atMs;
  return step({ ...state, secure: open, securedUntilMs }, [{ do: 'fact', fact: { type: 'secure-digits', open, by } }]);
}

function failed(state: DigitState, digit: OpenDigit, { why, sipStatus }: NonNullable<OpenDigit['failed']>): DigitStep {
  return step(without(state, digit), [
    { do: 'fact', fact: failure(digit.id, why, sipStatus) },
    ...receipt(state, digit, { state: 'failed', why }),
  ]);
}

const failure = (id: number, why: DigitFailure, sipStatus: number | undefined): DigitFact => ({
  type: 'digit-failed',
  id,
  why,
  ...(sipStatus === undefined ? {} : { sipStatus }),
});

/** A page hears of what it pressed, and of nothing else. */
function receipt(state: DigitState, digit: OpenDigit, said: Omit<Receipt, 'id' | 'digit'>): readonly DigitEffect[] {
  const leg = otherLeg(digit.to);
  if (digit.by === 'api' || digit.from !== 'browser' || state.legs[leg].kind !== 'browser') return [];
  return [{ do: 'send-receipt', leg, receipt: { id: digit.id, ...(digit.secure ? {} : { digit: digit.digit }), ...said } }];
}

const step = (state: DigitState, effects: readonly DigitEffect[] = []): DigitStep => ({ state, effects });
const and = (first: DigitStep, then: DigitStep): DigitStep => step(then.state, [...first.effects, ...then.effects]);

const without = (state: DigitState, digit: OpenDigit): DigitState => ({ ...state, open: state.open.filter(({ id }) => id !== digit.id) });

const keep = (state: DigitState, digit: OpenDigit): DigitState => ({
  ...state,
  open: state.open.map((one) => (one.id === digit.id ? digit : one)),
});

function change(state: DigitState, id: number, how: (state: DigitState, digit: OpenDigit) => DigitStep): DigitStep {
  const digit = state.open.find((one) => one.id === id);
  return digit === undefined ? step(state) : how(state, digit);
}
