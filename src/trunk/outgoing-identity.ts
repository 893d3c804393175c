/** What a carrier is told of the caller and of the call's way to us. */
import type { Party } from '../call/facts.js';
import type { CallIdentity } from '../call/request.js';
import { noParameters } from '../sip/grammar.js';
import { formatNameAddress } from '../sip/name-address.js';
import type { ExtraHeaders, NameAddress } from '../sip/port.js';
import { escapeUser, formatSipUri } from '../sip/uri.js';
import { isPhoneNumber } from './number-format.js';
import { sipUriOf, type UriPlace } from './number-uri.js';
import { defaultIdentity, type TrunkOptions } from './options.js';

/** The parts of an INVITE that speak of the caller. */
export interface OutgoingIdentity {
  readonly from: NameAddress;
  readonly headers: ExtraHeaders;
}

/** From of a caller who asked not to be shown (RFC 3323 §4.1.1.3). */
const anonymous: NameAddress = { displayName: 'Anonymous', uri: 'sip:anonymous@anonymous.invalid' };
const maxNameLength = 64;

/**
 * From and the identity headers of one call. The caller's number goes into an asserted header for
 * an anonymous caller too, with `Privacy: id`: the carrier is inside the trust domain (RFC 3325 §7).
 */
export function outgoingIdentity(
  trunk: TrunkOptions,
  caller: { readonly from: Party; readonly identity?: CallIdentity },
  place: UriPlace,
): OutgoingIdentity {
  const rules = trunk.identity ?? defaultIdentity;
  const { identity = {} } = caller;
  const shown = [identity.asserted, caller.from].find((party) => party !== undefined && isPhoneNumber(party.number));
  const party: Party = shown ?? { ...caller.from, number: trunk.callerId };
  const hidden = identity.anonymous === true;
  const name = rules.displayName && !hidden ? displayable(party.displayName) : undefined;
  const address: NameAddress = { ...(name === undefined ? {} : { displayName: name }), uri: sipUriOf(party.number, trunk, place) };
  const headers: [string, string][] = [];
  if (rules.header !== 'none') headers.push([rules.header, formatNameAddress({ ...address, parameters: noParameters })]);
  if (hidden) headers.push(['Privacy', 'id']);
  const pass = (name: string, allowed: boolean, lines: readonly string[] = []): void => {
    if (allowed) headers.push(...lines.filter(isOneLine).map((line): [string, string] => [name, line]));
  };
  pass('Diversion', rules.diversion, identity.diversion);
  pass('History-Info', rules.historyInfo, identity.historyInfo);
  pass('Identity', rules.signed, identity.signed);
  return { from: fromOf(trunk, address, hidden, place), headers };
}

/** A carrier that knows us by the account in From needs it there, hidden caller or not. */
function fromOf(trunk: TrunkOptions, caller: NameAddress, hidden: boolean, place: UriPlace): NameAddress {
  const rules = trunk.identity ?? defaultIdentity;
  const { displayName } = caller;
  const name = displayName === undefined ? {} : { displayName };
  if (rules.from === 'account' && trunk.register !== undefined) {
    const user = escapeUser(trunk.register.user);
    return { ...name, uri: formatSipUri({ ...place, user, parameters: noParameters, headers: noParameters }) };
  }
  if (hidden) return anonymous;
  return rules.from === 'trunk' ? { ...name, uri: sipUriOf(trunk.callerId, trunk, place) } : caller;
}

/** A display name fit for one line: without control characters, of bounded length; undefined when nothing is left. */
function displayable(name: string | undefined): string | undefined {
  const plain = name
    ?.replace(/\p{Cc}+/gu, ' ')
    .trim()
    .slice(0, maxNameLength);
  return plain === '' ? undefined : plain;
}

const isOneLine = (line: string): boolean => !/[\r\n\0]/.test(line);
