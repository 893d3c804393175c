import type { Clock, Timer } from '../../base/clock.js';
import { firstIntervalMs, nextIntervalMs, type SipTimers, type TimerName } from './transaction-timers.js';

/** One arrow: where an event leads and what is done on the way. */
export interface Arrow<State extends string, Effect extends string> {
  readonly to: State;
  readonly effects: readonly Effect[];
}

/** All arrows of a machine. A pair that is not listed leaves the state as it is and does nothing. */
export type Arrows<State extends string, Event extends string, Effect extends string> = Readonly<
  Record<State, Readonly<Partial<Record<Event, Arrow<State, Effect>>>>>
>;

/** Timers that run while a machine is in a state; the rest are stopped on entering it. */
export type StateTimers<State extends string> = Readonly<Record<State, readonly TimerName[]>>;

export interface MachineDefinition<State extends string, Event extends string, Effect extends string> {
  readonly initial: State;
  readonly final: State;
  readonly arrows: Arrows<State, Event, Effect>;
  readonly timers: StateTimers<State>;
  /** The state in which timer E stays at T2, when there is one. */
  readonly flatRetransmission?: State;
}

/** The event that the firing of a timer is. */
export type TimerEvent<Name extends TimerName> = `timer-${Name}`;

/** What the I/O side of a transaction gives its machine. */
export interface MachineDeps {
  readonly clock: Clock;
  readonly timers: SipTimers;
  readonly reliable: boolean;
}

/**
 * Runs one state machine: takes events, gives effects to its owner, and keeps the timers that the
 * state calls for. A timer common to two states goes on running between them; a timer of interval
 * zero fires in the same turn.
 */
export class TransactionMachine<State extends string, Event extends string, Effect extends string> {
  private current: State;
  private readonly running = new Map<TimerName, { timer: Timer; intervalMs: number }>();

  constructor(
    private readonly definition: MachineDefinition<State, Event | TimerEvent<TimerName>, Effect>,
    private readonly deps: MachineDeps,
    private readonly perform: (effect: Effect) => void,
    private readonly onFinal: () => void,
  ) {
    this.current = definition.initial;
  }

  get state(): State {
    return this.current;
  }

  /** Timers now set. */
  get liveTimers(): number {
    return this.running.size;
  }

  /** Starts the timers of the initial state. */
  start(): void {
    this.enter(this.current);
  }

  take(event: Event | TimerEvent<TimerName>): void {
    const arrow = this.definition.arrows[this.current][event];
    if (arrow === undefined) return;
    const changed = arrow.to !== this.current;
    this.current = arrow.to;
    if (changed) this.stopTimersNotIn(arrow.to);
    for (const effect of arrow.effects) this.perform(effect);
    if (changed && this.current === arrow.to) this.enter(arrow.to);
  }

  /** Goes to the final state with no further effect: the owner is shutting down. */
  kill(): void {
    if (this.current === this.definition.final) return;
    this.current = this.definition.final;
    this.stopTimersNotIn(this.current);
    this.onFinal();
  }

  private enter(state: State): void {
    if (state === this.definition.final) {
      this.onFinal();
      return;
    }
    for (const name of this.definition.timers[state]) {
      if (this.current !== state) return;
      if (!this.running.has(name)) this.startTimer(name);
    }
  }

  private startTimer(name: TimerName): void {
    const intervalMs = firstIntervalMs(name, this.deps.timers, this.deps.reliable);
    if (intervalMs === undefined) return;
    if (intervalMs === 0) this.take(`timer-${name}`);
    else this.arm(name, intervalMs);
  }

  private arm(name: TimerName, intervalMs: number): void {
    const timer = this.deps.clock.after(intervalMs, () => this.fired(name, intervalMs));
    this.running.set(name, { timer, intervalMs });
  }

  private fired(name: TimerName, intervalMs: number): void {
    this.running.delete(name);
    const before = this.current;
    this.take(`timer-${name}`);
    if (this.current !== before || !this.definition.timers[before].includes(name) || this.running.has(name)) return;
    const flat = before === this.definition.flatRetransmission;
    this.arm(name, nextIntervalMs(name, intervalMs, this.deps.timers, flat));
  }

  private stopTimersNotIn(state: State): void {
    const keep = this.definition.timers[state];
    for (const [name, { timer }] of this.running) {
      if (keep.includes(name)) continue;
      timer.cancel();
      this.running.delete(name);
    }
  }
}
