import { isToken } from '../grammar.js';
import { decodeHeaderText, type HeaderBlock, readHeaderBlock } from './header-lines.js';
import { maxBodyBytes, maxHeaderBlockBytes, maxMessageBytes } from './limits.js';
import type { HeaderFields, SipMessage, SipRequestMessage } from './message.js';
import { isSipParseError, malformed } from './parse-error.js';
import { readContentLength, readTopViaOrNothing, validateRequest, validateResponse } from './validate.js';

type StartLine =
  | { readonly kind: 'request'; readonly method: string; readonly requestUri: string; readonly fault?: Fault }
  | { readonly kind: 'response'; readonly status: number; readonly reason: string }
  | { readonly kind: 'neither'; readonly fault: Fault };

interface Fault {
  readonly status: number;
  readonly reason: string;
}

const endOfHeaders = Buffer.from('\r\n\r\n');
const nothing = Buffer.alloc(0);

/**
 * Reads one message from a datagram, a WebSocket frame or a framed piece of a stream (RFC 3261 §7,
 * §18.3): leading CRLFs are skipped, bytes beyond Content-Length are dropped, too few are a fault.
 * Everything the stack relies on later is validated here. Throws `GatewayError<SipParseErrorInfo>`
 * and nothing else.
 */
export function parseMessage(data: Buffer): SipMessage {
  if (data.length > maxMessageBytes) throw malformed('Message Too Large', 513);
  const start = skipLineBreaks(data);
  const end = data.indexOf(endOfHeaders, start);
  const headerEnd = end < 0 ? data.length : end;
  if (headerEnd - start > maxHeaderBlockBytes) throw malformed('Header Too Large', 513);
  const block = readHeaderBlock(decodeHeaderText(data.subarray(start, headerEnd)));
  const line = readStartLine(block.startLine);
  if (line.kind === 'neither') throw malformed(line.fault.reason, line.fault.status);
  const body = end < 0 ? nothing : data.subarray(end + endOfHeaders.length);
  const { headers } = block;
  try {
    const fault = faultOf(line, block, end);
    if (fault !== undefined) throw malformed(fault.reason, fault.status);
    const message = assemble(line, headers, cutBody(headers, body));
    if (message.kind === 'request') validateRequest(message);
    else validateResponse(message);
    return message;
  } catch (thrown) {
    if (!isSipParseError(thrown)) throw thrown;
    throw malformed(thrown.info.reason, thrown.info.status, answerable(assemble(line, headers, body)));
  }
}

function assemble(line: Exclude<StartLine, { kind: 'neither' }>, headers: HeaderFields, body: Buffer): SipMessage {
  return line.kind === 'request'
    ? { kind: 'request', method: line.method, requestUri: line.requestUri, headers, body }
    : { kind: 'response', status: line.status, reason: line.reason, headers, body };
}

function faultOf(line: StartLine, block: HeaderBlock, end: number): Fault | undefined {
  if (line.kind === 'request' && line.fault !== undefined) return line.fault;
  if (block.fault !== undefined) return { status: 400, reason: block.fault };
  return end < 0 ? { status: 400, reason: 'Incomplete message' } : undefined;
}

function skipLineBreaks(data: Buffer): number {
  let at = 0;
  while (data[at] === 13 && data[at + 1] === 10) at += 2;
  return at;
}

/** The request line or status line (RFC 3261 §7.1, §7.2): single spaces, nothing before or after. */
function readStartLine(line: string): StartLine {
  if (/^SIP\//i.test(line)) return readStatusLine(line);
  const first = line.indexOf(' ');
  const last = line.lastIndexOf(' ');
  const method = line.slice(0, first);
  if (first < 1 || !isToken(method)) return { kind: 'neither', fault: { status: 400, reason: 'Malformed start line' } };
  const requestUri = line.slice(first + 1, Math.max(last, first + 1));
  const fault = requestLineFault(requestUri, line.slice(last + 1));
  return { kind: 'request', method, requestUri, ...(fault === undefined ? {} : { fault }) };
}

function requestLineFault(requestUri: string, version: string): Fault | undefined {
  if (requestUri === '' || /\s/.test(requestUri)) return { status: 400, reason: 'Malformed request line' };
  if (!/^SIP\/\d{1,9}\.\d{1,9}$/i.test(version)) return { status: 400, reason: 'Malformed SIP version' };
  return version.slice(4) === '2.0' ? undefined : { status: 505, reason: 'Version Not Supported' };
}

function readStatusLine(line: string): StartLine {
  const neither = (status: number, reason: string): StartLine => ({ kind: 'neither', fault: { status, reason } });
  const match = /^SIP\/(\d{1,9}\.\d{1,9}) (\d{3})(?: (.*))?$/is.exec(line);
  if (match === null) return neither(400, 'Malformed status line');
  const status = Number(match[2]);
  if (match[1] !== '2.0') return neither(505, 'Version Not Supported');
  return status < 100 || status > 699 ? neither(400, 'Malformed status line') : { kind: 'response', status, reason: match[3] ?? '' };
}

function cutBody(headers: HeaderFields, rest: Buffer): Buffer {
  const length = readContentLength(headers);
  if (length !== undefined && length > rest.length) throw malformed('Body shorter than Content-Length');
  const body = length === undefined ? rest : rest.subarray(0, length);
  if (body.length > maxBodyBytes) throw malformed('Message Too Large', 513);
  return body;
}

/** The request as far as read, when its answer would find the way back; a broken Via names no way. */
function answerable(message: SipMessage): SipRequestMessage | undefined {
  return message.kind === 'request' && readTopViaOrNothing(message.headers) !== undefined ? message : undefined;
}
