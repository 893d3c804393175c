import type { FastifyInstance } from 'fastify';
import { maskNumber } from '../base/mask.js';
import { dispositions, failureCodes } from '../call/failure.js';
import { recordsCsv } from '../cdr/csv.js';
import { findRecords, type RecordQuery } from '../cdr/record-query.js';
import type { AdminDeps } from './ports.js';
import type { ApiRoutes } from './story-api.js';
import { recordDto } from './views.js';

const maxRecords = 1000;
const usualRecords = 100;
const longestWord = 128;

interface Asked {
  readonly query: RecordQuery;
  readonly csv: boolean;
}

interface Wrong {
  readonly code: string;
  readonly wrong: string;
}

/** `/cdrs`: the recent records, by time, number, trunk, site and outcome, as JSON or as a table. */
export function addRecordApi(app: FastifyInstance, { accessFor, fail }: ApiRoutes, deps: AdminDeps): void {
  app.get('/cdrs', async (request, reply) => {
    const asked = readQuery(request.query as Readonly<Record<string, unknown>>);
    if ('wrong' in asked) return fail(reply, 400, asked.code, asked.wrong);
    const access = accessFor(request);
    const shown = access === 'full' ? (number: string) => number : maskNumber;
    const { records, next } = findRecords(deps.records(), asked.query, shown);
    const seen = records.map((record) => recordDto(record, access));
    if (!asked.csv) return { cdrs: seen, ...(next === undefined ? {} : { next }) };
    return reply
      .header('content-type', 'text/csv; charset=utf-8; header=present')
      .header('content-disposition', 'attachment; filename="calls.csv"')
      .send(recordsCsv(seen));
  });
}

function readQuery(given: Readonly<Record<string, unknown>>): Asked | Wrong {
  for (const [name, value] of Object.entries(given)) {
    if (typeof value !== 'string' || value.length > longestWord)
      return { code: `invalid-${name}`, wrong: `${name} must be given once, and short` };
  }
  const text = given as Readonly<Record<string, string>>;
  const { limit = String(usualRecords), from, to, number, trunk, site, disposition, before, format } = text;
  if (!/^\d{1,4}$/.test(limit) || Number(limit) < 1 || Number(limit) > maxRecords) {
    return { code: 'invalid-limit', wrong: `limit must be 1 to ${maxRecords}` };
  }
  const fromMs = momentOf(from);
  const toMs = momentOf(to);
  if (fromMs === 'wrong') return { code: 'invalid-from', wrong: 'from must be a time such as 2026-01-31T12:00:00Z, or a day' };
  if (toMs === 'wrong') return { code: 'invalid-to', wrong: 'to must be a time such as 2026-01-31T12:00:00Z, or a day' };
  if (format !== undefined && format !== 'csv' && format !== 'json') return { code: 'invalid-format', wrong: 'format must be json or csv' };
  const outcomes = [...new Set([...dispositions, ...failureCodes])];
  if (disposition !== undefined && disposition !== '' && !outcomes.includes(disposition)) {
    return { code: 'invalid-disposition', wrong: `disposition must be one of ${outcomes.join(', ')}` };
  }
  return {
    csv: format === 'csv',
    query: {
      limit: Number(limit),
      ...(fromMs === undefined ? {} : { fromMs }),
      ...(toMs === undefined ? {} : { toMs }),
      ...withText({ number, trunk, site, disposition, before }),
    },
  };
}

/** A field that is there and empty, as forms send it, is no condition. */
function withText<T extends Readonly<Record<string, string | undefined>>>(fields: T): { [K in keyof T]?: string } {
  const kept: { [K in keyof T]?: string } = {};
  for (const [name, value] of Object.entries(fields)) if (value !== undefined && value !== '') kept[name as keyof T] = value;
  return kept;
}

/** ISO 8601, a day or a moment with its zone (RFC 3339 §5.6). */
function momentOf(text: string | undefined): number | undefined | 'wrong' {
  if (text === undefined || text === '') return undefined;
  if (!/^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d))?$/.test(text)) return 'wrong';
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? 'wrong' : ms;
}
