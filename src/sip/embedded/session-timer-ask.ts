import type { SessionTimerChoice } from '../port.js';
import { type AgreedTimer, askTimer } from '../session-timer.js';
import type { HeaderFields, SipResponseMessage } from './message.js';
import { addOptionTag } from './option-tags.js';
import { addTimerAsk, readTimerWords } from './session-timer-headers.js';

/** How often a 422 is answered by asking for more; a peer that keeps raising its least gets no further. */
const maxRaises = 2;

/** Our side of asking for a session timer, and of being told that it was too short (RFC 4028 §7.1, §7.3). */
export class SessionTimerAsk {
  private raises = 0;

  constructor(
    readonly choice: SessionTimerChoice,
    private learntMinSeconds = 0,
  ) {}

  /** Greatest Min-SE the peer has told us; 0 when it told none. */
  get minSeconds(): number {
    return this.learntMinSeconds;
  }

  /** Writes what a request asks for, and that we know timers. */
  addTo(headers: HeaderFields, current?: AgreedTimer): void {
    if (this.choice === 'off') return;
    this.addSupported(headers);
    addTimerAsk(headers, askTimer(this.choice, this.learntMinSeconds, current));
  }

  /** A call that is to have no timer must not claim to know them: the peer would count on it. */
  addSupported(headers: HeaderFields): void {
    if (this.choice !== 'off') addOptionTag(headers, 'Supported', 'timer');
  }

  /** True when the request is to be sent again, with a new CSeq and what `addTo` then writes. */
  takes(response: SipResponseMessage, current?: AgreedTimer): boolean {
    if (response.status !== 422 || this.choice === 'off' || this.raises >= maxRaises) return false;
    const minSeconds = readTimerWords(response.headers)?.minSeconds;
    const asked = askTimer(this.choice, this.learntMinSeconds, current).expiresSeconds;
    if (minSeconds === undefined || minSeconds <= asked) return false;
    this.learntMinSeconds = minSeconds;
    this.raises += 1;
    return true;
  }
}
