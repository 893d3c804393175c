/**
 * Sends digits one at a time. `RTCDTMFSender.insertDTMF` replaces what it has not played yet
 * (W3C WebRTC §7.2), so a digit is handed over only when the one before it is over.
 */

/** The part of a clock the queue needs. */
export interface QueueClock {
  after(delayMs: number, run: () => void): { cancel(): void };
}

/** Plays one digit; `done` is called when tone and gap are over, or when it could not be sent. */
export type PlayDigit = (digit: string, toneMs: number, gapMs: number, done: (sent: boolean) => void) => void;

export interface DigitQueueOptions {
  readonly toneMs: number;
  readonly gapMs: number;
  /** How long a digit may take beyond tone and gap before it counts as not sent. */
  readonly patienceMs: number;
}

export const defaultDigitTiming: DigitQueueOptions = { toneMs: 100, gapMs: 70, patienceMs: 2000 };

export interface DigitQueueDeps {
  readonly clock: QueueClock;
  readonly play: PlayDigit;
  readonly onDigit: (digit: string, sent: boolean) => void;
}

type Item = { readonly kind: 'digit'; readonly digit: string } | { readonly kind: 'pause'; readonly pauseMs: number };

const pauseMsOf: Readonly<Record<string, number>> = { ',': 2000, w: 500, W: 500 };

/**
 * Reads `12#,4w5`: digits `0-9 * # A-D`, `,` for two seconds, `w` for half a second; spaces and
 * hyphens mean nothing. Undefined when there is anything else, so that nothing is sent by halves.
 */
export function parseDigits(text: string): readonly Item[] | undefined {
  const items: Item[] = [];
  for (const character of text) {
    const pauseMs = pauseMsOf[character];
    if (pauseMs !== undefined) items.push({ kind: 'pause', pauseMs });
    else if (/^[0-9*#A-Da-d]$/.test(character)) items.push({ kind: 'digit', digit: character.toUpperCase() });
    else if (!/^[\s-]$/.test(character)) return undefined;
  }
  return items;
}

export class DigitQueue {
  private readonly waiting: Item[] = [];
  private timer: { cancel(): void } | undefined;
  /** The digit being played; a new object each time, so that a late `done` of an old one is told apart. */
  private current: object | undefined;
  /** The gap has run already when a pause begins, and counts toward the first one. */
  private gapRun = false;

  constructor(
    private readonly options: DigitQueueOptions,
    private readonly deps: DigitQueueDeps,
  ) {}

  /** Appends; false (and nothing is queued) when the text holds something that is no digit. */
  push(text: string): boolean {
    const items = parseDigits(text);
    if (items === undefined) return false;
    this.waiting.push(...items);
    if (this.current === undefined && this.timer === undefined) this.advance();
    return true;
  }

  /** Forgets what waits. A digit that is already sounding is not taken back. */
  clear(): void {
    this.waiting.length = 0;
    this.timer?.cancel();
    this.timer = undefined;
    this.current = undefined;
    this.gapRun = false;
  }

  get length(): number {
    return this.waiting.length + (this.current === undefined ? 0 : 1);
  }

  private advance(): void {
    const item = this.waiting.shift();
    if (item === undefined) {
      this.gapRun = false;
      return;
    }
    if (item.kind === 'pause') this.pause(item.pauseMs);
    else this.play(item.digit);
  }

  private pause(pauseMs: number): void {
    const leftMs = Math.max(0, pauseMs - (this.gapRun ? this.options.gapMs : 0));
    this.gapRun = false;
    this.timer = this.deps.clock.after(leftMs, () => {
      this.timer = undefined;
      this.advance();
    });
  }

  private play(digit: string): void {
    const { toneMs, gapMs, patienceMs } = this.options;
    const token = {};
    const finish = (sent: boolean): void => {
      if (this.current !== token) return;
      this.current = undefined;
      this.timer?.cancel();
      this.timer = undefined;
      this.gapRun = sent;
      this.deps.onDigit(digit, sent);
      if (this.current === undefined && this.timer === undefined) this.advance();
    };
    this.current = token;
    this.timer = this.deps.clock.after(toneMs + gapMs + patienceMs, () => finish(false));
    this.deps.play(digit, toneMs, gapMs, finish);
  }
}
