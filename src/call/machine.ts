/** The arrows of a call. Pure: no clock, no I/O. A pair of state and event not named here leaves the call as it is. */
import { type LegName, otherLeg } from '../media/plane.js';
import type { DialogEnd } from '../sip/port.js';
import type { CallEffect } from './effect.js';
import type { CallEvent, CallerSdp, HeldDigit } from './event.js';
import type { CallDirection } from './facts.js';
import type { FailureCode } from './failure-code.js';
import { inConnected } from './machine-connected.js';
import { onward } from './next-target.js';
import type { RouteTarget, TryNext } from './ports.js';
import { type CallState, connected, type EndCause, kindOf, kindsOf, type Shown, type StateOf } from './state.js';
import { ackedLateOffer, answerOffer, end, endedBy, finish, go, type Live, type Step, stay } from './step.js';

/** Digits from the telephone kept until the browser's dialog exists; more than these are dropped. */
const MAX_HELD_DIGITS = 32;

/** The first step of a call. */
export function begin(direction: CallDirection): Step {
  return { state: { name: 'routing', direction, legs: kindsOf(direction) }, effects: [{ do: 'route' }] };
}

/** The state after `event`, and what is to be done. */
export function next(state: CallState, event: CallEvent): Step {
  switch (state.name) {
    case 'ending':
      return inEnding(state, event);
    case 'ended':
      return inEnded(state, event);
    default:
      return forward(state, event) ?? anywhere(state, event) ?? stay(state);
  }
}

/** The arrows that belong to one state; undefined when it has none for this event. */
function forward(state: Live, event: CallEvent): Step | undefined {
  switch (state.name) {
    case 'routing':
      return inRouting(state, event);
    case 'preparing':
      return inPreparing(state, event);
    case 'dialling':
      return inDialling(state, event);
    case 'ringing':
      return inRinging(state, event);
    case 'rerouting':
      return inRerouting(state, event);
    case 'answering':
      return inAnswering(state, event);
    case 'connecting':
      return inConnecting(state, event);
    case 'connected':
      return inConnected(state, event);
  }
}

function inRouting(state: StateOf<'routing'>, event: CallEvent): Step | undefined {
  switch (event.type) {
    case 'routed': {
      const { target, otherwise = [] } = event;
      return go({ name: 'preparing', direction: state.direction, legs: calling(state, target), target, otherwise }, [
        { do: 'fact', fact: { type: 'routed', ...whom(target), dialled: target.kind === 'trunk' ? target.number : target.user } },
        { do: 'set-timer', id: 'setup' },
        { do: 'prepare-media', target },
      ]);
    }
    case 'route-refused':
      return end(state, { by: 'gateway', failure: event.failure });
    default:
      return undefined;
  }
}

function inPreparing(state: StateOf<'preparing'>, event: CallEvent): Step | undefined {
  switch (event.type) {
    case 'media-ready':
      return dial(state, event.a, event.bOffer);
    case 'media-refused':
      return end(state, { by: 'gateway', failure: event.failure }, { status: event.status });
    case 'timer':
      return event.id === 'setup' ? end(state, { by: 'gateway', failure: 'media-setup-failed' }) : undefined;
    default:
      return undefined;
  }
}

/** Between two targets. Whatever the leg before still had under way counts for nothing. */
function inRerouting(state: StateOf<'rerouting'>, event: CallEvent): Step | undefined {
  switch (event.type) {
    case 'callee-ready':
      return dial(state, state.a, event.bOffer);
    case 'media-refused':
      return end(state, { by: 'gateway', failure: event.failure });
    case 'media-failed':
      return event.leg === 'a' && state.legs.a === 'browser' ? go(state, [{ do: 'renew-caller' }]) : stay(state);
    case 'timer':
      return event.id === 'setup' ? end(state, { by: 'gateway', failure: 'media-setup-failed' }) : undefined;
    default:
      return undefined;
  }
}

function dial(state: StateOf<'preparing' | 'rerouting'>, a: CallerSdp, bOffer: string): Step {
  const { direction, legs, target, otherwise } = state;
  return go({ name: 'dialling', direction, legs, target, otherwise, a, bOffer, attempt: 0 }, [
    { do: 'clear-timer', id: 'setup' },
    { do: 'set-timer', id: 'ring', ...(target.ringMs === undefined ? {} : { ms: target.ringMs }) },
    { do: 'dial', target, offer: bOffer, attempt: 0 },
  ]);
}

