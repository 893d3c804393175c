/** What becomes of keys pressed while a call is set up. Pure. */
import { otherLeg } from '../media/plane.js';
import type { CallEvent } from './event.js';
import { kindOf, type StateOf } from './state.js';
import { go, type Live, type Step } from './step.js';

/** Digits from the telephone kept until the browser's dialog exists; more than these are dropped. */
const MAX_HELD_DIGITS = 32;

type DigitEvent = Extract<CallEvent, { type: 'digit' }>;

/** Keeps a digit of the telephone until the browser can be told of it. */
export function holdDigit(state: StateOf<'ringing' | 'answering' | 'connecting'>, event: DigitEvent): Step | undefined {
  if (state.legs[event.leg] !== 'trunk' || state.legs[otherLeg(event.leg)] !== 'browser') return undefined;
  if (state.held.length >= MAX_HELD_DIGITS) return digitLost(state, event.durationMs);
  return go({ ...state, held: [...state.held, { digit: event.digit, durationMs: event.durationMs }] }, []);
}

/** A digit of the browser needs nothing more: the media plane has relayed it, or could not. */
export function digitFact(state: Live, event: DigitEvent): Step | undefined {
  if (state.name === 'routing') return undefined;
  if (kindOf(state, event.leg) === 'trunk') return digitLost(state, event.durationMs);
  const { durationMs, relayed } = event;
  return go(state, [{ do: 'fact', fact: { type: 'digit', from: 'browser', by: 'rfc4733', durationMs, delivered: relayed } }]);
}

function digitLost(state: Live, durationMs: number): Step {
  return go(state, [{ do: 'fact', fact: { type: 'digit', from: 'trunk', by: 'rfc4733', durationMs, delivered: false } }]);
}
