import type { Clock, Timer } from '../base/clock.js';
import { messageOf } from '../base/errors.js';
import type { CallId } from '../base/ids.js';
import type { Log } from '../base/log.js';
import type { CallFactBody, FactSink } from '../call/facts.js';
import type { FailureCode } from '../call/failure-code.js';
import type { Brake } from './brake.js';
import type { BudgetFile, KeptUses } from './limits/budget-file.js';
import { costOf, type Rate, type RateTable, rateFor } from './limits/rates.js';
import type { BrokenLimit, Scope } from './limits/scope.js';
import { type CountedCall, ScopeUse } from './limits/scope-use.js';
import { type CountedAttempt, type ScopeRules, scopesOf } from './limits/scopes-of.js';

/** How often calls that are up are looked at. */
const tickMs = 1_000;
/** How far ahead: a look may come a second late, on a machine that is busy. */
const lookAheadMs = 2_000;
/** How often figures are written down. */
const writeEveryMs = 5_000;
/** Scopes kept at one time; beyond it those that lose nothing are forgotten. */
const maxScopes = 50_000;
/** Part of a budget at which the operator is warned. */
const warnAt = 0.8;

/** A call to a number behind a trunk that is about to be dialled. */
export interface GuardRequest extends CountedAttempt {
  readonly callId: CallId;
}

export type GuardVerdict =
  | { readonly kind: 'allowed'; readonly leg: GuardedLeg }
  | { readonly kind: 'refused'; readonly failure: FailureCode };

/** A leg that was let out; the guard is told what becomes of it. */
export interface GuardedLeg {
  answered(): void;
  /** To be called once. */
  over(): void;
  /** A transfer has put it into another call: that one's end is its end, and that one is ended for it. */
  movedTo(callId: CallId): void;
}

/** A scope and what it uses, as the API shows it. Amounts are rounded to cents. */
export interface ScopeView {
  readonly scope: string;
  readonly rule: string;
  readonly calls: number;
  readonly minutesOfDay: number;
  readonly spentOfDay: number;
  readonly spentOfMonth: number;
  readonly limits: Scope['limits'];
  readonly budget: Scope['budget'];
}

/** What the guard stands on. */
export interface GuardDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly facts: FactSink;
  /** Ends a call on both legs. */
  readonly hangUp: (callId: CallId, failure: FailureCode) => void;
  readonly file?: BudgetFile;
  /** Notices calls to countries that nobody here calls. */
  readonly brake?: Brake;
}

class Leg implements CountedCall, GuardedLeg {
  private answeredMs: number | undefined;
  private isOver = false;

  constructor(
    public callId: CallId,
    readonly scopes: readonly Scope[],
    private readonly rate: Rate | undefined,
    private readonly clock: Clock,
    private readonly told: {
      readonly onAnswered: () => void;
      readonly onOver: (leg: Leg) => void;
      readonly onMoved: (leg: Leg, callId: CallId) => void;
    },
  ) {}

  answered(): void {
    if (this.answeredMs !== undefined) return;
    this.answeredMs = this.clock.nowMs();
    this.told.onAnswered();
  }

  over(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.told.onOver(this);
  }

  movedTo(callId: CallId): void {
    if (!this.isOver) this.told.onMoved(this, callId);
  }

  get isAnswered(): boolean {
    return this.answeredMs !== undefined;
  }

  talkMs(): number {
    return this.answeredMs === undefined ? 0 : this.clock.nowMs() - this.answeredMs;
  }

  reservedIn(ms: number): number {
    if (this.rate === undefined) return 0;
    return costOf(this.rate, this.answeredMs === undefined ? 0 : this.talkMs() + ms);
  }

  cost(): number {
    return this.answeredMs === undefined || this.rate === undefined ? 0 : costOf(this.rate, this.talkMs());
  }
}

interface GuardedCall {
  /** Scopes that have counted this call already: a second peer or trunk is no second call. */
  readonly counted: Set<string>;
  /** Numbers it was let out to. */
  readonly numbers: Set<string>;
  cost: number;
  readonly legs: Set<Leg>;
}

