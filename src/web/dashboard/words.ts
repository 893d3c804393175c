/** What the gateway says in codes, in words. */
import type { DigitReceipt } from '../../cdr/record.js';

/** How a thing is coloured; the words beside it say the same. */
export type Tone = 'plain' | 'good' | 'warn' | 'bad';

export interface Said {
  readonly text: string;
  readonly tone: Tone;
}

/** A mean opinion score (ITU-T P.800.1) in a word. */
export function scoreSaid(score: number | undefined): Said {
  if (score === undefined) return { text: 'not measured', tone: 'plain' };
  if (score >= 4) return { text: 'good', tone: 'good' };
  if (score >= 3.6) return { text: 'fair', tone: 'plain' };
  return score >= 3.1 ? { text: 'poor', tone: 'warn' } : { text: 'bad', tone: 'bad' };
}

const states: Readonly<Record<string, Said>> = {
  routing: { text: 'finding a route', tone: 'plain' },
  preparing: { text: 'preparing', tone: 'plain' },
  dialling: { text: 'dialling', tone: 'plain' },
  ringing: { text: 'ringing', tone: 'plain' },
  rerouting: { text: 'trying another target', tone: 'warn' },
  answering: { text: 'being answered', tone: 'plain' },
  connecting: { text: 'connecting sound', tone: 'plain' },
  connected: { text: 'connected', tone: 'good' },
  ending: { text: 'ending', tone: 'plain' },
  ended: { text: 'ended', tone: 'plain' },
};

export const stateSaid = (state: string): Said => states[state] ?? { text: state, tone: 'plain' };

const silences: Readonly<Record<string, string>> = {
  'never-arrived': 'nothing ever came',
  'stopped-arriving': 'it stopped coming',
  'source-mismatch': 'it comes from an address that may not send it',
};

/** A direction that carries nothing. */
export function silenceSaid({ leg, cause }: { readonly leg: string; readonly cause: string }): string {
  return `No sound from ${sideSaid(leg)}: ${silences[cause] ?? cause.replace(/-/g, ' ')}`;
}

export const sideSaid = (kind: string): string => (kind === 'browser' ? 'the page' : 'the telephone');

/** Outcome of a call as its record gives it. */
export function dispositionSaid(disposition: string): Said {
  if (disposition === 'completed') return { text: 'completed', tone: 'good' };
  const usual = ['cancelled', 'busy', 'no-answer', 'rejected', 'unavailable'];
  return { text: disposition.replace(/-/g, ' '), tone: usual.includes(disposition) ? 'warn' : 'bad' };
}

const ways: Readonly<Record<string, string>> = {
  rfc4733: 'telephone-event',
  inband: 'tone in the audio',
  info: 'SIP INFO',
  api: 'the API',
  message: 'data channel',
};

const unsent: Readonly<Record<string, string>> = {
  'not-supported': 'the far side takes none that way',
  refused: 'the far side refused it',
  'no-dialog': 'the far side cannot be told yet',
  'call-ended': 'the call ended first',
  'queue-full': 'too many waited',
  withheld: 'a secure window is open',
};

/** How a key was seen: `telephone-event, 120 ms`. */
export const seenSaid = ({ by, durationMs }: DigitReceipt): string => `${ways[by] ?? by}, ${Math.round(durationMs)} ms`;

/** What became of a key. */
export function receiptSaid({ outcome, sent, why }: DigitReceipt): Said {
  if (outcome === 'failed') return { text: `not delivered: ${unsent[why ?? ''] ?? 'unknown'}`, tone: why === 'withheld' ? 'plain' : 'bad' };
  if (outcome === undefined) return { text: 'on its way', tone: 'plain' };
  const way = sent === undefined ? '' : ` as ${ways[sent.as] ?? sent.as}, ${Math.round(sent.durationMs)} ms`;
  return { text: `${outcome === 'acknowledged' ? 'acknowledged' : 'sent'}${way}`, tone: 'good' };
}

/** Digits of a live call in short: `3 pressed`, `3 pressed, 1 lost`. */
export function digitsSaid({ fromBrowser, fromTrunk, lost }: { readonly [K in 'fromBrowser' | 'fromTrunk' | 'lost']: number }): Said {
  const pressed = fromBrowser + fromTrunk;
  if (pressed === 0) return { text: 'none', tone: 'plain' };
  return lost === 0 ? { text: `${pressed}, all delivered`, tone: 'good' } : { text: `${pressed}, ${lost} not delivered`, tone: 'bad' };
}
