/** Where a 3xx of a carrier may lead (RFC 3261 §8.1.3.4). */
import { parseNameAddressList } from '../sip/name-address.js';
import type { Headers } from '../sip/port.js';
import { parseSipUri, phoneNumberOf } from '../sip/uri.js';
import { normaliseNumber } from './number-format.js';
import type { TrunkOptions } from './options.js';

/** Statuses that name another target; 305 and 380 ask for another way, which a carrier has no say in. */
const redirecting: ReadonlySet<number> = new Set([300, 301, 302]);

/**
 * The number to call instead: the best Contact (by `q`) whose host is one of this trunk's peers and
 * whose number `mayDial`. A redirection can lead to a number that bills, so nothing else is followed.
 */
export function redirectedTo(
  outcome: { readonly status: number; readonly headers: Headers },
  trunk: TrunkOptions,
  mayDial: (number: string) => boolean,
): string | undefined {
  if (!redirecting.has(outcome.status)) return undefined;
  const hosts = new Set(trunk.peers.map(({ uri }) => parseSipUri(uri)?.host.toLowerCase()));
  const contacts = outcome.headers.all('Contact').flatMap((line) => parseNameAddressList(line) ?? []);
  return contacts
    .map(({ uri, parameters }) => ({ uri, q: Number(parameters.get('q') ?? 1) }))
    .sort((one, other) => other.q - one.q)
    .filter(({ uri }) => hosts.has(parseSipUri(uri)?.host.toLowerCase() ?? ''))
    .flatMap(({ uri }) => phoneNumberOf(uri) ?? [])
    .map((number) => normaliseNumber(number, trunk.numberFormat, trunk.numberPlan))
    .find(mayDial);
}
