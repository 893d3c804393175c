/** Which numbers may be dialled: the first guard against toll fraud. */

/** Prefixes that may and may not be dialled. */
export interface DestinationRules {
  /** Prefixes of normalised numbers, e.g. `+1`, `+49`, `100`; `*` allows all. */
  readonly allow: readonly string[];
  readonly deny: readonly string[];
}

/**
 * The longest matching prefix decides; on a tie `deny` does. A number no prefix matches is denied,
 * so an empty `allow` denies everything. A denied prefix matches however the number is dialled
 * (`+1900`, `1900`, `001900`, `0111900`), because a carrier may read all of them alike.
 */
export function mayDial(rules: DestinationRules, number: string): boolean {
  const allowed = longest(rules.allow.map((prefix) => (prefix === '*' || startsWith(number, prefix) ? bare(prefix).length : -1)));
  const denied = longest(rules.deny.map((prefix) => (prefix === '*' || startsWith(bare(number), bare(prefix)) ? bare(prefix).length : -1)));
  return allowed >= 0 && allowed > denied;
}

const longest = (lengths: readonly number[]): number => Math.max(-1, ...lengths);
const startsWith = (number: string, prefix: string): boolean => prefix !== '' && number.startsWith(prefix);

/** Without the signs of an international number; `*` is the empty prefix. */
function bare(text: string): string {
  return text === '*' ? '' : text.replace(/^(?:\+|00|011)/, '');
}
