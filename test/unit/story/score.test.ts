import { describe, expect, it } from 'vitest';
import { legScore } from '../../../src/story/score.js';

describe('the score of a leg', () => {
  it.each([
    // Without any impairment but its own packet time: what G.711 is known for.
    [{ lossFraction: 0, jitterMs: 0 }, 4.4],
    [{ lossFraction: 0, jitterMs: 5, roundTripMs: 100 }, 4.36],
    [{ lossFraction: 0.01, jitterMs: 5, roundTripMs: 100 }, 4.27],
    [{ lossFraction: 0.05, jitterMs: 10, roundTripMs: 100 }, 3.83],
    [{ lossFraction: 0.2, jitterMs: 20, roundTripMs: 300 }, 2.2],
    [{ lossFraction: 0, jitterMs: 40, roundTripMs: 800 }, 2.35],
    [{ lossFraction: 1, jitterMs: 0 }, 1.16],
  ])('of %j is about %d', (heard, score) => {
    expect(legScore(heard)).toBeCloseTo(score, 1);
  });

  it('never gets better with more loss, jitter or delay, and stays between 1 and 4.5', () => {
    for (const [name, step] of [
      ['lossFraction', 0.02],
      ['jitterMs', 4],
      ['roundTripMs', 20],
    ] as const) {
      let last = 5;
      for (let at = 0; at <= 50; at += 1) {
        const score = legScore({ lossFraction: 0, jitterMs: 0, [name]: at * step });
        expect(score).toBeLessThanOrEqual(last);
        expect(score).toBeGreaterThanOrEqual(1);
        expect(score).toBeLessThanOrEqual(4.5);
        last = score;
      }
    }
  });
});
