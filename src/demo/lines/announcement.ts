import { type Line, stay } from '../line.js';
import { afterLastWords, type Leaving, sayLast } from './leaving.js';

/** An announcement of the network in early media; the call is answered after it. */
export type AnnouncementState = { readonly name: 'announcing' } | { readonly name: 'waiting' } | Leaving;

const beforeAnswerMs = 500;

/** The number 1007. */
export const announcement: Line<AnnouncementState> = {
  begin: { state: { name: 'announcing' }, effects: [{ do: 'open-early' }, { do: 'say', prompts: ['announcement'] }] },
  next(state, event) {
    switch (state.name) {
      case 'announcing':
        return event.type === 'said' ? { state: { name: 'waiting' }, effects: [{ do: 'wait', ms: beforeAnswerMs }] } : stay(state);
      case 'waiting':
        if (event.type !== 'waited') return stay(state);
        return {
          state: { name: 'leaving' },
          effects: [{ do: 'answer' }, { do: 'tell', what: 'was answered after the announcement' }, ...sayLast('picked-up', 'goodbye')],
        };
      case 'leaving':
      case 'gone':
        return afterLastWords(state, event);
    }
  },
};
