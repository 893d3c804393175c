import type { BrokenLimit, Budget, Scope } from './scope.js';
import { WindowCount } from './window-count.js';

const minuteMs = 60_000;
const hourMs = 3_600_000;

/** What was used up in days and months that last longer than a process. */
export interface KeptUse {
  readonly day: string;
  readonly month: string;
  readonly talkMsOfDay: number;
  readonly spentOfDay: number;
  readonly spentOfMonth: number;
}

/** A call as its scopes see it. */
export interface CountedCall {
  /** What it may cost in so many milliseconds: its first increment while it rings. */
  reservedIn(ms: number): number;
  /** What it has cost: nothing before the answer. */
  cost(): number;
  /** Time talked so far. */
  talkMs(): number;
}

const dayOf = (wallMs: number): string => new Date(wallMs).toISOString().slice(0, 10);

/** What one scope uses now, and has used. */
export class ScopeUse {
  private readonly live = new Set<CountedCall>();
  private readonly minute = new WindowCount(minuteMs);
  private readonly hour = new WindowCount(hourMs);
  private kept: KeptUse = { day: '', month: '', talkMsOfDay: 0, spentOfDay: 0, spentOfMonth: 0 };

  constructor(kept?: KeptUse) {
    if (kept !== undefined) this.kept = kept;
  }

  /** The limit that one more call would break, if so much of it were to be paid for; undefined when there is room. */
  broken(
    { limits, budget }: Scope,
    begin: { readonly costs: number; readonly ms: number },
    now: { readonly nowMs: number; readonly wallMs: number },
  ): BrokenLimit | undefined {
    this.turnTo(now.wallMs);
    if (limits.calls !== undefined && this.live.size >= limits.calls) return 'calls';
    if (limits.callsPerMinute !== undefined && this.minute.within(now.nowMs) >= limits.callsPerMinute) return 'callsPerMinute';
    if (limits.callsPerHour !== undefined && this.hour.within(now.nowMs) >= limits.callsPerHour) return 'callsPerHour';
    if (limits.minutesPerDay !== undefined && this.talkMs() + begin.ms > limits.minutesPerDay * minuteMs) return 'minutesPerDay';
    return this.brokenBudget(budget, this.committed(0) + begin.costs);
  }

  /** The limit that calls which are up break within the next so many milliseconds. */
  breaksWithin({ limits, budget }: Scope, ms: number, wallMs: number): BrokenLimit | undefined {
    this.turnTo(wallMs);
    const answered = [...this.live].filter((call) => call.talkMs() > 0).length;
    if (limits.minutesPerDay !== undefined && this.talkMs() + answered * ms > limits.minutesPerDay * minuteMs) return 'minutesPerDay';
    return this.brokenBudget(budget, this.committed(ms));
  }

  /** Counts an attempt; a second one of the same call is not counted again. */
  attempted(nowMs: number): void {
    this.minute.add(nowMs);
    this.hour.add(nowMs);
  }

  begin(call: CountedCall): void {
    this.live.add(call);
  }

  /** The call is over: what it took is kept. */
  end(call: CountedCall, wallMs: number): void {
    if (!this.live.delete(call)) return;
    this.turnTo(wallMs);
    const { talkMsOfDay, spentOfDay, spentOfMonth } = this.kept;
    const cost = call.cost();
    this.kept = {
      ...this.kept,
      talkMsOfDay: talkMsOfDay + call.talkMs(),
      spentOfDay: spentOfDay + cost,
      spentOfMonth: spentOfMonth + cost,
    };
  }

  get calls(): ReadonlySet<CountedCall> {
    return this.live;
  }

  /** Figures of today and this month, with what calls that are up have cost until now. */
  figures(wallMs: number): {
    readonly calls: number;
    readonly minutesOfDay: number;
    readonly spentOfDay: number;
    readonly spentOfMonth: number;
  } {
    this.turnTo(wallMs);
    const committed = this.committed(0);
    return {
      calls: this.live.size,
      minutesOfDay: this.talkMs() / minuteMs,
      spentOfDay: this.kept.spentOfDay + committed,
      spentOfMonth: this.kept.spentOfMonth + committed,
    };
  }

  /** For the state file: with what calls that are up have cost until now, for a process that is killed says nothing of their end. */
  keptAt(wallMs: number): KeptUse {
    this.turnTo(wallMs);
    let cost = 0;
    for (const call of this.live) cost += call.cost();
    const { spentOfDay, spentOfMonth } = this.kept;
    return { ...this.kept, talkMsOfDay: this.talkMs(), spentOfDay: spentOfDay + cost, spentOfMonth: spentOfMonth + cost };
  }

  /** Whether nothing is lost when it is forgotten. */
  isIdle(nowMs: number, wallMs: number): boolean {
    this.turnTo(wallMs);
    const { talkMsOfDay, spentOfDay, spentOfMonth } = this.kept;
    return this.live.size === 0 && this.hour.within(nowMs) === 0 && talkMsOfDay === 0 && spentOfDay === 0 && spentOfMonth === 0;
  }

  /** What the calls that are up cost, in so many milliseconds. */
  private committed(ms: number): number {
    let sum = 0;
    for (const call of this.live) sum += call.reservedIn(ms);
    return sum;
  }

  private talkMs(): number {
    let sum = this.kept.talkMsOfDay;
    for (const call of this.live) sum += call.talkMs();
    return sum;
  }

  private brokenBudget({ perDay, perMonth }: Budget, committed: number): BrokenLimit | undefined {
    if (perDay !== undefined && this.kept.spentOfDay + committed > perDay) return 'perDay';
    return perMonth !== undefined && this.kept.spentOfMonth + committed > perMonth ? 'perMonth' : undefined;
  }

  /** A call that lasts over midnight counts for the day it ends. */
  private turnTo(wallMs: number): void {
    const day = dayOf(wallMs);
    if (day === this.kept.day) return;
    const month = day.slice(0, 7);
    const spentOfMonth = month === this.kept.month ? this.kept.spentOfMonth : 0;
    this.kept = { day, month, talkMsOfDay: 0, spentOfDay: 0, spentOfMonth };
  }
}
