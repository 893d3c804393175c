import type { CallRecord } from './record.js';

type Cell = string | number | undefined;

/** Columns of the table; like the names of a record they are added to and never changed. */
const columns: ReadonlyArray<readonly [name: string, cell: (record: CallRecord) => Cell]> = [
  ['callId', (record) => record.callId],
  ['direction', (record) => record.direction],
  ['from', (record) => record.from],
  ['to', (record) => record.to],
  ['trunk', (record) => record.trunk],
  ['forwardedFrom', (record) => record.forwardedFrom],
  ['user', (record) => record.user],
  ['answeredBy', (record) => record.answeredBy],
  ['site', (record) => record.site],
  ['visitor', (record) => record.visitor],
  ['alias', (record) => record.alias],
  ['origin', (record) => record.origin],
  ['source', (record) => record.source],
  ['startedAt', (record) => record.startedAt],
  ['ringingAt', (record) => record.ringingAt],
  ['answeredAt', (record) => record.answeredAt],
  ['endedAt', (record) => record.endedAt],
  ['talkSeconds', (record) => record.talkMs / 1000],
  ['totalSeconds', (record) => record.totalMs / 1000],
  ['endedBy', (record) => record.endedBy],
  ['disposition', (record) => record.disposition],
  ['failure', (record) => record.failure],
  ['sipStatus', (record) => record.sipStatus],
  ['q850', (record) => record.q850],
  ['rule', (record) => record.rule],
  ['cost', (record) => record.cost],
  ['currency', (record) => record.currency],
  ['stars', (record) => record.rating?.stars],
  ['comment', (record) => record.rating?.comment],
  ['digitsFromBrowser', (record) => record.digits.fromBrowser],
  ['digitsFromTrunk', (record) => record.digits.fromTrunk],
  ['digitsLost', (record) => record.digits.lost],
  ['silences', (record) => record.silences.length],
  ['pageLowestScore', (record) => record.pageQuality?.lowestScore],
  ['pageHints', (record) => record.pageQuality?.hints.join(' ')],
];

/** Records as a table (RFC 4180), with a line of names first. */
export function recordsCsv(records: readonly CallRecord[]): string {
  const lines = records.map((record) => columns.map(([, cell]) => csvCell(cell(record))).join(','));
  return `${[columns.map(([name]) => name).join(','), ...lines].join('\r\n')}\r\n`;
}

/**
 * Spreadsheets take a cell that begins with one of these for a formula, and a caller chooses some of
 * what stands in ours (a display name, a comment). An apostrophe makes it text.
 */
const formulaStart = /^[=+\-@\t\r\n]/;

/** Quoted whatever it holds (RFC 4180 §2.5 to §2.7). */
export function csvCell(value: Cell): string {
  if (value === undefined) return '';
  if (typeof value === 'number') return String(value);
  const safe = formulaStart.test(value) ? `'${value}` : value;
  return `"${safe.replaceAll('"', '""')}"`;
}
