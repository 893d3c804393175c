import { describe, expect, it } from 'vitest';
import { judgeDestination, mayDial } from '../../../src/policy/destinations.js';

describe('which numbers may be dialled', () => {
  it('none, when nothing is allowed', () => {
    expect(mayDial({ allow: [], deny: [] }, '+15550100')).toBe(false);
  });

  it('all with *, except what is denied', () => {
    const rules = { allow: ['*'], deny: ['+1900'] };
    expect(mayDial(rules, '+15550100')).toBe(true);
    expect(mayDial(rules, '100')).toBe(true);
    expect(mayDial(rules, '+19005550100')).toBe(false);
  });

  it('the longest prefix decides', () => {
    const rules = { allow: ['+44', '+448712'], deny: ['+4487'] };
    expect(mayDial(rules, '+441234567890')).toBe(true);
    expect(mayDial(rules, '+448700000000')).toBe(false);
    expect(mayDial(rules, '+448712000000')).toBe(true);
  });

  it('deny wins a tie', () => {
    expect(mayDial({ allow: ['+44'], deny: ['+44'] }, '+441')).toBe(false);
    expect(mayDial({ allow: ['*'], deny: ['*'] }, '+441')).toBe(false);
  });

  it('a denied prefix cannot be dialled around by leaving out or rewriting its plus', () => {
    const rules = { allow: ['*'], deny: ['+1900'] };
    for (const number of ['19005550100', '0019005550100', '01119005550100']) expect(mayDial(rules, number)).toBe(false);
  });

  it('an allowed prefix counts only as it is written', () => {
    expect(mayDial({ allow: ['+44'], deny: [] }, '441234567890')).toBe(false);
  });

  it('an empty prefix matches nothing', () => {
    expect(mayDial({ allow: [''], deny: [] }, '+1')).toBe(false);
  });

  it('a denied sign of an international number is one', () => {
    for (const number of ['0044163296', '0019005550100']) expect(mayDial({ allow: ['0'], deny: ['00'] }, number)).toBe(false);
    expect(mayDial({ allow: ['*'], deny: ['+'] }, '+441632960')).toBe(false);
    expect(mayDial({ allow: ['0'], deny: ['00'] }, '01632960123')).toBe(true);
    expect(mayDial({ allow: ['+44', '*'], deny: ['+'] }, '+441632960123')).toBe(true);
  });
});

describe('a costly number', () => {
  const open = { allow: ['*', '+44', '+1'], deny: [] };

  it.each([
    ['with the zero of its country', '+440909879000'],
    ['with two of them', '+4400909879000'],
    ['with the one of North America', '+119005550100'],
    ['with its sign twice', '000019005550100'],
    ['with a plus and another sign', '+0019005550100'],
    ['after a service code', '*671900555010'],
    ['after a service code with an end', '*31#0019005550100'],
    ['with a star in it', '1900*5550100'],
  ])('is found %s', (_how, number) => expect(mayDial(open, number)).toBe(false));

  it('is none where the zero belongs to the number', () => {
    expect(mayDial({ allow: ['+39'], deny: [] }, '+39089212345')).toBe(true);
  });

  it.each([
    ['0909879000', '+44909879000'],
    ['24762000', '+24762000'],
  ])('is found where a trunk reads %s as %s', (number, read) => {
    expect(judgeDestination({ allow: ['*'], deny: [] }, number, [read]).allowed).toBe(false);
  });

  it('may be dialled by whoever allows as much of it in its own spelling', () => {
    expect(judgeDestination({ allow: ['0909'], deny: [] }, '0909879000', ['+44909879000']).allowed).toBe(true);
    expect(judgeDestination({ allow: ['0'], deny: [] }, '0909879000', ['+44909879000']).allowed).toBe(false);
    expect(judgeDestination({ allow: ['0'], deny: [] }, '01632960123', ['+441632960123']).allowed).toBe(true);
  });
});

describe('what is no number', () => {
  it.each([['+0163296'], ['+*21*0044'], ['+'], ['1'.repeat(34)]])('%s cannot be dialled', (number) => {
    expect(mayDial({ allow: ['*', '+'], deny: [] }, number)).toBe(false);
  });
});
