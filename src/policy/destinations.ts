/** Which numbers may be dialled: the first guard against toll fraud. */

export interface DestinationRules {
  /** Prefixes of normalised numbers, e.g. `+1`, `+49`, `100`; `*` allows all. */
  readonly allow: readonly string[];
  readonly deny: readonly string[];
}

/**
 * The longest matching prefix decides; on a tie `deny` does. A number no prefix matches is denied,
 * so an empty `allow` denies everything.
 */
export function mayDial(rules: DestinationRules, number: string): boolean {
  const allowed = longestMatch(rules.allow, number);
  return allowed >= 0 && allowed > longestMatch(rules.deny, number);
}

/** Length of the longest prefix that matches, 0 for `*`, -1 for none. */
function longestMatch(prefixes: readonly string[], number: string): number {
  let longest = -1;
  for (const prefix of prefixes) {
    const length = prefix === '*' ? 0 : prefix.length;
    if ((prefix === '*' || (prefix !== '' && number.startsWith(prefix))) && length > longest) longest = length;
  }
  return longest;
}
