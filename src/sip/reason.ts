/** The Reason header (RFC 3326) and the mapping between SIP statuses and Q.850 causes (RFC 3398). */
import { isToken, quoteString, readInteger, readParameters, splitList, trimSpace } from './grammar.js';
import type { Headers } from './port.js';

/** One Reason value: why a request was sent or a call ended. */
export interface Reason {
  /** `Q.850`, `SIP`, or another registered protocol, as written. */
  readonly protocol: string;
  readonly cause?: number;
  readonly text?: string;
}

const maxCause = 999;

/** Reads all Reason values; malformed ones are left out, for a reason never decides a call by itself. */
export function readReasons(headers: Headers): readonly Reason[] {
  return headers.all('Reason').flatMap((line) => (splitList(line) ?? []).flatMap(readReason));
}

/** The Q.850 cause a message carries (RFC 3326 §2); undefined when it carries none. */
export function q850CauseOf(headers: Headers): number | undefined {
  return readReasons(headers).find(({ protocol }) => protocol.toUpperCase() === 'Q.850')?.cause;
}

function readReason(text: string): readonly Reason[] {
  const semicolon = text.indexOf(';');
  const end = semicolon < 0 ? text.length : semicolon;
  const protocol = trimSpace(text.slice(0, end));
  const parameters = readParameters(text, end);
  if (!isToken(protocol) || parameters === undefined) return [];
  const cause = readInteger(parameters.get('cause') ?? '', maxCause);
  const words = parameters.get('text');
  return [{ protocol, ...(cause === undefined ? {} : { cause }), ...(words === undefined ? {} : { text: words }) }];
}

/** Writes one Reason value, e.g. `Q.850;cause=17;text="User busy"`. Line breaks in the text become spaces. */
export function formatReason({ protocol, cause, text }: Reason): string {
  const causePart = cause === undefined ? '' : `;cause=${cause}`;
  return text === undefined ? protocol + causePart : `${protocol}${causePart};text=${quoteString(text.replace(/[\r\n]+/g, ' '))}`;
}

/** A Reason of protocol Q.850 with the cause's own words. */
export function q850Reason(cause: number): Reason {
  const text = q850Texts[cause];
  return text === undefined ? { protocol: 'Q.850', cause } : { protocol: 'Q.850', cause, text };
}

/** Q.850 causes in words (ITU-T Q.850 §2.2.7). */
const q850Texts: Readonly<Record<number, string>> = {
  1: 'Unallocated number',
  2: 'No route to specified transit network',
  3: 'No route to destination',
  16: 'Normal call clearing',
  17: 'User busy',
  18: 'No user responding',
  19: 'No answer from user',
  20: 'Subscriber absent',
  21: 'Call rejected',
  22: 'Number changed',
  23: 'Redirection to new destination',
  25: 'Exchange routing error',
  26: 'Non-selected user clearing',
  27: 'Destination out of order',
  28: 'Invalid number format',
  29: 'Facility rejected',
  31: 'Normal, unspecified',
  34: 'No circuit available',
  38: 'Network out of order',
  41: 'Temporary failure',
  42: 'Switching equipment congestion',
  47: 'Resource unavailable',
  55: 'Incoming calls barred within CUG',
  57: 'Bearer capability not authorized',
  58: 'Bearer capability not presently available',
  63: 'Service or option not available',
  65: 'Bearer capability not implemented',
  70: 'Only restricted digital information bearer capability available',
  79: 'Service or option not implemented',
  87: 'User not member of CUG',
  88: 'Incompatible destination',
  102: 'Recovery on timer expiry',
  111: 'Protocol error',
  127: 'Interworking, unspecified',
};

/** SIP status to Q.850 cause (RFC 3398 §8.2.6.1). */
const statusToCause: Readonly<Record<number, number>> = {
  400: 41,
  401: 21,
  402: 21,
  403: 21,
  404: 1,
  405: 63,
  406: 79,
  407: 21,
  408: 102,
  410: 22,
  413: 127,
  414: 127,
  415: 79,
  416: 127,
  420: 127,
  421: 127,
  423: 127,
  480: 18,
  481: 41,
  482: 25,
  483: 25,
  484: 28,
  485: 1,
  486: 17,
  487: 127,
  488: 127,
  500: 41,
  501: 79,
  502: 38,
  503: 41,
  504: 102,
  505: 127,
  513: 127,
  580: 47,
  600: 17,
  603: 21,
  604: 1,
  606: 88,
  607: 21,
  608: 21,
};

/** The cause for a status; 31 (normal, unspecified) when RFC 3398 names none. */
export function q850FromStatus(status: number): number {
  if (status >= 200 && status < 300) return 16;
  return statusToCause[status] ?? 31;
}

/** Q.850 cause to SIP status (RFC 3398 §7.2.4.1). */
const causeToStatus: Readonly<Record<number, number>> = {
  1: 404,
  2: 404,
  3: 404,
  17: 486,
  18: 408,
  19: 480,
  20: 480,
  21: 403,
  22: 410,
  23: 410,
  25: 483,
  26: 404,
  27: 502,
  28: 484,
  29: 501,
  31: 480,
  34: 503,
  38: 503,
  41: 503,
  42: 503,
  47: 503,
  55: 403,
  57: 403,
  58: 503,
  63: 503,
  65: 488,
  70: 488,
  79: 501,
  87: 403,
  88: 503,
  102: 504,
  111: 500,
  127: 500,
};

/** The status for a cause; for others the class of the cause decides (RFC 3398 §7.2.4.1): 480, 503 or 500. */
export function statusFromQ850(cause: number): number {
  const status = causeToStatus[cause];
  if (status !== undefined) return status;
  if (cause < 32) return 480;
  return cause < 64 ? 503 : 500;
}
