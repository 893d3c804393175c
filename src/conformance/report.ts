import type { ExerciseRecord } from './dtmf-check.js';
import type { Verdict } from './verdict.js';

const WORD: Readonly<Record<Verdict['result'], string>> = { pass: 'pass', fail: 'FAIL', 'not-applicable': 'n/a' };
const PER_HALF = 2;

/** The verdicts for a terminal: one line each, and a last line that counts them. */
export function reportText(verdicts: readonly Verdict[], exercises: readonly ExerciseRecord[]): string {
  const lines = verdicts.map(
    ({ rule, direction, result, seen }) => `${rule.padEnd(4)}${direction.padEnd(4)} ${WORD[result].padEnd(5)} ${seen}`,
  );
  const count = (result: Verdict['result']): number => verdicts.filter((verdict) => verdict.result === result).length;
  const median = medianLatencyMs(exercises);
  const latency = median === undefined ? '' : `; median time to the first event packet ${median.toFixed(1)} ms`;
  const sums = `${count('pass')} passed, ${count('fail')} failed, ${count('not-applicable')} not applicable, ${exercises.length} calls${latency}`;
  return `${[...lines, '', sums].join('\n')}\n`;
}

/** The same for a program. */
export function reportJson(verdicts: readonly Verdict[], exercises: readonly ExerciseRecord[]): string {
  return `${JSON.stringify({ verdicts, medianLatencyMs: medianLatencyMs(exercises) ?? null, exercises }, undefined, 2)}\n`;
}

/** From the first event packet sent to the first one heard, over all calls. */
export function medianLatencyMs(exercises: readonly ExerciseRecord[]): number | undefined {
  const times = exercises.flatMap(({ latencyMs }) => latencyMs ?? []).sort((a, b) => a - b);
  return times[Math.floor(times.length / PER_HALF)];
}
