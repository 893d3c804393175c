/** Where a call goes on to when its target did not take it. Pure. */
import type { FailureCode } from './failure-code.js';
import type { NextTarget, RouteTarget, TryNext, Unserved } from './ports.js';

/** What a failure means to the targets after it; one that is not here ends the call. */
const reasons: Readonly<Partial<Record<FailureCode, Unserved>>> = {
  'no-answer': 'no-answer',
  busy: 'busy',
  'browser-gone': 'unavailable',
  'user-not-registered': 'unavailable',
  'trunk-unreachable': 'unavailable',
  'trunk-timeout': 'unavailable',
  'trunk-congested': 'unavailable',
  'trunk-auth-failed': 'unavailable',
  'too-many-calls': 'unavailable',
};

/** A target to try, and those left after it. */
export interface Onward {
  readonly target: RouteTarget;
  readonly otherwise: readonly NextTarget[];
}

/** The next target that is there for such a failure. The trunk's own rules (`next`) come before the table. */
export function onward(otherwise: readonly NextTarget[], failure: FailureCode, next?: TryNext): Onward | undefined {
  const reason = next === 'target' ? 'unavailable' : next === 'nowhere' && !isOfPerson(failure) ? undefined : reasons[failure];
  const at = reason === undefined ? -1 : otherwise.findIndex(({ when }) => when.includes(reason));
  const found = otherwise[at];
  return found === undefined ? undefined : { target: found.target, otherwise: otherwise.slice(at + 1) };
}

/** Busy and no answer are for the forwarding rules to judge; a trunk's rules speak of the network's failures. */
const isOfPerson = (failure: FailureCode): boolean => failure === 'busy' || failure === 'no-answer';
