import type { Clock, Timer } from '../base/clock.js';
import type { Digit } from '../media/dtmf/digit.js';
import type { LineEffect, LineEvent, RunningLine } from './line.js';
import type { PromptName } from './prompts.js';

/** The signalling of a call, as a line uses it. */
export interface CallLeg {
  ring(): void;
  openEarly(): void;
  answer(): void;
  refuse(status: number): void;
  /** Ends the call in whatever state it is. */
  hangUp(): void;
}

/** The sound of a call, as a line uses it. */
export interface CallSound {
  say(prompts: readonly PromptName[]): void;
  startEcho(): void;
  press(digits: readonly Digit[]): void;
}

export interface LineCallDeps {
  readonly clock: Clock;
  readonly leg: CallLeg;
  readonly sound: CallSound;
  readonly callBack: () => void;
  readonly tell: (what: string) => void;
}

/** For a line to say goodbye after `too-long`; a caller who holds the call never hears it. */
const farewellMs = 15_000;

/** Runs a line's machine over one call: events in, effects out, one at a time. */
export class LineCall {
  private readonly events: LineEvent[] = [];
  private limit: Timer;
  private waiting: Timer | undefined;
  private busy = false;
  private over = false;

  constructor(
    private readonly options: { readonly line: RunningLine; readonly longestMs: number },
    private readonly deps: LineCallDeps,
  ) {
    this.limit = deps.clock.after(options.longestMs, () => this.tooLong());
  }

  begin(): void {
    this.inTurn(() => this.run(this.options.line.begin()));
  }

  /** Takes an event; after `ended` nothing counts any more. */
  take(event: LineEvent): void {
    if (this.over) return;
    this.events.push(event);
    this.inTurn(() => {});
  }

  /** What an effect sets off at once waits until all effects of its step are done. */
  private inTurn(first: () => void): void {
    if (this.busy) return;
    this.busy = true;
    first();
    for (let event = this.events.shift(); event !== undefined && !this.over; event = this.events.shift()) {
      if (event.type === 'ended') this.finish();
      this.run(this.options.line.take(event));
    }
    this.busy = false;
  }

  private tooLong(): void {
    this.limit = this.deps.clock.after(farewellMs, () => this.deps.leg.hangUp());
    this.take({ type: 'too-long' });
  }

  private finish(): void {
    this.over = true;
    this.limit.cancel();
    this.waiting?.cancel();
  }

  private run(effects: readonly LineEffect[]): void {
    for (const effect of effects) this.perform(effect);
  }

  private perform(effect: LineEffect): void {
    const { leg, sound } = this.deps;
    switch (effect.do) {
      case 'ring':
        leg.ring();
        break;
      case 'open-early':
        leg.openEarly();
        break;
      case 'answer':
        leg.answer();
        break;
      case 'refuse':
        leg.refuse(effect.status);
        break;
      case 'say':
        sound.say(effect.prompts);
        break;
      case 'echo':
        sound.startEcho();
        break;
      case 'press':
        sound.press(effect.digits);
        break;
      case 'wait':
        this.wait(effect.ms);
        break;
      case 'stop-waiting':
        this.waiting?.cancel();
        break;
      case 'hang-up':
        leg.hangUp();
        break;
      case 'call-back':
        this.deps.callBack();
        break;
      case 'tell':
        this.deps.tell(effect.what);
        break;
    }
  }

  private wait(ms: number): void {
    this.waiting?.cancel();
    this.waiting = this.deps.clock.after(ms, () => this.take({ type: 'waited' }));
  }
}
