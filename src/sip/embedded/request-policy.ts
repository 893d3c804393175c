import { schemeOf } from '../uri.js';
import { readMaxForwards, readTokens, readVias, toTag } from './header-readers.js';
import type { SipRequestMessage, Via } from './message.js';
import { isSipParseError } from './parse-error.js';
import { isSessionBody, sdpType } from './session-body.js';

/** A refusal the stack gives by itself. */
export interface Refusal {
  readonly status: number;
  readonly headers: readonly (readonly [name: string, value: string])[];
}

/** Methods the stack handles inside a dialog besides INVITE, ACK, CANCEL and BYE; what no handler takes gets 501. */
const inDialog: ReadonlySet<string> = new Set(['BYE', 'INFO', 'OPTIONS', 'MESSAGE', 'NOTIFY', 'PRACK', 'REFER', 'SUBSCRIBE', 'UPDATE']);
/** Make sense inside a dialog only: without one, what is missing is the dialog. */
const noDialog: ReadonlySet<string> = new Set(['BYE', 'INFO', 'PRACK', 'UPDATE']);
const schemes: ReadonlySet<string> = new Set(['sip', 'sips', 'tel']);

/** Extensions a peer may require (RFC 3261 §8.2.2.3). */
const supported: ReadonlySet<string> = new Set(['timer', '100rel', 'replaces']);

/** What the checks need to know. */
export interface PolicyFacts {
  readonly request: SipRequestMessage;
  /** The same request is being worked on by another way. */
  readonly merged: boolean;
  /** Methods taken outside a dialog. */
  readonly outside: ReadonlySet<string>;
  /** Value of Allow. */
  readonly allow: string;
  /** True for a Via of a request of ours still under way with the same Request-URI. */
  readonly isOurs: (via: Via) => boolean;
}

/** Lists the methods for Allow (RFC 3261 §20.5). */
export function allowOf(methods: ReadonlySet<string>): string {
  return [...methods].join(', ');
}

function unsupportedOf(request: SipRequestMessage): readonly string[] {
  try {
    return readTokens(request.headers, 'Require').filter((each) => !supported.has(each.toLowerCase()));
  } catch (thrown) {
    if (isSipParseError(thrown)) return [request.headers.get('Require') ?? ''];
    throw thrown;
  }
}

/**
 * The checks of RFC 3261 §8.2 in their order, for requests inside and outside a dialog; undefined
 * when the request may go on. Max-Forwards 0 is refused on an INVITE because the gateway would send
 * it on (RFC 7332); OPTIONS with 0 is answered, as a traceroute expects.
 */
export function refusalOf({ request, merged, outside, allow, isOurs }: PolicyFacts): Refusal | undefined {
  const { method } = request;
  const inside = toTag(request.headers) !== undefined;
  const known = inside ? inDialog.has(method) || method === 'INVITE' : outside.has(method);
  if (!known) return !inside && noDialog.has(method) ? { status: 481, headers: [] } : { status: 405, headers: [['Allow', allow]] };
  if (!schemes.has(schemeOf(request.requestUri))) return { status: 416, headers: [] };
  if (merged) return { status: 482, headers: [] };
  if (!inside && readVias(request.headers).slice(1).some(isOurs)) return { status: 482, headers: [] };
  if (method === 'INVITE' && readMaxForwards(request.headers) === 0) return { status: 483, headers: [] };
  const unsupported = unsupportedOf(request);
  if (unsupported.length > 0) return { status: 420, headers: [['Unsupported', unsupported.join(', ')]] };
  if (method !== 'INVITE' || isSessionBody(request)) return undefined;
  return {
    status: 415,
    headers: [
      ['Accept', sdpType],
      ['Accept-Encoding', 'identity'],
    ],
  };
}
