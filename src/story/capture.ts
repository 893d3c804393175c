import type { KeptCall } from './kept-call.js';
import { sipCapture } from './pcap.js';
import { numbersOf } from './tell.js';
import { withoutNumbers } from './without-numbers.js';

/** The SIP messages of both legs, repetitions too, as a capture file that may be given away: numbers are masked. */
export function captureOf(kept: KeptCall): Buffer {
  const known = numbersOf(kept.facts);
  return sipCapture(
    kept.messages.flatMap((message) => {
      const text = withoutNumbers(message.text, known);
      return [message.atMs, ...message.repeatsAtMs].map((atMs) => ({ ...message, atMs, text }));
    }),
  );
}
