/** The arrows of a connected call: who falls silent, who goes away, who comes back. Pure. */
import type { LegName } from '../media/plane.js';
import type { CallEffect } from './effect.js';
import type { CallEvent } from './event.js';
import { browserLeg, legKind, type StateOf, trunkLeg } from './state.js';
import { ackedLateOffer, answerOffer, end, endedBy, go, type Step } from './step.js';

/** The arrows of `connected`; undefined when it has none for this event. */
export function inConnected(state: StateOf<'connected'>, event: CallEvent): Step | undefined {
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
