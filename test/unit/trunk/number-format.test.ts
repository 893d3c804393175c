import { describe, expect, it } from 'vitest';
import { formatNumber, normaliseNumber, numberAsRead } from '../../../src/trunk/number-format.js';
import { requestUriOf } from '../../../src/trunk/number-uri.js';
import type { NumberPlan, TrunkOptions } from '../../../src/trunk/options.js';
import { trunk } from '../call/scene.js';

const uk: NumberPlan = { countryCode: '44', nationalPrefix: '0', internationalPrefix: '00' };
const us: NumberPlan = { countryCode: '1', nationalPrefix: '1', internationalPrefix: '011' };
const denmark: NumberPlan = { countryCode: '45', nationalPrefix: '', internationalPrefix: '00' };

describe('a number toward a national trunk', () => {
  it.each([
    ['+441632960123', uk, '01632960123'],
    ['+33123456789', uk, '0033123456789'],
    ['+15550142234', us, '15550142234'],
    ['+441632960123', us, '011441632960123'],
    ['+4532123456', denmark, '32123456'],
    ['+4401900555010', uk, '004401900555010'],
    ['+45001900555010', denmark, '0045001900555010'],
    ['+10119005550100', { ...us, nationalPrefix: '' }, '01110119005550100'],
    ['112', uk, '112'],
    ['*21#', uk, '*21#'],
  ])('%s', (number, plan, written) => expect(formatNumber(number, 'national', plan)).toBe(written));
});

describe('a number from a trunk', () => {
  it.each([
    ['01632960123', 'national', uk, '+441632960123'],
    ['0033123456789', 'national', uk, '+33123456789'],
    ['+33123456789', 'national', uk, '+33123456789'],
    ['15550142234', 'national', us, '+15550142234'],
    ['011441632960123', 'national', us, '+441632960123'],
    ['32123456', 'national', denmark, '+4532123456'],
    ['441632960123', 'e164-no-plus', uk, '+441632960123'],
    ['33123456789', 'e164-no-plus', uk, '+33123456789'],
    ['01632960123', 'e164-no-plus', uk, '+441632960123'],
    ['112', 'national', uk, '112'],
    ['1471', 'national', denmark, '1471'],
    ['*21#', 'national', uk, '*21#'],
  ] as const)('%s written %s becomes whole', (number, format, plan, whole) => expect(normaliseNumber(number, format, plan)).toBe(whole));

  it('stays as it came where the country is not known', () => {
    expect(normaliseNumber('01632960123', 'e164')).toBe('01632960123');
    expect(normaliseNumber('441632960123', 'e164-no-plus')).toBe('441632960123');
  });

  it('goes back to the trunk as it came from it', () => {
    for (const [plan, number] of [
      [uk, '01632960123'],
      [uk, '0033123456789'],
      [us, '011441632960123'],
      [denmark, '32123456'],
    ] as const) {
      expect(formatNumber(normaliseNumber(number, 'national', plan), 'national', plan)).toBe(number);
    }
  });
});

describe('the Request-URI of a number', () => {
  const at = { scheme: 'sip', host: 'h.example' } as const;
  const written = (number: string, options: Partial<TrunkOptions>) => requestUriOf(number, { ...trunk, ...options }, at);

  it('is a tel URI where the trunk wants one and the number is global', () => {
    expect(written('+441632960123', { numberUri: { scheme: 'tel', userPhone: true } })).toBe('tel:+441632960123');
  });

  it('stays a sip URI for numbers that no tel URI can hold alone', () => {
    expect(written('112', { numberUri: { scheme: 'tel', userPhone: false } })).toBe('sip:112@h.example');
  });

  it('says user=phone where the trunk wants it, and escapes what a user part cannot hold', () => {
    expect(written('*21#', { numberUri: { scheme: 'sip', userPhone: true } })).toBe('sip:*21%23@h.example;user=phone');
  });
});

describe('a number without plus, as a trunk reads it', () => {
  it.each([
    ['24762000', 'e164-no-plus', undefined, '+24762000'],
    ['112', 'e164-no-plus', undefined, '112'],
    ['0909879000', 'national', uk, '+44909879000'],
    ['0909879000', 'e164', undefined, '0909879000'],
  ] as const)('%s, written %s', (number, format, plan, read) => expect(numberAsRead(number, format, plan)).toBe(read));
});
