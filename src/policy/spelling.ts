/** How a number may be read by a carrier. Pure: the guard looks at every reading, for the caller chooses the spelling. */
import { countryCodeOf } from './country-codes.js';

/** Countries whose numbers keep a leading zero after the country code: Italy with its neighbours, Gabon, Congo, Ivory Coast. */
const keepZero: ReadonlySet<string> = new Set(['+39', '+378', '+379', '+225', '+241', '+242']);

/** Without the signs of an international number, however many there are. */
export function bare(number: string): string {
  return number.replace(/^(?:\+|0011|011|00)+/, '');
}

/**
 * The digits of an international number from its country code on. What stands before an area code inside the
 * country and has no place after the code is left out, as carriers do: `+44 (0)9…` is `+44 9…`.
 */
export function dialled(number: string): string {
  const digits = bare(number);
  const code = countryCodeOf(`+${digits}`);
  if (code === undefined || keepZero.has(code)) return digits;
  const country = code.slice(1);
  return country + digits.slice(country.length).replace(code === '+1' ? /^[01]+/ : /^0+/, '');
}

/** The number, and what is left of it when a service code before it (`*67`, `*21*`, `#31#`) or the signs in it are taken away. */
export function readings(number: string): readonly string[] {
  if (!/[*#]/.test(number)) return [number];
  const afterCode = [/^[*#]+\d\d[*#]?/, /^[*#]+\d{3}[*#]?/, /^[*#]+\d+[*#]/].map((code) => number.replace(code, ''));
  return [...new Set([number, ...[...afterCode, number].map((text) => text.replace(/[*#]/g, ''))])];
}
