/**
 * Lexical ground rules of SIP header values (RFC 3261 §25.1): character classes, white space,
 * quoted strings, comma lists and `;name=value` parameters. Every scan is one pass over the text,
 * so no input, however hostile, costs more than its length.
 *
 * Reading functions return undefined for text that breaks the grammar; they never throw.
 */

/** `;name=value` parameters; a parameter without a value maps to ''. Names in lower case. */
export type Parameters = ReadonlyMap<string, string>;

export const noParameters: Parameters = new Map();

/** The messages of a call bring the same addresses and Vias again and again: how many texts of each kind are kept read. */
export const textsKept = 1024;

const tab = 9;
const space = 32;
const quote = 34;
const comma = 44;
const semicolon = 59;
const less = 60;
const equals = 61;
const greater = 62;
const backslash = 92;

const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const digits = '0123456789';

/** A character class over ASCII: index by code, 1 when in the class. */
export function characterClass(members: string): Uint8Array {
  const table = new Uint8Array(128);
  for (let i = 0; i < members.length; i += 1) table[members.charCodeAt(i)] = 1;
  return table;
}

export const alphanumeric = letters + digits;

const tokenClass = characterClass(`${alphanumeric}-.!%*_+\`'~`);
const digitClass = characterClass(digits);

/** True when `text` is not empty and every character is in `table`. */
export function consistsOf(text: string, table: Uint8Array): boolean {
  if (text.length === 0) return false;
  for (let i = 0; i < text.length; i += 1) if (table[text.charCodeAt(i)] !== 1) return false;
  return true;
}

/** `token` of RFC 3261 §25.1. */
export function isToken(text: string): boolean {
  return consistsOf(text, tokenClass);
}

export function isDigits(text: string): boolean {
  return consistsOf(text, digitClass);
}

/**
 * A whole number in decimal, leading zeros allowed, from 0 to `max`; undefined for anything else,
 * so that signs, exponents, white space inside and overlarge values never become a number.
 */
export function readInteger(text: string, max: number): number | undefined {
  const trimmed = trimSpace(text);
  if (!isDigits(trimmed)) return undefined;
  const value = Number(trimmed);
  return value <= max ? value : undefined;
}

/** Index of the first character at or after `at` that is neither space nor tab. */
export function skipSpace(text: string, at: number): number {
  let i = at;
  for (;;) {
    const code = text.charCodeAt(i);
    if (code !== space && code !== tab) return i;
    i += 1;
  }
}

/** `text` without the spaces and tabs around it; other white space, Unicode's included, is content here. */
export function trimSpace(text: string): string {
  return trimSpaceEnd(text.slice(skipSpace(text, 0)));
}

/** `text` without the spaces and tabs at its end. */
export function trimSpaceEnd(text: string): string {
  let end = text.length;
  while (end > 0 && (text.charCodeAt(end - 1) === space || text.charCodeAt(end - 1) === tab)) end -= 1;
  return end === text.length ? text : text.slice(0, end);
}

/** Index just after the token that starts at `at`; `at` itself when there is none. */
export function skipToken(text: string, at: number): number {
  let i = at;
  while (tokenClass[text.charCodeAt(i)] === 1) i += 1;
  return i;
}

/** Index just after the closing quote of the quoted string that opens at `at`; -1 when it never closes. */
export function skipQuoted(text: string, at: number): number {
  for (let i = at + 1; i < text.length; i += 1) {
    const code = text.charCodeAt(i);
    if (code === quote) return i + 1;
    if (code === backslash) i += 1;
  }
  return -1;
}

/** The text a quoted string stands for; `text` includes both quotes (RFC 3261 §25.1 `quoted-pair`). */
export function unquote(text: string): string {
  const inner = text.slice(1, -1);
  return inner.includes('\\') ? inner.replace(/\\([\s\S])/g, '$1') : inner;
}

/** Writes `text` as a quoted string. */
export function quoteString(text: string): string {
  return `"${text.replace(/["\\]/g, '\\$&')}"`;
}

/**
 * Splits a header value at the commas that stand outside quotes and angle brackets
 * (RFC 3261 §7.3.1). Undefined when a quote or bracket stays open or an element is empty.
 */
export function splitList(text: string): readonly string[] | undefined {
  if (!text.includes(',')) {
    const only = trimSpace(text);
    return only === '' ? undefined : [only];
  }
  const parts: string[] = [];
  for (let at = 0; at <= text.length; ) {
    const end = endOfElement(text, at);
    const part = end < 0 ? '' : trimSpace(text.slice(at, end));
    if (part === '') return undefined;
    parts.push(part);
    at = end + 1;
  }
  return parts;
}

/** Index of the comma that ends the element at `at`, or the end of `text`; -1 when a quote or bracket stays open. */
function endOfElement(text: string, at: number): number {
  let bracketed = false;
  for (let i = at; i < text.length; i += 1) {
    const code = text.charCodeAt(i);
    if (bracketed) {
      bracketed = code !== greater;
    } else if (code === quote) {
      i = skipQuoted(text, i) - 1;
      if (i < 0) return -1;
    } else if (code === comma) {
      return i;
    } else {
      bracketed = code === less;
    }
  }
  return bracketed ? -1 : text.length;
}

/** Ends a bare parameter value: white space, `;`, `,`, quotes and brackets. */
function endsValue(code: number): boolean {
  return code <= space || code === semicolon || code === comma || code === quote || code === less || code === greater;
}

interface ValueSpan {
  readonly value: string;
  readonly end: number;
}

function readValue(text: string, at: number): ValueSpan | undefined {
  if (text.charCodeAt(at) === quote) {
    const end = skipQuoted(text, at);
    return end < 0 ? undefined : { value: unquote(text.slice(at, end)), end };
  }
  let end = at;
  while (end < text.length && !endsValue(text.charCodeAt(end))) end += 1;
  return end === at ? undefined : { value: text.slice(at, end), end };
}

/**
 * Reads `*(SEMI generic-param)` from `at` to the end of `text` (RFC 3261 §25.1). Quoted values are
 * unquoted. The first of several parameters of one name counts. Undefined when anything else is
 * found, an empty parameter included.
 */
export function readParameters(text: string, at = 0): Parameters | undefined {
  let i = skipSpace(text, at);
  if (i === text.length) return noParameters;
  const parameters = new Map<string, string>();
  while (i < text.length) {
    if (text.charCodeAt(i) !== semicolon) return undefined;
    i = skipSpace(text, i + 1);
    const nameEnd = skipToken(text, i);
    if (nameEnd === i) return undefined;
    const name = text.slice(i, nameEnd).toLowerCase();
    i = skipSpace(text, nameEnd);
    let value = '';
    if (text.charCodeAt(i) === equals) {
      const span = readValue(text, skipSpace(text, i + 1));
      if (span === undefined) return undefined;
      value = span.value;
      i = skipSpace(text, span.end);
    }
    if (!parameters.has(name)) parameters.set(name, value);
  }
  return parameters;
}

/** Writes `;name=value` for each parameter; values that are not a token or a host are quoted. */
export function formatParameters(parameters: Parameters): string {
  let text = '';
  for (const [name, value] of parameters) text += value === '' ? `;${name}` : `;${name}=${formatValue(value)}`;
  return text;
}

const bareValueClass = characterClass(`${alphanumeric}-.!%*_+\`'~[]:`);

function formatValue(value: string): string {
  return consistsOf(value, bareValueClass) ? value : quoteString(value);
}