/** On to the next target, if there is one for this failure. Never once somebody has answered: that would bill twice. */
function onwardOrEnd(
  state: StateOf<'dialling' | 'ringing'>,
  cause: EndCause & { readonly failure: FailureCode },
  how: { readonly gone?: 'b'; readonly next?: TryNext | undefined } = {},
): Step {
  const way = onward(state.otherwise, cause.failure, how.next);
  if (way === undefined) return end(state, cause, how.gone === undefined ? {} : { gone: how.gone });
  const { target, otherwise } = way;
  const { direction, a } = state;
  const { failure, sipStatus } = cause;
  return go({ name: 'rerouting', direction, legs: calling(state, target), target, otherwise, a }, [
    { do: 'clear-timer', id: 'ring' },
    ...(how.gone === undefined ? [{ do: 'abandon-callee', cause } as const] : []),
    {
      do: 'fact',
      fact: { type: 'attempt-failed', ...whom(state.target), failure, ...(sipStatus === undefined ? {} : { sipStatus }) },
    },
    { do: 'fact', fact: { type: 'routed', ...whom(target), dialled: target.kind === 'trunk' ? target.number : target.user } },
    { do: 'set-timer', id: 'setup' },
    { do: 'prepare-callee', target },
  ]);
}

const calling = ({ legs }: Live, target: RouteTarget): Live['legs'] => ({ ...legs, b: target.kind });

const whom = (target: RouteTarget): { readonly trunk: string } | { readonly user: string } =>
  target.kind === 'trunk' ? { trunk: target.trunk } : { user: target.user };

