import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import type { Clock } from '../base/clock.js';
import { GatewayError, messageOf } from '../base/errors.js';
import type { Log } from '../base/log.js';
import { countryCodeOf } from './country-codes.js';

export type BrakeErrorInfo = { readonly code: 'unusual-file-unusable'; readonly path: string };

/** What is done about calls to a country that a website, or everybody else together, never calls. */
export interface BrakeOptions {
  readonly action: 'off' | 'warn' | 'hold';
  /** Country codes that are never unusual. */
  readonly known: readonly string[];
  /** Answered calls of a website before anything is unusual there. */
  readonly learnCalls: number;
  /** A country that was not called for so long is unusual again. */
  readonly forgetMs: number;
  /** Keeps what was learnt over a restart. */
  readonly path?: string;
}

/** What was learnt of one website, or of all calls without one. */
interface Habits {
  calls: number;
  /** When each country was last called, or allowed. */
  readonly countries: Map<string, number>;
}

/** Why a call is unusual. */
export interface Unusual {
  readonly country: string;
  readonly held: boolean;
}

/** As the API shows it. */
export interface BrakeView {
  readonly action: BrakeOptions['action'];
  readonly habits: ReadonlyArray<{ readonly who: string; readonly calls: number; readonly countries: readonly string[] }>;
  /** Countries whose calls were held back or warned of, newest first. */
  readonly unusual: ReadonlyArray<{ readonly who: string; readonly country: string; readonly count: number; readonly at: string }>;
}

/** Unusual countries that are remembered. */
const maxUnusual = 200;
const maxWho = 10_000;

/**
 * Learns which countries are called, and notices a call to another one: who takes over a website calls
 * where nobody there ever called. Calls of pages without a website, and forwarded ones, count as one.
 */
export class Brake {
  private readonly habits = new Map<string, Habits>();
  private readonly unusual = new Map<string, { readonly who: string; readonly country: string; count: number; atMs: number }>();
  private changed = false;

  constructor(
    private readonly options: BrakeOptions,
    private readonly deps: { readonly clock: Pick<Clock, 'wallMs'>; readonly log: Log },
  ) {
    if (options.path !== undefined) this.read(options.path);
  }

  /** What is unusual about a call; undefined when nothing is. */
  judge(site: string | undefined, number: string): Unusual | undefined {
    const country = countryCodeOf(number);
    const { action, known, learnCalls, forgetMs } = this.options;
    if (action === 'off' || country === undefined || known.includes(country)) return undefined;
    const who = site ?? 'others';
    const habits = this.habits.get(who);
    if (habits === undefined || habits.calls < learnCalls) return undefined;
    const lastMs = habits.countries.get(country);
    const nowMs = this.deps.clock.wallMs();
    if (lastMs !== undefined && nowMs - lastMs <= forgetMs) return undefined;
    this.note(who, country, nowMs);
    this.deps.log.warn({ site: who, country, action }, 'a call to a country that is unusual here');
    return { country, held: action === 'hold' };
  }

  /** A call was answered: its country is usual from now on. A call that is only held back teaches nothing. */
  answered(site: string | undefined, number: string): void {
    const country = countryCodeOf(number);
    if (country === undefined || this.options.action === 'off') return;
    const habits = this.habitsOf(site ?? 'others');
    habits.calls += 1;
    habits.countries.set(country, this.deps.clock.wallMs());
    this.changed = true;
  }

  /** The operator lets a country be called. False when it is none. */
  allow(who: string, country: string): boolean {
    if (!/^\+[1-9]\d{0,2}$/.test(country) || countryCodeOf(`${country}000000`) !== country) return false;
    this.habitsOf(who).countries.set(country, this.deps.clock.wallMs());
    this.unusual.delete(`${who} ${country}`);
    this.changed = true;
    this.write();
    return true;
  }

  view(): BrakeView {
    const habits = [...this.habits].map(([who, { calls, countries }]) => ({ who, calls, countries: [...countries.keys()].sort() }));
    const unusual = [...this.unusual.values()]
      .sort((a, b) => b.atMs - a.atMs)
      .map(({ who, country, count, atMs }) => ({ who, country, count, at: new Date(atMs).toISOString() }));
    return { action: this.options.action, habits, unusual };
  }

  /** Writes down what was learnt since the last time. */
  write(): void {
    const { path } = this.options;
    if (path === undefined || !this.changed) return;
    this.changed = false;
    const kept = [...this.habits].map(([who, { calls, countries }]) => [who, calls, [...countries]]);
    try {
      writeFileSync(`${path}.new`, `${JSON.stringify(kept)}\n`, { mode: 0o600 });
      renameSync(`${path}.new`, path);
    } catch (thrown) {
      this.changed = true;
      this.deps.log.error({ error: messageOf(thrown) }, 'which countries are usual cannot be written down');
    }
  }

  private note(who: string, country: string, atMs: number): void {
    const key = `${who} ${country}`;
    const before = this.unusual.get(key);
    this.unusual.delete(key);
    this.unusual.set(key, { who, country, count: (before?.count ?? 0) + 1, atMs });
    const [oldest] = this.unusual.keys();
    if (this.unusual.size > maxUnusual && oldest !== undefined) this.unusual.delete(oldest);
  }

  private habitsOf(who: string): Habits {
    const known = this.habits.get(who);
    if (known !== undefined) return known;
    const made: Habits = { calls: 0, countries: new Map() };
    if (this.habits.size < maxWho) this.habits.set(who, made);
    return made;
  }

  private read(path: string): void {
    try {
      for (const [who, calls, countries] of JSON.parse(readFileSync(path, 'utf8')) as readonly [string, number, [string, number][]][]) {
        this.habits.set(who, { calls, countries: new Map(countries) });
      }
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return;
      const message = `policy.unusual.file: ${path} cannot be used: ${messageOf(thrown)}; correct the path or its permissions, or remove it to begin anew`;
      throw new GatewayError<BrakeErrorInfo>({ code: 'unusual-file-unusable', path }, message, { cause: thrown });
    }
  }
}
