/** How one trunk takes and gives digits. */
import type { InfoDtmfType } from '../../media/dtmf/info-body.js';
import type { DigitCarriage } from '../../media/plane.js';

/** auto: in the media as the peers agree, and by INFO where that cannot be; the others: this way alone. */
export type DigitMode = 'auto' | 'rfc4733' | 'info' | 'inband';

/** What a trunk's configuration says of digits. */
export interface DigitRules {
  readonly mode: DigitMode;
  /** Body of the INFO we send. */
  readonly info: InfoDtmfType;
  /** Header by which the trunk opens and closes secure windows (`on`, `off`); none when absent. */
  readonly secureHeader?: string;
}

/** Of a leg that says nothing of digits. */
export const defaultDigitRules: DigitRules = { mode: 'rfc4733', info: 'application/dtmf-relay' };

const carriages: Readonly<Record<DigitMode, DigitCarriage>> = { auto: 'auto', rfc4733: 'events', info: 'none', inband: 'tones' };

/** What the media of such a trunk's leg carries. */
export const carriageOf = (mode: DigitMode): DigitCarriage => carriages[mode];

/** What a header of the trunk says: open, close, or nothing we know. */
export function secureWish(value: string | undefined): boolean | undefined {
  switch (value?.trim().toLowerCase()) {
    case 'on':
      return true;
    case 'off':
      return false;
    default:
      return undefined;
  }
}
