/** Which numbers may be dialled: the first guard against toll fraud. */
import { type PrefixClass, type PrefixRow, prefixTable } from './prefix-table.js';
import { bare as bareNumber, dialled, readings } from './spelling.js';

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

/** More than any telephone number has (ITU-T E.164: 15), with room for service codes. */
const mostCharacters = 33;

/**
 * The longest matching prefix decides; on a tie `deny` does. A number no prefix matches is denied,
 * so an empty `allow` denies everything. A denied prefix matches however the number is dialled
 * (`+1900`, `1900`, `001900`, `0111900`, `*671900`), because a carrier may read all of them alike. Rows of the
 * shipped table deny too, unless `allow` names the same or a longer prefix. `asRead` are the whole numbers
 * that trunks take a national one for.
 */
export function judgeDestination(rules: DestinationRules, number: string, asRead: readonly string[] = []): DestinationVerdict {
  if (number.length > mostCharacters || (number.startsWith('+') && !/^\+[1-9]\d*$/.test(number))) {
    return { allowed: false, rule: 'policy.destinations', why: 'there is no such number' };
  }
  const allowed = longest(rules.allow.filter((prefix) => prefix === '*' || startsWith(number, prefix)));
  if (allowed === undefined) return { allowed: false, rule: 'policy.destinations.allow', why: 'no prefix allows the number' };
  for (const reading of [...readings(number), ...asRead]) {
    const verdict = judgeReading(rules, reading, { written: written(allowed), digits: digitsAllowed(allowed, number, reading) });
    if (verdict !== undefined) return verdict;
  }
  return { allowed: true, rule: `policy.destinations.allow[${allowed}]`, why: `numbers that begin with ${allowed} are allowed` };
}

/** How much of a number was named by whoever allowed it: characters as they are written, and digits from the country code on. */
interface Named {
  readonly written: number;
  readonly digits: number;
}

/** What denies the number when it is read so; undefined when nothing does. */
function judgeReading(rules: DestinationRules, number: string, named: Named): DestinationVerdict | undefined {
  const digits = dialled(number);
  const denied = longest(
    rules.deny.filter((prefix) => {
      if (prefix === '*' || startsWith(number, prefix)) return written(prefix) >= named.written;
      return startsWith(digits, bare(prefix)) && bare(prefix).length >= named.digits;
    }),
  );
  if (denied !== undefined) {
    return { allowed: false, rule: `policy.destinations.deny[${denied}]`, why: `numbers that begin with ${denied} are denied` };
  }
  const row = rowOf(number);
  if (row === undefined || row.prefix.length - 1 <= named.digits || rules.classes?.[row.class] === 'allow') return undefined;
  const why = `numbers that begin with ${row.prefix} are held back: ${row.what}`;
  return { allowed: false, rule: `policy.destinations.classes.${row.class}`, why };
}

/** Whether a number may be dialled. */
export function mayDial(rules: DestinationRules, number: string): boolean {
  return judgeDestination(rules, number).allowed;
}

/** The most specific row of the shipped table, however the number is dialled. */
function rowOf(number: string): PrefixRow | undefined {
  if (bare(number) === number && number.length < leastInternationalDigits) return undefined;
  const digits = dialled(number);
  let found: PrefixRow | undefined;
  for (const row of prefixTable) {
    if (row.prefix.length > (found?.prefix.length ?? 0) && matches(digits, row.prefix)) found = row;
  }
  return found;
}

/** `prefix` begins with a plus, and its `x` match any digit. */
function matches(digits: string, prefix: string): boolean {
  if (digits.length < prefix.length - 1) return false;
  for (let at = 1; at < prefix.length; at += 1) {
    const wanted = prefix[at];
    if (wanted !== 'x' && wanted !== digits[at - 1]) return false;
  }
  return true;
}

function longest(prefixes: readonly string[]): string | undefined {
  let found: string | undefined;
  for (const prefix of prefixes) if (found === undefined || bare(prefix).length > bare(found).length) found = prefix;
  return found;
}

const startsWith = (number: string, prefix: string): boolean => prefix !== '' && number.startsWith(prefix);

/** `*` is the empty prefix. */
const bare = (text: string): string => (text === '*' ? '' : bareNumber(text));
const written = (prefix: string): number => (prefix === '*' ? 0 : prefix.length);

/** A prefix of a national number names as much of the whole number as it leaves out less of it. */
function digitsAllowed(allowed: string, number: string, reading: string): number {
  return reading === number || allowed === '*' ? bare(allowed).length : Math.max(0, bare(reading).length - number.length + allowed.length);
}
