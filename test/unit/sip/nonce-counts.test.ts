import { expect, it } from 'vitest';
import { NonceCounts } from '../../../src/sip/nonce-counts.js';

it('takes a count only when it is higher than all before, gaps allowed', () => {
  const counts = new NonceCounts(10, 1000);
  expect([1, 1, 2, 5, 4, 5, 6].map((count) => counts.accept('n', count, 0, 0))).toEqual([true, false, true, true, false, false, true]);
  expect(counts.accept('other', 0, 0, 0)).toBe(false);
});

it('stays within its capacity and refuses everything as old as what it gave up', () => {
  const counts = new NonceCounts(2, 1000);
  for (let i = 1; i <= 5; i += 1) expect(counts.accept(`n${i}`, 1, i, i)).toBe(true);
  expect(counts.size).toBe(2);
  expect([1, 2, 3].map((i) => counts.accept(`n${i}`, 9, i, 6))).toEqual([false, false, false]);
  expect(counts.accept('n5', 2, 5, 6)).toBe(true);
});

it('drops what has expired without refusing younger nonces', () => {
  const counts = new NonceCounts(10, 1000);
  counts.accept('a', 1, 0, 0);
  expect(counts.accept('b', 1, 1, 1500)).toBe(true);
  expect(counts.size).toBe(1);
});
