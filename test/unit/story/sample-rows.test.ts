import { describe, expect, it } from 'vitest';
import { type KeptSample, SampleRows } from '../../../src/story/sample-rows.js';

const sample = (at: number, more: Partial<KeptSample> = {}): KeptSample => {
  return { atMs: at * 5000, received: 50.1, sent: 49.9, lostPercent: 0.1, jitterMs: 1.2, ...more };
};

function filled(count: number): SampleRows {
  const rows = new SampleRows();
  for (let at = 0; at < count; at += 1) rows.push(sample(at));
  return rows;
}

describe('packed samples', () => {
  it('come out as they went in, with what is not known left out', () => {
    const rows = new SampleRows();
    const given = [sample(0), sample(1, { roundTripMs: 40.5, score: 4.36 }), sample(2, { score: 1.16, received: 0 })];
    for (const each of given) rows.push(each);
    expect(rows.all()).toEqual(given);
    expect([rows.at(0), rows.at(-1), rows.at(3), rows.at(-4)]).toEqual([given[0], given[2], undefined, undefined]);
  });

  it('grow without losing any, and know how long they span', () => {
    const rows = filled(1_000);
    expect([rows.length, rows.spanMs, filled(0).spanMs]).toEqual([1_000, 999 * 5000, 0]);
    expect(rows.all().map(({ atMs }) => atMs)).toEqual(Array.from({ length: 1_000 }, (_, at) => at * 5000));
  });

  it.each([
    [1, [0]],
    [2, [1]],
    [5, [0, 2, 4]],
    [6, [1, 3, 5]],
  ])('of %d leave every second one and always the last', (count, left) => {
    const rows = filled(count);
    rows.thin();
    expect(rows.all()).toEqual(left.map((at) => sample(at)));
    rows.push(sample(count));
    expect(rows.at(-1)?.atMs).toBe(count * 5000);
  });
});