const newCall = (): GuardedCall => ({ counted: new Set(), numbers: new Set(), cost: 0, legs: new Set() });

/** Whether somebody who talks already calls another number: a transfer is a call more, though it goes on under the same id. */
const isTransfer = ({ numbers, legs }: GuardedCall, number: string): boolean =>
  !numbers.has(number) && [...legs].some((leg) => leg.isAnswered);

/**
 * Counts calls toward the telephone network for everybody they are to be counted for, refuses those
 * that break a limit, and ends those that are up when a budget is used up. See the README of this folder.
 */
export class FraudGuard {
  private readonly uses = new Map<string, { readonly scope: Scope; readonly use: ScopeUse }>();
  private readonly calls = new Map<CallId, GuardedCall>();
  private readonly warned = new Set<string>();
  private readonly kept: KeptUses;
  private timer: Timer | undefined;
  private writtenMs = 0;
  private changed = false;

  constructor(
    private readonly options: {
      readonly scopes: ScopeRules;
      readonly rates: RateTable;
      /** Numbers that no limit and no budget may hold back. */
      readonly isExempt?: (number: string) => boolean;
    },
    private readonly deps: GuardDeps,
  ) {
    this.kept = deps.file?.read() ?? {};
  }

  /** Lets a leg out and counts it, or says why not. Tells of it in a fact either way. */
  admit(request: GuardRequest): GuardVerdict {
    const { clock } = this.deps;
    const now = { nowMs: clock.nowMs(), wallMs: clock.wallMs() };
    const rate = rateFor(this.options.rates, request.number);
    // A call that would be ended at once is not begun.
    const begin = { costs: rate === undefined ? 0 : costOf(rate, lookAheadMs), ms: lookAheadMs };
    const exempt = this.options.isExempt?.(request.number) === true;
    const scopes = exempt ? [] : scopesOf(this.options.scopes, request);
    const call = this.calls.get(request.callId) ?? newCall();
    const another = isTransfer(call, request.number);
    for (const scope of scopes) {
      const again = call.counted.has(scope.id) && !another;
      const judged = again ? { ...scope, limits: withoutRates(scope.limits) } : scope;
      const broken = this.recordOf(scope).broken(judged, begin, now);
      if (broken !== undefined) return this.refuse(request, scope, broken);
    }
    const unusual = exempt || call.numbers.has(request.number) ? undefined : this.deps.brake?.judge(request.account?.site, request.number);
    if (unusual?.held === true) return this.holdBack(request, unusual.country);
    this.calls.set(request.callId, call);
    const onAnswered = (): void => this.deps.brake?.answered(request.account?.site, request.number);
    const leg = new Leg(request.callId, scopes, rate, clock, {
      onAnswered,
      onOver: (over) => this.over(over),
      onMoved: (moved, callId) => this.moved(moved, callId),
    });
    call.legs.add(leg);
    call.numbers.add(request.number);
    for (const scope of scopes) {
      const use = this.recordOf(scope);
      if (another || !call.counted.has(scope.id)) use.attempted(now.nowMs);
      call.counted.add(scope.id);
      use.begin(leg);
    }
    this.tell(request.callId, {
      type: 'decision',
      rule: scopes.at(-1)?.rule ?? 'policy',
      verdict: 'allowed',
      why: unusual === undefined ? 'within all limits' : `within all limits; calls to ${unusual.country} are unusual here`,
    });
    this.tick();
    return { kind: 'allowed', leg };
  }

  /** Takes facts: at the end of a call its cost is told, before the fact of the end is passed on. */
  readonly take: FactSink = (fact) => {
    if (fact.type !== 'ended') return;
    const call = this.calls.get(fact.callId);
    if (call === undefined) return;
    for (const leg of [...call.legs]) leg.over();
    this.calls.delete(fact.callId);
    if (call.cost > 0) this.tell(fact.callId, { type: 'cost', amount: cents(call.cost), currency: this.options.rates.currency });
  };

