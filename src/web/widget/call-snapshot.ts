import type { DigitReceipt } from './digit-ledger.js';
import type { Held, ViewState } from './machine.js';
import type { CheckResults } from './pre-call-check.js';
import type { CallQuality } from './quality.js';
import type { Sound } from './sound-desk.js';

/** Everything of a call that can be shown, as plain data; a new object for each change. */
export interface CallSnapshot extends Sound {
  readonly state: ViewState;
  /** By the clock of `sinceMs`, a few times each second while the call is up. */
  readonly nowMs: number;
  /** Keys pressed in this call and what became of them, in order. */
  readonly receipts: readonly DigitReceipt[];
  /** Who has the call on hold; undefined when nobody has. */
  readonly held: Held | undefined;
  /** The connection to the gateway or the path of the sound is being made again, while the call goes on. */
  readonly link: 'lost' | undefined;
  /** Of the call that is up, from a few seconds after its beginning. */
  readonly quality: CallQuality | undefined;
  /** Of the check before a call, while it runs and after. */
  readonly check: CheckResults | undefined;
  /** Whether the person may say how the last call was; undefined when there is nothing to say it of. */
  readonly rating: 'open' | 'given' | undefined;
}
