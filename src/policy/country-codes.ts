/** Country codes of one and two digits (ITU-T E.164, list of assigned codes); all others have three. */
const short: ReadonlySet<string> = new Set([
  ...['1', '7', '20', '27', '30', '31', '32', '33', '34', '36', '39', '40', '41', '43', '44', '45', '46', '47', '48', '49'],
  ...['51', '52', '53', '54', '55', '56', '57', '58', '60', '61', '62', '63', '64', '65', '66', '81', '82', '84', '86'],
  ...['90', '91', '92', '93', '94', '95', '98'],
]);

/** The country code of an international number, with its plus; undefined for every other number. */
export function countryCodeOf(number: string): string | undefined {
  const digits = /^(?:\+|0011|011|00)+([1-9]\d{2,})$/.exec(number)?.[1];
  if (digits === undefined) return undefined;
  for (const length of [1, 2]) if (short.has(digits.slice(0, length))) return `+${digits.slice(0, length)}`;
  return `+${digits.slice(0, 3)}`;
}
