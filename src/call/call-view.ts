import type { CallId } from '../base/ids.js';
import type { CallDirection, Party } from './facts.js';
import type { CallStateName } from './state.js';

/** One live call as the admin API shows it. Numbers are whole; whoever shows it to people masks them. */
export interface CallView {
  readonly id: CallId;
  readonly direction: CallDirection;
  readonly state: CallStateName;
  readonly from: Party;
  readonly to: string;
  /** `host:port` of the caller's signalling. */
  readonly source: string;
  readonly origin?: string;
  readonly trunk?: string;
  readonly user?: string;
  /** Milliseconds since the Unix epoch. */
  readonly startedAtMs: number;
  readonly answeredAtMs?: number;
}
