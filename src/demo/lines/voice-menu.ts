import type { Digit } from '../../media/dtmf/digit.js';
import { type Line, type LineEffect, type LineEvent, type Step, stay } from '../line.js';
import { type PromptName, spokenDigit } from '../prompts.js';
import { afterLastWords, type Leaving, sayLast } from './leaving.js';

/**
 * The voice menu. `silences` counts the times in a row that nobody answered a question.
 *
 * ```
 * ringing → menu ⇄ typing
 *             └──────┴──→ leaving → gone
 * ```
 */
export type MenuState =
  | { readonly name: 'ringing' }
  | { readonly name: 'menu'; readonly silences: number }
  | { readonly name: 'typing'; readonly digits: readonly Digit[] }
  | Leaving;

const ringMs = 300;
/** Patience after a prompt. */
const answerMs = 6_000;
/** Patience after a digit, before they are taken to be all. */
const betweenDigitsMs = 4_000;
const mostSilences = 2;
const mostDigits = 16;

const atMenu: MenuState = { name: 'menu', silences: 0 };

function say(...prompts: readonly PromptName[]): readonly LineEffect[] {
  return [{ do: 'stop-waiting' }, { do: 'say', prompts }];
}

function tell(what: string): LineEffect {
  return { do: 'tell', what };
}

/** The number 1001. */
export const voiceMenu: Line<MenuState> = {
  begin: { state: { name: 'ringing' }, effects: [{ do: 'ring' }, { do: 'wait', ms: ringMs }] },
  next(state, event) {
    switch (state.name) {
      case 'ringing':
        return event.type === 'waited' ? { state: atMenu, effects: [{ do: 'answer' }, ...say('welcome', 'menu')] } : stay(state);
      case 'menu':
        return inMenu(state, event);
      case 'typing':
        return inTyping(state, event);
      case 'leaving':
      case 'gone':
        return afterLastWords(state, event);
    }
  },
};

function inMenu(state: MenuState & { readonly name: 'menu' }, event: LineEvent): Step<MenuState> {
  switch (event.type) {
    case 'said':
      return { state, effects: [{ do: 'wait', ms: answerMs }] };
    case 'waited':
      return silence(state.silences + 1);
    case 'pressed':
      return choose(event.digit);
    case 'too-long':
      return leave('the call has lasted long enough');
    case 'keyed':
    case 'ended':
      return stay(state);
  }
}

function silence(silences: number): Step<MenuState> {
  if (silences > mostSilences) return leave('nobody is there');
  return { state: { name: 'menu', silences }, effects: say('still-there', 'menu') };
}

/** Any key at any time, also into a prompt: each is answered by one. */
function choose(digit: Digit): Step<MenuState> {
  switch (digit) {
    case '1':
      return { state: atMenu, effects: [tell('chose what it is'), ...say('about', 'more')] };
    case '2':
      return { state: atMenu, effects: [tell('chose the tune'), ...say('tune-next', 'tune', 'more')] };
    case '3':
      return { state: { name: 'typing', digits: [] }, effects: [tell('chose to type digits'), ...say('type-digits')] };
    case '0':
      return { state: atMenu, effects: [tell('chose the menu again'), ...say('menu')] };
    case '9':
      return leave('chose to hang up');
    default:
      return {
        state: atMenu,
        effects: [tell('pressed a key that is no choice'), ...say(...spokenDigit(digit), 'not-a-choice', 'more')],
      };
  }
}

function inTyping(state: MenuState & { readonly name: 'typing' }, event: LineEvent): Step<MenuState> {
  switch (event.type) {
    case 'said':
      return { state, effects: [{ do: 'wait', ms: state.digits.length === 0 ? answerMs : betweenDigitsMs }] };
    case 'waited':
      return readBack(state.digits);
    case 'pressed':
      return type(state.digits, event.digit);
    case 'too-long':
      return leave('the call has lasted long enough');
    case 'keyed':
    case 'ended':
      return stay(state);
  }
}

/** A digit is spoken as it is typed, so that the key is seen to have been heard. */
function type(typed: readonly Digit[], digit: Digit): Step<MenuState> {
  if (digit === '#') return readBack(typed);
  if (digit === '*') return { state: { name: 'typing', digits: [] }, effects: say('start-over') };
  const prompts = spokenDigit(digit);
  if (prompts.length === 0) return { state: { name: 'typing', digits: typed }, effects: say('not-a-choice') };
  const digits = [...typed, digit];
  return digits.length >= mostDigits ? readBack(digits) : { state: { name: 'typing', digits }, effects: say(...prompts) };
}

function readBack(digits: readonly Digit[]): Step<MenuState> {
  if (digits.length === 0) return { state: atMenu, effects: say('no-digits', 'more') };
  return {
    state: atMenu,
    effects: [tell(`typed ${digits.length} digit(s), read back`), ...say('you-typed', ...digits.flatMap(spokenDigit), 'more')],
  };
}

function leave(why: string): Step<MenuState> {
  return { state: { name: 'leaving' }, effects: [tell(why), ...sayLast('goodbye')] };
}
