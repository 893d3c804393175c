/** What a registrar granted us (RFC 3261 §10.2.4). */
import { readInteger } from '../sip/grammar.js';
import { type NameAddressValue, parseNameAddress, parseNameAddressList } from '../sip/name-address.js';
import type { SipResponse } from '../sip/port.js';
import { sameUri, userOf } from '../sip/uri.js';

const longestSeconds = 2 ** 31;

/**
 * Seconds until our binding runs out. A registrar answers with all bindings of the address; ours is
 * the Contact we sent, or the one with our user where a carrier has rewritten the host. Of several
 * that may be ours the shortest counts: a refresh too early does no harm.
 */
export function grantedSeconds(response: SipResponse, contactUser: string, askedSeconds: number): number {
  const contacts = response.headers.all('Contact').flatMap((line) => parseNameAddressList(line) ?? []);
  const common = secondsOf(response.headers.get('Expires')) ?? askedSeconds;
  if (contacts.length === 0) return common;
  const ours = ourContacts(contacts, response.sentContact, contactUser);
  return Math.min(...ours.map(({ parameters }) => secondsOf(parameters.get('expires')) ?? common));
}

function ourContacts(contacts: readonly NameAddressValue[], sent: string | undefined, user: string): readonly NameAddressValue[] {
  const sentUri = sent === undefined ? undefined : parseNameAddress(sent)?.uri;
  const exact = sentUri === undefined ? [] : contacts.filter(({ uri }) => sameUri(uri, sentUri));
  if (exact.length > 0) return exact;
  const byUser = contacts.filter(({ uri }) => userOf(uri) === user);
  return byUser.length > 0 ? byUser : contacts;
}

function secondsOf(text: string | undefined): number | undefined {
  return text === undefined ? undefined : readInteger(text.trim(), longestSeconds);
}
