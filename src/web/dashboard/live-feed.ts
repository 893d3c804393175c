/** What a feed needs of the browser. */
export interface FeedDeps {
  /** Opens a stream of events; undefined where there are none. */
  readonly open: (url: string, names: readonly string[], heard: () => void, failed: () => void) => (() => void) | undefined;
  readonly after: (delayMs: number, run: () => void) => () => void;
}

/** Asked at once when something is told, but not more often than this. */
const leastMs = 250;
/** Asked all the same this often: figures of quality come without an event. */
const usualMs = 2_000;
const reopenMs = 5_000;

/**
 * Keeps something fresh: asks for it when the stream says that something happened, and every two seconds
 * in any case, so that it goes on where streams do not come through.
 */
export class LiveFeed {
  private cancelNext: () => void = () => {};
  private closeStream: () => void = () => {};
  private cancelReopen: () => void = () => {};
  private state: 'stopped' | 'waiting' | 'due' | 'asking' = 'stopped';

  constructor(
    private readonly options: { readonly url: string; readonly events: readonly string[] },
    private readonly deps: FeedDeps & { readonly ask: () => Promise<void> },
  ) {}

  start(): void {
    if (this.state !== 'stopped') return;
    this.state = 'waiting';
    this.open();
    void this.askNow();
  }

  stop(): void {
    this.state = 'stopped';
    this.cancelNext();
    this.cancelReopen();
    this.closeStream();
  }

  /** Something changed: asks soon. */
  readonly nudge = (): void => {
    if (this.state !== 'waiting') return;
    this.state = 'due';
    this.wait(leastMs);
  };

  private open(): void {
    const failed = (): void => {
      this.closeStream();
      if (this.state !== 'stopped') this.cancelReopen = this.deps.after(reopenMs, () => this.open());
    };
    this.closeStream = this.deps.open(this.options.url, this.options.events, this.nudge, failed) ?? (() => {});
  }

  private wait(delayMs: number): void {
    this.cancelNext();
    this.cancelNext = this.deps.after(delayMs, () => void this.askNow());
  }

  private async askNow(): Promise<void> {
    this.state = 'asking';
    await this.deps.ask();
    if (!this.isAsking()) return;
    this.state = 'waiting';
    this.wait(usualMs);
  }

  /** A method, because it changes while one waits. */
  private isAsking(): boolean {
    return this.state === 'asking';
  }
}

/** The browser itself. */
export const pageFeed: FeedDeps = {
  open: (url, names, heard, failed) => {
    const source = new EventSource(url);
    for (const name of names) source.addEventListener(name, heard);
    source.addEventListener('error', () => {
      if (source.readyState === EventSource.CLOSED) failed();
    });
    return () => source.close();
  },
  after: (delayMs, run) => {
    const timer = setTimeout(run, delayMs);
    return () => clearTimeout(timer);
  },
};
