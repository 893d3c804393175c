import { describe, expect, it } from 'vitest';
import { mayDial } from '../../../src/policy/destinations.js';

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
});
