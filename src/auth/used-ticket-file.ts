import { appendFile, readFile, rename, writeFile } from 'node:fs/promises';
import type { Clock } from '../base/clock.js';
import { GatewayError, messageOf } from '../base/errors.js';
import type { Log } from '../base/log.js';

export type UsedTicketFileErrorInfo = { readonly code: 'replay-file-unusable'; readonly path: string };

/** After so many lines those that have expired are left out, so that the file stays small. */
const rewriteAfter = 10_000;

interface Used {
  readonly id: string;
  readonly expiresAtMs: number;
}

/** The tickets that were used, a line each, so that a restart does not make them good again. */
export class UsedTicketFile {
  private waiting: string[] = [];
  /** Lines since the file was last written anew. */
  private appended = 0;
  private writing: Promise<void> | undefined;

  constructor(
    private readonly options: { readonly path: string },
    private readonly deps: { readonly clock: Pick<Clock, 'wallMs'>; readonly log: Log },
  ) {}

  /** What has not expired; the file is written anew with it, and made when there is none. Throws when it cannot be. */
  async read(): Promise<readonly Used[]> {
    const { path } = this.options;
    try {
      return await this.rewrite();
    } catch (thrown) {
      const message = `auth.tickets.replayFile: ${path} cannot be used: ${messageOf(thrown)}; correct the path or its permissions`;
      throw new GatewayError<UsedTicketFileErrorInfo>({ code: 'replay-file-unusable', path }, message, { cause: thrown });
    }
  }

  add(id: string, expiresAtMs: number): void {
    this.waiting.push(lineOf({ id, expiresAtMs }));
    this.writing ??= this.write();
  }

  /** Resolves when all is written. */
  async flush(): Promise<void> {
    await this.writing;
  }

  private async rewrite(): Promise<readonly Used[]> {
    const { path } = this.options;
    const used = liveOf(await textOf(path), this.deps.clock.wallMs());
    const next = `${path}.new`;
    await writeFile(next, used.map(lineOf).join(''), { mode: 0o600 });
    await rename(next, path);
    this.appended = 0;
    return used;
  }

  private async write(): Promise<void> {
    while (this.waiting.length > 0) {
      const lines = this.waiting.splice(0);
      try {
        await appendFile(this.options.path, lines.join(''), { mode: 0o600 });
        this.appended += lines.length;
        if (this.appended >= rewriteAfter) await this.rewrite();
      } catch (thrown) {
        this.deps.log.error({ error: messageOf(thrown) }, 'used tickets cannot be written down; a restart would make them good again');
      }
    }
    this.writing = undefined;
  }
}

const lineOf = ({ id, expiresAtMs }: Used): string => `${JSON.stringify([id, expiresAtMs])}\n`;

async function textOf(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw thrown;
  }
}

/** A line that was cut off by a crash counts for nothing. */
function liveOf(text: string, nowMs: number): readonly Used[] {
  return text.split('\n').flatMap((line): readonly Used[] => {
    try {
      const [id, expiresAtMs] = JSON.parse(line) as readonly [unknown, unknown];
      return typeof id === 'string' && typeof expiresAtMs === 'number' && expiresAtMs > nowMs ? [{ id, expiresAtMs }] : [];
    } catch {
      return [];
    }
  });
}
