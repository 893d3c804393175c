/** Reads what the API is sent about digits. */
import type { DigitWishes } from './ports.js';

/** Digits in one request. */
const maxDigits = 64;
/** What a telephone network carries (ETSI ES 201 235-2 asks for 65 ms; RTCDTMFSender allows as much). */
const durations = { least: 40, most: 6_000 };
const gaps = { least: 30, most: 6_000 };
const windows = { least: 1, most: 900 };

interface Wrong {
  readonly code: string;
  readonly wrong: string;
}

type Fields = Readonly<Record<string, unknown>>;

const fieldsOf = (body: unknown): Fields | undefined =>
  typeof body === 'object' && body !== null && !Array.isArray(body) ? (body as Fields) : undefined;

function within(value: unknown, { least, most }: { readonly least: number; readonly most: number }): boolean {
  return value === undefined || (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most);
}

/** `{ digits: "12#", durationMs?, gapMs?, to? }`; what is wrong with it when it is something else. */
export function readDigitRequest(body: unknown): { readonly digits: string; readonly wishes: DigitWishes } | Wrong {
  const fields = fieldsOf(body);
  if (fields === undefined) return { code: 'invalid-digits', wrong: 'send a JSON object: { "digits": "12#" }' };
  const { digits, durationMs, gapMs, to } = fields as Readonly<Record<'digits' | 'durationMs' | 'gapMs' | 'to', unknown>>;
  if (typeof digits !== 'string' || !/^[0-9*#A-Da-d]+$/.test(digits)) {
    return { code: 'invalid-digits', wrong: 'digits must be text of 0-9, *, # and A-D' };
  }
  if (digits.length > maxDigits) return { code: 'invalid-digits', wrong: `at most ${maxDigits} digits in one request` };
  if (!within(durationMs, durations)) {
    return { code: 'invalid-duration', wrong: `durationMs must be a whole number from ${durations.least} to ${durations.most}` };
  }
  if (!within(gapMs, gaps)) return { code: 'invalid-gap', wrong: `gapMs must be a whole number from ${gaps.least} to ${gaps.most}` };
  if (to !== undefined && to !== 'trunk' && to !== 'page') return { code: 'invalid-side', wrong: 'to must be "trunk" or "page"' };
  return {
    digits: digits.toUpperCase(),
    wishes: {
      ...(durationMs === undefined ? {} : { durationMs: durationMs as number }),
      ...(gapMs === undefined ? {} : { gapMs: gapMs as number }),
      ...(to === undefined ? {} : { to }),
    },
  };
}

/** `{ open: true, seconds? }`. */
export function readSecureRequest(body: unknown): { readonly open: boolean; readonly seconds?: number } | Wrong {
  const { open, seconds } = (fieldsOf(body) ?? {}) as Readonly<Record<'open' | 'seconds', unknown>>;
  if (typeof open !== 'boolean') return { code: 'invalid-window', wrong: 'send a JSON object: { "open": true, "seconds": 60 }' };
  if (!within(seconds, windows)) {
    return { code: 'invalid-window', wrong: `seconds must be a whole number from ${windows.least} to ${windows.most}` };
  }
  return { open, ...(seconds === undefined ? {} : { seconds: seconds as number }) };
}