  /** What every scope uses that has a limit or a budget. */
  view(): readonly ScopeView[] {
    const wallMs = this.deps.clock.wallMs();
    return [...this.uses.values()].map(({ scope, use }) => {
      const { calls, minutesOfDay, spentOfDay, spentOfMonth } = use.figures(wallMs);
      return {
        ...{ scope: scope.id, rule: scope.rule, calls, limits: scope.limits, budget: scope.budget },
        minutesOfDay: Math.round(minutesOfDay * 10) / 10,
        spentOfDay: cents(spentOfDay),
        spentOfMonth: cents(spentOfMonth),
      };
    });
  }

  /** Budgets of those that have been counted, and how much of them is used. */
  budgets(): readonly { readonly scope: string; readonly period: 'day' | 'month'; readonly usedRatio: number }[] {
    return this.view().flatMap(({ scope, budget, spentOfDay, spentOfMonth }) => [
      ...(budget.perDay === undefined ? [] : [{ scope, period: 'day' as const, usedRatio: spentOfDay / budget.perDay }]),
      ...(budget.perMonth === undefined ? [] : [{ scope, period: 'month' as const, usedRatio: spentOfMonth / budget.perMonth }]),
    ]);
  }

  /** Legs that are out now. */
  get liveLegs(): number {
    let count = 0;
    for (const { legs } of this.calls.values()) count += legs.size;
    return count;
  }

  stop(): void {
    this.timer?.cancel();
    this.timer = undefined;
    this.write();
  }

  private refuse(request: GuardRequest, scope: Scope, broken: BrokenLimit): GuardVerdict {
    const failure = failureOf(broken);
    const rule = ruleOf(scope, broken);
    const why = sentenceOf(broken);
    this.deps.log.warn({ callId: request.callId, rule, scope: scope.id, trunk: request.trunk }, 'a call was refused by a limit');
    this.tell(request.callId, { type: 'decision', rule, verdict: 'refused', why, failure });
    return { kind: 'refused', failure };
  }

  private holdBack({ callId, trunk }: GuardRequest, country: string): GuardVerdict {
    const why = `calls to ${country} are unusual here, and held back until the operator allows them`;
    this.deps.log.warn({ callId, trunk, country }, 'a call to an unusual country was held back');
    this.tell(callId, { type: 'decision', rule: 'policy.unusual', verdict: 'refused', why, failure: 'unusual-destination' });
    return { kind: 'refused', failure: 'unusual-destination' };
  }

  private over(leg: Leg): void {
    const wallMs = this.deps.clock.wallMs();
    const call = this.calls.get(leg.callId);
    if (call !== undefined) {
      call.legs.delete(leg);
      call.cost += leg.cost();
    }
    for (const scope of leg.scopes) this.uses.get(scope.id)?.use.end(leg, wallMs);
    this.changed = true;
  }

  private moved(leg: Leg, callId: CallId): void {
    this.calls.get(leg.callId)?.legs.delete(leg);
    const into = this.calls.get(callId) ?? newCall();
    this.calls.set(callId, into);
    into.legs.add(leg);
    leg.callId = callId;
  }

  private recordOf(scope: Scope): ScopeUse {
    const known = this.uses.get(scope.id);
    if (known !== undefined) return known.use;
    if (this.uses.size >= maxScopes) this.forgetIdle();
    const use = new ScopeUse(this.kept[scope.id]);
    this.uses.set(scope.id, { scope, use });
    return use;
  }

  private forgetIdle(): void {
    const { clock } = this.deps;
    const [nowMs, wallMs] = [clock.nowMs(), clock.wallMs()];
    for (const [id, { use }] of this.uses) if (use.isIdle(nowMs, wallMs)) this.uses.delete(id);
  }

  /** Runs while a leg is out, and until what it used is written down. */
  private tick(): void {
    this.timer ??= this.deps.clock.after(tickMs, () => {
      this.timer = undefined;
      this.look();
      if (this.talks()) this.changed = true;
      if (this.changed && this.deps.clock.nowMs() - this.writtenMs >= writeEveryMs) this.write();
      if (this.liveLegs > 0 || (this.changed && this.deps.file !== undefined)) this.tick();
    });
  }

