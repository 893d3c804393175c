import { describe, expect, it } from 'vitest';
import { maskNumber } from '../../../src/base/mask.js';
import { csvCell, recordsCsv } from '../../../src/cdr/csv.js';
import { RecentRecords } from '../../../src/cdr/recent.js';
import type { CallRecord } from '../../../src/cdr/record.js';
import { findRecords, type RecordQuery } from '../../../src/cdr/record-query.js';

const record = (at: number, more: Partial<CallRecord> = {}): CallRecord => ({
  ...{
    callId: `c-${at}`,
    direction: 'browser-to-trunk',
    from: 'guest',
    to: `+4420794600${10 + at}`,
    trunk: 'carrier',
    source: '127.0.0.1:1',
  },
  startedAt: new Date(Date.UTC(2026, 0, 1, 12, at)).toISOString(),
  endedAt: new Date(Date.UTC(2026, 0, 1, 12, at, 30)).toISOString(),
  ...{ talkMs: 20_500, totalMs: 30_000, endedBy: 'caller', disposition: 'completed', q850: 16, silences: [] },
  digits: { fromBrowser: 0, fromTrunk: 0, lost: 0, receipts: [] },
  ...more,
});

/** Newest first, as they are kept. */
const all = [5, 4, 3, 2, 1, 0].map((at) =>
  record(at, at === 3 ? { disposition: 'failed', failure: 'trunk-error', site: 'pk_shop', trunk: 'other' } : {}),
);
const whole = (number: string): string => number;
const ids = (query: Partial<RecordQuery>, shown = whole): string[] =>
  findRecords(all, { limit: 100, ...query }, shown).records.map(({ callId }) => callId);

describe('finding records', () => {
  it.each([
    ['all of them', {}, ['c-5', 'c-4', 'c-3', 'c-2', 'c-1', 'c-0']],
    ['by their beginning', { fromMs: Date.UTC(2026, 0, 1, 12, 1), toMs: Date.UTC(2026, 0, 1, 12, 3) }, ['c-2', 'c-1']],
    ['by a part of a number', { number: '460012' }, ['c-2']],
    ['by trunk', { trunk: 'other' }, ['c-3']],
    ['by site', { site: 'pk_shop' }, ['c-3']],
    ['by what became of them', { disposition: 'completed', limit: 2 }, ['c-5', 'c-4']],
    ['by the code of the failure', { disposition: 'trunk-error' }, ['c-3']],
    ['that ended before a moment', { before: '2026-01-01T12:01:30Z' }, ['c-0']],
    ['older than a call', { before: 'c-2' }, ['c-1', 'c-0']],
    ['older than a call that is forgotten', { before: 'c-9' }, []],
    ['by several conditions at once', { trunk: 'carrier', number: '460015' }, ['c-5']],
  ])('finds %s', (_, query, found) => {
    expect(ids(query)).toEqual(found);
  });

  it('leads from page to page, each record once', () => {
    const seen: string[] = [];
    let before: string | undefined;
    do {
      const page = findRecords(all, { limit: 2, trunk: 'carrier', ...(before === undefined ? {} : { before }) }, whole);
      seen.push(...page.records.map(({ callId }) => callId));
      before = page.next;
    } while (before !== undefined);
    expect(seen).toEqual(['c-5', 'c-4', 'c-2', 'c-1', 'c-0']);
    expect(findRecords(all, { limit: 6 }, whole).next).toBeUndefined();
  });

  it('does not tell a masked number digit by digit', () => {
    expect(ids({ number: '460012' }, maskNumber)).toEqual([]);
    expect(ids({ number: '12' }, maskNumber)).toEqual(['c-2']);
  });
});

describe('records as a table', () => {
  it('have a line of names, and one line each', () => {
    const lines = recordsCsv([record(1, { rating: { stars: 4, comment: 'fine, "mostly"\nok', at: 'x' } })]).split('\r\n');
    expect(lines).toHaveLength(3);
    expect(lines[0]).toMatch(/^callId,direction,from,to,trunk,/);
    expect(lines[1]).toContain('"fine, ""mostly""\nok"');
    expect(lines[1]?.match(/,20\.5,30,/)).not.toBeNull();
    expect(lines[2]).toBe('');
  });

  it.each([
    ['=1+1', '"\'=1+1"'],
    ['+442079460018', '"\'+442079460018"'],
    ['-2', '"\'-2"'],
    ['@SUM(A1)', '"\'@SUM(A1)"'],
    ['\t=1', '"\'\t=1"'],
    ['\r=1', '"\'\r=1"'],
    ['plain', '"plain"'],
    ['a "b"', '"a ""b"""'],
    [7, '7'],
    [undefined, ''],
  ])('keep a spreadsheet from taking %j for a formula', (value, cell) => {
    expect(csvCell(value)).toBe(cell);
  });
});

describe('recent records', () => {
  it('take a rating that came later, and none of a call that is forgotten', () => {
    const recent = new RecentRecords({ capacity: 2 });
    for (const at of [1, 2, 3]) recent.add(record(at));
    recent.rate('c-1', { stars: 1, at: 'x' });
    recent.rate('c-2', { stars: 5, at: 'x' });
    expect(recent.all.map(({ callId, rating }) => [callId, rating?.stars])).toEqual([
      ['c-3', undefined],
      ['c-2', 5],
    ]);
    expect(recent.find('c-2')?.rating?.stars).toBe(5);
  });
});
