import { type Line, stay } from '../line.js';
import { afterLastWords, type Leaving, sayLast } from './leaving.js';

/** Asking for a call back: the call is returned once this one is over, whoever hangs up. */
export type AskState =
  | { readonly name: 'ringing' }
  | { readonly name: 'promising' }
  | { readonly name: 'hanging-up' }
  | { readonly name: 'over' };

const ringMs = 300;
/** For the caller to hang up himself. */
const patienceMs = 4_000;

/** The number 1006. */
export const callBack: Line<AskState> = {
  begin: { state: { name: 'ringing' }, effects: [{ do: 'ring' }, { do: 'wait', ms: ringMs }] },
  next(state, event) {
    switch (state.name) {
      case 'ringing':
        if (event.type !== 'waited') return stay(state);
        return { state: { name: 'promising' }, effects: [{ do: 'answer' }, { do: 'say', prompts: ['call-back'] }] };
      case 'promising':
      case 'hanging-up':
        if (event.type === 'ended') {
          return { state: { name: 'over' }, effects: [{ do: 'call-back' }, { do: 'tell', what: 'will be called back' }] };
        }
        if (event.type === 'said') return { state, effects: [{ do: 'wait', ms: patienceMs }] };
        if (event.type === 'pressed' && state.name === 'promising') {
          return { state, effects: [{ do: 'stop-waiting' }, { do: 'say', prompts: ['call-back'] }] };
        }
        if (event.type === 'waited' || event.type === 'too-long') return { state: { name: 'hanging-up' }, effects: [{ do: 'hang-up' }] };
        return stay(state);
      case 'over':
        return stay(state);
    }
  },
};

/** The call back itself, from the moment the caller has answered it. */
export type ReturnState = { readonly name: 'greeting' } | { readonly name: 'pressing' } | Leaving;

/** Between the keys and the goodbye. */
const lookMs = 1_000;

/** Greets the caller, presses keys for him to see, and says goodbye. */
export const calledBack: Line<ReturnState> = {
  begin: { state: { name: 'greeting' }, effects: [{ do: 'say', prompts: ['called-back'] }] },
  next(state, event) {
    switch (state.name) {
      case 'greeting':
        if (event.type === 'said') return { state: { name: 'pressing' }, effects: [{ do: 'press', digits: ['1', '2', '3'] }] };
        return event.type === 'too-long' ? { state: { name: 'leaving' }, effects: sayLast('goodbye') } : stay(state);
      case 'pressing':
        if (event.type === 'keyed')
          return {
            state,
            effects: [
              { do: 'tell', what: 'was sent some keys' },
              { do: 'wait', ms: lookMs },
            ],
          };
        if (event.type === 'waited' || event.type === 'too-long') return { state: { name: 'leaving' }, effects: sayLast('goodbye') };
        return stay(state);
      case 'leaving':
      case 'gone':
        return afterLastWords(state, event);
    }
  },
};
