/** The arrows from the first INVITE to the called side until it answers: peers, targets, ringing, early media. Pure. */

import { described, heard, mayOffer, waitsForSound, without } from './early.js';
import type { CallEffect } from './effect.js';
import type { CallEvent, CallerSdp } from './event.js';
import type { CallDirection } from './facts.js';
import type { FailureCode } from './failure-code.js';
import { onward } from './next-target.js';
import type { RouteTarget, TryNext } from './ports.js';
import { directionOf, type EndCause, type Shown, type StateOf } from './state.js';
import { answerOffer, end, farOf, go, type Live, type Step, stay } from './step.js';

/** Between two targets. Whatever the leg before still had under way counts for nothing. */
export function inRerouting(state: StateOf<'rerouting'>, event: CallEvent): Step | undefined {
  switch (event.type) {
    case 'callee-ready':
      return dial(state, state.a, event.bOffer);
    case 'media-refused':
      return end(state, { by: 'gateway', failure: event.failure });
    case 'media-failed':
      return event.leg === 'a' && state.legs.a === 'browser' ? go(state, [{ do: 'renew-caller' }]) : stay(state);
    case 'offered':
      return event.leg === 'a' ? go(state, [answerOffer(event)]) : undefined;
    case 'acked':
      return earlyAnswer(state, event);
    case 'redescribed':
      return event.leg === 'a' ? go({ ...state, a: { role: 'answer', sdp: event.sdp } }, []) : undefined;
    case 'timer':
      return event.id === 'setup' ? end(state, { by: 'gateway', failure: 'media-setup-failed' }) : undefined;
    default:
      return undefined;
  }
}

/** INVITEs the target for the first time. */
export function dial(state: StateOf<'preparing' | 'rerouting'>, a: CallerSdp, bOffer: string): Step {
  const { direction, legs, target, otherwise } = state;
  return go({ name: 'dialling', direction, legs, target, otherwise, a, bOffer, attempt: 0, forks: [] }, [
    { do: 'clear-timer', id: 'setup' },
    { do: 'set-timer', id: 'ring', ...(target.ringMs === undefined ? {} : { ms: target.ringMs }) },
    { do: 'dial', target, offer: bOffer, attempt: 0 },
  ]);
}

/** The fact that a target was chosen. */
export const routed = (target: RouteTarget, direction: CallDirection): CallEffect => ({
  do: 'fact',
  fact: { type: 'routed', direction, ...whom(target), dialled: target.kind === 'trunk' ? target.number : target.user },
});

/** What the legs are once this target is called. */
export const calling = ({ legs }: Live, target: RouteTarget): Live['legs'] => ({ ...legs, b: target.kind });

const whom = (target: RouteTarget): { readonly trunk: string } | { readonly user: string } =>
  target.kind === 'trunk' ? { trunk: target.trunk } : { user: target.user };

export function inDialling(state: StateOf<'dialling'>, event: CallEvent): Step | undefined {
  switch (event.type) {
    case 'progress':
      return progress(state, event);
    case 'early-accepted':
      return event.attempt === state.attempt ? earlyMedia(state) : undefined;
    case 'early-refused':
      return event.attempt === state.attempt ? ring(state, 180, 183) : undefined;
    case 'answered':
      return answer(state, event.sdp);
    case 'failed': {
      const cause = calleeCause(event);
      if (!event.elsewhere) return onwardOrEnd(state, cause, { gone: 'b', next: event.next });
      const attempt = state.attempt + 1;
      return go({ ...state, attempt, forks: [], last: cause }, [{ do: 'dial', target: state.target, offer: state.bOffer, attempt }]);
    }
    case 'dial-refused':
      return onwardOrEnd(state, { by: 'gateway', failure: event.failure }, { gone: 'b' });
    case 'dial-exhausted':
      return exhausted(state);
    case 'media-failed':
      // The browser has had no answer of ours yet, so it cannot have begun; the telephone network is slow.
      return event.leg === 'a' && state.legs.a === 'browser' ? go(state, [{ do: 'renew-caller' }]) : undefined;
    case 'timer': {
      // A trunk that did not even say 18x has not answered us; a browser that did not is just not answering.
      const failure = state.target.kind === 'trunk' ? 'trunk-timeout' : 'no-answer';
      return event.id === 'ring' ? onwardOrEnd(state, { by: 'gateway', failure }) : undefined;
    }
    default:
      return whileEarly(state, event);
  }
}

