/** What one call showed of one rule. */
export interface Finding {
  readonly rule: string;
  readonly kept: boolean;
  /** A sentence without its full stop: what was seen. */
  readonly seen: string;
}

/** The rule was kept. */
export function kept(rule: string, seen: string): Finding {
  return { rule, kept: true, seen };
}

/** The rule was broken. */
export function broken(rule: string, seen: string): Finding {
  return { rule, kept: false, seen };
}

/** `kept` or `broken`: broken when there is a sentence that says how. */
export function found(rule: string, fault: string | undefined, otherwise: string): Finding {
  return fault === undefined ? kept(rule, otherwise) : broken(rule, fault);
}
