/** What a page says of the sound of its call, and when that is worth telling. Pure. */

import type { LegName } from '../media/plane.js';
import type { CallFactBody, PageHint } from './facts.js';

/** How the page has it; the figures are its browser's (W3C WebRTC Statistics). */
export interface PageReport {
  /** From 5, as over a good telephone line, to 1. */
  readonly score: 1 | 2 | 3 | 4 | 5;
  readonly roundTripMs: number;
  readonly lostPercent: number;
  readonly jitterMs: number;
  readonly hint?: PageHint;
}

const hints: ReadonlySet<unknown> = new Set<PageHint>(['network-slow', 'network-loss', 'no-incoming-sound', 'microphone-silent']);
const longestMs = 60_000;
/** Facts of one call at most: a page that says something else each second is not to fill its story. */
const mostTold = 100;

const within = (value: unknown, most: number): value is number => typeof value === 'number' && value >= 0 && value <= most;

/** Reads a text of the data channel; undefined when it is no report. Pages are not believed to write nothing else. */
export function readPageReport(text: string): PageReport | undefined {
  let given: unknown;
  try {
    given = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof given !== 'object' || given === null) return undefined;
  const { type, score, roundTripMs, lostPercent, jitterMs, hint } = given as Readonly<Record<string, unknown>>;
  if (type !== 'quality' || !Number.isInteger(score) || !within(score, 5) || score < 1) return undefined;
  if (!within(roundTripMs, longestMs) || !within(lostPercent, 100) || !within(jitterMs, longestMs)) return undefined;
  const rounded = {
    score: score as PageReport['score'],
    roundTripMs: Math.round(roundTripMs),
    lostPercent: Math.round(lostPercent * 10) / 10,
    jitterMs: Math.round(jitterMs),
  };
  return hints.has(hint) ? { ...rounded, hint: hint as PageHint } : rounded;
}

type Worth = 'good' | 'fair' | 'poor';

const worthOf = ({ score }: PageReport): Worth => (score >= 4 ? 'good' : score === 3 ? 'fair' : 'poor');

/** Turns the reports of a call's pages into facts: the first of each leg, and those that say something else than the one before. */
export class PageReports {
  private readonly told: Partial<Record<LegName, string>> = {};
  private count = 0;

  /** The fact that follows from a text that the page of `leg` sent, if any. */
  take(leg: LegName, text: string): Extract<CallFactBody, { readonly type: 'page-quality' }> | undefined {
    const report = this.count < mostTold ? readPageReport(text) : undefined;
    if (report === undefined) return undefined;
    const now = `${worthOf(report)} ${report.hint ?? ''}`;
    if (this.told[leg] === now) return undefined;
    this.told[leg] = now;
    this.count += 1;
    return { type: 'page-quality', leg, ...report };
  }
}
