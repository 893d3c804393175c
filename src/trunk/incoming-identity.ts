/** Who a carrier says is calling, and what it says of the call's way to us. */
import type { Party } from '../call/facts.js';
import type { CallIdentity } from '../call/request.js';
import { type NameAddressValue, parseNameAddressList } from '../sip/name-address.js';
import type { Headers, NameAddress } from '../sip/port.js';
import { parseSipUri, phoneNumberOf, userOf } from '../sip/uri.js';
import { normaliseNumber } from './number-format.js';
import type { TrunkOptions } from './options.js';

/** The caller as he may be shown, and what is known beside. */
export interface IncomingIdentity {
  readonly from: Party;
  readonly identity: CallIdentity;
}

/** How a caller who is not to be shown is named. */
const nobody: Party = { number: 'anonymous' };

/**
 * The asserted number comes before From (RFC 3325 §9.1; a trunk is trusted). A caller who asked for
 * privacy (RFC 3323 §4.2) is shown as anonymous, name and number; what was asserted stays known.
 */
export function incomingIdentity(
  message: { readonly headers: Headers; readonly from: NameAddress },
  trunk: TrunkOptions,
): IncomingIdentity {
  const { headers, from } = message;
  const asserted = headers
    .all('P-Asserted-Identity')
    .flatMap((line) => parseNameAddressList(line) ?? [])
    .flatMap((value) => partyOf(value, trunk) ?? [])
    .at(0);
  const claimed = partyOf(from, trunk);
  const hidden = wantsPrivacy(headers) || isAnonymous(from) || (asserted === undefined && claimed === undefined);
  const shown = asserted ?? claimed;
  const name = asserted?.displayName ?? from.displayName;
  return {
    from:
      hidden || shown === undefined
        ? nobody
        : { number: shown.number, ...(name === undefined || name === '' ? {} : { displayName: name }) },
    identity: {
      ...(asserted === undefined ? {} : { asserted }),
      ...(hidden ? { anonymous: true } : {}),
      ...lines('diversion', headers.all('Diversion')),
      ...lines('historyInfo', headers.all('History-Info')),
      ...lines('signed', headers.all('Identity')),
    },
  };
}

function partyOf({ uri, displayName }: NameAddress | NameAddressValue, trunk: TrunkOptions): Party | undefined {
  const number = phoneNumberOf(uri);
  if (number === undefined) return undefined;
  const normalised = normaliseNumber(number, trunk.numberFormat, trunk.numberPlan);
  return { number: normalised, ...(displayName === undefined || displayName === '' ? {} : { displayName }) };
}

/** `id`, `user` and `header` hide who is calling; `session`, `critical` and `none` do not (RFC 3323 §4.2, RFC 3325 §9.3). */
function wantsPrivacy(headers: Headers): boolean {
  const wishes = headers.all('Privacy').flatMap((line) => line.toLowerCase().split(/[;,]/));
  return wishes.some((wish) => ['id', 'user', 'header'].includes(wish.trim()));
}

function isAnonymous({ uri }: NameAddress): boolean {
  const host = parseSipUri(uri)?.host.toLowerCase() ?? '';
  return host === 'anonymous.invalid' || userOf(uri)?.toLowerCase() === 'anonymous';
}

function lines<K extends string>(key: K, values: readonly string[]): { readonly [P in K]?: readonly string[] } {
  return values.length === 0 ? {} : ({ [key]: values } as { readonly [P in K]: readonly string[] });
}
