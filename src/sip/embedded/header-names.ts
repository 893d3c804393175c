import { isToken } from '../grammar.js';

/** Compact forms and the names they stand for (RFC 3261 §7.3.3 and the IANA registry). */
const compactForms: Readonly<Record<string, string>> = {
  a: 'Accept-Contact',
  b: 'Referred-By',
  c: 'Content-Type',
  d: 'Request-Disposition',
  e: 'Content-Encoding',
  f: 'From',
  i: 'Call-ID',
  j: 'Reject-Contact',
  k: 'Supported',
  l: 'Content-Length',
  m: 'Contact',
  n: 'Identity-Info',
  o: 'Event',
  r: 'Refer-To',
  s: 'Subject',
  t: 'To',
  u: 'Allow-Events',
  v: 'Via',
  x: 'Session-Expires',
  y: 'Identity',
};

/** The name of a header field, a compact form expanded; undefined when it is not a token. */
export function readHeaderName(text: string): string | undefined {
  if (text.length === 1) {
    const long = compactForms[text.toLowerCase()];
    if (long !== undefined) return long;
  }
  return isToken(text) ? text : undefined;
}
