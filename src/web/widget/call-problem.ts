import type { FailureCode } from '../../call/failure-code.js';

/** What can go wrong in the page itself, before or beside what the gateway reports. */
export type PageProblem =
  | 'microphone-denied'
  | 'microphone-missing'
  | 'microphone-in-use'
  | 'microphone-insecure'
  | 'browser-too-old'
  | 'gateway-unreachable'
  | 'connection-lost'
  | 'nothing-to-call'
  | 'digits-not-sent'
  | 'ivr-invalid';

export type CallProblem = FailureCode | PageProblem;

/** Every code of `FailureCode`, so that a header's text can be told from one of them. */
const failureCodes: Readonly<Record<FailureCode, true>> = {
  busy: true,
  rejected: true,
  'no-answer': true,
  cancelled: true,
  'number-not-found': true,
  'number-invalid': true,
  'destination-denied': true,
  'ticket-required': true,
  'ticket-invalid': true,
  'ticket-expired': true,
  'ticket-used': true,
  'wrong-origin': true,
  'wrong-destination': true,
  'over-limit': true,
  'over-budget': true,
  'unusual-destination': true,
  'emergency-number': true,
  'no-route': true,
  loop: true,
  'trunk-unreachable': true,
  'trunk-timeout': true,
  'trunk-auth-failed': true,
  'trunk-error': true,
  'trunk-congested': true,
  'media-not-acceptable': true,
  'media-setup-failed': true,
  'media-lost': true,
  'browser-gone': true,
  'user-not-registered': true,
  'too-many-calls': true,
  'too-long': true,
  'shutting-down': true,
  internal: true,
};

/** Whether a text is a code that the gateway gives. */
export function isFailureCode(text: string): text is FailureCode {
  return Object.hasOwn(failureCodes, text);
}

/** For a SIP server that does not say more than its status (RFC 3261 §21). */
const problemOfStatus: Readonly<Record<number, FailureCode>> = {
  401: 'destination-denied',
  403: 'destination-denied',
  404: 'number-not-found',
  408: 'no-answer',
  410: 'number-not-found',
  480: 'no-answer',
  483: 'loop',
  484: 'number-invalid',
  486: 'busy',
  487: 'cancelled',
  488: 'media-not-acceptable',
  503: 'trunk-congested',
  504: 'trunk-timeout',
  600: 'busy',
  603: 'rejected',
  604: 'number-not-found',
  606: 'media-not-acceptable',
};

/**
 * The reason of a refused call: what the gateway says in `X-Gateway-Failure`, else what the status
 * alone tells.
 */
export function problemOfRefusal(status: number, gatewayFailure: string | undefined): FailureCode {
  const named = gatewayFailure?.trim() ?? '';
  if (isFailureCode(named)) return named;
  return problemOfStatus[status] ?? (status >= 500 ? 'trunk-error' : 'internal');
}

/** The reason of a call that was ended from the far side; undefined for a plain hang-up. */
export function problemOfEnd(gatewayFailure: string | undefined): FailureCode | undefined {
  const named = gatewayFailure?.trim() ?? '';
  return isFailureCode(named) && named !== 'cancelled' ? named : undefined;
}

/** What a refused `getUserMedia` means to the person in front of the page, by the error's name (W3C Media Capture §10.2). */
export function problemOfMicrophone(errorName: string): PageProblem {
  switch (errorName) {
    case 'NotAllowedError':
    case 'SecurityError':
      return 'microphone-denied';
    case 'NotFoundError':
    case 'OverconstrainedError':
      return 'microphone-missing';
    case 'InsecureContextError':
      return 'microphone-insecure';
    default:
      return 'microphone-in-use';
  }
}
