/** REFER read (RFC 3515), and the dialog that a Replaces names (RFC 3891). Pure. */
import { parseNameAddress } from '../../sip/name-address.js';
import type { Body, ExtraHeaders, Headers } from '../../sip/port.js';
import { reasonPhrase } from '../../sip/status.js';
import { parseSipUri, percentDecode, phoneNumberOf, schemeOf, userOf } from '../../sip/uri.js';

/** A dialog by its identifiers as its owner, the one who gets the Replaces, has them (RFC 3891 §3). */
export interface ReplacedDialog {
  readonly callIdHeader: string;
  readonly localTag: string;
  readonly remoteTag: string;
  /** Only while it has not been answered. */
  readonly earlyOnly: boolean;
}

/** What a REFER asks for. */
export interface Referral {
  /** A number without separators, or a user's name. */
  readonly to: string;
  readonly replaces?: ReplacedDialog;
  /** Whether NOTIFYs are wanted (RFC 4488 §4). */
  readonly reports: 'wanted' | 'unwanted';
  /** Who refers, as it says itself (RFC 3892 §3); not checked. */
  readonly referredBy?: string;
}

/** A referral, or the status that refuses the REFER. */
export type ReferReading =
  | { readonly kind: 'referral'; readonly referral: Referral }
  | { readonly kind: 'refused'; readonly status: 400 | 416 };

const refused = (status: 400 | 416): ReferReading => ({ kind: 'refused', status });

/**
 * Reads a REFER. There must be one Refer-To (RFC 3515 §2.4.1), of a scheme we can call, for an
 * INVITE, and with no header field in it but Replaces: others would speak in our name (RFC 3261 §19.1.5).
 */
export function readRefer(headers: Headers): ReferReading {
  const [value, ...more] = headers.all('Refer-To');
  const address = value === undefined || more.length > 0 ? undefined : parseNameAddress(value);
  if (address === undefined) return refused(400);
  const { uri } = address;
  if (!['sip', 'sips', 'tel'].includes(schemeOf(uri))) return refused(416);
  const to = phoneNumberOf(uri) ?? userOf(uri);
  const target = readTarget(uri);
  if (to === undefined || to === '' || target === undefined) return refused(400);
  const referredBy = headers.get('Referred-By');
  return {
    kind: 'referral',
    referral: {
      to,
      ...(target.replaces === undefined ? {} : { replaces: target.replaces }),
      reports: headers.get('Refer-Sub')?.split(';')[0]?.trim().toLowerCase() === 'false' ? 'unwanted' : 'wanted',
      ...(referredBy === undefined ? {} : { referredBy }),
    },
  };
}

/** What else the URI asks for; undefined when that is something we do not do. */
function readTarget(uri: string): { readonly replaces?: ReplacedDialog } | undefined {
  if (schemeOf(uri) === 'tel') return {};
  const parsed = parseSipUri(uri);
  if (parsed === undefined) return undefined;
  if ((parsed.parameters.get('method') ?? 'INVITE').toUpperCase() !== 'INVITE') return undefined;
  let replaces: ReplacedDialog | undefined;
  for (const [name, value] of parsed.headers) {
    if (name === 'require' && value.toLowerCase() === 'replaces') continue;
    if (name !== 'replaces') return undefined;
    const plain = percentDecode(value);
    replaces = plain === undefined ? undefined : readReplaces(plain);
    if (replaces === undefined) return undefined;
  }
  return replaces === undefined ? {} : { replaces };
}

/** Reads a Replaces value (RFC 3891 §6.1): to-tag is ours, from-tag the other side's, seen by who receives it. */
export function readReplaces(value: string): ReplacedDialog | undefined {
  const [callId = '', ...parameters] = value.split(';').map((part) => part.trim());
  const tags = new Map<string, string>();
  for (const parameter of parameters) {
    const [name = '', text = ''] = parameter.split('=', 2).map((part) => part.trim());
    if (tags.has(name.toLowerCase())) return undefined;
    tags.set(name.toLowerCase(), text);
  }
  const localTag = tags.get('to-tag') ?? '';
  const remoteTag = tags.get('from-tag') ?? '';
  if (![callId, localTag, remoteTag].every((part) => /^[^\s\p{Cc}]+$/u.test(part))) return undefined;
  return { callIdHeader: callId, localTag, remoteTag, earlyOnly: tags.has('early-only') };
}

/** Writes a Replaces value for the one who has that dialog. */
export function formatReplaces({ callIdHeader, localTag, remoteTag, earlyOnly }: ReplacedDialog): string {
  return `${callIdHeader};to-tag=${localTag};from-tag=${remoteTag}${earlyOnly ? ';early-only' : ''}`;
}

/** How a NOTIFY tells how far the referred call is (RFC 3515 §2.4.4, §2.4.5). */
export function referReport(status: number): { readonly body: Body; readonly headers: ExtraHeaders } {
  return {
    body: { type: 'message/sipfrag;version=2.0', content: `SIP/2.0 ${status} ${reasonPhrase(status)}\r\n` },
    headers: [
      ['Event', 'refer'],
      ['Subscription-State', status < 200 ? 'active;expires=180' : 'terminated;reason=noresource'],
    ],
  };
}

/** The status in a report; undefined when it holds none. */
export function reportedStatus(body: Body | undefined): number | undefined {
  if (body === undefined || !/^message\/sipfrag\b/i.test(body.type)) return undefined;
  const status = /^SIP\/2\.0 (\d{3})(?: |\r?\n|$)/.exec(body.content)?.[1];
  return status === undefined ? undefined : Number(status);
}