export function inRinging(state: StateOf<'ringing'>, event: CallEvent): Step | undefined {
  switch (event.type) {
    case 'progress':
      return progress(state, event);
    case 'early-accepted':
      // Early media has begun: the caller's own ringing must stop. It never starts again (RFC 3960 §3).
      return state.shown === 183 || event.attempt !== state.attempt ? undefined : earlyMedia(state);
    case 'answered':
      return answer(state, event.sdp);
    case 'failed':
      return onwardOrEnd(state, calleeCause(event), { gone: 'b', next: event.next });
    case 'timer':
      if (event.id === 'early') return rings(state) ? undefined : ring(state, 180, 183);
      return event.id === 'ring' ? onwardOrEnd(state, { by: 'gateway', failure: 'no-answer' }) : undefined;
    default:
      return whileEarly(state, event);
  }
}

type EarlyState = StateOf<'dialling' | 'ringing'>;

function whileEarly(state: EarlyState, event: CallEvent): Step | undefined {
  switch (event.type) {
    case 'media-up':
      return event.leg === 'b' ? firstSound(state) : undefined;
    case 'offered':
      return earlyOffer(state, event);
    case 'acked':
      return earlyAnswer(state, event);
    case 'redescribed':
      return event.leg === 'a' ? go({ ...state, a: { role: 'answer', sdp: event.sdp } }, []) : undefined;
    default:
      return undefined;
  }
}

/** A PRACK of the caller has answered our offer, so that he hears early media (RFC 3262 §5). */
export function earlyAnswer(
  state: EarlyState | StateOf<'rerouting' | 'answering'>,
  { leg, sdp }: Extract<CallEvent, { type: 'acked' }>,
): Step | undefined {
  return leg === 'a' && sdp !== undefined && state.a.role === 'offer' ? go(state, [{ do: 'accept-answer', leg, sdp }]) : undefined;
}

/** The newest description is heard until the final one comes; the socket stays (survey E1). */
function progress(state: EarlyState, event: Extract<CallEvent, { type: 'progress' }>): Step | undefined {
  const { status, sdp, fork = '' } = event;
  if (status === 199) return forkGone(state, fork);
  if (sdp === undefined) return ringOn(state, status);
  const forks = described(state.forks, fork, sdp);
  if (forks === undefined) return status === 183 ? undefined : ringOn(state, status);
  const next: EarlyState = { ...state, forks };
  const rung = waitsForSound(state.target) && status !== 183 ? ringOn(next, status) : undefined;
  return go(rung?.state ?? next, [...(rung?.effects ?? []), acceptEarly(next, sdp)]);
}

const acceptEarly = ({ attempt }: EarlyState, sdp: string): CallEffect => ({ do: 'accept-callee', sdp, stage: 'early', attempt });

/** One of several phones has stopped ringing; the one described before it is heard again (RFC 6228 §4). */
function forkGone(state: EarlyState, fork: string): Step | undefined {
  const before = heard(state.forks);
  const forks = without(state.forks, fork);
  const now = heard(forks);
  if (before === now) return undefined;
  return go({ ...state, forks }, now === undefined ? [] : [acceptEarly(state, now.sdp)]);
}

/** An offer before the answer: of the caller always, of the called side only by the fork that is heard. */
function earlyOffer(state: EarlyState, event: Extract<CallEvent, { type: 'offered' }>): Step {
  const taken = event.leg === 'a' || mayOffer(state.forks, event.fork);
  return go(state, [taken ? answerOffer(event) : { do: 'refuse-offer', leg: event.leg, status: 488 }]);
}

/**
 * The called side's description is taken in. Where it takes sound to tell, the caller hears nothing for
 * a moment, and his own ringing when none comes: a description alone is no promise of it.
 */
function earlyMedia(state: EarlyState): Step | undefined {
  if (!waitsForSound(state.target)) return ring(state, 183, 183);
  if (rings(state)) return undefined;
  const { direction, legs, target, otherwise, a, attempt, forks } = state;
  const waiting = state.name === 'ringing' ? state : { direction, legs, target, otherwise, a, attempt, forks };
  return go({ ...waiting, name: 'ringing' }, [{ do: 'set-timer', id: 'early' }]);
}

/** The first packet of the called side: now the caller hears the network instead of his own ringing. */
function firstSound(state: EarlyState): Step | undefined {
  if (!waitsForSound(state.target) || state.forks.length === 0 || (state.name === 'ringing' && state.shown === 183)) return undefined;
  const { state: next, effects } = ring(state, 183, 183);
  return go(next, [{ do: 'fact', fact: { type: 'media-up', leg: 'b', kind: state.legs.b } }, ...effects]);
}

