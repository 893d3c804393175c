import { DIGITS, type Digit, digitOfText } from './digit.js';

/** A digit as SIP INFO carries it. */
export interface InfoDigit {
  readonly digit: Digit;
  readonly durationMs: number;
}

/** The bodies in use; none has an INFO package (RFC 6086 §9.3, survey D19). */
export type InfoDtmfType = 'application/dtmf-relay' | 'application/dtmf' | 'audio/telephone-event';

/** For bodies that say nothing of duration. */
export const DEFAULT_INFO_DURATION_MS = 160;
const SHORTEST_MS = 40;
const LONGEST_MS = 6000;

export type InfoBodyReading =
  | { readonly kind: 'digit'; readonly digit: InfoDigit }
  /** A hook flash: understood, and nothing to send. */
  | { readonly kind: 'flash' }
  /** The content type is not one of ours: 415. */
  | { readonly kind: 'other-type' }
  /** The type is ours and the body is not: 400. */
  | { readonly kind: 'malformed' };

/** Reads the body of an INFO: types and keys in any case, any spacing, `=` or `:`, digits also as event codes (`10` = `*`, `12` = `A`). */
export function readInfoBody(contentType: string, body: string): InfoBodyReading {
  switch (contentType.split(';', 1)[0]?.trim().toLowerCase()) {
    case 'application/dtmf-relay':
      return readPairs(body);
    case 'application/dtmf':
      return body.includes('=') ? readPairs(body) : reading(body.trim(), undefined);
    case 'audio/telephone-event':
      return /[=:]/.test(body) ? readPairs(body) : readBinaryOrBare(body);
    default:
      return { kind: 'other-type' };
  }
}

/** Writes a digit for an INFO: the exact form that stock user agents and phone systems take. */
export function writeInfoBody(type: InfoDtmfType, { digit, durationMs }: InfoDigit): string {
  const duration = Math.round(durationMs);
  switch (type) {
    case 'application/dtmf-relay':
      return `Signal=${digit}\r\nDuration=${duration}\r\n`;
    case 'application/dtmf':
      return digit;
    case 'audio/telephone-event':
      return `Event=${DIGITS.indexOf(digit)}\r\nDuration=${duration}\r\n`;
  }
}

function readPairs(body: string): InfoBodyReading {
  let signal: string | undefined;
  let duration: string | undefined;
  for (const line of body.split(/[\r\n;]+/)) {
    const match = /^\s*(signal|event|digit|d|duration)\s*[=:]\s*(\S.*?)\s*$/i.exec(line);
    if (match === null) continue;
    if (match[1]?.toLowerCase() === 'duration') duration ??= match[2];
    else signal ??= match[2];
  }
  return signal === undefined ? { kind: 'malformed' } : reading(signal, duration);
}

/** Some send the number alone, some the four bytes of RFC 4733 §2.3 themselves; the duration in these is in a clock nobody names. */
function readBinaryOrBare(body: string): InfoBodyReading {
  const digit = body.length === 4 && body.charCodeAt(0) < 16 ? DIGITS[body.charCodeAt(0)] : undefined;
  return digit === undefined ? reading(body.trim(), undefined) : { kind: 'digit', digit: { digit, durationMs: DEFAULT_INFO_DURATION_MS } };
}

function reading(signal: string, duration: string | undefined): InfoBodyReading {
  const text = signal.replace(/^"(.*)"$/, '$1');
  if (text === '16' || text === '!' || text.toLowerCase() === 'flash') return { kind: 'flash' };
  const digit = /^1[0-5]$/.test(text) ? DIGITS[Number(text)] : digitOfText(text);
  if (digit === undefined) return { kind: 'malformed' };
  const durationMs = duration !== undefined && /^\d{1,6}$/.test(duration) ? Number(duration) : DEFAULT_INFO_DURATION_MS;
  return { kind: 'digit', digit: { digit, durationMs: Math.max(SHORTEST_MS, Math.min(LONGEST_MS, durationMs)) } };
}
