import type { Body } from '../port.js';
import { readContentType } from './header-readers.js';
import type { HeaderFields, SipRequestMessage, SipResponseMessage } from './message.js';

type Message = SipRequestMessage | SipResponseMessage;

export const sdpType = 'application/sdp';

/** The session description of a message: its body, or that part of a multipart body (RFC 5621 §3). */
export function sessionOf(message: Message): string | undefined {
  if (message.body.length === 0) return undefined;
  const content = readContentType(message.headers);
  if (content === undefined || content.type === sdpType) return message.body.toString('utf8');
  const boundary = content.parameters.get('boundary');
  if (!content.type.startsWith('multipart/') || boundary === undefined) return undefined;
  return partOfType(message.body.toString('utf8'), boundary);
}

/** True for a body that an INVITE may carry here; others are answered 415 (RFC 3261 §8.2.3). */
export function isSessionBody(message: Message): boolean {
  if (message.body.length === 0) return true;
  const encoding = message.headers.get('Content-Encoding')?.trim().toLowerCase();
  if (encoding !== undefined && encoding !== '' && encoding !== 'identity') return false;
  if (/;\s*handling\s*=\s*"?optional/i.test(message.headers.get('Content-Disposition') ?? '')) return true;
  return sessionOf(message) !== undefined;
}

function partOfType(text: string, boundary: string): string | undefined {
  for (const part of `\r\n${text}`.split(`\r\n--${boundary}`).slice(1)) {
    if (part.startsWith('--')) return undefined;
    const split = part.indexOf('\r\n\r\n');
    if (split < 0) continue;
    const type = /^content-type[ \t]*:[ \t]*([^;\r\n \t]+)/im.exec(part.slice(0, split))?.[1]?.toLowerCase();
    if (type === sdpType) return `${part.slice(split + 4)}\r\n`;
  }
  return undefined;
}

/** Any body as the port gives it. */
export function bodyOf(message: Message): Body | undefined {
  if (message.body.length === 0) return undefined;
  return { type: message.headers.get('Content-Type') ?? 'text/plain', content: message.body.toString('utf8') };
}

const empty = Buffer.alloc(0);

/** Adds Content-Type for `body` and gives its bytes. */
export function putBody(headers: HeaderFields, body: Body | undefined): Buffer {
  if (body === undefined) return empty;
  headers.add('Content-Type', body.type);
  return Buffer.from(body.content, 'utf8');
}

/** Adds Content-Type for a session description and gives its bytes. */
export function putSession(headers: HeaderFields, sdp: string | undefined): Buffer {
  return putBody(headers, sdp === undefined ? undefined : { type: sdpType, content: sdp });
}
