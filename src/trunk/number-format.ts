import type { NumberFormat } from './options.js';

/** A normalised number as this trunk wants it written. */
export function formatNumber(number: string, format: NumberFormat): string {
  switch (format) {
    case 'e164':
    case 'as-dialled':
      return number;
    case 'e164-no-plus':
      return number.replace(/^\+/, '');
  }
}

/** Whether a caller's name is a number a carrier can show. */
export function isPhoneNumber(text: string): boolean {
  return /^\+?\d{3,}$/.test(text);
}
