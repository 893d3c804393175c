import { describe, expect, it } from 'vitest';
import { nextDigits } from '../../../../src/call/digits/digit-machine.js';
import type { DigitMode } from '../../../../src/call/digits/digit-rules.js';
import { type DigitEffect, type DigitEvent, type DigitLeg, type DigitState, noDigits } from '../../../../src/call/digits/digit-state.js';
import { digitLines } from '../../../support/digit-lines.js';

const page: DigitLeg = { kind: 'browser', mode: 'rfc4733', ready: true, hears: true, takesInfo: true, party: 0 };
const trunk = (mode: DigitMode, more: Partial<DigitLeg> = {}): DigitLeg => ({ ...page, kind: 'trunk', mode, ...more });

/** Plays events, and says what was told and what is to be done, a line each. */
function play(legs: DigitState['legs'], ...events: readonly DigitEvent[]) {
  const effects: DigitEffect[] = [];
  let state = noDigits(legs);
  for (const event of events) {
    const step = nextDigits(state, event);
    state = step.state;
    effects.push(...step.effects);
  }
  const told = digitLines(effects.flatMap((effect) => (effect.do === 'fact' ? [effect.fact] : [])));
  const asked = effects.flatMap((effect): string[] => {
    switch (effect.do) {
      case 'hand-over':
      case 'send-info':
      case 'send-message':
        return [`${effect.do} ${effect.leg} ${effect.id}`];
      case 'send-receipt':
        return [`${effect.receipt.state} ${effect.receipt.id} ${effect.receipt.digit ?? '•'}`];
      default:
        return [];
    }
  });
  return { state, told, asked };
}

type Pressed = Extract<DigitEvent, { type: 'pressed' }>;
const press = (from: 'a' | 'b', more: Partial<Pressed> = {}): Pressed => ({
  type: 'pressed',
  from,
  by: 'rfc4733',
  digit: '5',
  durationMs: 100,
  atMs: 1000,
  ...more,
});
const left = (id: number): DigitEvent => ({ type: 'left', press: id, as: 'rfc4733', durationMs: 100, packets: 7 });
const answered = (id: number, status = 200): DigitEvent => ({ type: 'answered', id, status });
const secure = (open: boolean, atMs = 1000): DigitEvent => ({ type: 'secure', open, by: 'api', atMs });

describe('a page that is away', () => {
  const there = { a: page, b: trunk('rfc4733') };
  const noInfo: DigitEvent = { type: 'leg', leg: 'a', now: { ...page, ready: false } };
  const away: DigitEvent = { type: 'leg', leg: 'a', now: { ...page, ready: false, hears: false } };
  const back: DigitEvent = { type: 'leg', leg: 'a', now: page };

  it('is told by INFO when it is back, and on its data channel as long as that lives', () => {
    expect(play(there, noInfo, press('b'), { type: 'messaged', id: 1, taken: true }, back, answered(1))).toMatchObject({
      asked: ['send-message a 1', 'send-info a 1'],
      told: ['1 seen trunk rfc4733 5', '1 sent browser info', '1 acknowledged'],
    });
    expect(play(there, away, press('b'), press('b'), back, answered(1)).asked).toEqual([
      ...['send-message a 1', 'send-message a 2', 'send-info a 1', 'send-info a 2'],
    ]);
  });

  it('loses nothing unsaid when it stays away', () => {
    expect(play(there, away, press('b'), { type: 'over' }).told).toEqual(['1 seen trunk rfc4733 5', '1 failed call-ended']);
  });

  it('that is not the same any more is told nothing of it', () => {
    const another: DigitEvent = { type: 'leg', leg: 'a', now: { ...page, party: 1 } };
    const { told, asked } = play(there, away, press('b'), another);
    expect([told.at(-1), asked]).toEqual(['1 failed no-dialog', []]);
  });
});

