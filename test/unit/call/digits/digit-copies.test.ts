import { describe, expect, it } from 'vitest';
import { DigitCopies } from '../../../../src/call/digits/digit-copies.js';

describe('a press that comes twice', () => {
  it('is a copy the second time, whichever way came first', () => {
    const copies = new DigitCopies();
    expect(copies.isCopy('b', '5', 'rfc4733', 100, 0)).toBe(false);
    expect(copies.isCopy('b', '5', 'info', 160, 40)).toBe(true);
    expect(copies.isCopy('b', '6', 'info', 160, 300)).toBe(false);
    expect(copies.isCopy('b', '6', 'rfc4733', 100, 400)).toBe(true);
  });

  it('is counted once for each press of the same key', () => {
    const copies = new DigitCopies();
    const seen = (['rfc4733', 'info', 'rfc4733', 'info'] as const).map((by, index) => copies.isCopy('b', '5', by, 100, index * 50));
    expect(seen).toEqual([false, true, false, true]);
    const late = new DigitCopies();
    expect((['rfc4733', 'rfc4733', 'info', 'info'] as const).map((by, index) => late.isCopy('b', '5', by, 100, index * 50))).toEqual([
      false,
      false,
      true,
      true,
    ]);
  });

  it('is no copy when it came the same way, on the other leg, as another key, or long after', () => {
    const copies = new DigitCopies();
    expect(copies.isCopy('a', '5', 'info', 100, 0)).toBe(false);
    expect(copies.isCopy('a', '5', 'info', 100, 100)).toBe(false);
    expect(copies.isCopy('b', '5', 'rfc4733', 100, 100)).toBe(false);
    expect(copies.isCopy('a', '6', 'rfc4733', 100, 100)).toBe(false);
    expect(copies.isCopy('a', '5', 'rfc4733', 100, 2000)).toBe(false);
  });

  it('is found after a key held for long, whose length is known only when it goes up', () => {
    const copies = new DigitCopies();
    expect(copies.isCopy('b', '1', 'info', 160, 0)).toBe(false);
    expect(copies.isCopy('b', '1', 'rfc4733', 5000, 5010)).toBe(true);
  });
});
