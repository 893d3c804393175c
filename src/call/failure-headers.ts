/** How a call's end is told to the other side in header fields. */
import type { ExtraHeaders } from '../sip/port.js';
import { formatReason, q850Reason } from '../sip/reason.js';
import type { LegKind } from './facts.js';
import { failureOf, NORMAL_CLEARING } from './failure.js';
import type { FailureCode } from './failure-code.js';

/**
 * `Reason` with the Q.850 cause for everybody (RFC 3326 §2), and for a browser the failure's own
 * name, so that a page can say it in its own words. Carriers never see the latter.
 */
export function failureHeaders(kind: LegKind, failure: FailureCode | undefined, retryAfterSeconds: number): ExtraHeaders {
  if (failure === undefined) return [['Reason', formatReason(q850Reason(NORMAL_CLEARING))]];
  const { q850, sentence, sipStatus } = failureOf(failure);
  return [
    ['Reason', formatReason({ protocol: 'Q.850', cause: q850, text: sentence })],
    ...(kind === 'browser' ? [['X-Gateway-Failure', failure] as const] : []),
    ...(sipStatus === 503 ? [['Retry-After', String(retryAfterSeconds)] as const] : []),
  ];
}
