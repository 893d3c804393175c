import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { silentLog } from '../../../src/base/log.js';
import { CdrFile } from '../../../src/cdr/file.js';
import { CdrFold } from '../../../src/cdr/fold.js';
import { readBack } from '../../../src/cdr/read-back.js';
import type { CallRecord } from '../../../src/cdr/record.js';
import { completedCall } from '../../support/call-facts.js';
import { FakeClock } from '../../support/fake-clock.js';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cdr-'));
  path = join(folder, 'cdr.jsonl');
});
afterEach(() => rmSync(folder, { recursive: true }));

function recordOf(callId: string, more: Partial<CallRecord> = {}): CallRecord {
  const records: CallRecord[] = [];
  const fold = new CdrFold((record) => records.push(record));
  for (const fact of completedCall) fold.take(fact);
  if (records[0] === undefined) throw new Error('no record');
  return { ...records[0], callId, ...more };
}

const write = (...lines: readonly object[]): void => appendFileSync(path, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
const idsOf = async (count: number): Promise<string[]> => (await readBack(path, count)).records.map(({ callId }) => callId);

describe('a CDR file read back', () => {
  it('gives the records that were written, as they were', async () => {
    const file = new CdrFile({ path, maxWaiting: 10 }, { clock: new FakeClock(), log: silentLog, onFailure: () => {} });
    const records = [recordOf('c-1'), recordOf('c-2')];
    for (const record of records) file.append(record);
    await file.flush();
    expect(await readBack(path, 10)).toEqual({ records, unreadable: 0 });
  });

  it('gives the last ones, oldest first', async () => {
    write(recordOf('c-1'), recordOf('c-2'), recordOf('c-3'));
    expect(await idsOf(2)).toEqual(['c-2', 'c-3']);
  });

  it('puts a rating into its record', async () => {
    const rating = { stars: 4, comment: 'good', at: '2026-01-02T03:05:00.000Z' } as const;
    write(recordOf('c-1'), recordOf('c-2'), { type: 'rating', callId: 'c-1', ...rating }, { type: 'rating', callId: 'c-0', ...rating });
    expect(await readBack(path, 10)).toEqual({ records: [recordOf('c-1', { rating }), recordOf('c-2')], unreadable: 0 });
  });

  it('leaves out what is no record, and says how much that was', async () => {
    writeFileSync(path, '{"callId":"torn","dire\n[]\nnull\n\n"text"\n');
    const { digits: _digits, ...withoutDigits } = recordOf('c-0');
    write(withoutDigits, recordOf('c-1', { startedAt: 7 as unknown as string }), recordOf('c-2'));
    expect(await readBack(path, 10)).toMatchObject({ records: [{ callId: 'c-2' }], unreadable: 6 });
  });

  it('reads no more than the end of a large one, and whole lines of it', async () => {
    const long = recordOf('c-long', { visitor: 'x'.repeat(9 * 1024 * 1024) });
    write(long, { ...long, callId: 'c-also-long' }, recordOf('c-last'));
    expect(await idsOf(10)).toEqual(['c-also-long', 'c-last']);
    expect((await readBack(path, 10)).unreadable).toBe(0);
  });

  it('holds none when it is not there, or is no file that keeps what is written', async () => {
    expect(await readBack(path, 10)).toEqual({ records: [], unreadable: 0 });
    expect(await readBack('/dev/null', 10)).toEqual({ records: [], unreadable: 0 });
  });
});
