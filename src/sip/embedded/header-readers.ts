/**
 * Typed readers over header fields. They parse when asked, so a message costs only what is read.
 * A missing mandatory field and a field that breaks its grammar throw the typed `sip-malformed`
 * error; after `parseMessage` has accepted a message, the readers of the fields it validates
 * (Via, From, To, Call-ID, CSeq, Max-Forwards, Contact, Route, Record-Route, Content-Type) cannot throw.
 */
import { isToken, type Parameters, readParameters as parseParameters, readInteger, skipToken, splitList, trimSpace } from '../grammar.js';
import { parseNameAddress, parseNameAddressList } from '../name-address.js';
import type { Headers } from '../port.js';
import type { CSeq, NameAddressValue, Via } from './message.js';
import { malformed } from './parse-error.js';
import { parseViaList } from './via.js';

/** The greatest CSeq number: below 2**31 (RFC 3261 §8.1.1.5). */
export const maxCSeq = 2 ** 31 - 1;
/** The greatest delta-seconds: 2**32 - 1 (RFC 3261 §20.19). */
export const maxDeltaSeconds = 2 ** 32 - 1;

function need<T>(value: T | undefined, header: string): T {
  if (value === undefined) throw malformed(`Malformed ${header}`);
  return value;
}

function mandatory(headers: Headers, name: string): string {
  const value = headers.get(name);
  if (value === undefined) throw malformed(`Missing ${name}`);
  return value;
}

/** All Via values, topmost first; there is at least one. */
export function readVias(headers: Headers): readonly Via[] {
  const lines = headers.all('Via');
  if (lines.length === 0) throw malformed('Missing Via');
  if (lines.length === 1) return need(parseViaList(lines[0] ?? ''), 'Via');
  return lines.flatMap((line) => need(parseViaList(line), 'Via'));
}

/** The topmost Via value (RFC 3261 §17.2.3: it names the transaction). */
export function topVia(headers: Headers): Via {
  const vias = need(parseViaList(mandatory(headers, 'Via')), 'Via');
  return need(vias[0], 'Via');
}

/** Reads one address; `header` names the field in the error. */
export function readNameAddress(text: string, header = 'address'): NameAddressValue {
  return need(parseNameAddress(text), header);
}

export function readFrom(headers: Headers): NameAddressValue {
  return readNameAddress(mandatory(headers, 'From'), 'From');
}

export function readTo(headers: Headers): NameAddressValue {
  return readNameAddress(mandatory(headers, 'To'), 'To');
}

/** From tag; undefined when the peer speaks RFC 2543 and sent none. */
export function fromTag(headers: Headers): string | undefined {
  return readFrom(headers).parameters.get('tag');
}

/** To tag; undefined outside a dialog. */
export function toTag(headers: Headers): string | undefined {
  return readTo(headers).parameters.get('tag');
}

export function readCallId(headers: Headers): string {
  return mandatory(headers, 'Call-ID');
}

/** The CSeq; its method compares with case (RFC 3261 §7.1). */
export function readCSeq(headers: Headers): CSeq {
  return need(parseCSeq(mandatory(headers, 'CSeq')), 'CSeq');
}

function parseCSeq(text: string): CSeq | undefined {
  const gap = text.search(/[ \t]/);
  if (gap < 0) return undefined;
  const number = readInteger(text.slice(0, gap), maxCSeq);
  const method = trimSpace(text.slice(gap));
  return number === undefined || !isToken(method) ? undefined : { number, method };
}

/** Max-Forwards, 0 to 255 (RFC 3261 §20.22); undefined when absent, as RFC 2543 allowed. */
export function readMaxForwards(headers: Headers): number | undefined {
  return readNumber(headers, 'Max-Forwards', 255);
}

/** True for `Contact: *` (RFC 3261 §10.2.2). */
export function isWildcardContact(headers: Headers): boolean {
  return headers.get('Contact') === '*';
}

/** All Contact values; none for `Contact: *`. */
export function readContacts(headers: Headers): readonly NameAddressValue[] {
  return isWildcardContact(headers) ? [] : readAddresses(headers, 'Contact');
}

export function readRoutes(headers: Headers): readonly NameAddressValue[] {
  return readAddresses(headers, 'Route');
}

