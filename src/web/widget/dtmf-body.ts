/** A key press as an INFO body carries it. */
export interface DigitPress {
  readonly digit: string;
  readonly durationMs: number;
}

const assumedDurationMs = 250;

/**
 * Reads `application/dtmf-relay` (`Signal=5`, `Duration=160`) and `application/dtmf` (the bare
 * digit). Some senders write the event's number, so 10 and 11 are `*` and `#` and 12 to 15 are `A`
 * to `D` (RFC 4733 §3.2).
 */
export function readDigitPress(contentType: string, body: string): DigitPress | undefined {
  const type = contentType.split(';')[0]?.trim().toLowerCase();
  if (type === 'application/dtmf') return pressOf(body.trim(), undefined);
  if (type !== 'application/dtmf-relay') return undefined;
  const signal = /^\s*signal\s*=\s*(\S+)\s*$/im.exec(body)?.[1];
  const duration = /^\s*duration\s*=\s*(\d{1,5})\s*$/im.exec(body)?.[1];
  return signal === undefined ? undefined : pressOf(signal, duration);
}

function pressOf(signal: string, duration: string | undefined): DigitPress | undefined {
  const digit = /^1[0-5]$/.test(signal) ? '*#ABCD'[Number(signal) - 10] : signal.toUpperCase();
  if (digit === undefined || !/^[0-9*#A-D]$/.test(digit)) return undefined;
  return { digit, durationMs: duration === undefined ? assumedDurationMs : Number(duration) };
}

/** The body of an INFO `application/dtmf-relay`. */
export function writeDigitPress({ digit, durationMs }: DigitPress): string {
  return `Signal=${digit}\r\nDuration=${durationMs}\r\n`;
}
