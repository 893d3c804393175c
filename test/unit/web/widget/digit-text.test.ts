import { describe, expect, it } from 'vitest';
import { readDigitText } from '../../../../src/web/widget/digit-text.js';

/** Digits as they are, pauses as their milliseconds. */
function stepsOf(text: string): readonly (string | number)[] | undefined {
  const read = readDigitText(text);
  return read.ok ? read.steps.map((step) => (step.kind === 'digit' ? step.digit : step.pauseMs)) : undefined;
}

describe('a text of digits', () => {
  it.each<[text: string, steps: readonly (string | number)[]]>([
    ['0123456789*#ABCDabcd', [...'0123456789*#ABCDABCD']],
    ['1,2', ['1', 2_000, '2']],
    ['1,,2', ['1', 2_000, 2_000, '2']],
    ['1w 3W#', ['1', 500, '3', 500, '#']],
    ['1w2000*', ['1', 2_000, '*']],
    ['1,w2000,3', ['1', 2_000, '3']],
    ['1,,w300', ['1', 300]],
    ['w60000 5', [60_000, '5']],
    [' 1 2-3\t', ['1', '2', '3']],
    ['', []],
  ])('reads %j', (text, steps) => {
    expect(stepsOf(text)).toEqual(steps);
  });

  it.each([
    ['12x', 3, 'x'],
    ['٣', 1, '٣'],
    ['5w3', 2, 'w3'],
    ['5w12#', 2, 'w12'],
    ['1w60001', 2, 'w60001'],
    ['1,2,w99,4', 4, ',w99,'],
    ['1\n2;3', 4, ';'],
    ['1w😀', 3, '😀'],
  ])('refuses %j as a whole, and says where', (text, at, found) => {
    expect(readDigitText(text)).toEqual({ ok: false, at, found });
  });

  it('may be a number, as scripts without types give it, and refuses nothing at all like any other text', () => {
    expect(readDigitText(12 as unknown as string)).toEqual(readDigitText('12'));
    for (const nothing of [undefined, null]) expect(readDigitText(nothing as unknown as string).ok).toBe(false);
  });
});
