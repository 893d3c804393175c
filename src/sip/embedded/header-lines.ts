import { isAscii, isUtf8 } from 'node:buffer';
import { trimSpace, trimSpaceEnd } from '../grammar.js';
import { readHeaderName } from './header-names.js';
import { maxHeaderLines, maxLineLength } from './limits.js';
import { HeaderFields } from './message.js';

/** What a header block holds. After a fault, `headers` has the lines that are sound in themselves. */
export interface HeaderBlock {
  readonly startLine: string;
  readonly headers: HeaderFields;
  /** Reason phrase of the first fault. */
  readonly fault?: string;
}

/** A CR or LF that is not part of a CRLF. */
const strayBreak = /\r(?!\n)|(?<!\r)\n/;
const space = 32;
const tab = 9;

/**
 * Header text of a message. It is UTF-8 by the book; text that is not is taken as Latin-1, which
 * some carriers send in display names.
 */
export function decodeHeaderText(bytes: Buffer): string {
  return isAscii(bytes) || !isUtf8(bytes) ? bytes.toString('latin1') : bytes.toString('utf8');
}

/**
 * Splits a header block (without the empty line that ends it) into its start line and its header
 * fields, unfolded (RFC 3261 §7.3.1). Lines end in CRLF and in nothing else: a lone CR or LF would
 * be read differently by different elements.
 */
export function readHeaderBlock(text: string): HeaderBlock {
  const headers = new HeaderFields();
  const hasStrayBreak = strayBreak.test(text);
  let fault = hasStrayBreak ? 'Bad line ending' : undefined;
  let startLine: string | undefined;
  let count = 0;
  let at = 0;
  while (at <= text.length) {
    let end = endOfLine(text, at);
    let line = text.slice(at, end);
    at = end + 2;
    if (startLine === undefined) {
      startLine = line;
      if (line.length > maxLineLength) fault ??= 'Start line too long';
      continue;
    }
    if (isFolded(text, at)) {
      const parts = [trimSpaceEnd(line)];
      for (; isFolded(text, at); at = end + 2) {
        end = endOfLine(text, at);
        const part = trimSpace(text.slice(at, end));
        if (part !== '') parts.push(part);
      }
      line = parts.join(' ');
    }
    count += 1;
    if (line.length > maxLineLength) return { startLine, headers, fault: fault ?? 'Header field too long' };
    if (count > maxHeaderLines) return { startLine, headers, fault: fault ?? 'Too many header fields' };
    const colon = line.indexOf(':');
    const name = colon < 0 ? undefined : readHeaderName(trimSpaceEnd(line.slice(0, colon)));
    if (hasStrayBreak && strayBreak.test(line)) continue;
    if (name === undefined) fault ??= 'Malformed header field';
    else headers.add(name, trimSpace(line.slice(colon + 1)));
  }
  return { startLine: startLine ?? '', headers, ...(fault === undefined ? {} : { fault }) };
}

function endOfLine(text: string, at: number): number {
  const end = text.indexOf('\r\n', at);
  return end < 0 ? text.length : end;
}

function isFolded(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return code === space || code === tab;
}
