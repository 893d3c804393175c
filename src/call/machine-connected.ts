/** The arrows of a connected call: who falls silent, who holds, who goes away, who comes back. Pure. */
import { type LegName, otherLeg } from '../media/plane.js';
import type { CallEffect } from './effect.js';
import type { CallEvent } from './event.js';
import { asked, asks, farAsksForOffer, farOffers, farSays, type Hold, isHeld, owed, wanted } from './hold.js';
import type { Presence, StateOf } from './state.js';
import { ackedLateOffer, answerOffer, end, endedBy, go, type Step } from './step.js';
import { inTransfer } from './transfer/transfer.js';

type Connected = StateOf<'connected'>;

/** The arrows of `connected`; undefined when it has none for this event. */
export function inConnected(state: Connected, event: CallEvent): Step | undefined {
  const step = inTransfer(state, event) ?? inTalk(state, event);
  return step === undefined ? undefined : tellWhoIsOwed(step);
}

function inTalk(state: Connected, event: CallEvent): Step | undefined {
  switch (event.type) {
    case 'acked':
      return ackedLateOffer(state, event);
    case 'answer-refused':
      return end(state, { by: 'gateway', failure: 'media-not-acceptable' });
    case 'offered':
      return offered(state, event);
    case 'leg-direction':
      return directionChanged(state, farSays(state.hold, event.leg, event.direction), event.leg);
    case 'informed':
      return go({ ...state, hold: asked(state.hold, event.leg, event.accepted) }, []);
    case 'given-away':
      return end(state, { by: endedBy(otherLeg(event.leg)) }, { gone: event.leg });
    case 'flow-lost':
      return state.legs[event.leg] === 'browser' ? signallingLost(state, event.leg) : undefined;
    case 'flow-found':
      return returned(state, event.leg, []);
    case 'media-gone':
      return state.legs[event.leg] === 'browser' ? mediaGone(state, event.leg) : undefined;
    case 'media-silent':
      return legSilent(state, event);
    case 'media-resumed':
      return legResumed(state, event.leg);
    case 'timer':
      return timerInConnected(state, event);
    default:
      return undefined;
  }
}

/** Each side hears what the other one does, as far as that is news. */
function tellWhoIsOwed(step: Step): Step {
  if (step.state.name !== 'connected') return step;
  let { hold } = step.state;
  const effects: CallEffect[] = [];
  for (const leg of owed(hold)) {
    effects.push({ do: 'tell-hold', leg, direction: wanted(hold, leg) });
    hold = asks(hold, leg);
  }
  return effects.length === 0 ? step : go({ ...step.state, hold }, [...step.effects, ...effects]);
}

/** A re-offer of a browser whose connection was lost has come over another one. */
function offered(state: Connected, event: Extract<CallEvent, { type: 'offered' }>): Step {
  const { leg, sdp } = event;
  const answer: CallEffect = sdp === undefined ? { ...answerOffer(event), direction: wanted(state.hold, leg) } : answerOffer(event);
  const hold = sdp === undefined ? farAsksForOffer(state.hold, leg) : farOffers(state.hold, leg);
  return returned({ ...state, hold }, leg, [answer]);
}

function directionChanged(state: Connected, hold: Hold, leg: LegName): Step {
  const before = state.hold[leg].wish;
  const direction = hold[leg].wish;
  const next: Connected = { ...state, hold };
  if (before === direction) return go(next, []);
  const kind = state.legs[leg];
  const fact: CallEffect = {
    do: 'fact',
    fact: direction === 'sendrecv' ? { type: 'resumed', leg, kind } : { type: 'held', leg, kind, direction },
  };
  return go(next, [fact, ...watchOfSilence(state, next)]);
}

/** Silence of both sides is a fault only while nobody holds. */
function watchOfSilence(before: Connected, after: Connected): readonly CallEffect[] {
  const dead = (state: Connected): boolean => state.silent.length === 2 && !isHeld(state.hold);
  if (dead(before) === dead(after)) return [];
  return [dead(after) ? { do: 'set-timer', id: 'dead' } : { do: 'clear-timer', id: 'dead' }];
}

function timerInConnected(state: Connected, event: Extract<CallEvent, { type: 'timer' }>): Step | undefined {
  switch (event.id) {
    case 'grace':
      return graceOver(state);
    case 'gone': {
      const leg = legWith(state, 'media-gone');
      return leg === undefined ? undefined : browserGone(state, leg);
    }
    case 'dead':
      return state.silent.length === 2 && !isHeld(state.hold) ? end(state, { by: 'gateway', failure: 'media-lost' }) : undefined;
    default:
      return undefined;
  }
}

