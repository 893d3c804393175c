import { type Line, stay } from '../line.js';

export type UnansweredState = { readonly name: 'ringing' } | { readonly name: 'refused' };

const ringMs = 400;

/** The number 1003: rings until the caller gives up, or far too long. */
export const nobodyHome: Line<UnansweredState> = {
  begin: { state: { name: 'ringing' }, effects: [{ do: 'ring' }] },
  next: (state, event) =>
    event.type === 'too-long' && state.name === 'ringing'
      ? { state: { name: 'refused' }, effects: [{ do: 'refuse', status: 480 }] }
      : stay(state),
};

/** The number 1004: busy at once. */
export const busy: Line<UnansweredState> = {
  begin: { state: { name: 'refused' }, effects: [{ do: 'refuse', status: 486 }] },
  next: stay,
};

/** The number 1005: rings, then somebody declines. */
export const declined: Line<UnansweredState> = {
  begin: { state: { name: 'ringing' }, effects: [{ do: 'ring' }, { do: 'wait', ms: ringMs }] },
  next: (state, event) =>
    event.type === 'waited' && state.name === 'ringing'
      ? { state: { name: 'refused' }, effects: [{ do: 'refuse', status: 603 }] }
      : stay(state),
};
