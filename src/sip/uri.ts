import { memoized } from '../base/memo.js';
import { alphanumeric, characterClass, consistsOf, noParameters, type Parameters, readInteger, textsKept } from './grammar.js';

/** A parsed `sip:` or `sips:` URI (RFC 3261 §19.1). `user` is as written, still escaped. */
export interface SipUri {
  readonly scheme: 'sip' | 'sips';
  readonly user?: string;
  readonly password?: string;
  /** IPv6 without its brackets. */
  readonly host: string;
  readonly port?: number;
  readonly parameters: Parameters;
  readonly headers: Parameters;
}

/** A parsed `tel:` URI (RFC 3966). `number` is without visual separators; `+` first when global. */
export interface TelUri {
  readonly scheme: 'tel';
  readonly number: string;
  readonly parameters: Parameters;
}

const schemeClass = characterClass(`${alphanumeric}+-.`);
const hostClass = characterClass(`${alphanumeric}-._`);
const ipv6Class = characterClass('0123456789abcdefABCDEF:.');
const unreserved = `${alphanumeric}-_.!~*'()`;
const userClass = characterClass(`${unreserved}&=+$,;?/%`);
const passwordClass = characterClass(`${unreserved}&=+$,%`);
const parameterClass = characterClass(`${unreserved}[]/:&+$%`);
const headerClass = characterClass(`${unreserved}[]/?:+$%`);
/** User characters that need no escaping when we write them; a stricter set than we read. */
const plainUserClass = characterClass(`${unreserved}&=+$,/`);

/**
 * True for text that can stand as a URI of any scheme: a scheme, a colon, and then printable
 * characters without spaces, quotes or angle brackets.
 */
export function isUriText(text: string): boolean {
  const colon = text.indexOf(':');
  if (colon < 1 || colon === text.length - 1) return false;
  for (let i = 0; i < colon; i += 1) if (schemeClass[text.charCodeAt(i)] !== 1) return false;
  for (let i = colon + 1; i < text.length; i += 1) {
    const code = text.charCodeAt(i);
    if (code <= 32 || code === 34 || code === 60 || code === 62 || code === 127) return false;
  }
  return true;
}

/** The scheme of a URI in lower case; '' when it has none. */
export function schemeOf(text: string): string {
  const colon = text.indexOf(':');
  return colon < 0 ? '' : text.slice(0, colon).toLowerCase();
}

/** Reads a `sip:` or `sips:` URI (RFC 3261 §19.1.1); undefined for other schemes and malformed text. */
export const parseSipUri: (text: string) => SipUri | undefined = memoized(readSipUri, textsKept);

function readSipUri(text: string): SipUri | undefined {
  const scheme = schemeOf(text);
  if (scheme !== 'sip' && scheme !== 'sips') return undefined;
  const at = text.indexOf('@');
  const userinfo = at < 0 ? {} : parseUserinfo(text.slice(scheme.length + 1, at));
  if (userinfo === undefined) return undefined;
  const rest = text.slice(at < 0 ? scheme.length + 1 : at + 1);
  const question = rest.indexOf('?');
  const beforeHeaders = question < 0 ? rest : rest.slice(0, question);
  const semicolon = beforeHeaders.indexOf(';');
  const hostPort = parseUriHostPort(semicolon < 0 ? beforeHeaders : beforeHeaders.slice(0, semicolon));
  if (hostPort === undefined) return undefined;
  const parameters = semicolon < 0 ? noParameters : parsePairs(beforeHeaders.slice(semicolon + 1), ';', parameterClass, false);
  const headers = question < 0 ? noParameters : parsePairs(rest.slice(question + 1), '&', headerClass, true);
  if (parameters === undefined || headers === undefined) return undefined;
  const uri: Writable<SipUri> = { scheme, host: hostPort.host, parameters, headers };
  if (userinfo.user !== undefined) uri.user = userinfo.user;
  if (userinfo.password !== undefined) uri.password = userinfo.password;
  if (hostPort.port !== undefined) uri.port = hostPort.port;
  return uri;
}

