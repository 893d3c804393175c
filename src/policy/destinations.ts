/** Which numbers may be dialled: the first guard against toll fraud. */
import { type PrefixClass, type PrefixRow, prefixTable } from './prefix-table.js';

/** Prefixes that may and may not be dialled. */
export interface DestinationRules {
  /** Prefixes of normalised numbers, e.g. `+1`, `+49`, `100`; `*` allows all. */
  readonly allow: readonly string[];
  readonly deny: readonly string[];
  /** Classes of the shipped table; one that is not named is denied. */
  readonly classes?: Readonly<Partial<Record<PrefixClass, 'allow' | 'deny'>>>;
}

/** What was decided of a number, and by which rule. */
export interface DestinationVerdict {
  readonly allowed: boolean;
  readonly rule: string;
  /** In a sentence, without the number. */
  readonly why: string;
}

/** National numbers are shorter, and would be taken for another country's. */
const leastInternationalDigits = 10;

/**
 * The longest matching prefix decides; on a tie `deny` does. A number no prefix matches is denied,
 * so an empty `allow` denies everything. A denied prefix matches however the number is dialled
 * (`+1900`, `1900`, `001900`, `0111900`), because a carrier may read all of them alike. Rows of the
 * shipped table deny too, unless `allow` names the same or a longer prefix.
 */
export function judgeDestination(rules: DestinationRules, number: string): DestinationVerdict {
  const dialled = bare(number);
  const allowed = longest(rules.allow.filter((prefix) => prefix === '*' || startsWith(number, prefix)));
  const denied = longest(rules.deny.filter((prefix) => prefix === '*' || startsWith(dialled, bare(prefix))));
  if (allowed === undefined) return { allowed: false, rule: 'policy.destinations.allow', why: 'no prefix allows the number' };
  if (denied !== undefined && bare(denied).length >= bare(allowed).length) {
    return { allowed: false, rule: `policy.destinations.deny[${denied}]`, why: `numbers that begin with ${denied} are denied` };
  }
  const row = rowOf(number);
  if (row !== undefined && row.prefix.length - 1 > bare(allowed).length && rules.classes?.[row.class] !== 'allow') {
    const why = `numbers that begin with ${row.prefix} are held back: ${row.what}`;
    return { allowed: false, rule: `policy.destinations.classes.${row.class}`, why };
  }
  return { allowed: true, rule: `policy.destinations.allow[${allowed}]`, why: `numbers that begin with ${allowed} are allowed` };
}

/** Whether a number may be dialled. */
export function mayDial(rules: DestinationRules, number: string): boolean {
  return judgeDestination(rules, number).allowed;
}

/** The most specific row of the shipped table, however the number is dialled. */
function rowOf(number: string): PrefixRow | undefined {
  const dialled = bare(number);
  if (dialled === number && dialled.length < leastInternationalDigits) return undefined;
  let found: PrefixRow | undefined;
  for (const row of prefixTable) {
    if (row.prefix.length > (found?.prefix.length ?? 0) && matches(dialled, row.prefix)) found = row;
  }
  return found;
}

/** `prefix` begins with a plus, and its `x` match any digit. */
function matches(dialled: string, prefix: string): boolean {
  if (dialled.length < prefix.length - 1) return false;
  for (let at = 1; at < prefix.length; at += 1) {
    const wanted = prefix[at];
    if (wanted !== 'x' && wanted !== dialled[at - 1]) return false;
  }
  return true;
}

function longest(prefixes: readonly string[]): string | undefined {
  let found: string | undefined;
  for (const prefix of prefixes) if (found === undefined || bare(prefix).length > bare(found).length) found = prefix;
  return found;
}

const startsWith = (number: string, prefix: string): boolean => prefix !== '' && number.startsWith(prefix);

/** Without the signs of an international number; `*` is the empty prefix. */
function bare(text: string): string {
  return text === '*' ? '' : text.replace(/^(?:\+|0011|011|00)/, '');
}
