import { beforeEach, describe, expect, it } from 'vitest';
import type { SessionId } from '../../../../src/base/ids.js';
import { PressBook } from '../../../../src/media/embedded/press-book.js';
import type { DigitToSend, MediaEvent } from '../../../../src/media/plane.js';

const session = 'm-1' as SessionId;
const gone = { as: 'rfc4733', durationMs: 100, packets: 7 } as const;
const heard = { digit: '5', by: 'rfc4733', durationMs: 100, relayed: true } as const;

describe('PressBook', () => {
  let told: MediaEvent[];
  let book: PressBook;

  beforeEach(() => {
    told = [];
    book = new PressBook({ session }, { emit: (event) => told.push(event) });
  });

  const typesAndPresses = () => told.map((event) => ('press' in event ? [event.type, event.press] : [event.type]));
  const digits = (text: string, more: Partial<DigitToSend> = {}): DigitToSend[] =>
    [...text].map((digit) => ({ digit: digit as DigitToSend['digit'], durationMs: 100, ...more }));

  it('numbers presses in the order they are seen, whichever way they come', () => {
    const first = book.begin();
    const asked = book.ask(digits('12')).map(({ press }) => press);
    expect([first, ...asked, book.begin()]).toEqual([1, 2, 3, 4]);
  });

  it('tells that there is a press before it tells what became of it', () => {
    const press = book.begin();
    book.unsent('b', press, 'format-changed');
    expect(told).toEqual([]);
    book.tell('a', { press, ...heard });
    book.sent('b', { press, ...gone });
    expect(typesAndPresses()).toEqual([
      ['digit', 1],
      ['digit-unsent', 1],
      ['digit-sent', 1],
    ]);
    expect(told[0]).toEqual({ type: 'digit', session, leg: 'a', press: 1, ...heard });
  });

  it('tells nothing of digits that were asked for before whoever asked can know their numbers', () => {
    const [first, second] = book.ask(digits('12'));
    book.unsent('b', second?.press ?? 0, 'queue-full');
    book.sent('b', { press: first?.press ?? 0, ...gone });
    expect(told).toEqual([]);
    book.tellAsked();
    expect(typesAndPresses()).toEqual([
      ['digit-sent', 1],
      ['digit-unsent', 2],
    ]);
    book.sent('b', { press: 2, ...gone });
    expect(told.length).toBe(3);
  });

  it('knows each copy once, in its time, on its leg and by its digit', () => {
    book.expectCopies('a', digits('115'), 1000);
    expect(book.isCopy('b', '1', 1100)).toBe(false);
    expect(book.isCopy('a', '2', 1100)).toBe(false);
    expect([1100, 1200, 1300].map((nowMs) => book.isCopy('a', '1', nowMs))).toEqual([true, true, false]);
    expect([2300, 2301].map((nowMs) => book.isCopy('a', '5', nowMs))).toEqual([true, false]);
    book.expectCopies('a', digits('5'), 5000);
    expect(book.isCopy('a', '5', 6101), 'a second and its length').toBe(false);
  });

  it('knows a key that is down, once, on its leg, until it goes up', () => {
    const press = book.begin({ leg: 'a', digit: '5' });
    expect([book.takeDown('b', '5'), book.takeDown('a', '6'), book.takeDown('a', '5'), book.takeDown('a', '5')]).toEqual([
      ...[undefined, undefined, press, undefined],
    ]);
    const next = book.begin({ leg: 'a', digit: '5' });
    book.tell('a', { press: next, digit: '5', by: 'rfc4733', durationMs: 100, relayed: true });
    expect(book.takeDown('a', '5')).toBeUndefined();
  });

  it('expects no copy of what nobody pressed', () => {
    book.expectCopies('a', digits('5', { origin: 'api' }), 1000);
    expect(book.isCopy('a', '5', 1050)).toBe(false);
  });
});