/** Once media is heard nothing else is shown: the caller's own ringing never starts again (RFC 3960 §3). */
function ringOn(state: EarlyState, status: number): Step | undefined {
  const shown = shownFor(status);
  return state.name === 'ringing' && (state.shown === 183 || state.shown === shown) ? undefined : ring(state, shown, status);
}

/** What a provisional response without media is to the caller: only 181 and 182 mean something of their own. */
const shownFor = (status: number): Shown => (status === 181 || status === 182 ? status : 180);

function ring(state: EarlyState, shown: Shown, status: number): Step {
  const { direction, legs, target, otherwise, a, attempt, forks } = state;
  const earlyMedia = shown === 183;
  // A browser gets its answer at once, so that ICE and DTLS are done when the phone is picked up. To a
  // trunk a description in 180 would mean early media, and the caller would hear silence for ringing.
  const tellSdp = a.role === 'answer' && (earlyMedia || legs.a === 'browser');
  return go({ name: 'ringing', direction, legs, target, otherwise, a, attempt, forks, shown }, [
    ...noMoreWaiting(state),
    {
      do: 'progress-caller',
      status: shown,
      ...(tellSdp ? { sdp: a.sdp } : {}),
      ...(a.role === 'offer' && earlyMedia ? { offer: a.sdp } : {}),
    },
    { do: 'fact', fact: { type: 'progress', status, earlyMedia } },
    ...(!rings(state) && (shown === 180 || shown === 183) ? [{ do: 'fact', fact: { type: 'ringing' } } as const] : []),
  ]);
}

const rings = (state: EarlyState): boolean => state.name === 'ringing' && (state.shown === 180 || state.shown === 183);

/** The timer that waits for early sound runs only while neither is shown. */
const noMoreWaiting = (state: EarlyState): readonly CallEffect[] =>
  state.name === 'ringing' && !rings(state) && state.forks.length > 0 && waitsForSound(state.target)
    ? [{ do: 'clear-timer', id: 'early' }]
    : [];

/** No peer is left: the failure of the last one says where to go on. */
function exhausted(state: StateOf<'dialling'>): Step {
  const { last } = state;
  const failure = last?.failure ?? 'no-route';
  return onwardOrEnd(state, { by: 'gateway', ...last, failure }, { gone: 'b' });
}

/** On to the next target, if there is one for this failure. Never once somebody has answered: that would bill twice. */
function onwardOrEnd(
  state: EarlyState,
  cause: EndCause & { readonly failure: FailureCode },
  how: { readonly gone?: 'b'; readonly next?: TryNext | undefined } = {},
): Step {
  const way = onward(state.otherwise, cause.failure, how.next);
  if (way === undefined) return end(state, cause, how.gone === undefined ? {} : { gone: how.gone });
  const { target, otherwise } = way;
  const { a } = state;
  const { failure, sipStatus } = cause;
  const legs = calling(state, target);
  const direction = directionOf(legs);
  return go({ name: 'rerouting', direction, legs, target, otherwise, a }, [
    { do: 'clear-timer', id: 'ring' },
    ...noMoreWaiting(state),
    ...(how.gone === undefined ? [{ do: 'abandon-callee', cause } as const] : []),
    {
      do: 'fact',
      fact: { type: 'attempt-failed', ...whom(state.target), failure, ...(sipStatus === undefined ? {} : { sipStatus }) },
    },
    routed(target, direction),
    { do: 'set-timer', id: 'setup' },
    { do: 'prepare-callee', target },
  ]);
}

function answer(state: EarlyState, sdp: string): Step {
  return go({ name: 'answering', direction: state.direction, legs: state.legs, a: state.a, kept: {} }, [
    { do: 'clear-timer', id: 'ring' },
    ...noMoreWaiting(state),
    { do: 'set-timer', id: 'length' },
    { do: 'fact', fact: { type: 'answered' } },
    { do: 'accept-callee', sdp, stage: 'final', attempt: state.attempt },
  ]);
}

function calleeCause(event: Extract<CallEvent, { type: 'failed' }>): EndCause & { readonly failure: FailureCode } {
  const { failure, status } = event;
  return status === undefined ? { by: 'gateway', failure } : { by: 'callee', failure, sipStatus: status, ...farOf(event) };
}
