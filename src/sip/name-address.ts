import { memoized } from '../base/memo.js';
import {
  formatParameters,
  noParameters,
  type Parameters,
  quoteString,
  readParameters,
  skipQuoted,
  skipSpace,
  skipToken,
  splitList,
  textsKept,
  trimSpaceEnd,
  unquote,
} from './grammar.js';
import { isUriText } from './uri.js';

/** A From, To, Contact, Route or Record-Route value (RFC 3261 §20.10). */
export interface NameAddressValue {
  readonly displayName?: string;
  readonly uri: string;
  /** Header parameters (tag, expires, …), not those of the URI. */
  readonly parameters: Parameters;
}

const less = 60;
const quote = 34;

/**
 * Reads one `name-addr` or `addr-spec` with its header parameters (RFC 3261 §20.10). In the bare
 * form everything after the first semicolon belongs to the header, and a URI with a comma or a
 * question mark must stand in brackets. Undefined when malformed.
 */
export const parseNameAddress: (text: string) => NameAddressValue | undefined = memoized(readNameAddress, textsKept);

function readNameAddress(text: string): NameAddressValue | undefined {
  const start = skipSpace(text, 0);
  const first = text.charCodeAt(start);
  if (first === quote) {
    const end = skipQuoted(text, start);
    if (end < 0) return undefined;
    const open = skipSpace(text, end);
    return text.charCodeAt(open) === less ? bracketed(text, open, unquote(text.slice(start, end))) : undefined;
  }
  if (first === less) return bracketed(text, start, undefined);
  const open = endOfWords(text, start);
  if (text.charCodeAt(open) !== less) return bare(text, start);
  return bracketed(text, open, trimSpaceEnd(text.slice(start, open)));
}

/** Reads a comma list of addresses, as Contact, Route and Record-Route hold it. */
export function parseNameAddressList(text: string): readonly NameAddressValue[] | undefined {
  const parts = splitList(text);
  if (parts === undefined) return undefined;
  const values: NameAddressValue[] = [];
  for (const part of parts) {
    const value = parseNameAddress(part);
    if (value === undefined) return undefined;
    values.push(value);
  }
  return values;
}

/** Writes an address in the bracketed form, which is right for every URI. */
export function formatNameAddress(value: NameAddressValue): string {
  const name = value.displayName === undefined || value.displayName === '' ? '' : `${quoteString(value.displayName)} `;
  return `${name}<${value.uri}>${formatParameters(value.parameters)}`;
}

/** Index just after the tokens, and the white space between them, that an unquoted display name consists of. */
function endOfWords(text: string, start: number): number {
  let i = start;
  for (;;) {
    const next = skipSpace(text, skipToken(text, i));
    if (next === i) return i;
    i = next;
  }
}

function bracketed(text: string, open: number, displayName: string | undefined): NameAddressValue | undefined {
  const close = text.indexOf('>', open);
  if (close < 0) return undefined;
  const uri = text.slice(open + 1, close);
  if (!isUriText(uri)) return undefined;
  const parameters = close + 1 === text.length ? noParameters : readParameters(text, close + 1);
  if (parameters === undefined) return undefined;
  return displayName === undefined ? { uri, parameters } : { displayName, uri, parameters };
}

function bare(text: string, start: number): NameAddressValue | undefined {
  const semicolon = text.indexOf(';', start);
  const end = semicolon < 0 ? text.length : semicolon;
  const uri = trimSpaceEnd(text.slice(start, end));
  if (!isUriText(uri) || uri.includes('?') || uri.includes(',')) return undefined;
  const parameters = readParameters(text, end);
  return parameters === undefined ? undefined : { uri, parameters };
}
