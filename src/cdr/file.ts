import { open } from 'node:fs/promises';
import { GatewayError, messageOf } from '../base/errors.js';
import type { Log } from '../base/log.js';
import { SerialQueue } from '../base/serial-queue.js';
import type { CallRecord } from './record.js';

export type CdrErrorInfo =
  | { readonly code: 'cdr-file-unusable'; readonly path: string }
  /** The file took only a part of a line. */
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
  readonly log: Log;
  /** Called once for each record that could not be written for now, and each that is lost for good. */
  onFailure(kind: 'delayed' | 'lost'): void;
  readonly openFile?: (path: string) => Promise<AppendFile>;
}

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

/**
 * Appends records to a file, one write a line. The file is opened for each, so that it may be moved
 * away at any time (log rotation). A line cut off by a crash or a full disk is closed with a line
 * end before the next one, so that it never spoils another. What cannot be written waits in memory
 * and is tried again with the next record and at the end; no call ever waits for the disk.
 */
export class CdrFile {
  private readonly waiting: CallRecord[] = [];
  private readonly queue: SerialQueue;
  private readonly openFile: (path: string) => Promise<AppendFile>;
  private failing = false;

  constructor(
    private readonly options: CdrFileOptions,
    private readonly deps: CdrFileDeps,
  ) {
    this.openFile = deps.openFile ?? openForAppend;
    this.queue = new SerialQueue((thrown) => deps.log.error({ error: messageOf(thrown) }, 'writing call records failed'));
  }

  append(record: CallRecord): void {
    this.waiting.push(record);
    if (this.waiting.length > this.options.maxWaiting) {
      this.waiting.shift();
      this.deps.onFailure('lost');
    }
    this.queue.push(() => this.write());
  }

  /** Tries once more what waits, and resolves with how many records could not be written. */
  async flush(): Promise<number> {
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

  private async write(): Promise<void> {
    if (this.waiting.length === 0) return;
    let file: AppendFile | undefined;
    try {
      file = await this.openFile(this.options.path);
      while (this.waiting[0] !== undefined) {
        await appendLine(file, this.waiting[0]);
        this.waiting.shift();
      }
      if (this.failing) this.deps.log.info({ file: this.options.path }, 'call records are written again');
      this.failing = false;
    } catch (thrown) {
      this.deps.onFailure('delayed');
      if (!this.failing) {
        this.deps.log.error(
          { file: this.options.path, error: messageOf(thrown) },
          'call records cannot be written; they are kept and tried again',
        );
      }
      this.failing = true;
    } finally {
      await file?.close();
    }
  }
}

/** One write for the whole line; a file that takes only a part of it is out of space. */
async function appendLine(file: AppendFile, record: CallRecord): Promise<void> {
  const text = `${(await file.endsTorn()) ? '\n' : ''}${JSON.stringify(record)}\n`;
  const bytes = Buffer.from(text, 'utf8');
  const written = await file.write(bytes);
  if (written < bytes.length)
    throw new GatewayError<CdrErrorInfo>({ code: 'cdr-short-write' }, `only ${written} of ${bytes.length} bytes fitted`);
}
