import { type LineEffect, type LineEvent, type Step, stay } from '../line.js';
import type { PromptName } from '../prompts.js';

/** Where every conversation ends: the last words are being said, then the line hangs up. */
export type Leaving = { readonly name: 'leaving' } | { readonly name: 'gone' };

/** Silence before hanging up, so that the last word is not cut off in a jitter buffer. */
const lastWordMs = 400;

/** The effects of beginning to leave. */
export function sayLast(...prompts: readonly PromptName[]): readonly LineEffect[] {
  return [{ do: 'stop-waiting' }, { do: 'say', prompts }];
}

/** What happens from then on: keys and questions have no answer any more. */
export function afterLastWords(state: Leaving, event: LineEvent): Step<Leaving> {
  if (state.name === 'gone') return stay(state);
  if (event.type === 'said') return { state, effects: [{ do: 'wait', ms: lastWordMs }] };
  return event.type === 'waited' ? { state: { name: 'gone' }, effects: [{ do: 'hang-up' }] } : stay(state);
}
