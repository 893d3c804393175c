import { readInteger } from '../grammar.js';
import { isUriText, parseSipUri, schemeOf } from '../uri.js';
import {
  isWildcardContact,
  readContacts,
  readContentType,
  readCSeq,
  readFrom,
  readMaxForwards,
  readRecordRoutes,
  readRoutes,
  readTo,
  readVias,
  topVia,
} from './header-readers.js';
import type { HeaderFields, NameAddressValue, SipRequestMessage, SipResponseMessage, Via } from './message.js';
import { isSipParseError, malformed } from './parse-error.js';

/** Fields that may stand once only; a second one would be read differently by different elements. */
const single = new Set(['from', 'to', 'call-id', 'cseq', 'max-forwards', 'content-length', 'content-type']);

/**
 * Checks what RFC 3261 §8.1.1, §8.2 and RFC 4475 §3.1.2 ask of a request before anyone acts on it.
 * Max-Forwards and the From tag may be missing, as in RFC 2543 (RFC 4475 §3.4.1). What needs a
 * policy (unknown scheme, method, extension or media type) is left to the layers above.
 */
export function validateRequest(message: SipRequestMessage): void {
  validateFields(message.headers);
  if (readCSeq(message.headers).method !== message.method) throw malformed('CSeq method does not match');
  validateRequestUri(message.requestUri);
  readMaxForwards(message.headers);
  for (const route of readRoutes(message.headers)) validateUri(route, 'Route');
  const date = message.headers.get('Date');
  if (date !== undefined && !sipDate.test(date)) throw malformed('Malformed Date');
}

/** Checks what has to hold before a response is matched with a transaction (RFC 3261 §8.1.3, §18.1.2). */
export function validateResponse(message: SipResponseMessage): void {
  validateFields(message.headers);
}

/** Content-Length in bytes (RFC 3261 §20.14); undefined when absent. */
export function readContentLength(headers: HeaderFields): number | undefined {
  const values = headers.all('Content-Length');
  if (values.length === 0) return undefined;
  const length = values.length === 1 ? readInteger(values[0] ?? '', Number.MAX_SAFE_INTEGER) : undefined;
  if (length === undefined) throw malformed('Malformed Content-Length');
  return length;
}

/** The top Via, or undefined when it is missing or broken. */
export function readTopViaOrNothing(headers: HeaderFields): Via | undefined {
  try {
    return topVia(headers);
  } catch (thrown) {
    if (isSipParseError(thrown)) return undefined;
    throw thrown;
  }
}

function validateFields(headers: HeaderFields): void {
  refuseRepeated(headers);
  readVias(headers);
  validateUri(readFrom(headers), 'From');
  validateUri(readTo(headers), 'To');
  const callId = headers.get('Call-ID');
  if (callId === undefined) throw malformed('Missing Call-ID');
  if (callId === '' || /\s/.test(callId)) throw malformed('Malformed Call-ID');
  readCSeq(headers);
  readContentType(headers);
  if (headers.has('Contact')) {
    if (isWildcardContact(headers) && headers.all('Contact').length > 1) throw malformed('Malformed Contact');
    for (const contact of readContacts(headers)) validateUri(contact, 'Contact');
  }
  for (const route of readRecordRoutes(headers)) validateUri(route, 'Record-Route');
}

function refuseRepeated(headers: HeaderFields): void {
  const seen = new Set<string>();
  for (const { name } of headers) {
    const key = name.toLowerCase();
    if (!single.has(key)) continue;
    if (seen.has(key)) throw malformed(`Repeated ${name}`);
    seen.add(key);
  }
}

/** A `sip:` or `sips:` URI must hold to its grammar; other schemes are opaque here. */
function validateUri(address: NameAddressValue, header: string): void {
  const scheme = schemeOf(address.uri);
  if ((scheme === 'sip' || scheme === 'sips') && parseSipUri(address.uri) === undefined) {
    throw malformed(`Malformed ${header}`);
  }
}

/** RFC 3261 §19.1.1: a Request-URI has no header part; §25.1: no brackets, no white space. */
function validateRequestUri(text: string): void {
  if (!isUriText(text)) throw malformed('Malformed Request-URI');
  const scheme = schemeOf(text);
  if (scheme !== 'sip' && scheme !== 'sips') return;
  const uri = parseSipUri(text);
  if (uri === undefined) throw malformed('Malformed Request-URI');
  if (uri.headers.size > 0) throw malformed('Request-URI with headers');
}

/** `SIP-date` (RFC 3261 §25.1): GMT and no other zone. */
const sipDate = /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d{1,2} (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4} \d\d:\d\d:\d\d GMT$/i;
