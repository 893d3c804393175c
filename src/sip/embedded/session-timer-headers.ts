import type { Headers } from '../port.js';
import type { AgreedTimer, TimerAsk, TimerWords } from '../session-timer.js';
import { readNumber, readSessionExpires, readTokens } from './header-readers.js';
import type { HeaderFields } from './message.js';
import { addOptionTag } from './option-tags.js';
import { isSipParseError } from './parse-error.js';

/** What a message says of session timers (RFC 4028 §4, §5); undefined when it cannot be read. */
export function readTimerWords(headers: Headers): TimerWords | undefined {
  try {
    const expires = readSessionExpires(headers);
    const minSeconds = readNumber(headers, 'Min-SE');
    return {
      supported: namesTimer(headers, 'Supported') || namesTimer(headers, 'Require'),
      ...(expires === undefined ? {} : { expiresSeconds: expires.seconds }),
      ...(expires?.refresher === undefined ? {} : { refresher: expires.refresher }),
      ...(minSeconds === undefined ? {} : { minSeconds }),
    };
  } catch (thrown) {
    if (isSipParseError(thrown)) return undefined;
    throw thrown;
  }
}

function namesTimer(headers: Headers, name: string): boolean {
  return readTokens(headers, name).some((token) => token.toLowerCase() === 'timer');
}

/** Writes what a request of ours asks for. */
export function addTimerAsk(headers: HeaderFields, { expiresSeconds, minSeconds, refresher }: TimerAsk): void {
  headers.add('Session-Expires', `${expiresSeconds}${refresher === undefined ? '' : `;refresher=${refresher}`}`);
  headers.add('Min-SE', String(minSeconds));
}

/**
 * Writes what our 2xx agrees to; a request that left the work to its sender has to know of it, so
 * then `timer` is required (RFC 4028 §9).
 */
export function addTimerAnswer(headers: HeaderFields, { seconds, weRefresh }: AgreedTimer): void {
  headers.add('Session-Expires', `${seconds};refresher=${weRefresh ? 'uas' : 'uac'}`);
  if (!weRefresh) addOptionTag(headers, 'Require', 'timer');
}
