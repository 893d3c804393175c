import { open, stat } from 'node:fs/promises';
import type { CdrLine } from './file.js';
import type { CallRecord, RatingLine } from './record.js';

/** How much of the end of the file is read at most. */
const maxBytes = 16 * 1024 * 1024;

/** The last records of a file, oldest first, with the ratings that came after them. */
export interface ReadBack {
  readonly records: readonly CallRecord[];
  /** Lines that are no call record; they stay in the file as they are. */
  readonly unreadable: number;
}

/**
 * Reads the last `count` records of a CDR file, so that a restart does not empty the view of past calls.
 * A file that is not there, or is a pipe or a terminal, holds none. Rejects when it cannot be read.
 */
export async function readBack(path: string, count: number): Promise<ReadBack> {
  const lines = (await endOf(path)).split('\n').filter((line) => line.trim() !== '');
  const records = new Map<string, CallRecord>();
  let unreadable = 0;
  for (const line of lines) {
    const read = lineOf(line);
    if (read === undefined) unreadable += 1;
    else if ('type' in read) rate(records, read);
    else records.set(read.callId, read);
  }
  return { records: [...records.values()].slice(-count), unreadable };
}

/** Whole lines alone: reading begins after the first line end, unless it begins with the file. */
async function endOf(path: string): Promise<string> {
  const found = await stat(path).catch((thrown: NodeJS.ErrnoException) => {
    if (thrown.code === 'ENOENT') return undefined;
    throw thrown;
  });
  if (found?.isFile() !== true) return '';
  const start = Math.max(0, found.size - maxBytes);
  const file = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(found.size - start), 0, found.size - start, start);
    const text = buffer.toString('utf8', 0, bytesRead);
    return start === 0 ? text : text.slice(text.indexOf('\n') + 1);
  } finally {
    await file.close();
  }
}

function rate(records: Map<string, CallRecord>, { type: _type, callId, ...rating }: RatingLine): void {
  const record = records.get(callId);
  if (record !== undefined) records.set(callId, { ...record, rating });
}

function lineOf(line: string): CdrLine | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return isRating(value) || isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

const has = (value: object, type: 'string' | 'number', names: readonly string[]): boolean =>
  names.every((name) => typeof (value as Readonly<Record<string, unknown>>)[name] === type);

const isRating = (value: unknown): value is RatingLine =>
  typeof value === 'object' && value !== null && has(value, 'string', ['callId', 'at']) && 'type' in value && value.type === 'rating';

/** What every reader of records relies on; the rest may be missing. */
function isRecord(value: unknown): value is CallRecord {
  if (typeof value !== 'object' || value === null || 'type' in value) return false;
  const words = ['callId', 'direction', 'from', 'to', 'source', 'startedAt', 'endedAt', 'endedBy', 'disposition'];
  if (!has(value, 'string', words) || !has(value, 'number', ['talkMs', 'totalMs', 'q850'])) return false;
  const { digits, silences } = value as Partial<CallRecord>;
  return Array.isArray(silences) && Array.isArray(digits?.receipts) && has(digits, 'number', ['fromBrowser', 'fromTrunk', 'lost']);
}
