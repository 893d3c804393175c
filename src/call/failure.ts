/**
 * The one table of failures: what each is to the caller's SIP stack, to the telephone network, to
 * the call record, to a graph and to a person. Whatever fails is looked up here and nowhere else.
 */
import type { FailureCode } from './failure-code.js';

export type { FailureCode };

export interface Failure {
  /** Final status to the caller while it has not been answered. */
  readonly sipStatus: number;
  readonly reasonPhrase: string;
  /** Cause for the Reason header (RFC 3326 §2, Q.850). */
  readonly q850: number;
  /** In the call record. */
  readonly disposition: string;
  /** In `gateway_calls_ended_total{cause}`. */
  readonly metricLabel: string;
  /** For the page and the log: what happened, in words for the caller. */
  readonly sentence: string;
  /** Another peer of the same trunk may do better, as long as the phone has not rung. */
  readonly elsewhere: boolean;
}

type Row = readonly [sipStatus: number, reasonPhrase: string, q850: number, disposition: string, elsewhere: boolean, sentence: string];

const rows: Readonly<Record<FailureCode, Row>> = {
  busy: [486, 'Busy Here', 17, 'busy', false, 'The number is busy.'],
  rejected: [603, 'Decline', 21, 'rejected', false, 'The call was declined.'],
  'no-answer': [480, 'Temporarily Unavailable', 19, 'no-answer', false, 'Nobody answered.'],
  cancelled: [487, 'Request Terminated', 16, 'cancelled', false, 'The call was cancelled before it was answered.'],
  'number-not-found': [404, 'Not Found', 1, 'failed', false, 'This number is not in service.'],
  'number-invalid': [484, 'Address Incomplete', 28, 'failed', false, 'This is not a complete telephone number.'],
  'destination-denied': [403, 'Forbidden', 21, 'denied', false, 'Calls to this number are not allowed.'],
  'ticket-required': [401, 'Unauthorized', 57, 'denied', false, 'This call needs a ticket, and none came with it.'],
  'ticket-invalid': [401, 'Unauthorized', 57, 'denied', false, 'The ticket of this call is not one of ours.'],
  'ticket-expired': [401, 'Unauthorized', 57, 'denied', false, 'The ticket of this call is not valid at this time.'],
  'ticket-used': [403, 'Forbidden', 57, 'denied', false, 'The ticket of this call was used before.'],
  'wrong-origin': [403, 'Forbidden', 57, 'denied', false, 'The ticket of this call belongs to another website.'],
  'wrong-destination': [403, 'Forbidden', 57, 'denied', false, 'The ticket of this call is for another number.'],
  'over-limit': [403, 'Forbidden', 34, 'denied', false, 'There were too many calls in a short time.'],
  'over-budget': [403, 'Forbidden', 34, 'over-budget', false, 'The budget for calls is used up.'],
  'unusual-destination': [403, 'Forbidden', 21, 'denied', false, 'Calls to this country were held back because they are unusual here.'],
  'emergency-number': [
    403,
    'Forbidden',
    21,
    'denied',
    false,
    'Emergency numbers cannot be called from a web page. Please use a telephone.',
  ],
  'no-route': [404, 'Not Found', 3, 'failed', false, 'There is no way from here to this number.'],
  loop: [483, 'Too Many Hops', 25, 'failed', false, 'This call goes round in a circle.'],
  'trunk-unreachable': [502, 'Bad Gateway', 38, 'failed', true, 'The telephone network cannot be reached.'],
  'trunk-timeout': [504, 'Server Time-out', 102, 'failed', true, 'The telephone network did not respond.'],
  'trunk-auth-failed': [502, 'Bad Gateway', 57, 'failed', false, 'The telephone network did not accept the account of this service.'],
  'trunk-error': [502, 'Bad Gateway', 41, 'failed', false, 'The telephone network reported an error.'],
  'trunk-congested': [503, 'Service Unavailable', 42, 'congested', true, 'The telephone network is overloaded; try again in a moment.'],
  'media-not-acceptable': [488, 'Not Acceptable Here', 88, 'failed', false, 'The two sides have no audio format in common.'],
  'media-setup-failed': [500, 'Server Internal Error', 47, 'failed', false, 'The audio connection could not be set up.'],
  'media-lost': [500, 'Server Internal Error', 41, 'media-lost', false, 'The audio connection was lost.'],
  'browser-gone': [480, 'Temporarily Unavailable', 27, 'browser-gone', false, 'The browser has gone away.'],
  'user-not-registered': [480, 'Temporarily Unavailable', 20, 'unavailable', false, 'The person called is not online.'],
  'too-many-calls': [503, 'Service Unavailable', 34, 'congested', false, 'All lines are in use; try again in a moment.'],
  'too-long': [480, 'Temporarily Unavailable', 31, 'too-long', false, 'The call reached its longest time.'],
  'shutting-down': [503, 'Service Unavailable', 41, 'shutting-down', false, 'The service is being restarted; try again in a moment.'],
  internal: [500, 'Server Internal Error', 41, 'failed', false, 'Something went wrong in the gateway.'],
};

/** Every failure there is, in the order of the table. */
export const failureCodes = Object.keys(rows) as readonly FailureCode[];

/** What a call record may say became of its call. */
export const dispositions: readonly string[] = ['completed', ...new Set(Object.values(rows).map(([, , , disposition]) => disposition))];

/** The row of a failure. The metric label is the code itself, so a graph and a log line name it alike. */
export function failureOf(code: FailureCode): Failure {
  const [sipStatus, reasonPhrase, q850, disposition, elsewhere, sentence] = rows[code];
  return { sipStatus, reasonPhrase, q850, disposition, metricLabel: code, sentence, elsewhere };
}

/** Q.850 "normal call clearing": somebody hung up. */
export const NORMAL_CLEARING = 16;
