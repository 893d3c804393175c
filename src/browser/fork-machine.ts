/**
 * One call to many devices. Pure: which ring, which stop, and what the caller is told.
 *
 *   waiting ──called──▶ ringing ──answered──▶ over
 *      ▲                   │ all refused, or the step's time is up
 *      └── next step ──────┤
 *                          └── no step left, cancelled ──▶ over
 */
import type { OutboundOutcome } from '../sip/port.js';

/** Names one device within a forked call. */
export type ForkId = number;

/** A device that is called, and whose it is. */
export interface Fork {
  readonly id: ForkId;
  readonly user: string;
}

/** An outcome without an answer. */
export type Unanswered = Exclude<OutboundOutcome, { readonly kind: 'answered' }>;

/** A device's refusal, kept until all have spoken. */
interface Refusal {
  readonly user: string;
  readonly outcome: Unanswered;
}

export interface ForkPlan {
  /** How many steps there are, one after another. */
  readonly steps: number;
  /** A device that declines (RFC 3261 §21.6) stops all users, not only its own. */
  readonly declineStopsAll: boolean;
}

export type ForkState =
  /** Step `step` is about to be called. */
  | {
      readonly name: 'waiting';
      readonly plan: ForkPlan;
      readonly step: number;
      readonly refusals: readonly Refusal[];
      readonly told: boolean;
    }
  | {
      readonly name: 'ringing';
      readonly plan: ForkPlan;
      readonly step: number;
      readonly forks: readonly Fork[];
      readonly refusals: readonly Refusal[];
      /** Whether the caller has heard that it rings. */
      readonly told: boolean;
    }
  | { readonly name: 'over' };

export type ForkEvent =
  /** The devices of the step that was asked for; none when nobody of it is there. */
  | { readonly type: 'called'; readonly forks: readonly Fork[] }
  | { readonly type: 'progress'; readonly fork: ForkId }
  | { readonly type: 'answered'; readonly fork: ForkId }
  | { readonly type: 'failed'; readonly fork: ForkId; readonly outcome: Unanswered }
  | { readonly type: 'step-timer' }
  | { readonly type: 'cancel' };

/** Why a device stops ringing. */
export type StopReason = 'elsewhere' | 'declined' | 'no-answer' | 'cancelled';

export type ForkEffect =
  | { readonly do: 'call-step'; readonly step: number }
  | { readonly do: 'tell-ringing' }
  | { readonly do: 'stop'; readonly forks: readonly ForkId[]; readonly why: StopReason }
  | { readonly do: 'connect'; readonly fork: ForkId }
  | { readonly do: 'hang-up'; readonly fork: ForkId }
  | { readonly do: 'clear-step-timer' }
  | { readonly do: 'refuse'; readonly outcome: Unanswered };

/** A state, and what is to be done on the way into it. */
export interface ForkStep {
  readonly state: ForkState;
  readonly effects: readonly ForkEffect[];
}

/** Nobody is there, or nobody has answered in time. */
const unanswered = (reason: string): Unanswered => ({
  kind: 'rejected',
  status: 480,
  reason,
  headers: { get: () => undefined, all: () => [] },
});

/** The first step of a forked call. */
export function beginFork(plan: ForkPlan): ForkStep {
  return { state: { name: 'waiting', plan, step: 0, refusals: [], told: false }, effects: [{ do: 'call-step', step: 0 }] };
}

/** The state after `event`, and what is to be done. A pair not named here leaves the call as it is. */
export function nextFork(state: ForkState, event: ForkEvent): ForkStep {
  switch (state.name) {
    case 'waiting':
      return inWaiting(state, event);
    case 'ringing':
      return inRinging(state, event);
    case 'over':
      // A 2xx that crossed our CANCEL, or that of a second device: nobody is to be connected to nothing.
      return event.type === 'answered' ? { state, effects: [{ do: 'hang-up', fork: event.fork }] } : { state, effects: [] };
  }
}

type Waiting = Extract<ForkState, { readonly name: 'waiting' }>;
type Ringing = Extract<ForkState, { readonly name: 'ringing' }>;

function inWaiting(state: Waiting, event: ForkEvent): ForkStep {
  const { plan, step, refusals, told } = state;
  switch (event.type) {
    case 'called':
      if (event.forks.length === 0) return onward(state);
      return { state: { name: 'ringing', plan, step, forks: event.forks, refusals, told }, effects: [] };
    case 'answered':
      return { state, effects: [{ do: 'hang-up', fork: event.fork }] };
    case 'cancel':
      return over([], { kind: 'failed', why: 'cancelled', detail: 'cancelled before anybody was called' });
    default:
      return { state, effects: [] };
  }
}

