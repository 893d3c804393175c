/** How a call is taken down: what is open in a state, and what closes it. Pure. */
import type { LegName } from '../media/plane.js';
import type { CallEffect } from './effect.js';
import type { Part } from './event.js';
import type { CallState, EndCause } from './state.js';
import { goneInTransfer } from './transfer/transfer-state.js';

/** What exists of a call and must be ended. */
export interface OpenParts {
  readonly a: 'invited' | 'answered' | 'gone';
  readonly b: 'none' | 'invited' | 'answered' | 'gone';
  readonly media: boolean;
}

/** What is open in `state`; `gone` is a leg that has ended by itself. */
export function openParts(state: Exclude<CallState, { readonly name: 'ending' | 'ended' }>, gone?: LegName): OpenParts {
  const open = openIn(state.name);
  const left = state.name === 'connected' ? goneInTransfer(state.transfer) : undefined;
  const isGone = (leg: LegName): boolean => gone === leg || left === leg;
  return { a: isGone('a') ? 'gone' : open.a, b: isGone('b') ? 'gone' : open.b, media: open.media };
}

function openIn(name: Exclude<CallState['name'], 'ending' | 'ended'>): OpenParts {
  switch (name) {
    case 'routing':
      return { a: 'invited', b: 'none', media: false };
    case 'preparing':
    case 'rerouting':
      return { a: 'invited', b: 'none', media: true };
    case 'dialling':
    case 'ringing':
      return { a: 'invited', b: 'invited', media: true };
    case 'answering':
      return { a: 'invited', b: 'answered', media: true };
    case 'connecting':
    case 'connected':
      return { a: 'answered', b: 'answered', media: true };
  }
}

/**
 * The order of taking down: timers, the caller, the called side, media last, so that the last
 * counters of both legs are complete. A rejected caller needs no confirmation; a BYE, a CANCEL
 * and the media do, and are waited for.
 */
export function effectsOfEnding(
  open: OpenParts,
  cause: EndCause,
  status?: number,
): { readonly effects: readonly CallEffect[]; readonly waiting: readonly Part[] } {
  const effects: CallEffect[] = [{ do: 'clear-timers' }];
  const waiting: Part[] = [];
  if (open.a === 'invited') {
    const { failure = 'internal', far } = cause;
    effects.push({
      do: 'reject-caller',
      failure,
      ...(status === undefined ? {} : { status }),
      ...(far === undefined ? {} : { far }),
    });
  }
  if (open.a === 'answered') {
    effects.push({ do: 'bye', leg: 'a', cause });
    waiting.push('a');
  }
  if (open.b === 'invited') effects.push({ do: 'cancel-callee', cause });
  if (open.b === 'answered') effects.push({ do: 'bye', leg: 'b', cause });
  if (open.b === 'invited' || open.b === 'answered') waiting.push('b');
  if (open.media) {
    effects.push({ do: 'close-media' });
    waiting.push('media');
  }
  return { effects, waiting };
}
