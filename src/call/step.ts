/** What a step of the call's machine is, and the steps that all of its files share. Pure. */
import type { LegName } from '../media/plane.js';
import type { CallEffect } from './effect.js';
import { effectsOfEnding, openParts } from './ending.js';
import type { CallEvent } from './event.js';
import type { EndedBy } from './facts.js';
import type { FarReasons } from './far-reason.js';
import type { CallState, EndCause } from './state.js';

/** Where a call stands after an event, and what has to be done about it. */
export interface Step {
  readonly state: CallState;
  readonly effects: readonly CallEffect[];
}

/** A call that is not ending yet. */
export type Live = Exclude<CallState, { readonly name: 'ending' | 'ended' }>;

/** The side of a leg, as the record names it. */
export const endedBy = (leg: LegName): EndedBy => (leg === 'a' ? 'caller' : 'callee');

/** What an event says of the reason, for the cause of the end. */
export const farOf = ({ far }: { readonly far?: FarReasons }): Pick<EndCause, 'far'> =>
  far === undefined || far.length === 0 ? {} : { far };

/** A step into `state`. */
export const go = (state: CallState, effects: readonly CallEffect[]): Step => ({ state, effects });

/** A step that changes nothing. */
export const stay = (state: CallState): Step => ({ state, effects: [] });

/** Takes the call down: ends what is open, and waits for what has to confirm its end. */
export function end(state: Live, cause: EndCause, how: { readonly gone?: LegName; readonly status?: number | undefined } = {}): Step {
  const open = openParts(state, how.gone);
  const ending = effectsOfEnding(open, cause, how.status);
  const { waiting } = ending;
  const effects = [...effectsOfLeavingTransfer(state), ...ending.effects];
  if (waiting.length === 0) return { state: { name: 'ended', cause }, effects: [...effects, { do: 'finish', cause }] };
  return { state: { name: 'ending', cause, waiting }, effects: [...effects, { do: 'set-timer', id: 'closing' }] };
}

/** A call that ends in the middle of a transfer leaves nobody ringing. */
function effectsOfLeavingTransfer(state: Live): readonly CallEffect[] {
  return state.name === 'connected' && state.transfer.name !== 'none' ? [{ do: 'drop-third' }] : [];
}

/** The last step. */
export function finish(cause: EndCause): Step {
  return go({ name: 'ended', cause }, [{ do: 'clear-timers' }, { do: 'finish', cause }]);
}

/** A re-offer is answered by the media plane, each leg for itself. */
export function answerOffer(event: Extract<CallEvent, { type: 'offered' }>): Extract<CallEffect, { do: 'answer-offer' }> {
  return { do: 'answer-offer', leg: event.leg, ...(event.sdp === undefined ? {} : { sdp: event.sdp }) };
}

/** An ACK with a description answers the offer we made in a 200 to a re-INVITE that had none. */
export function ackedLateOffer(state: Live, event: Extract<CallEvent, { type: 'acked' }>): Step | undefined {
  return event.sdp === undefined ? undefined : go(state, [{ do: 'accept-answer', leg: event.leg, sdp: event.sdp }]);
}