describe('a digit of the page', () => {
  const legs = { a: page, b: trunk('rfc4733') };

  it('that the media relays is over when its last packet has left, and the page hears of it', () => {
    const { told, asked, state } = play(legs, press('a', { press: 9 }), left(9));
    expect(told).toEqual(['1 seen browser rfc4733 5', '1 sent trunk rfc4733']);
    expect(asked).toEqual(['seen 1 5', 'sent 1 5']);
    expect(state.open).toEqual([]);
  });

  it('that the media cannot relay fails where the trunk takes telephone-events alone', () => {
    for (const mode of ['rfc4733', 'inband'] as const)
      expect(play({ a: page, b: trunk(mode) }, press('a')).told).toEqual(['1 seen browser rfc4733 5', '1 failed not-supported']);
  });

  it('that the media cannot relay leaves by INFO on a trunk that may take it, until it says it does not', () => {
    const auto = { a: page, b: trunk('auto') };
    expect(play(auto, press('a'), answered(1), press('a'), answered(2, 415), press('a')).told).toEqual([
      ...['1 seen browser rfc4733 5', '1 sent trunk info', '1 acknowledged'],
      ...['2 seen browser rfc4733 5', '2 sent trunk info', '2 failed refused 415'],
      ...['3 seen browser rfc4733 5', '3 failed not-supported'],
    ]);
    expect(play({ a: page, b: trunk('auto', { takesInfo: false }) }, press('a')).told).toContain('1 failed not-supported');
    expect(play({ a: page, b: trunk('info', { takesInfo: false }) }, press('a'), answered(1)).told).toContain('1 acknowledged');
  });

  it('in an INFO goes to the media of the trunk, and by INFO where that refuses and the mode is auto', () => {
    expect(play(legs, press('a', { by: 'info' }), { type: 'handed', id: 1, press: 4 }, left(4)).told.at(-1)).toBe('1 sent trunk rfc4733');
    expect(play(legs, press('a', { by: 'info' }), { type: 'not-handed', id: 1 }).told.at(-1)).toBe('1 failed not-supported');
    const auto = play({ a: page, b: trunk('auto') }, press('a', { by: 'info' }), { type: 'not-handed', id: 1 }, answered(1));
    expect(auto.told.slice(1)).toEqual(['1 sent trunk info', '1 acknowledged']);
  });

  it('is told as sent although the plane said so before it named the press', () => {
    expect(play(legs, press('a', { by: 'info' }), left(4), { type: 'handed', id: 1, press: 4 }).told.at(-1)).toBe('1 sent trunk rfc4733');
  });

  it('before the trunk has a dialog cannot go by INFO, and says so', () => {
    expect(play({ a: page, b: trunk('info', { ready: false }) }, press('a')).told.at(-1)).toBe('1 failed no-dialog');
  });
});

describe('INFOs to a trunk', () => {
  it('are sent one after another, each when the one before has its answer', () => {
    const legs = { a: page, b: trunk('info') };
    const asked = (...events: DigitEvent[]) =>
      play(legs, press('a'), press('a'), press('a'), ...events).asked.filter((line) => line.startsWith('send-info'));
    expect(asked()).toEqual(['send-info b 1']);
    expect(asked(answered(1))).toEqual(['send-info b 1', 'send-info b 2']);
    expect(asked(answered(1, 500), answered(2))).toEqual(['send-info b 1', 'send-info b 2', 'send-info b 3']);
    expect(asked(answered(2))).toEqual(['send-info b 1']);
  });

  it('that wait for somebody who is replaced are not sent to whoever sits there now', () => {
    const moved: DigitEvent = { type: 'leg', leg: 'b', now: trunk('info', { party: 1 }) };
    const { told, asked } = play({ a: page, b: trunk('info') }, press('a'), press('a'), moved, answered(1), press('a'));
    expect(told.filter((line) => line.startsWith('2'))).toEqual(['2 seen browser rfc4733 5', '2 failed no-dialog']);
    expect(asked.filter((line) => line.startsWith('send-info'))).toEqual(['send-info b 1', 'send-info b 3']);
  });
});