const legWith = (state: Connected, presence: Presence): LegName | undefined =>
  (['a', 'b'] as const).find((leg) => state.presence[leg] === presence);

const withPresence = (state: Connected, leg: LegName, presence: Presence): Connected => ({
  ...state,
  presence: { ...state.presence, [leg]: presence },
});

/** On hold a browser is silent by agreement; that its media is gone is then seen by ICE alone (RFC 7675). */
function graceOver(state: Connected): Step | undefined {
  const away = legWith(state, 'away');
  if (away !== undefined) return isComingBack(state, away) ? go(state, [{ do: 'set-timer', id: 'grace' }]) : browserGone(state, away);
  const leg = legWith(state, 'signalling-lost');
  if (leg === undefined) return undefined;
  if (state.silent.includes(leg) && !isHeld(state.hold)) return browserGone(state, leg);
  return go(withPresence(state, leg, 'signalling-overdue'), []);
}

/** A WebSocket may come back and audio does not need it: the call lives on while media does (survey theme 20). */
function signallingLost(state: Connected, leg: LegName): Step | undefined {
  const presence = state.presence[leg];
  // Both are gone, as when a page is loaded anew: it has the same time to come back.
  if (presence === 'media-gone') {
    return go(withPresence(state, leg, 'away'), [
      { do: 'clear-timer', id: 'gone' },
      { do: 'fact', fact: { type: 'flow-lost', leg } },
      { do: 'set-timer', id: 'grace' },
    ]);
  }
  if (presence !== 'there') return undefined;
  return go(withPresence(state, leg, 'signalling-lost'), [
    { do: 'fact', fact: { type: 'flow-lost', leg } },
    { do: 'set-timer', id: 'grace' },
  ]);
}

/** A page that hangs up closes its media beside its BYE, so the BYE gets a moment to arrive. */
function mediaGone(state: Connected, leg: LegName): Step | undefined {
  const presence = state.presence[leg];
  if (presence === 'media-gone' || presence === 'away') return go(state, []);
  if (presence === 'signalling-lost') return go(withPresence(state, leg, 'away'), []);
  if (presence !== 'there') return browserGone(state, leg);
  return go(withPresence(state, leg, 'media-gone'), [{ do: 'set-timer', id: 'gone' }]);
}

/** Whatever a page says shows that it is there again. */
function returned(state: Connected, leg: LegName, effects: readonly CallEffect[]): Step {
  const presence = state.presence[leg];
  if (presence === 'there' || presence === 'media-gone') return go(state, effects);
  return go(withPresence(state, leg, 'there'), [
    { do: 'clear-timer', id: 'grace' },
    { do: 'fact', fact: { type: 'reattached', leg } },
    ...effects,
  ]);
}

/** A page shows the call's token just now. */
const isComingBack = ({ transfer }: Connected, leg: LegName): boolean => transfer.name === 'taking' && transfer.referrer === leg;

function browserGone(state: Connected, leg: LegName): Step {
  return end(state, { by: endedBy(leg), failure: 'browser-gone' });
}

function legSilent(state: Connected, event: Extract<CallEvent, { type: 'media-silent' }>): Step | undefined {
  const { leg, silentMs, cause, detail } = event;
  if (state.silent.includes(leg)) return undefined;
  const held = isHeld(state.hold);
  if (state.presence[leg] === 'signalling-overdue' && !held) return browserGone(state, leg);
  const after: Connected = { ...state, silent: [...state.silent, leg] };
  const fact: CallEffect = { do: 'fact', fact: { type: 'media-silent', leg, kind: state.legs[leg], silentMs, cause, detail } };
  return go(after, [...(held ? [] : [fact]), ...watchOfSilence(state, after)]);
}

function legResumed(state: Connected, leg: LegName): Step | undefined {
  if (!state.silent.includes(leg)) return undefined;
  const after: Connected = { ...state, silent: state.silent.filter((one) => one !== leg) };
  const fact: CallEffect = { do: 'fact', fact: { type: 'media-resumed', leg, kind: state.legs[leg] } };
  return go(after, [fact, ...watchOfSilence(state, after)]);
}
