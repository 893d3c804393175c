/** What the called side's answer means: an outcome of the SIP stack becomes a failure of the table. */
import type { OutboundOutcome } from '../sip/port.js';
import { q850CauseOf } from '../sip/reason.js';
import type { LegKind } from './facts.js';
import type { FailureCode } from './failure-code.js';

/** An outcome without an answer. */
export type Unanswered = Exclude<OutboundOutcome, { readonly kind: 'answered' }>;

/** What an outcome comes to. */
export interface Classified {
  readonly failure: FailureCode;
  /** Final status of the called side where there was one. */
  readonly status?: number;
}

/** Statuses with a meaning of their own (RFC 3261 §21); the rest is decided by class. */
const byStatus: Readonly<Record<number, FailureCode>> = {
  401: 'trunk-auth-failed',
  403: 'rejected',
  404: 'number-not-found',
  407: 'trunk-auth-failed',
  408: 'no-answer',
  410: 'number-not-found',
  415: 'media-not-acceptable',
  429: 'trunk-congested',
  433: 'rejected',
  480: 'no-answer',
  482: 'loop',
  483: 'loop',
  484: 'number-not-found',
  486: 'busy',
  487: 'no-answer',
  488: 'media-not-acceptable',
  503: 'trunk-congested',
  504: 'trunk-timeout',
  600: 'busy',
  603: 'rejected',
  604: 'number-not-found',
  606: 'media-not-acceptable',
  607: 'rejected',
  608: 'rejected',
};

/** Q.850 causes that say more than the status a carrier wraps them in (RFC 3398 §7.2.6.1 read backwards). */
const byCause: Readonly<Record<number, FailureCode>> = {
  1: 'number-not-found',
  2: 'no-route',
  3: 'no-route',
  17: 'busy',
  18: 'no-answer',
  19: 'no-answer',
  20: 'no-answer',
  21: 'rejected',
  22: 'number-not-found',
  25: 'loop',
  28: 'number-not-found',
  34: 'trunk-congested',
  38: 'trunk-error',
  41: 'trunk-error',
  42: 'trunk-congested',
  44: 'trunk-congested',
  65: 'media-not-acceptable',
  79: 'media-not-acceptable',
  88: 'media-not-acceptable',
};

/** `kind` is the called leg: a browser that times out is gone, a trunk that does is not reachable. */
export function classify(outcome: Unanswered, kind: LegKind): Classified {
  if (outcome.kind === 'failed') return { failure: failedTransport(outcome.why, kind) };
  const { status, headers } = outcome;
  const cause = isChallenge(status) ? undefined : q850CauseOf(headers);
  return { failure: (cause === undefined ? undefined : byCause[cause]) ?? byStatus[status] ?? byClass(status), status };
}

/** A carrier that does not know us says nothing about the call. */
export const isChallenge = (status: number): boolean => status === 401 || status === 407;

function failedTransport(why: 'timeout' | 'refused' | 'unresolvable' | 'transport' | 'tls' | 'cancelled', kind: LegKind): FailureCode {
  if (why === 'cancelled') return 'cancelled';
  if (kind === 'browser') return 'browser-gone';
  return why === 'timeout' ? 'trunk-timeout' : 'trunk-unreachable';
}

function byClass(status: number): FailureCode {
  return status >= 600 ? 'rejected' : 'trunk-error';
}
