import { type Line, stay } from '../line.js';
import { afterLastWords, type Leaving, sayLast } from './leaving.js';

/** The echo: a sentence, then the caller's own sound and keys. */
export type EchoState = { readonly name: 'ringing' } | { readonly name: 'greeting' } | { readonly name: 'echoing' } | Leaving;

const ringMs = 300;

/** The number 1002. */
export const echo: Line<EchoState> = {
  begin: { state: { name: 'ringing' }, effects: [{ do: 'ring' }, { do: 'wait', ms: ringMs }] },
  next(state, event) {
    switch (state.name) {
      case 'ringing':
        if (event.type !== 'waited') return stay(state);
        return { state: { name: 'greeting' }, effects: [{ do: 'answer' }, { do: 'say', prompts: ['echo'] }] };
      case 'greeting':
      case 'echoing':
        if (event.type === 'pressed') return { state, effects: [{ do: 'press', digits: [event.digit] }] };
        if (event.type === 'too-long') return { state: { name: 'leaving' }, effects: sayLast('goodbye') };
        if (event.type === 'said' && state.name === 'greeting') {
          return { state: { name: 'echoing' }, effects: [{ do: 'echo' }, { do: 'tell', what: 'hears himself' }] };
        }
        return stay(state);
      case 'leaving':
      case 'gone':
        return afterLastWords(state, event);
    }
  },
};
