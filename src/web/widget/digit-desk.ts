import { DigitLedger, type DigitReceipt } from './digit-ledger.js';
import { type Cancellable, DigitQueue, type DigitQueueOptions, type DigitTiming, type QueueClock } from './digit-queue.js';
import type { DigitStep } from './digit-text.js';
import { type DigitProspects, wayOf } from './digit-way.js';
import type { GatewayReceipt } from './gateway-message.js';

/** What the desk needs of a call. */
export interface DigitCall {
  prospects(): DigitProspects;
  /** Plays one digit in the media. Cancelling takes back what has not sounded yet. */
  insertDigit(digit: string, timing: DigitTiming, done: (sent: boolean) => void): Cancellable;
  informDigit(digit: string, durationMs: number, done: (sent: boolean) => void): void;
}

export interface DigitDeskDeps {
  readonly clock: QueueClock;
  /** The call that digits may leave on now; undefined before there is one that hears them. */
  readonly call: () => DigitCall | undefined;
  readonly onReceipt: (receipt: DigitReceipt) => void;
  /** The page is done with a digit: it has left. */
  readonly onLeft: (digit: string) => void;
}

/** How often a digit that has to wait looks whether it can go. */
const lookMs = 40;

/** Everything about the digits of the page in one call: the queue they wait in, the way they leave, and what became of them. */
export class DigitDesk {
  private readonly queue: DigitQueue;
  private readonly ledger: DigitLedger;
  private afterAnswer: DigitStep[] = [];

  constructor(
    private readonly options: DigitQueueOptions,
    private readonly deps: DigitDeskDeps,
  ) {
    this.ledger = new DigitLedger(deps.onReceipt);
    this.queue = new DigitQueue(options, {
      clock: deps.clock,
      ready: (run) => this.whenReady(run),
      play: (digit, timing, done) => this.play(digit, timing, done),
      onDone: (press, digit, sent) => {
        if (sent) {
          this.ledger.left(press);
          deps.onLeft(digit);
        } else this.ledger.failed(press, 'not-sent');
      },
    });
  }

  get receipts(): readonly DigitReceipt[] {
    return this.ledger.receipts;
  }

  /** False, and nothing is pressed, when more would wait than may. */
  press(steps: readonly DigitStep[]): boolean {
    const presses = this.queue.push(steps);
    for (const press of presses ?? []) this.ledger.pressed(press);
    this.queue.start();
    return presses !== undefined;
  }

  /** Keeps them until `answered`. */
  pressAfterAnswer(steps: readonly DigitStep[]): boolean {
    if (this.afterAnswer.length + steps.length > this.options.mostWaiting) return false;
    this.afterAnswer.push(...steps);
    return true;
  }

  answered(): void {
    this.press(this.afterAnswer.splice(0));
  }

  told(receipt: GatewayReceipt): void {
    this.ledger.told(receipt);
  }

  /** The call is over: what had not left is said to have failed. */
  end(): void {
    this.afterAnswer = [];
    for (const { press } of this.queue.clear()) this.ledger.failed(press, 'call-ended');
  }

  /** A new call begins. */
  begin(): void {
    this.end();
    this.ledger.clear();
  }

  private way(): 'media' | 'info' | undefined {
    const call = this.deps.call();
    return call === undefined ? undefined : wayOf(call.prospects());
  }

  private whenReady(run: () => void): Cancellable {
    let timer: Cancellable | undefined;
    const look = (): void => {
      if (this.way() === undefined) timer = this.deps.clock.after(lookMs, look);
      else run();
    };
    look();
    return { cancel: () => timer?.cancel() };
  }

  private play(digit: string, timing: DigitTiming, done: (sent: boolean) => void): Cancellable {
    const call = this.deps.call();
    if (call !== undefined && this.way() === 'media') return call.insertDigit(digit, timing, done);
    return this.inform(call, digit, timing, done);
  }

  /** INFO is over quickly; the digit it asks for takes its time, and the next one and a pause begin after that. */
  private inform(call: DigitCall | undefined, digit: string, timing: DigitTiming, done: (sent: boolean) => void): Cancellable {
    let left = 2;
    const part = (sent: boolean): void => {
      left -= 1;
      if (!sent || left === 0) done(sent);
    };
    const timer = this.deps.clock.after(timing.toneMs + timing.gapMs, () => part(true));
    if (call === undefined) done(false);
    else call.informDigit(digit, timing.toneMs, part);
    return timer;
  }
}
