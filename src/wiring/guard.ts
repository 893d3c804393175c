/** The fraud guard of a gateway, made from its configuration. */
import type { Clock } from '../base/clock.js';
import type { Log } from '../base/log.js';
import type { FactSink } from '../call/facts.js';
import type { GatewayConfig } from '../config/schema.js';
import type { LimitsConfig } from '../config/sections/limits.js';
import { Brake, type BrakeOptions } from '../policy/brake.js';
import { type EmergencyPolicy, isEmergencyNumber } from '../policy/emergency.js';
import { FraudGuard, type GuardDeps } from '../policy/guard.js';
import { BudgetFile } from '../policy/limits/budget-file.js';
import type { RateTable } from '../policy/limits/rates.js';
import type { Budget, Limits } from '../policy/limits/scope.js';
import type { ScopeRules } from '../policy/limits/scopes-of.js';

/** Only what is set: a key that is there without a value bounds nothing. */
function set<T extends object>(values: T): { readonly [K in keyof T]?: NonNullable<T[K]> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    readonly [K in keyof T]?: NonNullable<T[K]>;
  };
}

interface Bounded {
  readonly limits?: LimitsConfig | undefined;
  readonly budget?: { readonly perDay?: number | undefined; readonly perMonth?: number | undefined } | undefined;
}

function boundsOf({ limits, budget }: Bounded): { readonly limits?: Limits; readonly budget?: Budget } {
  return { ...(limits === undefined ? {} : { limits: set(limits) }), ...(budget === undefined ? {} : { budget: set(budget) }) };
}

function scopeRules({ policy, sites, trunks }: GatewayConfig): ScopeRules {
  return {
    gateway: { limits: {}, budget: {}, ...boundsOf(policy) },
    perVisitor: set(policy.perVisitor ?? {}),
    perNetwork: set(policy.perNetwork ?? {}),
    destinations: policy.perDestination.map(({ prefix, ...bounds }) => ({ prefix, ...boundsOf(bounds) })),
    trunks: trunks.map(({ id, ...bounds }) => ({ id, ...boundsOf(bounds) })),
    sites: sites.map(({ key, perVisitor, ...bounds }) => ({
      key,
      ...boundsOf(bounds),
      ...(perVisitor === undefined ? {} : { perVisitor: set(perVisitor) }),
    })),
  };
}

function rateTable({ policy }: GatewayConfig): RateTable {
  return {
    currency: policy.currency,
    rates: policy.rates.map(({ prefix, ...rate }) => ({ prefix: prefix === '*' ? '' : prefix, ...rate })),
  };
}

/** What becomes of a number of an emergency service; undefined for every other number. */
export function emergencyCheck({ policy, trunks }: GatewayConfig): (number: string) => EmergencyPolicy | undefined {
  const codes = [...new Set(trunks.flatMap(({ numbers }) => numbers.countryCode ?? []))];
  return (number) => (isEmergencyNumber(number, codes) ? policy.emergency : undefined);
}

const dayMs = 86_400_000;

function brakeOptions({ policy }: GatewayConfig): BrakeOptions {
  const { action, known, learnCalls, forgetDays, file } = policy.unusual;
  return { action, known, learnCalls, forgetMs: forgetDays * dayMs, ...(file === undefined ? {} : { path: file }) };
}

/** What the guard is to tell, and whom it may end. */
export interface GuardWishes {
  readonly clock: Clock;
  readonly log: Log;
  readonly facts: FactSink;
  readonly hangUp: GuardDeps['hangUp'];
}

/** The guard, and the brake it asks. */
export interface GuardParts {
  readonly guard: FraudGuard;
  readonly brake: Brake;
}

export function makeGuard(config: GatewayConfig, { clock, log, facts, hangUp }: GuardWishes): GuardParts {
  const { budgetFile } = config.policy;
  const emergency = emergencyCheck(config);
  const brake = new Brake(brakeOptions(config), { clock, log });
  const guard = new FraudGuard(
    { scopes: scopeRules(config), rates: rateTable(config), isExempt: (number) => emergency(number) !== undefined },
    { clock, log, facts, hangUp, brake, ...(budgetFile === undefined ? {} : { file: new BudgetFile(budgetFile) }) },
  );
  return { guard, brake };
}
