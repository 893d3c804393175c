import type { DigitReceipt } from './digit-ledger.js';
import type { ViewState } from './machine.js';

/** Everything of a call that can be shown, as plain data; a new object for each change. */
export interface CallSnapshot {
  readonly state: ViewState;
  /** By the clock of `sinceMs`, a few times each second while the call is up. */
  readonly nowMs: number;
  readonly muted: boolean;
  /** Keys pressed in this call and what became of them, in order. */
  readonly receipts: readonly DigitReceipt[];
}
