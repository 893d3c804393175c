import { describe, expect, it } from 'vitest';
import { PageReports, readPageReport } from '../../../src/call/page-report.js';

const report = { type: 'quality', score: 4, roundTripMs: 40, lostPercent: 0, jitterMs: 3 };
const text = (change: object): string => JSON.stringify({ ...report, ...change });

describe('a report of a page', () => {
  it('is read with whole figures', () => {
    expect(readPageReport(text({ roundTripMs: 40.6, lostPercent: 1.26, jitterMs: 2.4, hint: 'network-slow' }))).toEqual({
      ...{ score: 4, roundTripMs: 41, lostPercent: 1.3, jitterMs: 2, hint: 'network-slow' },
    });
    expect(readPageReport(text({ hint: '<b>anything</b>', more: 'x' }))).toEqual({
      score: 4,
      roundTripMs: 40,
      lostPercent: 0,
      jitterMs: 3,
    });
  });

  it.each([
    'no JSON',
    'null',
    '"quality"',
    '[]',
    text({ type: 'other' }),
    text({ score: 0 }),
    text({ score: 6 }),
    text({ score: 3.5 }),
    text({ score: '4' }),
    text({ roundTripMs: -1 }),
    text({ roundTripMs: 1e9 }),
    text({ lostPercent: 101 }),
    text({ jitterMs: null }),
  ])('is not read from %s', (given) => {
    expect(readPageReport(given)).toBeUndefined();
  });
});

describe('the reports of a call', () => {
  it('become facts when they say something else than before, each leg for itself', () => {
    const reports = new PageReports();
    const said = (leg: 'a' | 'b', change: object): unknown => {
      const fact = reports.take(leg, text(change));
      return fact === undefined ? '–' : `${fact.leg} ${fact.score} ${fact.hint ?? ''}`.trim();
    };
    expect([
      said('a', { score: 5 }),
      said('a', { score: 4 }),
      said('b', { score: 4 }),
      said('a', { score: 2, hint: 'network-loss' }),
      said('a', { score: 1, hint: 'network-loss' }),
      said('a', { score: 2, hint: 'network-slow' }),
      said('a', { score: 3 }),
      said('a', { score: 9 }),
      said('a', { score: 5 }),
    ]).toEqual(['a 5', '–', 'b 4', 'a 2 network-loss', '–', 'a 2 network-slow', 'a 3', '–', 'a 5']);
  });

  it('do not fill its story', () => {
    const reports = new PageReports();
    const facts = Array.from({ length: 1_000 }, (_, at) => reports.take('a', text({ score: at % 2 === 0 ? 5 : 1 })));
    expect(facts.filter((fact) => fact !== undefined)).toHaveLength(100);
  });
});
