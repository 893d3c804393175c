import type { ExerciseRecord } from '../../src/conformance/dtmf-check.js';
import { medianLatencyMs } from '../../src/conformance/report.js';
import { type Rule, rules } from '../../src/conformance/rules.js';
import type { Verdict } from '../../src/conformance/verdict.js';

/** What the check said of one system. */
export interface SystemResult {
  readonly name: string;
  readonly verdicts: readonly Verdict[];
  readonly exercises: readonly ExerciseRecord[];
}

/** The table by rule, and below it what each failure looked like. */
export function resultTable(systems: readonly SystemResult[]): string {
  const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const latency = systems.map(({ exercises }) => medianLatencyMs(exercises)?.toFixed(1) ?? 'n/a');
  const lines = [
    row(['rule', ...systems.map(({ name }) => name)]),
    row(['---', ...systems.map(() => '---')]),
    ...rules.map((rule) => row([`${rule.id}: ${rule.about}`, ...systems.map((system) => cellOf(rule, system))])),
    row(['median time to the first event packet, ms', ...latency]),
  ];
  return [...lines, '', ...systems.flatMap(failuresOf)].join('\n');
}

/** Both directions alike are said once. */
function cellOf({ id }: Rule, { verdicts }: SystemResult): string {
  const word = { pass: 'pass', fail: '**fail**', 'not-applicable': 'n/a' };
  const own = verdicts.filter(({ rule }) => rule === id);
  const results = new Set(own.map(({ result }) => result));
  if (results.size === 1)
    return own
      .slice(0, 1)
      .map(({ result }) => word[result])
      .join('');
  return own.map(({ direction, result }) => `${word[result]} (${direction})`).join(', ');
}

function failuresOf({ name, verdicts }: SystemResult): readonly string[] {
  const failures = verdicts.filter(({ result }) => result === 'fail');
  if (failures.length === 0) return [`${name}: no rule broken.`, ''];
  return [`${name}:`, '', ...failures.map(({ rule, direction, seen }) => `- ${rule}, ${direction}: ${seen}`), ''];
}
