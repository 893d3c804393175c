/** One of `0-9`, `*`, `#`, `A-D`: events 0–15 in that order (RFC 4733 §3.2). */
export type Digit = '0' | '1' | '2' | '3' | '4' | '5' | '6' | '7' | '8' | '9' | '*' | '#' | 'A' | 'B' | 'C' | 'D';

/** Every digit, at the index of its event code. */
export const DIGITS: readonly Digit[] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', '*', '#', 'A', 'B', 'C', 'D'];

/** Event code of a hook flash (RFC 4733 §3.2); it is not a digit. */
export const FLASH_EVENT = 16;

/** The sixteen digits as a bit mask of event codes, what `0-15` in an `a=fmtp` means. */
export const ALL_DIGITS_MASK = 0xffff;

const EVENT_OF = new Map<string, number>(DIGITS.map((digit, event) => [digit, event]));

/** The digit of an event code 0–15; undefined for flash and anything else. */
export function digitOfEvent(event: number): Digit | undefined {
  return DIGITS[event];
}

/** The event code of a digit. */
export function eventOfDigit(digit: Digit): number {
  return DIGITS.indexOf(digit);
}

/** Reads one character as a digit; `a`–`d` are taken for `A`–`D`. */
export function digitOfText(text: string): Digit | undefined {
  const event = EVENT_OF.get(text.toUpperCase());
  return event === undefined ? undefined : DIGITS[event];
}
