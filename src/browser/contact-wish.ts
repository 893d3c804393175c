/** What a REGISTER asks for, read from its Contact fields (RFC 3261 §10.3, RFC 5626 §6). */
import { formatNameAddress, type NameAddressValue, parseNameAddressList } from '../sip/name-address.js';
import type { Headers } from '../sip/port.js';

/** One device of a user, as it names itself in a Contact. */
export interface Device {
  /** The same for the same device, over whatever connection it comes: instance and `reg-id`, or the Contact's address. */
  readonly key: string;
  readonly contactUri: string;
  /** Parameters the page must find again in the answer, to know which of the bindings is its own. */
  readonly parameters: ReadonlyMap<string, string>;
  /** The page knows RFC 5626 and wants it. */
  readonly outbound: boolean;
}

/** What is to be done. */
export type ContactWish =
  | { readonly kind: 'query' }
  | { readonly kind: 'remove-all' }
  /** Some devices go, and at most one comes: there is one device at the end of a connection. */
  | { readonly kind: 'change'; readonly remove: readonly Device[]; readonly bind?: { readonly device: Device; readonly seconds: number } }
  | { readonly kind: 'too-brief' }
  | { readonly kind: 'malformed' };

/** How long bindings may and must live. */
export interface ContactTimes {
  readonly minSeconds: number;
  readonly maxSeconds: number;
  readonly defaultSeconds: number;
}

/** Longer ones are no UUIDs (RFC 5626 §4.1), and would be kept. */
const maxInstanceLength = 128;

/** Reads the Contact and Expires fields of a REGISTER. */
export function contactWish(headers: Headers, times: ContactTimes): ContactWish {
  const lines = headers.all('Contact');
  if (lines.length === 0) return { kind: 'query' };
  const header = secondsOf(headers.get('Expires'));
  if (lines.some((line) => line.trim() === '*')) {
    return lines.length === 1 && header === 0 ? { kind: 'remove-all' } : { kind: 'malformed' };
  }
  const contacts = lines.flatMap((line): readonly (NameAddressValue | undefined)[] => parseNameAddressList(line) ?? [undefined]);
  const remove: Device[] = [];
  let bind: { readonly device: Device; readonly seconds: number } | undefined;
  for (const contact of contacts) {
    const device = contact === undefined ? undefined : deviceOf(contact, headers);
    if (contact === undefined || device === undefined) return { kind: 'malformed' };
    const asked = secondsOf(contact.parameters.get('expires')) ?? header ?? times.defaultSeconds;
    if (asked === 0) remove.push(device);
    else if (asked < times.minSeconds) return { kind: 'too-brief' };
    else if (bind !== undefined) return { kind: 'malformed' };
    else bind = { device, seconds: Math.min(asked, times.maxSeconds) };
  }
  return { kind: 'change', remove, ...(bind === undefined ? {} : { bind }) };
}

/** The binding as the answer lists it (RFC 3261 §10.3, step 8). */
export function contactOf({ contactUri, parameters }: Device, secondsLeft: number): string {
  return formatNameAddress({ uri: contactUri, parameters: new Map([...parameters, ['expires', String(secondsLeft)]]) });
}

/** Undefined when the instance is none. A `reg-id` without an instance counts for nothing (RFC 5626 §6). */
function deviceOf({ uri, parameters }: NameAddressValue, headers: Headers): Device | undefined {
  const instance = parameters.get('+sip.instance');
  if (instance === undefined) return { key: `uri ${uri}`, contactUri: uri, parameters: new Map(), outbound: false };
  if (instance === '' || instance.length > maxInstanceLength) return undefined;
  const regId = parameters.get('reg-id');
  if (regId !== undefined && !/^[1-9]\d{0,9}$/.test(regId)) return undefined;
  const supported = headers.all('Supported').some((line) => line.split(',').some((tag) => tag.trim().toLowerCase() === 'outbound'));
  return {
    key: `instance ${instance} ${regId ?? ''}`,
    contactUri: uri,
    parameters: new Map([['+sip.instance', instance], ...(regId === undefined ? [] : [['reg-id', regId] as const])]),
    outbound: regId !== undefined && supported,
  };
}

/** An unreadable time counts as not given (RFC 3261 §20.19). */
function secondsOf(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,10}$/.test(text.trim()) ? Number(text.trim()) : undefined;
}