function inRinging(state: Ringing, event: ForkEvent): ForkStep {
  const ids = state.forks.map(({ id }) => id);
  switch (event.type) {
    case 'progress':
      if (state.told || !ids.includes(event.fork)) return { state, effects: [] };
      return { state: { ...state, told: true }, effects: [{ do: 'tell-ringing' }] };
    case 'answered':
      return answered(state, event.fork);
    case 'failed':
      return failed(state, event.fork, event.outcome);
    case 'step-timer': {
      const missed = state.forks.map(({ user }): Refusal => ({ user, outcome: unanswered('No Answer') }));
      return onward({ ...state, refusals: [...state.refusals, ...missed] }, stop(ids, 'no-answer'));
    }
    case 'cancel':
      return over([{ do: 'clear-step-timer' }, ...stop(ids, 'cancelled')], { kind: 'failed', why: 'cancelled', detail: 'cancelled' });
    default:
      return { state, effects: [] };
  }
}

/** The first 2xx wins; a device that was stopped before is not let in by the back door. */
function answered(state: Ringing, fork: ForkId): ForkStep {
  if (!state.forks.some(({ id }) => id === fork)) return { state, effects: [{ do: 'hang-up', fork }] };
  const others = state.forks.map(({ id }) => id).filter((id) => id !== fork);
  return { state: { name: 'over' }, effects: [{ do: 'clear-step-timer' }, ...stop(others, 'elsewhere'), { do: 'connect', fork }] };
}

function failed(state: Ringing, fork: ForkId, outcome: Unanswered): ForkStep {
  const one = state.forks.find(({ id }) => id === fork);
  if (one === undefined) return { state, effects: [] };
  const refusals = [...state.refusals, { user: one.user, outcome }];
  const left = state.forks.filter(({ id }) => id !== fork);
  if (!declines(outcome)) return settled({ ...state, forks: left, refusals }, []);
  if (state.plan.declineStopsAll) {
    const stopped = stop(
      left.map(({ id }) => id),
      'declined',
    );
    return over([{ do: 'clear-step-timer' }, ...stopped], outcome);
  }
  // Somebody who declines on one device does not want to hear the others ring.
  const theirs = left.filter(({ user }) => user === one.user).map(({ id }) => id);
  const forks = left.filter(({ user }) => user !== one.user);
  return settled({ ...state, forks, refusals }, stop(theirs, 'declined'));
}

function settled(state: Ringing, effects: readonly ForkEffect[]): ForkStep {
  return state.forks.length > 0 ? { state, effects } : onward(state, effects);
}

/** On to the next step, or to the end. */
function onward({ plan, step, refusals, told }: Waiting | Ringing, effects: readonly ForkEffect[] = []): ForkStep {
  const before: readonly ForkEffect[] = [...effects, { do: 'clear-step-timer' }];
  if (step + 1 >= plan.steps) return over(before, best(refusals));
  return {
    state: { name: 'waiting', plan, step: step + 1, refusals, told },
    effects: [...before, { do: 'call-step', step: step + 1 }],
  };
}

const over = (effects: readonly ForkEffect[], outcome: Unanswered): ForkStep => ({
  state: { name: 'over' },
  effects: [...effects, { do: 'refuse', outcome }],
});

const stop = (forks: readonly ForkId[], why: StopReason): readonly ForkEffect[] => (forks.length === 0 ? [] : [{ do: 'stop', forks, why }]);

const declines = (outcome: Unanswered): boolean => outcome.kind === 'rejected' && outcome.status >= 600;

/**
 * The refusal the caller hears (RFC 3261 §16.7, step 6). Deviates: a 6xx speaks for all only when
 * each user gave one, because one member of a group does not decline for the others.
 */
function best(refusals: readonly Refusal[]): Unanswered {
  const users = new Set(refusals.map(({ user }) => user));
  const declined = new Set(refusals.filter(({ outcome }) => declines(outcome)).map(({ user }) => user));
  const unanimous = declined.size === users.size;
  const rank = ({ outcome }: Refusal): number => {
    if (outcome.kind === 'failed') return 5;
    if (declines(outcome)) return unanimous ? 0 : 3;
    if (outcome.status === 486) return 1;
    return outcome.status === 480 || outcome.status === 408 ? 2 : 4;
  };
  const [first] = [...refusals].sort((one, other) => rank(one) - rank(other));
  return first?.outcome ?? unanswered('Not Registered');
}
