import { appendFileSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Log, silentLog } from '../../../src/base/log.js';
import { type AppendFile, CdrFile, type CdrFileDeps } from '../../../src/cdr/file.js';
import { CdrFold } from '../../../src/cdr/fold.js';
import type { CallRecord } from '../../../src/cdr/record.js';
import { completedCall } from '../../support/call-facts.js';
import { FakeClock, settle } from '../../support/fake-clock.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cdr-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function recordOf(callId: string): CallRecord {
  const records: CallRecord[] = [];
  const fold = new CdrFold((record) => records.push(record));
  for (const fact of completedCall) fold.take(fact);
  if (records[0] === undefined) throw new Error('no record');
  return { ...records[0], callId };
}

function writer(path: string, deps: Partial<CdrFileDeps> = {}, maxWaiting = 100) {
  const failures: string[] = [];
  const errors: string[] = [];
  const log: Log = { ...silentLog, error: (_fields, message) => errors.push(message), child: () => log };
  const clock = new FakeClock();
  const file = new CdrFile({ path, maxWaiting }, { clock, log, onFailure: (kind) => failures.push(kind), ...deps });
  return { file, failures, errors, clock };
}

const idsIn = (path: string): string[] => idsOf(readFileSync(path, 'utf8'));

const idsOf = (text: string): string[] =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => {
      try {
        return (JSON.parse(line) as CallRecord).callId;
      } catch {
        return 'torn';
      }
    });

/** A disk with room for so many bytes, in which what was written can be read. */
class SmallDisk {
  content = '';
  constructor(public roomBytes: number) {}
  readonly openFile = async (): Promise<AppendFile> => ({
    write: async (bytes) => {
      const fits = bytes.subarray(0, Math.max(0, this.roomBytes - Buffer.byteLength(this.content)));
      this.content += fits.toString('utf8');
      if (fits.length === 0) throw Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });
      return fits.length;
    },
    endsTorn: async () => this.content !== '' && !this.content.endsWith('\n'),
    close: async () => {},
  });
}

const idsOn = (disk: SmallDisk): string[] => idsOf(disk.content);

/** A writer on a disk whose openings are counted. */
function counted(disk: SmallDisk) {
  let openings = 0;
  const openFile = (): Promise<AppendFile> => {
    openings += 1;
    return disk.openFile();
  };
  return { ...writer('any', { openFile }), openings: () => openings };
}

describe('the CDR file', () => {
  it('has one line a record, in the order the calls ended', async () => {
    const { file } = writer(join(folder, 'cdr.jsonl'));
    for (const id of ['c-1', 'c-2', 'c-3']) file.append(recordOf(id));
    expect(await file.flush()).toBe(0);
    expect(idsIn(join(folder, 'cdr.jsonl'))).toEqual(['c-1', 'c-2', 'c-3']);
  });

  it('goes on after a line that a crash cut off, without spoiling the next', async () => {
    const path = join(folder, 'cdr.jsonl');
    appendFileSync(path, '{"callId":"c-0","dir');
    const { file } = writer(path);
    file.append(recordOf('c-1'));
    await file.flush();
    expect(idsIn(path)).toEqual(['torn', 'c-1']);
  });

  it('may be moved away at any time', async () => {
    const path = join(folder, 'cdr.jsonl');
    const { file } = writer(path);
    file.append(recordOf('c-1'));
    await file.flush();
    renameSync(path, `${path}.1`);
    file.append(recordOf('c-2'));
    await file.flush();
    expect([idsIn(`${path}.1`), idsIn(path)]).toEqual([['c-1'], ['c-2']]);
  });

  it('keeps what a full disk refuses, says so once, and writes it when there is room again', async () => {
    const disk = new SmallDisk(100);
    const { file, failures, errors } = writer('any', { openFile: disk.openFile });
    file.append(recordOf('c-1'));
    file.append(recordOf('c-2'));
    expect(await file.flush()).toBe(2);
    expect(failures).toContain('delayed');
    expect(errors.filter((message) => message.includes('kept and tried again'))).toHaveLength(1);
    disk.roomBytes = 1e6;
    expect(await file.flush()).toBe(0);
    const lines = disk.content.trimEnd().split('\n');
    expect(lines.slice(1).map((line) => (JSON.parse(line) as CallRecord).callId)).toEqual(['c-1', 'c-2']);
  });

  it('writes records that end close together at one opening, and each no later than a moment after it ended', async () => {
    const disk = new SmallDisk(1e6);
    const { file, clock, openings } = counted(disk);
    for (const id of ['c-1', 'c-2', 'c-3']) file.append(recordOf(id));
    await settle();
    expect([openings(), idsOn(disk)]).toEqual([1, ['c-1', 'c-2', 'c-3']]);
    for (const id of ['c-4', 'c-5']) file.append(recordOf(id));
    await clock.advanceAsync(200);
    expect([openings(), idsOn(disk)]).toEqual([2, ['c-1', 'c-2', 'c-3', 'c-4', 'c-5']]);
    await clock.advanceAsync(60_000);
    expect([openings(), clock.liveTimers]).toEqual([2, 0]);
  });

  it('counts each record that is delayed once, however often it is tried, and asks the disk only when there is news', async () => {
    const disk = new SmallDisk(0);
    const { file, failures, clock, openings } = counted(disk);
    for (const id of ['c-1', 'c-2']) file.append(recordOf(id));
    await clock.advanceAsync(60_000);
    expect([failures, openings()]).toEqual([['delayed', 'delayed'], 1]);
    file.append(recordOf('c-3'));
    await clock.advanceAsync(60_000);
    expect([failures, openings()]).toEqual([['delayed', 'delayed', 'delayed'], 2]);
  });

  it('writes no record twice when the disk takes a part of them', async () => {
    const line = Buffer.byteLength(`${JSON.stringify(recordOf('c-1'))}\n`);
    const disk = new SmallDisk(2 * line + 10);
    const { file } = counted(disk);
    for (const id of ['c-1', 'c-2', 'c-3']) file.append(recordOf(id));
    expect(await file.flush()).toBe(1);
    disk.roomBytes = 1e6;
    expect(await file.flush()).toBe(0);
    expect(idsOn(disk)).toEqual(['c-1', 'c-2', 'torn', 'c-3']);
  });

  it('loses the oldest when too many wait, and counts it', async () => {
    const disk = new SmallDisk(0);
    const { file, failures } = writer('any', { openFile: disk.openFile }, 2);
    for (const id of ['c-1', 'c-2', 'c-3']) file.append(recordOf(id));
    expect(await file.flush()).toBe(2);
    expect(failures.filter((kind) => kind === 'lost')).toHaveLength(1);
    disk.roomBytes = 1e6;
    await file.flush();
    expect(disk.content).not.toContain('"c-1"');
    expect(disk.content).toContain('"c-3"');
  });

  it('shows a wrong path at the start', async () => {
    await expect(writer(join(folder, 'none', 'cdr.jsonl')).file.check()).rejects.toThrow(/ENOENT.*correct cdr\.file/);
  });
});
