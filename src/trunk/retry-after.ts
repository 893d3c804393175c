import { readInteger } from '../sip/grammar.js';
import type { Headers } from '../sip/port.js';

const longestSeconds = 2 ** 31;

/** Retry-After of a response in milliseconds; its comment and parameters are ignored (RFC 3261 §20.33). */
export function retryAfterMs(headers: Headers): number | undefined {
  const text = /^\s*(\d{1,10})\s*(?:[(;].*)?$/.exec(headers.get('Retry-After') ?? '')?.[1];
  const seconds = text === undefined ? undefined : readInteger(text, longestSeconds);
  return seconds === undefined ? undefined : seconds * 1000;
}
