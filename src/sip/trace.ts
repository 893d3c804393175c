/** A trace of SIP: every message as it crossed the wire, for whoever tells the story of a call. */
import type { HostPort } from '../base/address.js';
import type { SipTransport } from './transport-name.js';

/** One message, received or sent. A repetition is a message of its own, with the same bytes. */
export interface TracedMessage {
  /** `in`: it came to us. */
  readonly way: 'in' | 'out';
  readonly transport: SipTransport;
  readonly local: HostPort;
  readonly remote: HostPort;
  /** Milliseconds since the Unix epoch. */
  readonly atMs: number;
  readonly callIdHeader: string;
  /** Belongs to the stack: whoever keeps it takes a copy. */
  readonly bytes: Buffer;
}

/** Takes every message, in the order of the wire. Must not throw. */
export type SipTrace = (message: TracedMessage) => void;

const longName = Buffer.from('\r\nCall-ID:');
const lineEnd = 0x0d;
/** Any spelling, white space before the colon, and the compact form (RFC 3261 §7.3.1, §7.3.3). */
const anySpelling = /\r\n(?:call-id|i)[ \t]*:[ \t]*([^\s]+)/i;
const endOfHeaders = '\r\n\r\n';

/**
 * The Call-ID of a message, without reading the rest of it. Undefined when it has none, as a
 * keep-alive has.
 */
export function callIdOf(bytes: Buffer): string | undefined {
  const at = bytes.indexOf(longName);
  if (at >= 0) {
    const start = at + longName.length;
    const end = bytes.indexOf(lineEnd, start);
    if (end > start) return bytes.toString('latin1', start, end).trim();
  }
  const headerEnd = bytes.indexOf(endOfHeaders);
  return anySpelling.exec(bytes.toString('latin1', 0, headerEnd < 0 ? bytes.length : headerEnd))?.[1];
}
