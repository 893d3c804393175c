/**
 * Numbers of emergency services, as they are dialled. A page is where it is and not where its number
 * is, so nobody can send help to it: what is to become of such a call is a decision, not an accident.
 */

import { countryCodeOf } from './country-codes.js';
import { bare } from './spelling.js';

/** What becomes of them: refused, dialled like any other number, or always by one trunk. */
export type EmergencyPolicy = 'refuse' | 'allow' | { readonly trunk: string };

/** Reached from mobile networks everywhere (ETSI TS 122 101 §10.1), or in so many countries that nobody means anything else. */
const everywhere: readonly string[] = ['112', '911', '999'];

/** By country code; what is listed under `everywhere` is not repeated. */
const byCountry: Readonly<Record<string, readonly string[]>> = {
  '7': ['101', '102', '103'],
  '27': ['10111', '10177'],
  '33': ['15', '17', '18', '114', '115', '119'],
  '34': ['061', '062', '080', '085', '091', '092'],
  '39': ['113', '115', '118'],
  '41': ['117', '118', '144', '1414'],
  '43': ['122', '133', '144'],
  '48': ['997', '998'],
  '49': ['110'],
  '55': ['190', '192', '193'],
  '61': ['000', '106'],
  '64': ['111'],
  '65': ['995'],
  '81': ['110', '118', '119'],
  '82': ['119'],
  '86': ['110', '119', '120', '122'],
  '91': ['100', '101', '102', '108'],
  '971': ['997', '998'],
  '972': ['100', '101', '102'],
};

/**
 * Whether a number is one of an emergency service, for those in these countries. Also with a country code before it, its own
 * country's too, and however the number is dialled: a trunk that writes no plus makes `112` of `+112`.
 */
export function isEmergencyNumber(number: string, countryCodes: readonly string[]): boolean {
  const plain = number.replace(/#+$/, '');
  const digits = bare(plain);
  const local = [...everywhere, ...countryCodes.flatMap((code) => byCountry[code] ?? [])];
  if (local.includes(plain) || local.includes(digits)) return true;
  const code = digits === plain ? undefined : countryCodeOf(`+${digits}`)?.slice(1);
  return code !== undefined && [...everywhere, ...(byCountry[code] ?? [])].includes(digits.slice(code.length));
}
