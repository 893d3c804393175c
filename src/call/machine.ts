/** The arrows of a call. Pure: no clock, no I/O. A pair of state and event not named here leaves the call as it is. */
import type { LegName } from '../media/plane.js';
import type { CallEffect } from './effect.js';
import { effectsOfEnding, openParts } from './ending.js';
import type { CallEvent, HeldDigit } from './event.js';
import type { CallDirection, EndedBy } from './facts.js';
import type { FailureCode } from './failure-code.js';
import { browserLeg, type CallState, type EndCause, legKind, type StateOf, trunkLeg } from './state.js';

export interface Step {
  readonly state: CallState;
  readonly effects: readonly CallEffect[];
}

type Live = Exclude<CallState, { readonly name: 'ending' | 'ended' }>;

/** Digits from the telephone kept until the browser's dialog exists; more than these are dropped. */
const MAX_HELD_DIGITS = 32;

/** The first step of a call. */
export function begin(direction: CallDirection): Step {
  return { state: { name: 'routing', direction }, effects: [{ do: 'route' }] };
}

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
      const { target } = event;
      const dialled =
        target.kind === 'trunk' ? { trunk: target.trunk, dialled: target.number } : { user: target.user, dialled: target.user };
      return go({ name: 'preparing', direction: state.direction, target }, [
        { do: 'fact', fact: { type: 'routed', ...dialled } },
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
    case 'media-ready': {
      const { direction, target } = state;
      return go({ name: 'dialling', direction, target, a: event.a, bOffer: event.bOffer, attempt: 0 }, [
        { do: 'clear-timer', id: 'setup' },
        { do: 'set-timer', id: 'ring' },
        { do: 'dial', target, offer: event.bOffer, attempt: 0 },
      ]);
    }
    case 'media-refused':
      return end(state, { by: 'gateway', failure: event.failure }, { status: event.status });
    case 'timer':
      return event.id === 'setup' ? end(state, { by: 'gateway', failure: 'media-setup-failed' }) : undefined;
    default:
      return undefined;
  }
}

function inDialling(state: StateOf<'dialling'>, event: CallEvent): Step | undefined {
  switch (event.type) {
    case 'progress':
      return event.sdp === undefined ? ring(state, 180, event.status) : acceptEarly(state, event.sdp);
    case 'early-accepted':
      return ring(state, 183, 183);
    case 'early-refused':
      return ring(state, 180, 183);
    case 'answered':
      return answer(state, event.sdp, []);
    case 'failed': {
      const cause = calleeCause(event);
      if (!event.elsewhere) return end(state, cause, { gone: 'b' });
      const attempt = state.attempt + 1;
      return go({ ...state, attempt, last: cause }, [{ do: 'dial', target: state.target, offer: state.bOffer, attempt }]);
    }
    case 'dial-refused':
      return end(state, { by: 'gateway', failure: event.failure }, { gone: 'b' });
    case 'dial-exhausted':
      return end(state, state.last ?? { by: 'gateway', failure: 'no-route' }, { gone: 'b' });
    case 'media-failed':
      // The browser has had no answer of ours yet, so it cannot have begun; the telephone network is slow.
      return event.leg === browserLeg(state.direction) && event.leg === 'a' ? go(state, [{ do: 'renew-caller' }]) : undefined;
    case 'timer': {
      // A trunk that did not even say 18x has not answered us; a browser that did not is just not answering.
      const failure = state.target.kind === 'trunk' ? 'trunk-timeout' : 'no-answer';
      return event.id === 'ring' ? end(state, { by: 'gateway', failure }) : undefined;
    }
    default:
      return undefined;
  }
}

function inRinging(state: StateOf<'ringing'>, event: CallEvent): Step | undefined {
  switch (event.type) {
    case 'progress':
      return event.sdp === undefined ? undefined : acceptEarly(state, event.sdp);
    case 'early-accepted':
      // Early media has begun: the caller's own ringing must stop. It never starts again (RFC 3960 §3).
      return state.shown === 183 ? undefined : ring(state, 183, 183);
    case 'answered':
      return answer(state, event.sdp, state.held);
    case 'failed':
      return end(state, calleeCause(event), { gone: 'b' });
    case 'timer':
      return event.id === 'ring' ? end(state, { by: 'gateway', failure: 'no-answer' }) : undefined;
    case 'digit':
      return holdDigit(state, event);
    default:
      return undefined;
  }
}

