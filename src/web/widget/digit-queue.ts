/**
 * Sends digits one at a time. `RTCDTMFSender.insertDTMF` replaces what it has not played yet
 * (W3C WebRTC §7.2), so a digit is handed over only when the one before it is over.
 */
import type { DigitStep } from './digit-text.js';

/** The part of a clock the queue needs. */
export interface QueueClock {
  nowMs(): number;
  after(delayMs: number, run: () => void): Cancellable;
}

export interface Cancellable {
  cancel(): void;
}

export interface DigitTiming {
  readonly toneMs: number;
  readonly gapMs: number;
}

/**
 * Plays one digit; `done` is called when tone and gap are over, or when it could not be sent.
 * Cancelling takes back what has not sounded yet.
 */
export type PlayDigit = (digit: string, timing: DigitTiming, done: (sent: boolean) => void) => Cancellable;

export interface DigitQueueOptions extends DigitTiming {
  /** How long a digit may take beyond tone and gap before it counts as not sent. */
  readonly patienceMs: number;
  /** Digits that may wait at once. */
  readonly mostWaiting: number;
}

export const defaultDigitTiming: DigitQueueOptions = { toneMs: 100, gapMs: 70, patienceMs: 2000, mostWaiting: 64 };

export interface DigitQueueDeps {
  readonly clock: QueueClock;
  /** Calls back as soon as a digit can be sent; at once when it can be now. */
  readonly ready: (run: () => void) => Cancellable;
  readonly play: PlayDigit;
  readonly onDone: (press: number, digit: string, sent: boolean) => void;
}

/** A digit on its way, by the number of its press: counted from 1 in each call. */
export interface Press {
  readonly press: number;
  readonly digit: string;
}

type Item = ({ readonly kind: 'digit' } & Press) | Extract<DigitStep, { readonly kind: 'pause' }>;

export class DigitQueue {
  private readonly waiting: Item[] = [];
  private presses = 0;
  /** What the queue waits for: the end of a pause, of a digit, or of the time in which none can be sent. */
  private awaited: Cancellable | undefined;
  private playing: Press | undefined;
  /** When the newest digit or pause ended, while the queue has not run empty: the next pause begins there. */
  private endedAtMs: number | undefined;

  constructor(
    private readonly options: DigitQueueOptions,
    private readonly deps: DigitQueueDeps,
  ) {}

  /** Appends, all or nothing; undefined when that would be more than may wait. */
  push(steps: readonly DigitStep[]): readonly Press[] | undefined {
    const digits = steps.filter((step) => step.kind === 'digit').length;
    if (this.unfinished().length + digits > this.options.mostWaiting) return undefined;
    const items = steps.map((step): Item => {
      if (step.kind === 'pause') return step;
      this.presses += 1;
      return { ...step, press: this.presses };
    });
    this.waiting.push(...items);
    return items.filter((item) => item.kind === 'digit');
  }

  /** Goes on with what waits, unless something is under way. To be called after `push`. */
  start(): void {
    if (this.awaited === undefined) this.advance();
  }

  /** For the end of a call: takes back what sounds, forgets what waits, and says which presses that were. */
  clear(): readonly Press[] {
    const left = this.unfinished();
    this.waiting.length = 0;
    this.awaited?.cancel();
    this.awaited = undefined;
    this.playing = undefined;
    this.endedAtMs = undefined;
    this.presses = 0;
    return left;
  }

  private unfinished(): readonly Press[] {
    const waiting = this.waiting.filter((item) => item.kind === 'digit');
    return this.playing === undefined ? waiting : [this.playing, ...waiting];
  }

  private advance(): void {
    const item = this.waiting[0];
    if (item === undefined) this.endedAtMs = undefined;
    else if (item.kind === 'digit') {
      this.wait(this.deps.ready, () => this.play(item));
    } else {
      this.waiting.shift();
      this.pause(item.pauseMs);
    }
  }

  private pause(pauseMs: number): void {
    const nowMs = this.deps.clock.nowMs();
    const untilMs = (this.endedAtMs ?? nowMs) + pauseMs;
    this.wait(
      (then) => this.deps.clock.after(Math.max(0, untilMs - nowMs), then),
      () => {
        this.endedAtMs = untilMs;
        this.advance();
      },
    );
  }

  private play(press: Press): void {
    // By the clock: the browser tells of the end one gap late or two.
    const endsAtMs = this.deps.clock.nowMs() + this.options.toneMs;
    this.waiting.shift();
    this.playing = press;
    this.wait<boolean>(
      (then) => this.playInTime(press.digit, then),
      (sent) => {
        this.playing = undefined;
        this.endedAtMs = sent ? endsAtMs : this.deps.clock.nowMs();
        this.deps.onDone(press.press, press.digit, sent);
        this.start();
      },
    );
  }

  /** Plays the digit, or takes it back when its end is not told in time. */
  private playInTime(digit: string, then: (sent: boolean) => void): Cancellable {
    const { toneMs, gapMs, patienceMs } = this.options;
    const timer = this.deps.clock.after(toneMs + gapMs + patienceMs, () => {
      played.cancel();
      then(false);
    });
    const played = this.deps.play(digit, { toneMs, gapMs }, (sent) => {
      timer.cancel();
      then(sent);
    });
    return {
      cancel: () => {
        timer.cancel();
        played.cancel();
      },
    };
  }

  /** Starts something that may end at once; its end counts only once, and only while it is what is waited for. */
  private wait<T = void>(start: (then: (value: T) => void) => Cancellable, then: (value: T) => void): void {
    let started: Cancellable | undefined;
    const token: Cancellable = { cancel: () => started?.cancel() };
    this.awaited = token;
    started = start((value) => {
      if (this.awaited !== token) return;
      this.awaited = undefined;
      then(value);
    });
  }
}
