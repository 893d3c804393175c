/** What a text of digits asks for, in order. */
export type DigitStep = { readonly kind: 'digit'; readonly digit: string } | { readonly kind: 'pause'; readonly pauseMs: number };

/** Why a text cannot be pressed: the place (from 1) and what stands there. */
export interface DigitTextFault {
  readonly at: number;
  readonly found: string;
}

export type DigitText = { readonly ok: true; readonly steps: readonly DigitStep[] } | ({ readonly ok: false } & DigitTextFault);

const commaMs = 2000;
const plainWaitMs = 500;
const longestPauseMs = 60_000;

/**
 * Reads `12#,4w5w2000 6`: digits `0-9 * # A-D`; `,` for two seconds, `w` for half a second, `w2000`
 * for that many milliseconds (three to five figures). Commas beside a `w` with a number only set it
 * apart, so `1,w2000,3` pauses two seconds. Spaces and hyphens mean nothing, but end a number. One
 * thing that cannot be read and nothing is pressed, so that nothing is sent by halves.
 */
export function readDigitText(text: string): DigitText {
  const steps: DigitStep[] = [];
  const tokens = /,*w(\d+),*|[,w]|[0-9*#a-d]|[\s-]|./gisu;
  // A script of the page may give a number, or nothing.
  for (const match of String(text).matchAll(tokens)) {
    const [token, number] = match;
    if (number !== undefined) {
      const pauseMs = Number(number);
      if (number.length < 3 || pauseMs > longestPauseMs) return { ok: false, at: match.index + 1, found: token };
      steps.push({ kind: 'pause', pauseMs });
    } else if (token === ',') steps.push({ kind: 'pause', pauseMs: commaMs });
    else if (/^w$/i.test(token)) steps.push({ kind: 'pause', pauseMs: plainWaitMs });
    else if (/^[0-9*#a-d]$/i.test(token)) steps.push({ kind: 'digit', digit: token.toUpperCase() });
    else if (!/^[\s-]$/.test(token)) return { ok: false, at: match.index + 1, found: token };
  }
  return { ok: true, steps };
}
