/** How a call's end is told to the other side in header fields. */
import type { ExtraHeaders } from '../sip/port.js';
import { formatReason, q850Reason, type Reason } from '../sip/reason.js';
import type { LegKind } from './facts.js';
import { failureOf, NORMAL_CLEARING } from './failure.js';
import type { FailureCode } from './failure-code.js';
import { type FarReasons, q850Of } from './far-reason.js';

/**
 * `Reason` with a Q.850 cause for everybody (RFC 3326 §2): the far end's where it said one that differs
 * from ours, for it knows more; its SIP status beside it. For a browser the failure's own name, so that
 * a page can say it in its own words. Carriers never see the latter.
 */
export function failureHeaders(
  kind: LegKind,
  failure: FailureCode | undefined,
  retryAfterSeconds: number,
  far: FarReasons = [],
): ExtraHeaders {
  const ours = ownReason(failure);
  const cause = q850Of(far);
  const told = [
    cause === undefined || cause === ours.cause ? ours : q850Reason(cause),
    ...far.filter(({ protocol }) => protocol !== 'Q.850'),
  ];
  return [
    ...told.map((reason) => ['Reason', formatReason(reason)] as const),
    ...(kind === 'browser' && failure !== undefined ? [['X-Gateway-Failure', failure] as const, ...challenge(failure)] : []),
    ...(failure !== undefined && failureOf(failure).sipStatus === 503 ? [['Retry-After', String(retryAfterSeconds)] as const] : []),
  ];
}

/** A 401 says what it asks for (RFC 3261 §20.44); here a ticket, by RFC 8898 §2 and RFC 6750 §3. */
function challenge(failure: FailureCode): ExtraHeaders {
  if (failureOf(failure).sipStatus !== 401) return [];
  return [['WWW-Authenticate', `Bearer realm="calls"${failure === 'ticket-required' ? '' : ', error="invalid_token"'}`]];
}

function ownReason(failure: FailureCode | undefined): Reason {
  if (failure === undefined) return q850Reason(NORMAL_CLEARING);
  const { q850, sentence } = failureOf(failure);
  return { protocol: 'Q.850', cause: q850, text: sentence };
}
