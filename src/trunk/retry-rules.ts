/** What an attempt that was not answered says: of the next attempt, and of the peer. */
import type { TryNext } from '../call/ports.js';
import type { OutboundOutcome } from '../sip/port.js';
import { q850CauseOf } from '../sip/reason.js';
import { defaultRetry, type RetryRules } from './options.js';
import type { PeerEvent } from './peer-health.js';
import { retryAfterMs } from './retry-after.js';

type Unanswered = Exclude<OutboundOutcome, { readonly kind: 'answered' }>;

/** Causes that speak of the called number or person: no other way leads to a different answer (Q.850). */
const causesOfTheCalled: ReadonlySet<number> = new Set([1, 17, 18, 19, 20, 21, 22, 28]);

/**
 * Where the call may be tried again. Once the phone has rung nobody else is asked: a second ringing,
 * and a second bill, would be the price.
 */
export function tryNext(outcome: Unanswered, rang: boolean, rules: RetryRules = defaultRetry): TryNext {
  if (rang) return 'nowhere';
  if (outcome.kind === 'failed') return outcome.why === 'cancelled' ? 'nowhere' : 'peer';
  const cause = q850CauseOf(outcome.headers);
  if (cause !== undefined && causesOfTheCalled.has(cause)) return 'nowhere';
  if (rules.nextPeer.includes(outcome.status)) return 'peer';
  return rules.nextTrunk.includes(outcome.status) ? 'target' : 'nowhere';
}

/** What an outcome says of the peer's health; undefined when it says nothing. */
export function healthOf(outcome: OutboundOutcome): PeerEvent | undefined {
  if (outcome.kind === 'answered') return { type: 'served' };
  if (outcome.kind === 'failed') return outcome.why === 'cancelled' ? undefined : { type: 'undelivered' };
  if (outcome.status !== 503) return { type: 'served' };
  const restMs = retryAfterMs(outcome.headers);
  return restMs === undefined ? undefined : { type: 'unavailable', retryAfterMs: restMs };
}
