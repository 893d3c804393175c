import { open } from 'node:fs/promises';
import type { Clock, Timer } from '../base/clock.js';
import { GatewayError, messageOf } from '../base/errors.js';
import type { Log } from '../base/log.js';
import { SerialQueue } from '../base/serial-queue.js';
import type { CallRecord, RatingLine } from './record.js';

export type CdrErrorInfo =
  | { readonly code: 'cdr-file-unusable'; readonly path: string }
  /** The file took only a part of what was written. */
  | { readonly code: 'cdr-short-write' };

export interface CdrFileOptions {
  readonly path: string;
  /** Records kept in memory while the file cannot be written; beyond it the oldest is lost. */
  readonly maxWaiting: number;
}

/** The part of a file the writer needs, so that a full disk can be tried. */
export interface AppendFile {
  /** Appends as much of `bytes` as it can and returns how much. */
  write(bytes: Buffer): Promise<number>;
  /** Whether the file ends in the middle of a line. */
  endsTorn(): Promise<boolean>;
  close(): Promise<void>;
}

export interface CdrFileDeps {
  readonly clock: Clock;
  readonly log: Log;
  /** Called once for each record that could not be written for now, and each that is lost for good. */
  onFailure(kind: 'delayed' | 'lost'): void;
  readonly openFile?: (path: string) => Promise<AppendFile>;
}

/** One line of the file. */
export type CdrLine = CallRecord | RatingLine;

const lineEnd = 0x0a;

async function openForAppend(path: string): Promise<AppendFile> {
  const handle = await open(path, 'a+', 0o640);
  return {
    write: async (bytes) => (await handle.write(bytes)).bytesWritten,
    endsTorn: async () => {
      const { size } = await handle.stat();
      if (size === 0) return false;
      const last = Buffer.alloc(1);
      await handle.read(last, 0, 1, size - 1);
      return last[0] !== lineEnd;
    },
    close: () => handle.close(),
  };
}

/** Records that end so close together share one opening of the file. */
const pauseMs = 200;
const maxBatch = 1_000;

/**
 * Appends records to a file, one line each. The file is opened anew for each write, so that it may be
 * moved away at any time (log rotation); after a write comes a short pause, and what ends in it is
 * written together. A line cut off by a crash or a full disk is closed with a line end before the next
 * one, so that it never spoils another. What cannot be written waits in memory and is tried again with
 * the next record and at the end; no call ever waits for the disk.
 */
export class CdrFile {
  private readonly waiting: CdrLine[] = [];
  private readonly delayed = new Set<CdrLine>();
  private readonly queue: SerialQueue;
  private readonly openFile: (path: string) => Promise<AppendFile>;
  private added = 0;
  private pause: Timer | undefined;
  private failing = false;

  constructor(
    private readonly options: CdrFileOptions,
    private readonly deps: CdrFileDeps,
  ) {
    this.openFile = deps.openFile ?? openForAppend;
    this.queue = new SerialQueue((thrown) => deps.log.error({ error: messageOf(thrown) }, 'writing call records failed'));
  }

  append(record: CdrLine): void {
    this.waiting.push(record);
    this.added += 1;
    this.dropOldest();
    if (this.pause === undefined) this.writeSoon();
  }

  /** Tries once more what waits, and resolves with how many records could not be written. */
  async flush(): Promise<number> {
    this.pause?.cancel();
    this.pause = undefined;
    this.queue.push(() => this.write());
    await this.queue.drained();
    if (this.waiting.length > 0) {
      this.deps.log.error({ file: this.options.path, records: this.waiting.length }, 'call records are lost: the file cannot be written');
    }
    return this.waiting.length;
  }

  /** Opens the file once, so that a wrong path shows at the start and not with the first call. */
  async check(): Promise<void> {
    try {
      await (await this.openFile(this.options.path)).close();
    } catch (thrown) {
      const { path } = this.options;
      const message = `call records cannot be written to ${path} (${messageOf(thrown)}); correct cdr.file, or make the folder and let the gateway write there`;
      throw new GatewayError<CdrErrorInfo>({ code: 'cdr-file-unusable', path }, message, { cause: thrown });
    }
  }

  private writeSoon(): void {
    this.pause = this.deps.clock.after(pauseMs, () => {
      this.pause = undefined;
      if (this.added > 0) this.writeSoon();
    });
    this.queue.push(() => this.write());
  }

  private dropOldest(): void {
    while (this.waiting.length > this.options.maxWaiting) {
      const lost = this.waiting.shift();
      if (lost !== undefined) this.delayed.delete(lost);
      this.deps.onFailure('lost');
    }
  }

  private async write(): Promise<void> {
    this.added = 0;
    if (this.waiting.length === 0) return;
    let file: AppendFile | undefined;
    try {
      file = await this.openFile(this.options.path);
      const torn = await file.endsTorn();
      await this.writeAll(file, torn ? '\n' : '');
      if (this.failing) this.deps.log.info({ file: this.options.path }, 'call records are written again');
      this.failing = false;
    } catch (thrown) {
      this.failed(thrown);
    } finally {
      await file?.close();
    }
  }

  /** What is being written is out of the queue meanwhile, so that no newer record pushes it out. */
  private async writeAll(file: AppendFile, opening: string): Promise<void> {
    let start = opening;
    while (this.waiting.length > 0) {
      const batch = this.waiting.splice(0, maxBatch);
      let done = 0;
      try {
        done = await appendLines(file, start, batch);
      } finally {
        for (const record of batch.splice(0, done)) this.delayed.delete(record);
        this.waiting.unshift(...batch);
        this.dropOldest();
      }
      if (batch.length > 0) {
        throw new GatewayError<CdrErrorInfo>({ code: 'cdr-short-write' }, `${batch.length} of ${done + batch.length} records did not fit`);
      }
      start = '';
    }
  }

  private failed(thrown: unknown): void {
    for (const record of this.waiting) {
      if (this.delayed.has(record)) continue;
      this.delayed.add(record);
      this.deps.onFailure('delayed');
    }
    const facts = { file: this.options.path, error: messageOf(thrown) };
    if (!this.failing) this.deps.log.error(facts, 'call records cannot be written; they are kept and tried again');
    this.failing = true;
  }
}

/** One write for all lines; resolves with how many records are in the file as a whole. */
async function appendLines(file: AppendFile, opening: string, records: readonly CdrLine[]): Promise<number> {
  const lines = records.map((record) => `${JSON.stringify(record)}\n`);
  const bytes = Buffer.from(`${opening}${lines.join('')}`, 'utf8');
  let room = (await file.write(bytes)) - opening.length;
  const firstCut = lines.findIndex((line) => {
    room -= Buffer.byteLength(line);
    return room < 0;
  });
  return firstCut < 0 ? lines.length : firstCut;
}
