import { maskNumber } from '../base/mask.js';

/** Numbers shorter than this are extensions and names of services; they stay, as in the log. */
const shortestMasked = 7;

/** The user part of a SIP URI that is a number, with what stands before it (RFC 3261 §19.1.6). */
const sipUser = /(sips?:(?:%2b)?)(\+?[0-9][0-9().-]{5,}[0-9])(?=[;:@])/gi;
const telNumber = /(tel:)(\+?[0-9][0-9().-]{5,}[0-9])/gi;
/** A display name, or another quoted word, that is a number. */
const quoted = /(")(\+?[0-9][0-9 ().-]{5,}[0-9])(?=")/g;

/** The claims of a PASSporT name both numbers, and are text that anybody can read (RFC 8225 §5.2.1). */
const passport = /^((?:identity|y)[ \t]*:[ \t]*[\w-]+\.)([\w-]+)(?=\.)/gim;

/** `+15550123456` as `tel:` URI allows it: a dot is a separator there, an asterisk is not (RFC 3966 §3). */
const masked = (number: string): string => maskNumber(number.replace(/[().\- ]/g, '0'));
const dotted = (number: string): string => masked(number).replaceAll('*', '.');

/**
 * Masks telephone numbers in a SIP message: wherever its grammar has one, and everywhere those that
 * are known of the call. Every character is replaced by one, so lengths stay as they are.
 */
export function withoutNumbers(text: string, known: readonly string[]): string {
  let result = text
    .replace(sipUser, (_all, scheme: string, number: string) => scheme + masked(number))
    .replace(telNumber, (_all, scheme: string, number: string) => scheme + dotted(number))
    .replace(passport, (_all, before: string, claims: string) => before + 'x'.repeat(claims.length))
    .replace(quoted, (_all, quote: string, number: string) => quote + masked(number));
  for (const number of known) {
    const digits = number.replace(/\D/g, '');
    if (digits.length < shortestMasked || !result.includes(digits)) continue;
    const shown = masked(digits);
    result = result.replaceAll(digits, shown);
  }
  return result;
}

/** The digits of known numbers that a message may hold in other forms too: whole, and without a country's prefix. */
export function formsOf(numbers: Iterable<string>): readonly string[] {
  const forms = new Set<string>();
  for (const number of numbers) {
    const digits = number.replace(/\D/g, '');
    for (let cut = 0; cut <= 3 && digits.length - cut >= shortestMasked; cut += 1) forms.add(digits.slice(cut));
  }
  return [...forms].sort((a, b) => b.length - a.length);
}
