/**
 * A phone number as it may stand in a log: what identifies the country stays, and the last two
 * digits, so that an operator can tell two calls apart. `+15550123456` becomes `+15*******56`;
 * anything of six characters or fewer (an extension, a name) stays as it is.
 */
export function maskNumber(number: string): string {
  if (number.length <= 6 || !/^\+?[\d*#.\-() ]+$/.test(number)) return number;
  const keep = number.startsWith('+') ? 3 : 2;
  return number.slice(0, keep) + '*'.repeat(number.length - keep - 2) + number.slice(-2);
}
