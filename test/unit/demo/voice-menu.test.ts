import { describe, expect, it } from 'vitest';
import type { LineEffect, LineEvent } from '../../../src/demo/line.js';
import { type MenuState, voiceMenu } from '../../../src/demo/lines/voice-menu.js';
import type { PromptName } from '../../../src/demo/prompts.js';
import { DIGITS, type Digit } from '../../../src/media/dtmf/digit.js';

const states: readonly MenuState[] = [
  { name: 'ringing' },
  { name: 'menu', silences: 0 },
  { name: 'menu', silences: 2 },
  { name: 'typing', digits: [] },
  { name: 'typing', digits: ['4', '7'] },
  { name: 'leaving' },
  { name: 'gone' },
];
const press = (digit: Digit): LineEvent => ({ type: 'pressed', digit });
const events: readonly LineEvent[] = [
  { type: 'said' },
  { type: 'keyed' },
  { type: 'waited' },
  { type: 'too-long' },
  { type: 'ended' },
  ...DIGITS.map(press),
];

const spoken = (effects: readonly LineEffect[]): readonly PromptName[] =>
  effects.flatMap((effect) => (effect.do === 'say' ? effect.prompts : []));

const show = (state: MenuState): string =>
  state.name === 'menu' ? `menu(${state.silences})` : state.name === 'typing' ? `typing(${state.digits.join('')})` : state.name;

/** State, event, what is said or done, new state. Every pair not listed here leaves the state as it is, without effects. */
const arrows: readonly (readonly [from: string, event: string, does: string, to: string])[] = [
  ['ringing', 'waited', 'answer welcome menu', 'menu(0)'],
  ...['menu(0)', 'menu(2)'].flatMap((menu) => [
    [menu, 'said', 'wait', menu] as const,
    [menu, 'too-long', 'goodbye', 'leaving'] as const,
    [menu, '1', 'about more', 'menu(0)'] as const,
    [menu, '2', 'tune-next tune more', 'menu(0)'] as const,
    [menu, '3', 'type-digits', 'typing()'] as const,
    [menu, '0', 'menu', 'menu(0)'] as const,
    [menu, '9', 'goodbye', 'leaving'] as const,
    ...[...'45678'].map((key) => [menu, key, `digit-${key} not-a-choice more`, 'menu(0)'] as const),
    [menu, '*', 'digit-star not-a-choice more', 'menu(0)'] as const,
    [menu, '#', 'digit-hash not-a-choice more', 'menu(0)'] as const,
    ...[...'ABCD'].map((key) => [menu, key, 'not-a-choice more', 'menu(0)'] as const),
  ]),
  ['menu(0)', 'waited', 'still-there menu', 'menu(1)'],
  ['menu(2)', 'waited', 'goodbye', 'leaving'],
  ...['', '47'].flatMap((typed) => [
    [`typing(${typed})`, 'said', 'wait', `typing(${typed})`] as const,
    [`typing(${typed})`, 'too-long', 'goodbye', 'leaving'] as const,
    [`typing(${typed})`, '*', 'start-over', 'typing()'] as const,
    ...[...'0123456789'].map((key) => [`typing(${typed})`, key, `digit-${key}`, `typing(${typed}${key})`] as const),
    ...[...'ABCD'].map((key) => [`typing(${typed})`, key, 'not-a-choice', `typing(${typed})`] as const),
  ]),
  ...['waited', '#'].flatMap((event) => [
    ['typing()', event, 'no-digits more', 'menu(0)'] as const,
    ['typing(47)', event, 'you-typed digit-4 digit-7 more', 'menu(0)'] as const,
  ]),
  ['leaving', 'said', 'wait', 'leaving'],
  ['leaving', 'waited', 'hang-up', 'gone'],
];

function words(effect: LineEffect): readonly string[] {
  if (effect.do === 'say') return effect.prompts;
  return effect.do === 'tell' || effect.do === 'stop-waiting' ? [] : [effect.do];
}

const summary = (effects: readonly LineEffect[]): string => effects.flatMap(words).join(' ');

describe('The voice menu', () => {
  const pairs = states.flatMap((state) => events.map((event) => ({ state, event })));

  it.each(pairs.map(({ state, event }) => [show(state), event.type === 'pressed' ? event.digit : event.type, state, event] as const))(
    'in %s does on "%s" what the table says',
    (from, on, state, event) => {
      const arrow = arrows.find(([a, b]) => a === from && b === on);
      const step = voiceMenu.next(state, event);
      expect([summary(step.effects), show(step.state)]).toEqual(arrow === undefined ? ['', from] : [arrow[2], arrow[3]]);
    },
  );

  it('has no arrow for a pair that is never tried', () => {
    const tried = new Set(pairs.map(({ state, event }) => `${show(state)} ${event.type === 'pressed' ? event.digit : event.type}`));
    expect(arrows.filter(([from, event]) => !tried.has(`${from} ${event}`))).toEqual([]);
  });

  it('stops the patience it had whenever it speaks, so that no old timer answers a new question', () => {
    for (const { state, event } of pairs) {
      const { effects } = voiceMenu.next(state, event);
      const speaks = effects.findIndex((effect) => effect.do === 'say');
      if (speaks >= 0) expect(effects.slice(0, speaks).map((effect) => effect.do)).toContain('stop-waiting');
    }
  });

  it('reads back by itself when sixteen digits have been typed', () => {
    const step = voiceMenu.next({ name: 'typing', digits: Array.from({ length: 15 }, () => '8') }, press('9'));
    expect(spoken(step.effects)).toEqual(['you-typed', ...Array.from({ length: 15 }, () => 'digit-8'), 'digit-9', 'more']);
    expect(step.state).toEqual({ name: 'menu', silences: 0 });
  });

  it('tells the terminal what was chosen and never which digits were typed', () => {
    const { effects } = voiceMenu.next({ name: 'typing', digits: ['4', '7'] }, press('#'));
    const told = effects.flatMap((effect) => (effect.do === 'tell' ? [effect.what] : []));
    expect(told).toEqual(['typed 2 digit(s), read back']);
  });
});
