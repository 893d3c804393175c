import type { Digit } from '../media/dtmf/digit.js';
import type { PromptName } from './prompts.js';

/** What happens on a call to one of the demo's numbers. */
export type LineEvent =
  /** Everything that was to be said has been said. */
  | { readonly type: 'said' }
  /** Every key that was to be pressed towards the caller has been. */
  | { readonly type: 'keyed' }
  /** The time asked for by `wait` is over. */
  | { readonly type: 'waited' }
  /** The caller pressed a key. */
  | { readonly type: 'pressed'; readonly digit: Digit }
  /** The call has lasted longer than any call to the demo should. */
  | { readonly type: 'too-long' }
  /** The call is over, whoever ended it; nothing follows. */
  | { readonly type: 'ended' };

/** What a number does about it. */
export type LineEffect =
  | { readonly do: 'ring' }
  /** Opens the way for sound before the answer (183 with SDP, RFC 3960 §3.1). */
  | { readonly do: 'open-early' }
  | { readonly do: 'answer' }
  | { readonly do: 'refuse'; readonly status: 480 | 486 | 603 }
  /** Says these one after the other in place of what is being said. */
  | { readonly do: 'say'; readonly prompts: readonly PromptName[] }
  /** Plays back the sound that the caller sends. */
  | { readonly do: 'echo' }
  /** Presses keys towards the caller. */
  | { readonly do: 'press'; readonly digits: readonly Digit[] }
  /** Delivers `waited` after this long, in place of a wait still running. */
  | { readonly do: 'wait'; readonly ms: number }
  | { readonly do: 'stop-waiting' }
  | { readonly do: 'hang-up' }
  /** Calls the caller's number once this call is over. */
  | { readonly do: 'call-back' }
  /** A line for whoever watches the terminal. */
  | { readonly do: 'tell'; readonly what: string };

export interface Step<S> {
  readonly state: S;
  readonly effects: readonly LineEffect[];
}

/**
 * What one number does, as a pure machine: no clock, no sound, no SIP. An event that a state does
 * not name leaves it as it is.
 */
export interface Line<S> {
  /** The call has come in. */
  readonly begin: Step<S>;
  next(state: S, event: LineEvent): Step<S>;
}

/** A line with its state inside: gives the effects of each event. */
export interface RunningLine {
  begin(): readonly LineEffect[];
  take(event: LineEvent): readonly LineEffect[];
}

/** Puts a line in its first state. */
export function runLine<S>(line: Line<S>): RunningLine {
  let { state } = line.begin;
  return {
    begin: () => line.begin.effects,
    take: (event) => {
      const step = line.next(state, event);
      state = step.state;
      return step.effects;
    },
  };
}

/** The step of an event that changes nothing. */
export function stay<S>(state: S): Step<S> {
  return { state, effects: [] };
}
