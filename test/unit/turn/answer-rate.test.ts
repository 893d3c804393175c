import { expect, it } from 'vitest';
import { AnswerRate } from '../../../src/turn/answer-rate.js';
import { FakeClock } from '../../support/fake-clock.js';

const answered = (rate: AnswerRate, address: string, times: number): number =>
  Array.from({ length: times }, () => rate.mayAnswer(address)).filter((may) => may).length;

it('answers an address two hundred times at once, and a hundred times a second', () => {
  const clock = new FakeClock();
  const rate = new AnswerRate({ clock });
  expect(answered(rate, '192.0.2.7', 300)).toBe(200);
  expect(answered(rate, '192.0.2.8', 300)).toBe(200);
  clock.advance(500);
  expect(answered(rate, '192.0.2.7', 300)).toBe(50);
  clock.advance(60_000);
  expect(answered(rate, '192.0.2.7', 300)).toBe(200);
});

it('takes all IPv6 addresses of one household for one', () => {
  const rate = new AnswerRate({ clock: new FakeClock() });
  const all = Array.from({ length: 300 }, (_, at) => rate.mayAnswer(`2001:db8:1:2::${at.toString(16)}`));
  expect(all.filter((may) => may)).toHaveLength(200);
  expect(rate.mayAnswer('2001:db8:1:3::1')).toBe(true);
  expect(rate.size).toBe(2);
});

it('remembers ten thousand addresses at most', () => {
  const rate = new AnswerRate({ clock: new FakeClock() });
  for (let at = 0; at < 10_050; at += 1) rate.mayAnswer(`10.${at >> 16}.${(at >> 8) & 0xff}.${at & 0xff}`);
  expect(rate.size).toBe(10_000);
});