export function readRecordRoutes(headers: Headers): readonly NameAddressValue[] {
  return readAddresses(headers, 'Record-Route');
}

/** All addresses of a list header such as P-Asserted-Identity, Path or Service-Route. */
export function readAddresses(headers: Headers, name: string): readonly NameAddressValue[] {
  const lines = headers.all(name);
  if (lines.length === 1) return need(parseNameAddressList(lines[0] ?? ''), name);
  return lines.flatMap((line) => need(parseNameAddressList(line), name));
}

/** Reads `;name=value` text from `at` to its end. */
export function readParameters(text: string, at = 0): Parameters {
  return need(parseParameters(text, at), 'parameters');
}

/** A media type with its parameters, the type in lower case (RFC 3261 §20.15). */
export interface ContentType {
  readonly type: string;
  readonly parameters: Parameters;
}

export function readContentType(headers: Headers): ContentType | undefined {
  const text = headers.get('Content-Type');
  if (text === undefined) return undefined;
  const semicolon = text.indexOf(';');
  const end = semicolon < 0 ? text.length : semicolon;
  const parts = text.slice(0, end).split('/');
  const [major = '', minor = ''] = parts.map((part) => trimSpace(part).toLowerCase());
  if (parts.length !== 2 || !isToken(major) || !isToken(minor)) throw malformed('Malformed Content-Type');
  return { type: `${major}/${minor}`, parameters: need(parseParameters(text, end), 'Content-Type') };
}

/** The tokens of a list header (Supported, Require, Allow, …) over all its lines; empty lines count as none. */
export function readTokens(headers: Headers, name: string): readonly string[] {
  const tokens: string[] = [];
  for (const line of headers.all(name)) {
    if (line === '') continue;
    for (const part of need(splitList(line), name)) {
      if (!isToken(part)) throw malformed(`Malformed ${name}`);
      tokens.push(part);
    }
  }
  return tokens;
}

/** A header that is one whole number, such as RSeq, Min-SE or Min-Expires; undefined when absent. */
export function readNumber(headers: Headers, name: string, max: number = maxDeltaSeconds): number | undefined {
  const text = headers.get(name);
  return text === undefined ? undefined : need(readInteger(text, max), name);
}

/** Expires in seconds; a value out of range counts as 3600 (RFC 3261 §20.19, §10.2.1.1). */
export function readExpires(headers: Headers): number | undefined {
  const text = headers.get('Expires');
  return text === undefined ? undefined : (readInteger(text, maxDeltaSeconds) ?? 3600);
}

/** Retry-After in seconds, its comment and parameters left aside (RFC 3261 §20.33). */
export function readRetryAfterSeconds(headers: Headers): number | undefined {
  const text = headers.get('Retry-After');
  if (text === undefined) return undefined;
  return need(readInteger(text.slice(0, skipToken(text, 0)), maxDeltaSeconds), 'Retry-After');
}

/** Session-Expires (RFC 4028 §4). */
export interface SessionExpires {
  readonly seconds: number;
  readonly refresher?: 'uac' | 'uas';
}

export function readSessionExpires(headers: Headers): SessionExpires | undefined {
  const text = headers.get('Session-Expires');
  if (text === undefined) return undefined;
  const semicolon = text.indexOf(';');
  const end = semicolon < 0 ? text.length : semicolon;
  const seconds = need(readInteger(text.slice(0, end), maxDeltaSeconds), 'Session-Expires');
  const refresher = need(parseParameters(text, end), 'Session-Expires').get('refresher')?.toLowerCase();
  return refresher === 'uac' || refresher === 'uas' ? { seconds, refresher } : { seconds };
}

/** RAck: the RSeq and CSeq a PRACK acknowledges (RFC 3262 §7.2). */
export interface RAck {
  readonly rseq: number;
  readonly cseq: CSeq;
}

export function readRAck(headers: Headers): RAck | undefined {
  const text = headers.get('RAck');
  if (text === undefined) return undefined;
  const gap = text.search(/[ \t]/);
  const rseq = readInteger(gap < 0 ? '' : text.slice(0, gap), maxDeltaSeconds);
  return { rseq: need(rseq, 'RAck'), cseq: need(parseCSeq(trimSpace(text.slice(gap))), 'RAck') };
}