describe('a digit of the telephone', () => {
  const legs = { a: page, b: trunk('rfc4733') };

  it('is told to the page by INFO and on its data channel, under one number', () => {
    const { asked, told } = play(legs, press('b', { press: 3 }), answered(1), { type: 'messaged', id: 1, taken: true });
    expect(asked).toEqual(['send-message a 1', 'send-info a 1']);
    expect(told).toEqual(['1 seen trunk rfc4733 5', '1 sent browser info', '1 acknowledged']);
  });

  it('waits until the page has its dialog, 32 of them at most', () => {
    const early = { ...legs, a: { ...page, ready: false } };
    const many = Array.from({ length: 33 }, () => press('b'));
    const { told, asked } = play(early, ...many, { type: 'leg', leg: 'a', now: page }, answered(1));
    expect(told.filter((line) => line.includes('failed'))).toEqual(['33 failed queue-full']);
    expect(asked.filter((line) => line.startsWith('send-message'))).toHaveLength(32);
    expect(asked.filter((line) => line.startsWith('send-info'))).toEqual(['send-info a 1', 'send-info a 2']);
  });

  it('has reached the page when its message was taken, although the INFO was not', () => {
    const taken: DigitEvent = { type: 'messaged', id: 1, taken: true };
    const lost: DigitEvent = { type: 'messaged', id: 1, taken: false };
    expect(play(legs, press('b'), taken, answered(1, 408)).told.slice(-2)).toEqual(['1 sent browser info', '1 sent browser message']);
    expect(play(legs, press('b'), answered(1, 408), taken).told.at(-1)).toBe('1 sent browser message');
    expect(play(legs, press('b'), answered(1, 408), lost).told.at(-1)).toBe('1 failed refused 408');
    expect(play(legs, press('b'), lost, answered(1, 408)).told.at(-1)).toBe('1 failed refused 408');
  });
});

describe('a secure window', () => {
  const legs = { a: page, b: trunk('rfc4733') };

  it('masks what is pressed in it, in facts and receipts, and lets it through', () => {
    const { told, asked } = play(legs, secure(true), press('a', { press: 1 }), left(1), press('a', { by: 'info' }));
    expect(told).toEqual(['secure open api', '1 seen browser rfc4733 •', '1 sent trunk rfc4733', '2 seen browser info •']);
    expect(asked).toEqual(['seen 1 •', 'sent 1 •', 'seen 2 •', 'hand-over b 2']);
  });

  it('keeps the telephone’s digits from the page, and says that it did', () => {
    const { told, asked } = play(legs, secure(true), press('b'));
    expect(told.slice(1)).toEqual(['1 seen trunk rfc4733 •', '1 failed withheld']);
    expect(asked).toEqual([]);
  });

  it('masks a key that went down in it and came up after it, and none that went down later', () => {
    const { told } = play(
      legs,
      secure(true),
      secure(false, 2000),
      press('a', { press: 1, atMs: 2090, durationMs: 100 }),
      press('a', { press: 2, atMs: 2101, durationMs: 100 }),
    );
    expect(told.filter((line) => line.includes('seen'))).toEqual(['1 seen browser rfc4733 •', '2 seen browser rfc4733 5']);
  });

  it('lets digits pass between two telephones', () => {
    const two = { a: trunk('rfc4733'), b: trunk('info') };
    expect(play(two, secure(true), press('a'), answered(1)).told.slice(1)).toEqual([
      '1 seen trunk rfc4733 •',
      '1 sent trunk info',
      '1 acknowledged',
    ]);
  });
});

describe('digits at the end of a call', () => {
  it('that have no end yet get one', () => {
    const { told, state } = play({ a: page, b: trunk('info') }, press('a'), press('a'), press('b'), { type: 'over' });
    expect(told.slice(-3)).toEqual(['1 failed call-ended', '2 failed call-ended', '3 failed call-ended']);
    expect(state.open).toEqual([]);
  });
});