function inAnswering(state: StateOf<'answering'>, event: CallEvent): Step | undefined {
  switch (event.type) {
    case 'final-accepted':
      return go({ name: 'connecting', direction: state.direction, role: state.a.role, held: state.held }, [
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
  const { direction } = state;
  const flushed = state.held.map((held): CallEffect => ({ do: 'send-info', leg: browserLeg(direction), held, by: 'rfc4733' }));
  const accept: CallEffect[] = state.role === 'offer' && sdp !== undefined ? [{ do: 'accept-answer', leg: 'a', sdp }] : [];
  return go({ name: 'connected', direction, browser: 'there', silent: [] }, [...accept, ...flushed]);
}

function inConnected(state: StateOf<'connected'>, event: CallEvent): Step | undefined {
  const browser = browserLeg(state.direction);
  switch (event.type) {
    case 'acked':
      return ackedLateOffer(state, event);
    case 'answer-refused':
      return end(state, { by: 'gateway', failure: 'media-not-acceptable' });
    case 'offered':
      return event.leg === browser ? browserReturned(state, answerOffer(event)) : go(state, [answerOffer(event)]);
    case 'flow-lost':
      return event.leg === browser ? signallingLost(state) : undefined;
    case 'media-gone':
      return event.leg === browser ? browserMediaGone(state) : undefined;
    case 'media-silent':
      return legSilent(state, event);
    case 'media-resumed':
      return legResumed(state, event.leg);
    case 'digit':
      if (event.leg === browser) return undefined;
      return go(state, [{ do: 'send-info', leg: browser, held: { digit: event.digit, durationMs: event.durationMs }, by: 'rfc4733' }]);
    case 'info-digits':
      if (event.leg === browser) return go(state, [{ do: 'send-digits', leg: trunkLeg(state.direction), digits: event.digits }]);
      return go(
        state,
        event.digits.map((held) => ({ do: 'send-info', leg: browser, held, by: 'info' })),
      );
    case 'timer':
      return timerInConnected(state, event);
    default:
      return undefined;
  }
}

function timerInConnected(state: StateOf<'connected'>, event: Extract<CallEvent, { type: 'timer' }>): Step | undefined {
  switch (event.id) {
    case 'grace':
      if (state.browser !== 'signalling-lost') return undefined;
      if (state.silent.includes(browserLeg(state.direction))) return browserGone(state);
      return go({ ...state, browser: 'signalling-overdue' }, []);
    case 'gone':
      return state.browser === 'media-gone' ? browserGone(state) : undefined;
    case 'dead':
      return state.silent.length === 2 ? end(state, { by: 'gateway', failure: 'media-lost' }) : undefined;
    default:
      return undefined;
  }
}

/** A WebSocket may come back and audio does not need it: the call lives on while media does (survey theme 20). */
function signallingLost(state: StateOf<'connected'>): Step | undefined {
  if (state.browser === 'media-gone') return browserGone(state);
  if (state.browser !== 'there') return undefined;
  return go({ ...state, browser: 'signalling-lost' }, [
    { do: 'fact', fact: { type: 'flow-lost', leg: browserLeg(state.direction) } },
    { do: 'set-timer', id: 'grace' },
  ]);
}

/** A page that hangs up closes its media beside its BYE, so the BYE gets a moment to arrive. */
function browserMediaGone(state: StateOf<'connected'>): Step | undefined {
  if (state.browser === 'media-gone') return undefined;
  if (state.browser !== 'there') return browserGone(state);
  return go({ ...state, browser: 'media-gone' }, [{ do: 'set-timer', id: 'gone' }]);
}

function browserReturned(state: StateOf<'connected'>, effect: CallEffect): Step {
  if (state.browser === 'there' || state.browser === 'media-gone') return go(state, [effect]);
  return go({ ...state, browser: 'there' }, [{ do: 'clear-timer', id: 'grace' }, effect]);
}

function browserGone(state: StateOf<'connected'>): Step {
  return end(state, { by: endedBy(browserLeg(state.direction)), failure: 'browser-gone' });
}

function legSilent(state: StateOf<'connected'>, event: Extract<CallEvent, { type: 'media-silent' }>): Step | undefined {
  const { leg, silentMs, cause, detail } = event;
  if (state.silent.includes(leg)) return undefined;
  if (state.browser === 'signalling-overdue' && leg === browserLeg(state.direction)) return browserGone(state);
  const silent = [...state.silent, leg];
  const fact: CallEffect = {
    do: 'fact',
    fact: { type: 'media-silent', leg, kind: legKind(state.direction, leg), silentMs, cause, detail },
  };
  return go({ ...state, silent }, silent.length === 2 ? [fact, { do: 'set-timer', id: 'dead' }] : [fact]);
}

function legResumed(state: StateOf<'connected'>, leg: LegName): Step | undefined {
  if (!state.silent.includes(leg)) return undefined;
  const fact: CallEffect = { do: 'fact', fact: { type: 'media-resumed', leg, kind: legKind(state.direction, leg) } };
  const clear: CallEffect[] = state.silent.length === 2 ? [{ do: 'clear-timer', id: 'dead' }] : [];
  return go({ ...state, silent: state.silent.filter((one) => one !== leg) }, [fact, ...clear]);
}

/** Arrows that every live state has. */
function anywhere(state: Live, event: CallEvent): Step | undefined {
  switch (event.type) {
    case 'cancelled':
      return answersCaller(state) ? undefined : end(state, { by: 'caller', failure: 'cancelled' }, { gone: 'a' });
    case 'leg-ended':
      return legEnded(state, event);
    case 'flow-lost':
      return event.leg === browserLeg(state.direction) && legInvited(state, event.leg)
        ? end(state, { by: endedBy(event.leg), failure: 'browser-gone' })
        : undefined;
    case 'media-up':
      return hasMedia(state)
        ? go(state, [{ do: 'fact', fact: { type: 'media-up', leg: event.leg, kind: legKind(state.direction, event.leg) } }])
        : undefined;
    case 'media-failed':
      return hasMedia(state) ? end(state, { by: 'gateway', failure: 'media-setup-failed' }) : undefined;
    case 'media-lost':
      return hasMedia(state) ? end(state, { by: 'gateway', failure: 'media-lost' }) : undefined;
    case 'media-gone':
      return hasMedia(state) && event.leg === browserLeg(state.direction)
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
  return end(state, { by: endedBy(leg), failure: lostDialog(legKind(state.direction, leg), by) }, { gone: leg });
}

function lostDialog(kind: 'browser' | 'trunk', by: 'local' | 'ack-timeout' | 'transport' | 'dialog-gone'): FailureCode {
  if (by === 'local') return 'internal';
  if (kind === 'browser') return 'browser-gone';
  if (by === 'transport') return 'trunk-unreachable';
  return by === 'ack-timeout' ? 'trunk-timeout' : 'trunk-error';
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

function end(state: Live, cause: EndCause, how: { readonly gone?: LegName; readonly status?: number | undefined } = {}): Step {
  const open = openParts(state, how.gone);
  const { effects, waiting } = effectsOfEnding(open, cause, how.status);
  if (waiting.length === 0) return { state: { name: 'ended', cause }, effects: [...effects, { do: 'finish', cause }] };
  return { state: { name: 'ending', cause, waiting }, effects: [...effects, { do: 'set-timer', id: 'closing' }] };
}

function finish(cause: EndCause): Step {
  return go({ name: 'ended', cause }, [{ do: 'clear-timers' }, { do: 'finish', cause }]);
}

function ring(state: StateOf<'dialling' | 'ringing'>, shown: 180 | 183, status: number): Step {
  const { direction, a } = state;
  const held = state.name === 'ringing' ? state.held : [];
  const earlyMedia = shown === 183;
  // A browser gets its answer at once, so that ICE and DTLS are done when the phone is picked up. To a
  // trunk a description in 180 would mean early media, and the caller would hear silence for ringing.
  const tellSdp = a.role === 'answer' && (earlyMedia || browserLeg(direction) === 'a');
  return go({ name: 'ringing', direction, a, shown, held }, [
    { do: 'progress-caller', status: shown, ...(tellSdp ? { sdp: a.sdp } : {}) },
    { do: 'fact', fact: { type: 'progress', status, earlyMedia } },
    ...(state.name === 'dialling' ? [{ do: 'fact', fact: { type: 'ringing' } } as const] : []),
  ]);
}

/** Newest early description wins until the final one comes; the socket stays (survey E1). */
function acceptEarly(state: StateOf<'dialling' | 'ringing'>, sdp: string): Step {
  return go(state, [{ do: 'accept-callee', sdp, stage: 'early' }]);
}

function answer(state: StateOf<'dialling' | 'ringing'>, sdp: string, held: readonly HeldDigit[]): Step {
  return go({ name: 'answering', direction: state.direction, a: state.a, held }, [
    { do: 'clear-timer', id: 'ring' },
    { do: 'set-timer', id: 'length' },
    { do: 'fact', fact: { type: 'answered' } },
    { do: 'accept-callee', sdp, stage: 'final' },
  ]);
}

type HoldingState = StateOf<'ringing' | 'answering' | 'connecting'>;

function holdDigit(state: HoldingState, event: Extract<CallEvent, { type: 'digit' }>): Step | undefined {
  if (event.leg !== trunkLeg(state.direction)) return undefined;
  if (state.held.length >= MAX_HELD_DIGITS) return digitLost(state, event.durationMs);
  return go({ ...state, held: [...state.held, { digit: event.digit, durationMs: event.durationMs }] }, []);
}

function digitLost(state: Live, durationMs: number): Step {
  return go(state, [{ do: 'fact', fact: { type: 'digit', from: 'trunk', by: 'rfc4733', durationMs, delivered: false } }]);
}

/** A digit of the browser needs nothing more: the media plane has relayed it, or could not. */
function digitFact(state: Live, event: Extract<CallEvent, { type: 'digit' }>): Step | undefined {
  if (!hasMedia(state)) return undefined;
  if (event.leg === trunkLeg(state.direction)) return digitLost(state, event.durationMs);
  const { durationMs, relayed } = event;
  return go(state, [{ do: 'fact', fact: { type: 'digit', from: 'browser', by: 'rfc4733', durationMs, delivered: relayed } }]);
}

function answerOffer(event: Extract<CallEvent, { type: 'offered' }>): CallEffect {
  return { do: 'answer-offer', leg: event.leg, ...(event.sdp === undefined ? {} : { sdp: event.sdp }) };
}

/** An ACK with a description answers the offer we made in a 200 to a re-INVITE that had none. */
function ackedLateOffer(state: Live, event: Extract<CallEvent, { type: 'acked' }>): Step | undefined {
  return event.sdp === undefined ? undefined : go(state, [{ do: 'accept-answer', leg: event.leg, sdp: event.sdp }]);
}

function calleeCause(event: Extract<CallEvent, { type: 'failed' }>): EndCause {
  const { failure, status } = event;
  return status === undefined ? { by: 'gateway', failure } : { by: 'callee', failure, sipStatus: status };
}

const endedBy = (leg: LegName): EndedBy => (leg === 'a' ? 'caller' : 'callee');
const hasMedia = (state: Live): boolean => state.name !== 'routing';
const answersCaller = (state: Live): boolean => state.name === 'connecting' || state.name === 'connected';
const answersCallee = (state: Live): boolean => state.name === 'answering' || answersCaller(state);
const legInvited = (state: Live, leg: LegName): boolean => leg === 'a' || (state.name !== 'routing' && state.name !== 'preparing');

const go = (state: CallState, effects: readonly CallEffect[]): Step => ({ state, effects });
const stay = (state: CallState): Step => ({ state, effects: [] });
