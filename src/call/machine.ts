/** The arrows of a call. Pure: no clock, no I/O. A pair of state and event not named here leaves the call as it is. */
import type { LegName } from '../media/plane.js';
import type { DialogEnd } from '../sip/port.js';
import type { CallEffect } from './effect.js';
import type { CallEvent } from './event.js';
import type { CallDirection } from './facts.js';
import type { FailureCode } from './failure-code.js';
import { inConnected } from './machine-connected.js';
import { calling, dial, earlyAnswer, inDialling, inRerouting, inRinging, routed } from './machine-ringing.js';
import { type CallState, connected, directionOf, kindOf, kindsOf, type StateOf } from './state.js';
import { ackedLateOffer, end, endedBy, farOf, finish, go, type Live, type Step, stay } from './step.js';

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
      const legs = calling(state, target);
      const direction = directionOf(legs);
      return go({ name: 'preparing', direction, legs, target, otherwise }, [
        routed(target, direction),
        { do: 'set-timer', id: 'setup' },
        { do: 'prepare-media', target },
      ]);
    }
    case 'route-refused':
      return end(state, { by: 'gateway', failure: event.failure });
    case 'offered':
      return notYet(state, event.leg);
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
    case 'offered':
      return notYet(state, event.leg);
    case 'timer':
      return event.id === 'setup' ? end(state, { by: 'gateway', failure: 'media-setup-failed' }) : undefined;
    default:
      return undefined;
  }
}

function inAnswering(state: StateOf<'answering'>, event: CallEvent): Step | undefined {
  switch (event.type) {
    case 'final-accepted':
      return go({ name: 'connecting', direction: state.direction, legs: state.legs, role: state.a.role, kept: state.kept }, [
        { do: 'answer-caller', answer: state.a },
      ]);
    case 'final-refused':
      return end(state, { by: 'gateway', failure: event.failure });
    case 'offered':
      return event.leg === 'a' ? notYet(state, 'a') : keep(state, event);
    case 'redescribed':
      return event.leg === 'a' ? go({ ...state, a: { role: 'answer', sdp: event.sdp } }, []) : undefined;
    case 'acked':
      return earlyAnswer(state, event);
    default:
      return undefined;
  }
}

function inConnecting(state: StateOf<'connecting'>, event: CallEvent): Step | undefined {
  switch (event.type) {
    case 'acked':
      return event.leg === 'a' ? callerAcked(state, event.sdp) : ackedLateOffer(state, event);
    case 'offered':
      return keep(state, event);
    default:
      return undefined;
  }
}

/** An offer while another one has no answer, or nobody to give it (RFC 3261 §14.2). */
const notYet = (state: Live, leg: LegName): Step => go(state, [{ do: 'refuse-offer', leg, status: 491 }]);

/**
 * A page may hold a call in the moment it answers it, and a telephone's ACK may be overtaken by what follows
 * it. Common user agents do not ask again after a 491, so such an offer waits for the call.
 */
function keep(state: StateOf<'answering' | 'connecting'>, event: Extract<CallEvent, { type: 'offered' }>): Step {
  return go({ ...state, kept: { ...state.kept, [event.leg]: event } }, []);
}

/** The caller's ACK ends the three-way handshake; when we made the offer it must bring the answer. */
function callerAcked(state: StateOf<'connecting'>, sdp: string | undefined): Step {
  if (state.role === 'offer' && sdp === undefined) return end(state, { by: 'gateway', failure: 'media-setup-failed' });
  const { direction, legs, kept } = state;
  const accept: CallEffect[] = state.role === 'offer' && sdp !== undefined ? [{ do: 'accept-answer', leg: 'a', sdp }] : [];
  let step = go(connected(direction, legs), accept);
  for (const offer of [kept.a, kept.b]) {
    if (offer === undefined) continue;
    const { state: after, effects } = next(step.state, offer);
    step = go(after, [...step.effects, ...effects]);
  }
  return step;
}

/** Arrows that every live state has. */
function anywhere(state: Live, event: CallEvent): Step | undefined {
  switch (event.type) {
    case 'cancelled':
      return answersCaller(state) ? undefined : end(state, { by: 'caller', failure: 'cancelled', ...farOf(event) }, { gone: 'a' });
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
    case 'answer-refused':
      return hasMedia(state) ? end(state, { by: 'gateway', failure: 'media-not-acceptable' }) : undefined;
    case 'media-lost':
      return hasMedia(state) ? end(state, { by: 'gateway', failure: 'media-lost' }) : undefined;
    case 'media-gone':
      return hasMedia(state) && kindOf(state, event.leg) === 'browser'
        ? end(state, { by: endedBy(event.leg), failure: 'browser-gone' })
        : undefined;
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
  if (by === 'remote') return end(state, { by: endedBy(leg), ...farOf(event) }, { gone: leg });
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

const hasMedia = (state: Live): boolean => state.name !== 'routing';
const answersCaller = (state: Live): boolean => state.name === 'connecting' || state.name === 'connected';
const answersCallee = (state: Live): boolean => state.name === 'answering' || answersCaller(state);
const legInvited = (state: Live, leg: LegName): boolean =>
  leg === 'a' || (state.name !== 'routing' && state.name !== 'preparing' && state.name !== 'rerouting');
