/** Digest access authentication: what client and server share (RFC 7616, RFC 8760, RFC 3261 §22). */
import { createHash } from 'node:crypto';
import { isToken, quoteString, skipQuoted, skipSpace, skipToken, unquote } from './grammar.js';

/** Algorithms we speak, the weakest first. `-sess` variants are not spoken. */
export const digestAlgorithms = ['MD5', 'SHA-256', 'SHA-512-256'] as const;

export type DigestAlgorithm = (typeof digestAlgorithms)[number];

const hashNames: Readonly<Record<DigestAlgorithm, string>> = { MD5: 'md5', 'SHA-256': 'sha256', 'SHA-512-256': 'sha512-256' };

/** The algorithm a parameter names, MD5 when it is absent (RFC 7616 §3.3); undefined for one we do not speak. */
export function digestAlgorithmOf(name: string | undefined): DigestAlgorithm | undefined {
  const wanted = (name ?? 'MD5').toUpperCase();
  return digestAlgorithms.find((algorithm) => algorithm === wanted);
}

/** What goes into a digest response. */
export interface DigestInput {
  readonly algorithm: DigestAlgorithm;
  readonly user: string;
  readonly realm: string;
  readonly password: string;
  readonly method: string;
  readonly uri: string;
  readonly nonce: string;
  /** Present for `qop=auth`, absent for the form of RFC 2069; with `body` it is `qop=auth-int`. */
  readonly qop?: { readonly nonceCount: string; readonly cnonce: string; readonly body?: string };
}

/** The `response` parameter (RFC 7616 §3.4.1 to §3.4.3). */
export function digestResponse(input: DigestInput): string {
  const hash = (text: string): string => createHash(hashNames[input.algorithm]).update(text, 'utf8').digest('hex');
  const a1 = hash(`${input.user}:${input.realm}:${input.password}`);
  const { qop, nonce } = input;
  const bare = `${input.method}:${input.uri}`;
  if (qop === undefined) return hash(`${a1}:${nonce}:${hash(bare)}`);
  const { body, nonceCount, cnonce } = qop;
  const [word, a2] = body === undefined ? ['auth', bare] : ['auth-int', `${bare}:${hash(body)}`];
  return hash(`${a1}:${nonce}:${nonceCount}:${cnonce}:${word}:${hash(a2)}`);
}

/** One challenge or one set of credentials: scheme and parameters, names in lower case, values unquoted. */
export interface AuthValue {
  readonly scheme: string;
  readonly parameters: ReadonlyMap<string, string>;
}

const comma = 44;
const equals = 61;
const quote = 34;

/**
 * Reads the challenges or credentials of one header line. Several challenges may share a line,
 * parted by commas like their parameters (RFC 7235 §4.1). A `token68` form, as Bearer has it, gives
 * the parameter `token68`. Undefined when malformed, a repeated parameter included.
 */
export function parseAuthValues(text: string): readonly AuthValue[] | undefined {
  const values: { scheme: string; parameters: Map<string, string> }[] = [];
  let i = skipSeparators(text, 0);
  while (i < text.length) {
    const nameEnd = skipToken(text, i);
    if (nameEnd === i) return undefined;
    const name = text.slice(i, nameEnd);
    const next = skipSpace(text, nameEnd);
    const current = values.at(-1);
    if (text.charCodeAt(next) === equals && current !== undefined) {
      const value = readAuthValue(text, skipSpace(text, next + 1));
      if (value === undefined || current.parameters.has(name.toLowerCase())) return undefined;
      current.parameters.set(name.toLowerCase(), value.text);
      i = endOfParameter(text, value.end);
      if (i < 0) return undefined;
      continue;
    }
    if (next === nameEnd && next < text.length && text.charCodeAt(next) !== comma) return undefined;
    const parameters = new Map<string, string>();
    values.push({ scheme: name, parameters });
    const token68 = /[A-Za-z0-9\-._~+/]+=*(?=[ \t]*(?:,|$))/y;
    token68.lastIndex = next;
    const match = token68.exec(text);
    i = next;
    if (match !== null) {
      parameters.set('token68', match[0]);
      i = next + match[0].length;
    }
    i = skipSeparators(text, i);
  }
  return values.length === 0 ? undefined : values;
}

function skipSeparators(text: string, at: number): number {
  let i = skipSpace(text, at);
  while (text.charCodeAt(i) === comma) i = skipSpace(text, i + 1);
  return i;
}

/** Index of what follows the comma after a parameter; -1 when something else follows. */
function endOfParameter(text: string, at: number): number {
  const i = skipSpace(text, at);
  return i === text.length || text.charCodeAt(i) === comma ? skipSeparators(text, i) : -1;
}

function readAuthValue(text: string, at: number): { readonly text: string; readonly end: number } | undefined {
  if (text.charCodeAt(at) === quote) {
    const end = skipQuoted(text, at);
    return end < 0 ? undefined : { text: unquote(text.slice(at, end)), end };
  }
  const end = skipToken(text, at);
  return end === at ? undefined : { text: text.slice(at, end), end };
}

/** Writes a scheme with its parameters; those in `bare` stand without quotes (RFC 7616 §3.4, §3.3). */
export function formatAuthValue({ scheme, parameters }: AuthValue, bare: ReadonlySet<string>): string {
  const parts: string[] = [];
  for (const [name, value] of parameters) parts.push(`${name}=${bare.has(name) && isToken(value) ? value : quoteString(value)}`);
  return `${scheme} ${parts.join(', ')}`;
}