  private talks(): boolean {
    return [...this.calls.values()].some(({ legs }) => [...legs].some((leg) => leg.isAnswered));
  }

  /** Ends calls whose next seconds are more than a scope has left. */
  private look(): void {
    const wallMs = this.deps.clock.wallMs();
    for (const { scope, use } of this.uses.values()) {
      if (use.calls.size === 0) continue;
      this.warn(scope, use, wallMs);
      const broken = use.breaksWithin(scope, lookAheadMs, wallMs);
      if (broken !== undefined) this.cut(scope, use, broken);
    }
  }

  private cut(scope: Scope, use: ScopeUse, broken: BrokenLimit): void {
    const rule = ruleOf(scope, broken);
    const callIds = new Set([...use.calls].flatMap((call) => (call instanceof Leg && call.talkMs() > 0 ? [call.callId] : [])));
    this.deps.log.warn({ rule, scope: scope.id, calls: callIds.size }, 'a budget is used up: its calls are ended');
    for (const callId of callIds) {
      this.tell(callId, { type: 'decision', rule, verdict: 'ended', why: sentenceOf(broken), failure: 'over-budget' });
      this.deps.hangUp(callId, 'over-budget');
    }
  }

  private warn({ id, budget, budgetRule }: Scope, use: ScopeUse, wallMs: number): void {
    const { spentOfDay, spentOfMonth } = use.figures(wallMs);
    const used = Math.max(
      spentOfDay / (budget.perDay ?? Number.POSITIVE_INFINITY),
      spentOfMonth / (budget.perMonth ?? Number.POSITIVE_INFINITY),
    );
    if (used < warnAt) {
      this.warned.delete(id);
      return;
    }
    if (this.warned.has(id)) return;
    this.warned.add(id);
    this.deps.log.warn({ rule: budgetRule, scope: id, used: Math.round(used * 100) / 100 }, 'most of a budget is used up');
  }

  private write(): void {
    const { file, clock, log } = this.deps;
    const wallMs = clock.wallMs();
    this.writtenMs = clock.nowMs();
    this.deps.brake?.write();
    if (file === undefined || !this.changed) return;
    this.changed = false;
    const uses = [...this.uses.values()].filter(
      ({ scope }) => scope.limits.minutesPerDay !== undefined || Object.keys(scope.budget).length > 0,
    );
    try {
      file.write({ ...this.kept, ...Object.fromEntries(uses.map(({ scope, use }) => [scope.id, use.keptAt(wallMs)])) });
    } catch (thrown) {
      this.changed = true;
      log.error({ error: messageOf(thrown) }, 'what budgets have used cannot be written down');
    }
  }

  private tell(callId: CallId, body: CallFactBody): void {
    this.deps.facts({ ...body, callId, atMs: this.deps.clock.wallMs() });
  }
}

const cents = (amount: number): number => Math.round(amount * 100) / 100;
const withoutRates = ({ callsPerMinute: _minute, callsPerHour: _hour, ...limits }: Scope['limits']): Scope['limits'] => limits;
const isMoney = (broken: BrokenLimit): boolean => broken === 'perDay' || broken === 'perMonth';
const failureOf = (broken: BrokenLimit): FailureCode => (isMoney(broken) || broken === 'minutesPerDay' ? 'over-budget' : 'over-limit');
const ruleOf = (scope: Scope, broken: BrokenLimit): string => `${isMoney(broken) ? scope.budgetRule : scope.rule}.${broken}`;

const sentences: Readonly<Record<BrokenLimit, string>> = {
  calls: 'as many calls as may be are up',
  callsPerMinute: 'as many calls as may be were begun within a minute',
  callsPerHour: 'as many calls as may be were begun within an hour',
  minutesPerDay: 'the minutes of the day are used up',
  perDay: 'the budget of the day is used up',
  perMonth: 'the budget of the month is used up',
};

const sentenceOf = (broken: BrokenLimit): string => sentences[broken];
