import { readCSeq, readNumber, readTokens } from './header-readers.js';
import type { SipResponseMessage } from './message.js';
import { isSipParseError } from './parse-error.js';

/** The greatest RSeq (RFC 3262 §7.1). */
const maxRSeq = 2 ** 32 - 1;

/** Whether a provisional response waits for a PRACK (RFC 3262 §4). */
export function isReliable({ headers }: SipResponseMessage): boolean {
  try {
    const required = readTokens(headers, 'Require').some((token) => token.toLowerCase() === '100rel');
    return required && readNumber(headers, 'RSeq', maxRSeq) !== undefined;
  } catch (thrown) {
    if (isSipParseError(thrown)) return false;
    throw thrown;
  }
}

/**
 * The reliable provisional responses to one request of ours, in their order (RFC 3262 §4): each is
 * taken once, and one that comes before its turn is left for the peer to repeat.
 */
export class ProvisionalOrder {
  private last: number | undefined;

  /** The RAck that acknowledges it; undefined when it was not sent reliably, was seen, or is not due. */
  take({ headers }: SipResponseMessage): string | undefined {
    try {
      const rseq = readNumber(headers, 'RSeq', maxRSeq);
      if (rseq === undefined || !readTokens(headers, 'Require').some((token) => token.toLowerCase() === '100rel')) return undefined;
      if (this.last !== undefined && rseq !== this.last + 1) return undefined;
      this.last = rseq;
      const { number, method } = readCSeq(headers);
      return `${rseq} ${number} ${method}`;
    } catch (thrown) {
      if (isSipParseError(thrown)) return undefined;
      throw thrown;
    }
  }
}
