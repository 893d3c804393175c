import { describe, expect, it } from 'vitest';
import { DIGITS, digitOfEvent, digitOfText, eventOfDigit, FLASH_EVENT } from '../../../../src/media/dtmf/digit.js';

describe('digits and event codes', () => {
  it('match one to one', () => {
    expect(DIGITS.map(eventOfDigit)).toEqual(Array.from({ length: 16 }, (_, event) => event));
    expect(DIGITS.map((_, event) => digitOfEvent(event))).toEqual(DIGITS);
  });

  it('have no digit for flash or beyond', () => {
    expect([FLASH_EVENT, 17, 255].map(digitOfEvent)).toEqual([undefined, undefined, undefined]);
  });

  it('are read from one character of either case', () => {
    expect(['5', '*', '#', 'd', 'D', 'E', '', '55'].map(digitOfText)).toEqual(['5', '*', '#', 'D', 'D', undefined, undefined, undefined]);
  });
});
