import type { CallRecord } from './record.js';

/** Which records are asked for; all conditions hold at once. */
export interface RecordQuery {
  readonly limit: number;
  /** Begun at this moment or later, and before that one; milliseconds since the Unix epoch. */
  readonly fromMs?: number;
  readonly toMs?: number;
  /** Part of either number, as it is shown. */
  readonly number?: string;
  readonly trunk?: string;
  readonly site?: string;
  /** What became of it, or the code of the failure. */
  readonly disposition?: string;
  /** Only what ended before this call, or before this moment: where the last page stopped. */
  readonly before?: string;
}

/** One page of records, newest first. */
export interface RecordPage {
  readonly records: readonly CallRecord[];
  /** `before` of the page that follows; absent with the last one. */
  readonly next?: string;
}

const isMoment = (text: string): boolean => /^\d{4}-\d\d-\d\dT/.test(text) && !Number.isNaN(Date.parse(text));

/**
 * Finds records among those given, newest first. `shown` is a number as whoever asks may see it, so that
 * nobody finds out a masked number by asking for it digit by digit.
 */
export function findRecords(all: readonly CallRecord[], query: RecordQuery, shown: (number: string) => string): RecordPage {
  const { limit } = query;
  const found: CallRecord[] = [];
  for (const record of startOf(all, query.before)) {
    if (!matches(record, query, shown)) continue;
    if (found.length === limit) return { records: found, next: found.at(-1)?.callId ?? '' };
    found.push(record);
  }
  return { records: found };
}

function startOf(all: readonly CallRecord[], before: string | undefined): readonly CallRecord[] {
  if (before === undefined) return all;
  if (isMoment(before)) {
    const beforeMs = Date.parse(before);
    return all.filter(({ endedAt }) => Date.parse(endedAt) < beforeMs);
  }
  const at = all.findIndex(({ callId }) => callId === before);
  return at < 0 ? [] : all.slice(at + 1);
}

function matches(record: CallRecord, query: RecordQuery, shown: (number: string) => string): boolean {
  const { fromMs, toMs, number, trunk, site, disposition } = query;
  const startedMs = Date.parse(record.startedAt);
  if (fromMs !== undefined && startedMs < fromMs) return false;
  if (toMs !== undefined && startedMs >= toMs) return false;
  if (number !== undefined && !shown(record.from).includes(number) && !shown(record.to).includes(number)) return false;
  if (trunk !== undefined && record.trunk !== trunk && record.forwardedFrom !== trunk) return false;
  if (site !== undefined && record.site !== site) return false;
  return disposition === undefined || record.disposition === disposition || record.failure === disposition;
}