function parseUserinfo(text: string): Pick<SipUri, 'user' | 'password'> | undefined {
  const colon = text.indexOf(':');
  const user = colon < 0 ? text : text.slice(0, colon);
  if (!isEscaped(user, userClass)) return undefined;
  if (colon < 0) return { user };
  const password = text.slice(colon + 1);
  return password === '' || isEscaped(password, passwordClass) ? { user, password } : undefined;
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** Writes a `sip:` or `sips:` URI; `user` must already be escaped (`escapeUser`). */
export function formatSipUri(uri: SipUri): string {
  let text = `${uri.scheme}:`;
  if (uri.user !== undefined) text += uri.password === undefined ? `${uri.user}@` : `${uri.user}:${uri.password}@`;
  text += formatUriHost(uri.host);
  if (uri.port !== undefined) text += `:${uri.port}`;
  for (const [name, value] of uri.parameters) text += value === '' ? `;${name}` : `;${name}=${value}`;
  let separator = '?';
  for (const [name, value] of uri.headers) {
    text += `${separator}${name}=${value}`;
    separator = '&';
  }
  return text;
}

/** A host as it stands in a URI or Via: IPv6 in brackets (RFC 3986 §3.2.2). */
export function formatUriHost(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}

/**
 * Reads `host[:port]` of a URI or Via. The characters of an IPv6 reference are checked, not its
 * structure: RFC 5118 §4.10 asks that `:::`, which the grammar of RFC 3261 produces, be accepted.
 */
export function parseUriHostPort(text: string): { readonly host: string; readonly port?: number } | undefined {
  let host: string;
  let rest: string;
  if (text.startsWith('[')) {
    const close = text.indexOf(']');
    host = text.slice(1, close);
    if (close < 0 || !consistsOf(host, ipv6Class) || !host.includes(':')) return undefined;
    rest = text.slice(close + 1);
  } else {
    const colon = text.indexOf(':');
    host = colon < 0 ? text : text.slice(0, colon);
    if (!consistsOf(host, hostClass)) return undefined;
    rest = colon < 0 ? '' : text.slice(colon);
  }
  if (rest === '') return { host };
  const port = rest.startsWith(':') && rest.length <= 6 ? readInteger(rest.slice(1), 65535) : undefined;
  return port === undefined ? undefined : { host, port };
}

/** Reads a `tel:` URI (RFC 3966 §3); visual separators are dropped from the number. */
export function parseTelUri(text: string): TelUri | undefined {
  if (schemeOf(text) !== 'tel') return undefined;
  const [subscriber = '', ...rest] = text.slice(4).split(';');
  const number = withoutSeparators(subscriber);
  if (!/^(?:\+\d+|[\dA-Fa-f*#]+)$/.test(percentDecode(number) ?? '')) return undefined;
  const parameters = rest.length === 0 ? noParameters : parsePairs(rest.join(';'), ';', parameterClass, false);
  return parameters === undefined ? undefined : { scheme: 'tel', number: percentDecode(number) ?? number, parameters };
}

/**
 * The user of a URI as plain text: the unescaped user part of `sip:`, the number of `tel:`;
 * undefined when the URI has none or is malformed.
 */
export function userOf(text: string): string | undefined {
  if (schemeOf(text) === 'tel') return parseTelUri(text)?.number;
  const user = parseSipUri(text)?.user;
  return user === undefined ? undefined : percentDecode(user);
}

/**
 * The phone number a URI names: the number of `tel:`, or the user part of `sip:` when it reads as a
 * telephone subscriber (RFC 3261 §19.1.6), without visual separators and without `;` parameters.
 * Undefined when the user is a name.
 */
export function phoneNumberOf(text: string): string | undefined {
  const user = userOf(text);
  if (user === undefined) return undefined;
  const number = withoutSeparators(user.split(';', 1)[0] ?? '');
  return /^\+?[\d*#]+$/.test(number) ? number : undefined;
}

/** Escapes a user part; `#` becomes %23 (RFC 3261 §25.1: it is not in `user-unreserved`). */
export function escapeUser(text: string): string {
  if (consistsOf(text, plainUserClass)) return text;
  let escaped = '';
  for (const byte of Buffer.from(text, 'utf8')) {
    escaped += plainUserClass[byte] === 1 ? String.fromCharCode(byte) : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return escaped;
}

/** Resolves %-escapes as UTF-8; undefined when an escape is not two hexadecimal digits. */
export function percentDecode(text: string): string | undefined {
  if (!text.includes('%')) return text;
  const source = Buffer.from(text, 'utf8');
  const target = Buffer.allocUnsafe(source.length);
  let length = 0;
  for (let i = 0; i < source.length; i += 1) {
    let byte = source[i] ?? 0;
    if (byte === percent) {
      const pair = source.toString('latin1', i + 1, i + 3);
      if (!/^[\dA-Fa-f]{2}$/.test(pair)) return undefined;
      byte = Number.parseInt(pair, 16);
      i += 2;
    }
    target[length] = byte;
    length += 1;
  }
  return target.toString('utf8', 0, length);
}

const percent = 37;

/** Parameters that make two URIs different when only one has them (RFC 3261 §19.1.4). */
const decidingParameters = ['user', 'ttl', 'method', 'maddr', 'transport'] as const;

/** Compares two URIs: RFC 3261 §19.1.4 for `sip:` and `sips:`, RFC 3966 §5 for `tel:`, else as text. */
export function sameUri(a: string, b: string): boolean {
  if (a === b) return true;
  const telA = parseTelUri(a);
  const telB = parseTelUri(b);
  if (telA !== undefined && telB !== undefined) return sameTel(telA, telB);
  const sipA = parseSipUri(a);
  const sipB = parseSipUri(b);
  return sipA !== undefined && sipB !== undefined && sameSipUri(sipA, sipB);
}

/** Compares two parsed URIs by the rules of RFC 3261 §19.1.4. */
export function sameSipUri(a: SipUri, b: SipUri): boolean {
  if (a.scheme !== b.scheme || a.port !== b.port) return false;
  if (a.host.toLowerCase() !== b.host.toLowerCase()) return false;
  if (canonicalUserinfo(a.user) !== canonicalUserinfo(b.user)) return false;
  if (canonicalUserinfo(a.password) !== canonicalUserinfo(b.password)) return false;
  for (const name of decidingParameters) if (a.parameters.has(name) !== b.parameters.has(name)) return false;
  for (const [name, value] of a.parameters) {
    const other = b.parameters.get(name);
    if (other !== undefined && canonical(other).toLowerCase() !== canonical(value).toLowerCase()) return false;
  }
  if (a.headers.size !== b.headers.size) return false;
  for (const [name, value] of a.headers) {
    const other = b.headers.get(name);
    if (other === undefined || canonical(other) !== canonical(value)) return false;
  }
  return true;
}

function sameTel(a: TelUri, b: TelUri): boolean {
  if (a.number.toLowerCase() !== b.number.toLowerCase() || a.parameters.size !== b.parameters.size) return false;
  for (const [name, value] of a.parameters) {
    const other = b.parameters.get(name);
    if (other === undefined || withoutSeparators(other).toLowerCase() !== withoutSeparators(value).toLowerCase()) return false;
  }
  return true;
}

function canonicalUserinfo(text: string | undefined): string | undefined {
  return text === undefined ? undefined : canonical(text);
}

/** Escapes that stand for unreserved characters resolved, the others in upper case. */
function canonical(text: string): string {
  if (!text.includes('%')) return text;
  return text.replace(/%[\dA-Fa-f]{2}/g, (triplet) => {
    const character = String.fromCharCode(Number.parseInt(triplet.slice(1), 16));
    return unreserved.includes(character) ? character : triplet.toUpperCase();
  });
}

function withoutSeparators(number: string): string {
  return number.replace(/[-.()]/g, '');
}

/** Every character in `table`, and every `%` followed by two hexadecimal digits. */
function isEscaped(text: string, table: Uint8Array): boolean {
  if (!consistsOf(text, table)) return false;
  for (let at = text.indexOf('%'); at >= 0; at = text.indexOf('%', at + 1)) {
    if (!/^[\dA-Fa-f]{2}$/.test(text.slice(at + 1, at + 3))) return false;
  }
  return true;
}

function parsePairs(text: string, separator: string, table: Uint8Array, valueNeeded: boolean): Parameters | undefined {
  const pairs = new Map<string, string>();
  for (let at = 0; at <= text.length; ) {
    const found = text.indexOf(separator, at);
    const end = found < 0 ? text.length : found;
    const pair = text.slice(at, end);
    at = end + 1;
    const equals = pair.indexOf('=');
    if (equals < 0 && valueNeeded) return undefined;
    const name = equals < 0 ? pair : pair.slice(0, equals);
    const value = equals < 0 ? '' : pair.slice(equals + 1);
    if (!isEscaped(name, table)) return undefined;
    if (value !== '' && !isEscaped(value, table)) return undefined;
    if (equals >= 0 && value === '' && !valueNeeded) return undefined;
    const key = name.toLowerCase();
    if (!pairs.has(key)) pairs.set(key, value);
  }
  return pairs;
}
