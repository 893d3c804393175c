import { defaultNumberPlan, type NumberFormat, type NumberPlan } from './options.js';

/** Shorter ones are service numbers (112, 1471), which have no country. */
const shortestSubscriberDigits = 7;

/** A normalised number as this trunk wants it written. Short codes and `*21#` stay as they are. */
export function formatNumber(number: string, format: NumberFormat, plan: NumberPlan = defaultNumberPlan): string {
  switch (format) {
    case 'e164':
    case 'as-dialled':
      return number;
    case 'e164-no-plus':
      return number.replace(/^\+/, '');
    case 'national':
      return national(number, plan);
  }
}

function national(number: string, { countryCode, nationalPrefix, internationalPrefix }: NumberPlan): string {
  if (!number.startsWith('+')) return number;
  const ours = countryCode !== undefined && number.startsWith(countryCode, 1) ? nationalPrefix + number.slice(1 + countryCode.length) : '';
  // `+44 0 1900…` is no number of ours, and would be dialled as one of another country: `001900…`.
  const foreign = ours === '' || (internationalPrefix !== '' && ours.startsWith(internationalPrefix));
  return foreign ? internationalPrefix + number.slice(1) : ours;
}

/** A number as the trunk writes it, with `+` and country code where its plan tells them; else unchanged. */
export function normaliseNumber(number: string, format: NumberFormat, plan: NumberPlan = defaultNumberPlan): string {
  const { countryCode, nationalPrefix, internationalPrefix } = plan;
  if (countryCode === undefined || !/^\d+$/.test(number) || number.length < shortestSubscriberDigits) return number;
  const after = (prefix: string): string | undefined => {
    const rest = prefix !== '' && number.startsWith(prefix) ? number.slice(prefix.length) : '';
    return rest.length >= shortestSubscriberDigits ? rest : undefined;
  };
  const foreign = after(internationalPrefix);
  if (foreign !== undefined) return `+${foreign}`;
  if (format === 'e164-no-plus' && !number.startsWith('0')) return `+${number}`;
  const ours = nationalPrefix === '' ? number : after(nationalPrefix);
  return ours === undefined ? number : `+${countryCode}${ours}`;
}

/** What the trunk takes a number for that is dialled without `+`: without one, it reads whole numbers so too. */
export function numberAsRead(number: string, format: NumberFormat, plan: NumberPlan = defaultNumberPlan): string {
  const whole = format === 'e164-no-plus' && number.length >= shortestSubscriberDigits && /^[1-9]\d*$/.test(number);
  return whole ? `+${number}` : normaliseNumber(number, format, plan);
}

/** Whether a caller's name is a number a carrier can show. */
export function isPhoneNumber(text: string): boolean {
  return /^\+?\d{3,}$/.test(text);
}
