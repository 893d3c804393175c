import type { ScopeDto } from '../../admin/guard-api.js';
import type { Tone } from './words.js';

/** One limit, and how much of it is used up. */
export interface Meter {
  readonly name: string;
  /** `12.50 of 50 EUR` */
  readonly text: string;
  /** 0 to 1. */
  readonly used: number;
  readonly tone: Tone;
}

/** One party that is counted. */
export interface ScopeRow {
  readonly scope: string;
  readonly rule: string;
  readonly meters: readonly Meter[];
  readonly calls: number;
  readonly minutes: string;
  readonly spent: string;
}

const warnAt = 0.8;

function meter(name: string, used: number, most: number | undefined, unit: string, digits: number): readonly Meter[] {
  if (most === undefined) return [];
  const part = most <= 0 ? 1 : Math.min(1, used / most);
  const tone = part >= 1 ? 'bad' : part >= warnAt ? 'warn' : 'good';
  return [{ name, text: `${used.toFixed(digits)} of ${most}${unit === '' ? '' : ` ${unit}`}`, used: part, tone }];
}

/** Who has used how much of what he may, those nearest to a limit first. */
export function scopeRows(scopes: readonly ScopeDto[], currency: string): readonly ScopeRow[] {
  const rows = scopes.map(({ scope, rule, calls, minutesOfDay, spentOfDay, spentOfMonth, limits, budget }) => ({
    ...{ scope, rule, calls },
    minutes: minutesOfDay.toFixed(1),
    spent: `${spentOfDay.toFixed(2)} ${currency}`,
    meters: [
      ...meter('Calls at a time', calls, limits.calls, '', 0),
      ...meter('Minutes today', minutesOfDay, limits.minutesPerDay, 'min', 1),
      ...meter('Spent today', spentOfDay, budget.perDay, currency, 2),
      ...meter('Spent this month', spentOfMonth, budget.perMonth, currency, 2),
    ],
  }));
  const nearest = ({ meters }: ScopeRow): number => Math.max(0, ...meters.map(({ used }) => used));
  return rows.sort((one, other) => nearest(other) - nearest(one));
}

/** The money that may still be spent by the tightest budget of the day; undefined when there is none. */
export function tightestBudget(scopes: readonly ScopeDto[], currency: string): Meter | undefined {
  const budgets = scopeRows(scopes, currency).flatMap(({ scope, meters }) =>
    meters.filter(({ name }) => name.startsWith('Spent')).map((one) => ({ ...one, name: `${scope}: ${one.name.toLowerCase()}` })),
  );
  return budgets.sort((one, other) => other.used - one.used)[0];
}
