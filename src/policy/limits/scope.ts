/** Whom limits are for: each scope counts its own calls. */

/** What one scope may do; what is absent is not bounded. */
export interface Limits {
  /** Calls at the same time. */
  readonly calls?: number;
  readonly callsPerMinute?: number;
  readonly callsPerHour?: number;
  /** Minutes of talk in a day (UTC). */
  readonly minutesPerDay?: number;
}

/** Money one scope may spend, in the currency of the rates; days and months are those of UTC. */
export interface Budget {
  readonly perDay?: number;
  readonly perMonth?: number;
}

/** One party that a call is counted for. */
export interface Scope {
  /** Unique among all: `site pk_shop`, `destination +44`. */
  readonly id: string;
  /** Where its limits stand in the configuration, for records and people. */
  readonly rule: string;
  /** Where its budget stands. */
  readonly budgetRule: string;
  readonly limits: Limits;
  readonly budget: Budget;
}

/** Which limit one more call would break. */
export type BrokenLimit = keyof Limits | keyof Budget;
