import type { Clock, Timer } from '../../base/clock.js';
import type { Headers } from '../port.js';
import { type AgreedTimer, agreedByResponse, decideTimer, endAfterMs, refreshAfterMs, retryAfterMs } from '../session-timer.js';
import type { HeaderFields, SipRequestMessage, SipResponseMessage } from './message.js';
import type { Refusal } from './request-policy.js';
import type { SessionTimerAsk } from './session-timer-ask.js';
import { addTimerAnswer, readTimerWords } from './session-timer-headers.js';

/** What a session timer does when it is due. */
export interface SessionTimerUser {
  onRefreshDue(): void;
  onExpired(): void;
}

/** Why a request that may refresh a session cannot be taken: 422 (RFC 4028 §9), or 400 for what nobody can read. */
export function timerRefusal(request: SipRequestMessage, { choice }: Pick<SessionTimerAsk, 'choice'>): Refusal | undefined {
  if (choice === 'off') return undefined;
  const words = readTimerWords(request.headers);
  if (words === undefined) return { status: 400, headers: [] };
  const decision = decideTimer(words, choice);
  return decision.kind === 'too-small' ? { status: 422, headers: [['Min-SE', String(decision.minSeconds)]] } : undefined;
}

/** The session timer of one dialog (RFC 4028): agreed anew by each 2xx to a re-INVITE or UPDATE of either end. */
export class SessionTimerKeeper {
  private current: AgreedTimer | undefined;
  private refresh: Timer | undefined;
  private end: Timer | undefined;
  private endsAtMs = 0;

  constructor(
    private readonly ask: SessionTimerAsk,
    private readonly deps: { readonly clock: Clock },
    private readonly user: SessionTimerUser,
  ) {}

  /** What runs now. */
  get agreed(): AgreedTimer | undefined {
    return this.current;
  }

  /** For a re-INVITE or UPDATE of ours: names the timer that runs, and wakes none that was declined. */
  addToRequest(headers: HeaderFields): void {
    if (this.current === undefined) this.ask.addSupported(headers);
    else this.ask.addTo(headers, this.current);
  }

  /** True when a 422 to a request of ours is worth another try. */
  takes(response: SipResponseMessage): boolean {
    return this.current !== undefined && this.ask.takes(response, this.current);
  }

  /** A 2xx came to an INVITE or UPDATE of ours. */
  accepted(headers: Headers): void {
    if (this.ask.choice === 'off') return;
    const words = readTimerWords(headers);
    this.run(words === undefined ? this.current : agreedByResponse(words));
  }

  refusalOf(request: SipRequestMessage): Refusal | undefined {
    return timerRefusal(request, this.ask);
  }

  /** Writes our part of the 2xx to an INVITE or UPDATE of the peer, and starts over. */
  accept(request: SipRequestMessage, headers: HeaderFields): void {
    const { choice } = this.ask;
    this.ask.addSupported(headers);
    const words = readTimerWords(request.headers);
    if (choice === 'off' || words === undefined) return;
    const decision = decideTimer(words, choice, this.current);
    this.run(decision.kind === 'agreed' ? decision.timer : undefined);
    if (decision.kind === 'agreed') addTimerAnswer(headers, decision.timer);
  }

  /** A refresh got no 2xx, but the dialog lives: the session goes on until it expires (RFC 4028 §10). */
  refreshFailed(): void {
    if (this.current === undefined) return;
    this.refresh?.cancel();
    const againMs = retryAfterMs(this.endsAtMs - this.deps.clock.nowMs());
    if (againMs !== undefined) this.refresh = this.deps.clock.after(againMs, () => this.user.onRefreshDue());
  }

  stop(): void {
    this.run(undefined);
  }

  private run(timer: AgreedTimer | undefined): void {
    this.refresh?.cancel();
    this.end?.cancel();
    this.current = timer;
    if (timer === undefined) return;
    const { clock } = this.deps;
    this.endsAtMs = clock.nowMs() + endAfterMs(timer);
    this.end = clock.after(endAfterMs(timer), () => this.user.onExpired());
    if (timer.weRefresh) this.refresh = clock.after(refreshAfterMs(timer), () => this.user.onRefreshDue());
  }
}
