import type { Finding } from './finding.js';
import type { Rule } from './rules.js';

/** `in`: from the caller, through the gateway, to the called side. `out`: the other way. */
export type Direction = 'in' | 'out';

export interface Verdict {
  readonly rule: string;
  readonly about: string;
  readonly direction: Direction;
  readonly result: 'pass' | 'fail' | 'not-applicable';
  /** One sentence of what was seen. */
  readonly seen: string;
}

/** The findings of one direction, and why some of what was meant to be played was not. */
export interface Evidence {
  readonly direction: Direction;
  readonly findings: readonly Finding[];
  readonly notPlayed: readonly { readonly rule: string; readonly why: string }[];
}

/** One verdict a rule: broken once is broken. */
export function verdictsOf(rules: readonly Rule[], { direction, findings, notPlayed }: Evidence): readonly Verdict[] {
  return rules.map(({ id, about }) => {
    const own = findings.filter(({ rule }) => rule === id);
    const faults = own.filter(({ kept }) => !kept);
    const [fault] = faults;
    const [first] = own;
    if (fault !== undefined)
      return { rule: id, about, direction, result: 'fail', seen: `${fault.seen}${times(faults.length, own.length)}.` };
    if (first !== undefined)
      return { rule: id, about, direction, result: 'pass', seen: `${keptSentence(own)}${times(own.length, own.length)}.` };
    const why = notPlayed.find(({ rule }) => rule === id)?.why ?? 'nothing that came out tells of it';
    return { rule: id, about, direction, result: 'not-applicable', seen: `${why}.` };
  });
}

/** What was seen most often. */
function keptSentence(findings: readonly Finding[]): string {
  const counts = new Map<string, number>();
  for (const { seen } of findings) counts.set(seen, (counts.get(seen) ?? 0) + 1);
  return [...counts].sort(([, a], [, b]) => b - a)[0]?.[0] ?? '';
}

function times(count: number, of: number): string {
  if (of === 1) return '';
  return count === of ? ` (all ${of} times)` : ` (${count} of ${of} times)`;
}
