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
  const startEnd = endOfLine(text, 0);
  const startLine = text.slice(0, startEnd);
  let fault = lineFault(startLine);
  let count = 0;
  for (let at = startEnd + 2; at <= text.length; ) {
    const end = endOfField(text, at);
    const line = unfold(text.slice(at, end));
    at = end + 2;
    count += 1;
    if (count > maxHeaderLines) return { startLine, headers, fault: fault ?? 'Too many header fields' };
    const found = lineFault(line) ?? addField(headers, line);
    fault ??= found;
  }
  return fault === undefined ? { startLine, headers } : { startLine, headers, fault };
}

function lineFault(line: string): string | undefined {
  if (line.length > maxLineLength) return 'Line too long';
  return strayBreak.test(line) ? 'Bad line ending' : undefined;
}

function addField(headers: HeaderFields, line: string): string | undefined {
  const colon = line.indexOf(':');
  const name = colon < 0 ? undefined : readHeaderName(trimSpaceEnd(line.slice(0, colon)));
  if (name === undefined) return 'Malformed header field';
  headers.add(name, trimSpace(line.slice(colon + 1)));
  return undefined;
}

/** Each line break with the white space around it becomes one space (RFC 3261 §7.3.1). */
function unfold(field: string): string {
  if (!field.includes('\r\n')) return field;
  const parts = field.split('\r\n').map((part, index) => (index === 0 ? trimSpaceEnd(part) : trimSpace(part)));
  return parts.filter((part) => part !== '').join(' ');
}

/** Index of the CRLF that ends a field: the first whose next line does not go on with white space. */
function endOfField(text: string, at: number): number {
  let end = endOfLine(text, at);
  while (isFolded(text, end + 2)) end = endOfLine(text, end + 2);
  return end;
}

function endOfLine(text: string, at: number): number {
  const end = text.indexOf('\r\n', at);
  return end < 0 ? text.length : end;
}

function isFolded(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return code === space || code === tab;
}
