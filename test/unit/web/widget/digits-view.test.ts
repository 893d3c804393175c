import { describe, expect, it } from 'vitest';
import type { DigitReceipt } from '../../../../src/web/widget/digit-ledger.js';
import { failureText } from '../../../../src/web/widget/digits-view.js';
import { english } from '../../../../src/web/widget/texts.js';

const receipt = (press: number, digit: string, state: DigitReceipt['state'], why?: string): DigitReceipt => ({
  press,
  digit,
  state,
  ...(why === undefined ? {} : { why }),
});

describe('a digit that failed', () => {
  it.each([
    ['not-supported', '“5” was not sent. This phone line takes no keys.'],
    ['refused', '“5” was not sent. The phone line refused it.'],
    ['not-seen', '“5” was not sent. It was lost on the way.'],
    ['of-a-later-version', '“5” was not sent.'],
  ])('is said in words: %s', (why, words) => {
    expect(failureText([receipt(1, '5', 'failed', why)], english)).toBe(words);
  });

  it('is said until a later one arrives', () => {
    const failed = receipt(1, '5', 'failed', 'refused');
    expect(failureText([failed, receipt(2, '6', 'seen')], english)).toContain('“5”');
    expect(failureText([failed, receipt(2, '6', 'sent')], english)).toBe('');
    expect(failureText([failed, receipt(2, '6', 'sent'), receipt(3, '7', 'failed', 'refused')], english)).toContain('“7”');
  });

  it('is not said of digits that the end of the call took with it', () => {
    expect(failureText([receipt(1, '5', 'failed', 'call-ended')], english)).toBe('');
  });

  it('keeps a masked digit masked', () => {
    expect(failureText([receipt(1, '•', 'failed', 'refused')], english)).toBe('“•” was not sent. The phone line refused it.');
  });
});
