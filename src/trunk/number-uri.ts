import { escapeUser, formatSipUri } from '../sip/uri.js';
import { formatNumber } from './number-format.js';
import type { TrunkOptions } from './options.js';

/** Where a number lives: the host part of its sip URI. */
export interface UriPlace {
  readonly scheme: 'sip' | 'sips';
  readonly host: string;
  readonly port?: number;
}

/** A number as a sip URI in the trunk's format; `#` and the like are escaped (RFC 3261 §19.1.2). */
export function sipUriOf(number: string, trunk: TrunkOptions, place: UriPlace): string {
  const phone = trunk.numberUri?.userPhone === true;
  return formatSipUri({
    ...place,
    user: escapeUser(formatNumber(number, trunk.numberFormat, trunk.numberPlan)),
    parameters: new Map(phone ? [['user', 'phone']] : []),
    headers: new Map(),
  });
}

/**
 * The Request-URI of a number. A tel URI must be global (RFC 3966 §5.1.4), so numbers without `+`
 * (service numbers, star codes) stay sip URIs.
 */
export function requestUriOf(number: string, trunk: TrunkOptions, place: UriPlace): string {
  const written = formatNumber(number, trunk.numberFormat, trunk.numberPlan);
  return trunk.numberUri?.scheme === 'tel' && /^\+\d+$/.test(written) ? `tel:${written}` : sipUriOf(number, trunk, place);
}