function inDialling(state: StateOf<'dialling'>, event: CallEvent): Step | undefined {
  switch (event.type) {
    case 'progress':
      return event.sdp === undefined ? ring(state, shownFor(event.status), event.status) : acceptEarly(state, event.sdp);
    case 'early-accepted':
      return event.attempt === state.attempt ? ring(state, 183, 183) : undefined;
    case 'early-refused':
      return event.attempt === state.attempt ? ring(state, 180, 183) : undefined;
    case 'answered':
      return answer(state, event.sdp, []);
    case 'failed': {
      const cause = calleeCause(event);
      if (!event.elsewhere) return onwardOrEnd(state, cause, { gone: 'b', next: event.next });
      const attempt = state.attempt + 1;
      return go({ ...state, attempt, last: cause }, [{ do: 'dial', target: state.target, offer: state.bOffer, attempt }]);
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
      return undefined;
  }
}

function inRinging(state: StateOf<'ringing'>, event: CallEvent): Step | undefined {
  switch (event.type) {
    case 'progress':
      return event.sdp === undefined ? ringOn(state, event.status) : acceptEarly(state, event.sdp);
    case 'early-accepted':
      // Early media has begun: the caller's own ringing must stop. It never starts again (RFC 3960 §3).
      return state.shown === 183 || event.attempt !== state.attempt ? undefined : ring(state, 183, 183);
    case 'answered':
      return answer(state, event.sdp, state.held);
    case 'failed':
      return onwardOrEnd(state, calleeCause(event), { gone: 'b', next: event.next });
    case 'timer':
      return event.id === 'ring' ? onwardOrEnd(state, { by: 'gateway', failure: 'no-answer' }) : undefined;
    case 'digit':
      return holdDigit(state, event);
    default:
      return undefined;
  }
}

function inAnswering(state: StateOf<'answering'>, event: CallEvent): Step | undefined {
  switch (event.type) {
    case 'final-accepted':
      return go({ name: 'connecting', direction: state.direction, legs: state.legs, role: state.a.role, held: state.held }, [
        { do: 'answer-caller', answer: state.a },
      ]);
    case 'final-refused':
      return end(state, { by: 'gateway', failure: event.failure });
    case 'offered':
      return go(state, [{ do: 'refuse-offer', leg: event.leg, status: 491 }]);
    case 'digit':
      return holdDigit(state, event);
    default:
      return undefined;
  }
}

function inConnecting(state: StateOf<'connecting'>, event: CallEvent): Step | undefined {
  switch (event.type) {
    case 'acked':
      return event.leg === 'a' ? callerAcked(state, event.sdp) : ackedLateOffer(state, event);
    case 'answer-refused':
      return end(state, { by: 'gateway', failure: 'media-not-acceptable' });
    case 'offered':
      if (event.leg === 'a') return go(state, [{ do: 'refuse-offer', leg: 'a', status: 491 }]);
      return go(state, [answerOffer(event)]);
    case 'digit':
      return holdDigit(state, event);
    default:
      return undefined;
  }
}

/** The caller's ACK ends the three-way handshake; when we made the offer it must bring the answer. */
function callerAcked(state: StateOf<'connecting'>, sdp: string | undefined): Step {
  if (state.role === 'offer' && sdp === undefined) return end(state, { by: 'gateway', failure: 'media-setup-failed' });
  const { direction, legs } = state;
  const page = legs.a === 'browser' ? 'a' : 'b';
  const flushed = state.held.map((held): CallEffect => ({ do: 'send-info', leg: page, held, by: 'rfc4733' }));
  const accept: CallEffect[] = state.role === 'offer' && sdp !== undefined ? [{ do: 'accept-answer', leg: 'a', sdp }] : [];
  return go(connected(direction, legs), [...accept, ...flushed]);
}

/** Arrows that every live state has. */
function anywhere(state: Live, event: CallEvent): Step | undefined {
  switch (event.type) {
    case 'cancelled':
      return answersCaller(state) ? undefined : end(state, { by: 'caller', failure: 'cancelled' }, { gone: 'a' });
    case 'leg-ended':
      return legEnded(state, event);
    case 'flow-lost':
      return kindOf(state, event.leg) === 'browser' && legInvited(state, event.leg)
        ? end(state, { by: endedBy(event.leg), failure: 'browser-gone' })
        : undefined;
    case 'media-up':
      return hasMedia(state)
        ? go(state, [{ do: 'fact', fact: { type: 'media-up', leg: event.leg, kind: kindOf(state, event.leg) } }])
        : undefined;
    case 'media-failed':
      return hasMedia(state) ? end(state, { by: 'gateway', failure: 'media-setup-failed' }) : undefined;
    case 'media-lost':
      return hasMedia(state) ? end(state, { by: 'gateway', failure: 'media-lost' }) : undefined;
    case 'media-gone':
      return hasMedia(state) && kindOf(state, event.leg) === 'browser'
        ? end(state, { by: endedBy(event.leg), failure: 'browser-gone' })
        : undefined;
    case 'digit':
      return digitFact(state, event);
    case 'timer':
      return event.id === 'length' && answersCallee(state) ? end(state, { by: 'gateway', failure: 'too-long' }) : undefined;
    case 'hang-up':
      return hangUp(state, event);
    case 'fault':
      return end(state, { by: 'gateway', failure: 'internal' });
    default:
      return undefined;
  }
}

function hangUp(state: Live, event: Extract<CallEvent, { type: 'hang-up' }>): Step {
  if (event.failure !== undefined) return end(state, { by: event.by, failure: event.failure });
  return end(state, answersCallee(state) ? { by: event.by } : { by: event.by, failure: 'cancelled' });
}

function legEnded(state: Live, event: Extract<CallEvent, { type: 'leg-ended' }>): Step | undefined {
  const { leg, by } = event;
  if (!(leg === 'a' ? answersCaller(state) : answersCallee(state))) return undefined;
  if (by === 'remote') return end(state, { by: endedBy(leg) }, { gone: leg });
  return end(state, { by: endedBy(leg), failure: lostDialog(kindOf(state, leg), by) }, { gone: leg });
}

function lostDialog(kind: 'browser' | 'trunk', by: Exclude<DialogEnd['by'], 'remote'>): FailureCode {
  if (by === 'local') return 'internal';
  if (kind === 'browser') return 'browser-gone';
  if (by === 'transport') return 'trunk-unreachable';
  return by === 'ack-timeout' || by === 'session-timer' ? 'trunk-timeout' : 'trunk-error';
}

function inEnding(state: StateOf<'ending'>, event: CallEvent): Step {
  switch (event.type) {
    case 'part-closed':
      return closed(state, event.part);
    case 'failed':
      return closed(state, 'b');
    case 'answered':
      // The telephone picked up while we gave up: it must not stay connected to nothing (RFC 3261 §9.1).
      return go(state, [{ do: 'bye', leg: 'b', cause: state.cause }]);
    case 'timer':
      return event.id === 'closing' ? finish(state.cause) : stay(state);
    default:
      return stay(state);
  }
}

function inEnded(state: StateOf<'ended'>, event: CallEvent): Step {
  return event.type === 'answered' ? go(state, [{ do: 'bye', leg: 'b', cause: state.cause }]) : stay(state);
}

function closed(state: StateOf<'ending'>, part: LegName | 'media'): Step {
  if (!state.waiting.includes(part)) return stay(state);
  const waiting = state.waiting.filter((one) => one !== part);
  return waiting.length === 0 ? finish(state.cause) : go({ ...state, waiting }, []);
}

function ring(state: StateOf<'dialling' | 'ringing'>, shown: Shown, status: number): Step {
  const { direction, legs, target, otherwise, a, attempt } = state;
  const held = state.name === 'ringing' ? state.held : [];
  const earlyMedia = shown === 183;
  // A browser gets its answer at once, so that ICE and DTLS are done when the phone is picked up. To a
  // trunk a description in 180 would mean early media, and the caller would hear silence for ringing.
  const tellSdp = a.role === 'answer' && (earlyMedia || legs.a === 'browser');
  return go({ name: 'ringing', direction, legs, target, otherwise, a, attempt, shown, held }, [
    { do: 'progress-caller', status: shown, ...(tellSdp ? { sdp: a.sdp } : {}) },
    { do: 'fact', fact: { type: 'progress', status, earlyMedia } },
    ...(!rings(state) && rings({ name: 'ringing', shown }) ? [{ do: 'fact', fact: { type: 'ringing' } } as const] : []),
  ]);
}

/** What a provisional response without media is to the caller: only 181 and 182 mean something of their own. */
const shownFor = (status: number): Shown => (status === 181 || status === 182 ? status : 180);

/** Once media is heard nothing else is shown: the caller's own ringing never starts again (RFC 3960 §3). */
function ringOn(state: StateOf<'ringing'>, status: number): Step | undefined {
  const shown = shownFor(status);
  return state.shown === 183 || state.shown === shown ? undefined : ring(state, shown, status);
}

const rings = (state: StateOf<'dialling'> | Pick<StateOf<'ringing'>, 'name' | 'shown'>): boolean =>
  state.name === 'ringing' && (state.shown === 180 || state.shown === 183);

/** No peer is left: the failure of the last one says where to go on. */
function exhausted(state: StateOf<'dialling'>): Step {
  const { last } = state;
  const failure = last?.failure ?? 'no-route';
  return onwardOrEnd(state, { by: 'gateway', ...last, failure }, { gone: 'b' });
}

/** Newest early description wins until the final one comes; the socket stays (survey E1). */
function acceptEarly(state: StateOf<'dialling' | 'ringing'>, sdp: string): Step {
  return go(state, [{ do: 'accept-callee', sdp, stage: 'early', attempt: state.attempt }]);
}

function answer(state: StateOf<'dialling' | 'ringing'>, sdp: string, held: readonly HeldDigit[]): Step {
  return go({ name: 'answering', direction: state.direction, legs: state.legs, a: state.a, held }, [
    { do: 'clear-timer', id: 'ring' },
    { do: 'set-timer', id: 'length' },
    { do: 'fact', fact: { type: 'answered' } },
    { do: 'accept-callee', sdp, stage: 'final', attempt: state.attempt },
  ]);
}

type HoldingState = StateOf<'ringing' | 'answering' | 'connecting'>;

function holdDigit(state: HoldingState, event: Extract<CallEvent, { type: 'digit' }>): Step | undefined {
  if (state.legs[event.leg] !== 'trunk' || state.legs[otherLeg(event.leg)] !== 'browser') return undefined;
  if (state.held.length >= MAX_HELD_DIGITS) return digitLost(state, event.durationMs);
  return go({ ...state, held: [...state.held, { digit: event.digit, durationMs: event.durationMs }] }, []);
}

function digitLost(state: Live, durationMs: number): Step {
  return go(state, [{ do: 'fact', fact: { type: 'digit', from: 'trunk', by: 'rfc4733', durationMs, delivered: false } }]);
}

/** A digit of the browser needs nothing more: the media plane has relayed it, or could not. */
function digitFact(state: Live, event: Extract<CallEvent, { type: 'digit' }>): Step | undefined {
  if (!hasMedia(state)) return undefined;
  if (kindOf(state, event.leg) === 'trunk') return digitLost(state, event.durationMs);
  const { durationMs, relayed } = event;
  return go(state, [{ do: 'fact', fact: { type: 'digit', from: 'browser', by: 'rfc4733', durationMs, delivered: relayed } }]);
}

function calleeCause(event: Extract<CallEvent, { type: 'failed' }>): EndCause & { readonly failure: FailureCode } {
  const { failure, status } = event;
  return status === undefined ? { by: 'gateway', failure } : { by: 'callee', failure, sipStatus: status };
}

const hasMedia = (state: Live): boolean => state.name !== 'routing';
const answersCaller = (state: Live): boolean => state.name === 'connecting' || state.name === 'connected';
const answersCallee = (state: Live): boolean => state.name === 'answering' || answersCaller(state);
const legInvited = (state: Live, leg: LegName): boolean =>
  leg === 'a' || (state.name !== 'routing' && state.name !== 'preparing' && state.name !== 'rerouting');
