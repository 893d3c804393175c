import { GatewayError } from '../../base/errors.js';
import { isToken } from '../grammar.js';
import { parseNameAddress } from '../name-address.js';
import { reasonPhrase } from '../status.js';
import { HeaderFields, type SipMessage, type SipRequestMessage, type SipResponseMessage } from './message.js';

/** A message that must not be written: `field` names the part that would break out of its place. */
export interface SipSerializeErrorInfo {
  readonly code: 'sip-unserializable';
  readonly field: string;
}

/** Requests that may create a dialog: their responses carry Record-Route (RFC 3261 §12.1.1, RFC 6665, RFC 3515). */
const dialogCreating = new Set(['INVITE', 'SUBSCRIBE', 'REFER', 'NOTIFY']);
const noBody = Buffer.alloc(0);

/**
 * Writes a message (RFC 3261 §7). Content-Length is computed; any in the headers is left out. A
 * value with a line break, a name that is no token and a URI with white space are refused by
 * `GatewayError<SipSerializeErrorInfo>`, so no value can add header fields of its own.
 */
export function serialize(message: SipMessage): Buffer {
  let text = message.kind === 'request' ? requestLine(message) : statusLine(message);
  for (const { name, value } of message.headers) {
    if (name.length === 14 && name.toLowerCase() === 'content-length') continue;
    if (!isToken(name)) throw unserializable('header name');
    if (breaksLine(value)) throw unserializable(name);
    text += `${name}: ${value}\r\n`;
  }
  text += `Content-Length: ${message.body.length}\r\n\r\n`;
  return message.body.length === 0 ? Buffer.from(text, 'utf8') : Buffer.concat([Buffer.from(text, 'utf8'), message.body]);
}

/**
 * A response to `request` with the fields every response copies (RFC 3261 §8.2.6): all Via values,
 * From, To, Call-ID, CSeq, Timestamp, and Record-Route when the response may create a dialog
 * (§12.1.1). `toTag` is added to a To without tag. The caller adds the rest to `headers`.
 */
export function responseTo(
  request: SipRequestMessage,
  status: number,
  reason: string = reasonPhrase(status),
  toTag?: string,
): SipResponseMessage {
  const headers = new HeaderFields();
  const recordRoutes = status > 100 && status < 300 && dialogCreating.has(request.method);
  for (const { name, value } of request.headers) {
    const key = name.toLowerCase();
    if (key === 'via' || key === 'from' || key === 'call-id' || key === 'cseq' || key === 'timestamp') headers.add(name, value);
    else if (key === 'to') headers.add(name, toTag === undefined || hasTag(value) ? value : `${value};tag=${toTag}`);
    else if (key === 'record-route' && recordRoutes) headers.add(name, value);
  }
  return { kind: 'response', status, reason, headers, body: noBody };
}

function hasTag(to: string): boolean {
  return parseNameAddress(to)?.parameters.has('tag') ?? true;
}

function requestLine({ method, requestUri }: SipRequestMessage): string {
  if (!isToken(method)) throw unserializable('method');
  if (requestUri === '' || /[\s<>"]/.test(requestUri)) throw unserializable('Request-URI');
  return `${method} ${requestUri} SIP/2.0\r\n`;
}

function statusLine({ status, reason }: SipResponseMessage): string {
  if (!Number.isInteger(status) || status < 100 || status > 699) throw unserializable('status');
  if (breaksLine(reason)) throw unserializable('reason');
  return `SIP/2.0 ${status} ${reason}\r\n`;
}

function breaksLine(value: string): boolean {
  return value.includes('\r') || value.includes('\n');
}

function unserializable(field: string): GatewayError<SipSerializeErrorInfo> {
  return new GatewayError<SipSerializeErrorInfo>({ code: 'sip-unserializable', field }, `SIP message not written: bad ${field}`);
}
