/** What the message layer must do with a torture message. */
export type Expected =
  /** Parsed. `above`: what RFC 4475 wants the layers above to answer or do. */
  | { readonly kind: 'accepted'; readonly above?: string }
  /** A request refused with `status`; `answerable` when the answer would find its way back. */
  | { readonly kind: 'refused'; readonly status: number; readonly answerable: boolean; readonly reason: string }
  /** A response that must be dropped. */
  | { readonly kind: 'dropped'; readonly reason: string };

export interface TortureMessage {
  /** Name of the message in its RFC. */
  readonly name: string;
  readonly section: string;
  readonly title: string;
  readonly bytes: Buffer;
  readonly expected: Expected;
}

/** Bytes of a message written with plain line feeds. */
export function crlf(text: string): Buffer {
  return Buffer.from(text.replaceAll('\n', '\r\n'), 'utf8');
}

/** The session description most messages carry; the address is its only variable. */
export function sdp(address: string): string {
  return `v=0
o=mhandley 29739 7272939 IN IP4 ${address}
s=-
c=IN IP4 ${address}
t=0 0
m=audio 49217 RTP/AVP 0 12
m=video 3227 RTP/AVP 31
a=rtpmap:31 LPC
`;
}

/** Length of a text once its line feeds are CRLFs. */
export function length(text: string): number {
  return crlf(text).length;
}

const accepted: Expected = { kind: 'accepted' };

export function valid(section: string, name: string, title: string, bytes: Buffer): TortureMessage {
  return { section, name, title, bytes, expected: accepted };
}

export function refused(
  section: string,
  name: string,
  title: string,
  reason: string,
  bytes: Buffer,
  { status = 400, answerable = true } = {},
): TortureMessage {
  return { section, name, title, bytes, expected: { kind: 'refused', status, answerable, reason } };
}

export function dropped(section: string, name: string, title: string, reason: string, bytes: Buffer): TortureMessage {
  return { section, name, title, bytes, expected: { kind: 'dropped', reason } };
}

export function leftAbove(section: string, name: string, title: string, above: string, bytes: Buffer): TortureMessage {
  return { section, name, title, bytes, expected: { kind: 'accepted', above } };
}
