import { describe, expect, it } from 'vitest';
import { judgeDestination, mayDial } from '../../../src/policy/destinations.js';
import { isEmergencyNumber } from '../../../src/policy/emergency.js';
import { prefixClasses, prefixTable } from '../../../src/policy/prefix-table.js';

const everything = { allow: ['*'], deny: [] };

describe('the table of costly numbers', () => {
  it('has a class and an owner for each prefix, and each prefix once', () => {
    expect(prefixTable.length).toBeGreaterThan(150);
    expect(new Set(prefixTable.map(({ prefix }) => prefix)).size).toBe(prefixTable.length);
    expect(new Set(prefixTable.map((row) => row.class))).toEqual(new Set(prefixClasses));
    for (const { prefix, what } of prefixTable) {
      expect(prefix).toMatch(/^\+[1-9x][0-9x]{1,6}$/);
      expect(what).toMatch(/^[A-Z].{3,}$/);
    }
  });

  it.each([
    ['+881612345678', 'satellite'],
    ['+88216123456', 'internationalNetwork'],
    ['+979123456789', 'premium'],
    ['+19005550100', 'premium'],
    ['+12129765555', 'premium'],
    ['+18765550100', 'highRisk'],
    ['+449098790000', 'premium'],
    ['+447012345678', 'personal'],
    ['+4990012345678', 'premium'],
    ['+33899123456', 'premium'],
    ['+25261234567', 'highRisk'],
  ])('denies %s although everything is allowed: %s', (number, kind) => {
    expect(judgeDestination(everything, number)).toMatchObject({ allowed: false, rule: `policy.destinations.classes.${kind}` });
  });

  it.each(['+442079460018', '+4930901820', '+12125550100', '+33142685300', '+390612345678', '100', '*21#', '881234567', '900123'])(
    'leaves %s alone',
    (number) => {
      expect(mayDial(everything, number)).toBe(true);
    },
  );

  it.each(['19005550100', '0019005550100', '01119005550100', '001119005550100', '00881612345678', '881612345678'])(
    'is not got round by dialling %s',
    (number) => {
      expect(mayDial(everything, number)).toBe(false);
    },
  );

  it('gives way to whoever allows a prefix by name, or a class as a whole', () => {
    expect(mayDial({ allow: ['+44', '+4487'], deny: [] }, '+448712345678')).toBe(true);
    expect(mayDial({ allow: ['+44'], deny: [] }, '+448712345678')).toBe(false);
    expect(mayDial({ ...everything, classes: { satellite: 'allow' } }, '+881612345678')).toBe(true);
    expect(mayDial({ ...everything, classes: { premium: 'allow' } }, '+881612345678')).toBe(false);
    expect(mayDial({ allow: ['+4487'], deny: ['+44871'] }, '+448712345678')).toBe(false);
  });

  it('says by which rule, and never the number', () => {
    const verdicts = [
      judgeDestination({ allow: ['+1'], deny: ['+1212'] }, '+12125550100'),
      judgeDestination({ allow: ['+1'], deny: [] }, '+4912345'),
      judgeDestination({ allow: ['+1'], deny: [] }, '+12125550100'),
    ];
    expect(verdicts.map(({ rule }) => rule)).toEqual([
      'policy.destinations.deny[+1212]',
      'policy.destinations.allow',
      'policy.destinations.allow[+1]',
    ]);
    for (const { why } of verdicts) expect(why).not.toMatch(/\d{5}/);
  });
});

describe('a number of an emergency service', () => {
  it.each([
    ['112', []],
    ['911', ['44']],
    ['999', []],
    ['110', ['49']],
    ['+49110', ['49']],
    ['000', ['61']],
    ['119', ['33', '81']],
    ['+112', []],
    ['+911', []],
    ['+1911', []],
    ['+49110', []],
    ['112#', []],
  ])('is %s for trunks in %j', (number, codes) => {
    expect(isEmergencyNumber(number, codes)).toBe(true);
  });

  it.each([
    ['110', ['44']],
    ['1120', ['49']],
    ['+49112345', ['49']],
    ['+44110', ['49']],
    ['1999', ['1']],
    ['100', ['49']],
    ['', ['49']],
  ])('is not %s for trunks in %j', (number, codes) => {
    expect(isEmergencyNumber(number, codes)).toBe(false);
  });
});
