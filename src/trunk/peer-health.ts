/** Whether a carrier's peer is worth trying. Pure: events carry the time. */

/**
 * ```
 *            failures in a row            successes in a row
 *      up ───────────────────────▶ down ───────────────────────▶ up
 *      │  a call failed: suspect    ▲
 *      │  503 with Retry-After      │ a suspect's probe unanswered
 *      └────────▶ resting ──────────┘
 *                    └── time over, or a sign of life ──▶ up
 * ```
 */
export type PeerHealth =
  | { readonly name: 'up'; readonly failures: number }
  | { readonly name: 'down'; readonly successes: number }
  /** `suspect`: a call got no response. `told`: it said itself for how long (RFC 3261 §21.5.4). */
  | { readonly name: 'resting'; readonly untilMs: number; readonly why: 'suspect' | 'told' };

export type PeerEvent =
  /** A probe was answered. */
  | { readonly type: 'alive' }
  /** A probe was not. */
  | { readonly type: 'silent' }
  /** A call got a final response that speaks of a working peer. */
  | { readonly type: 'served' }
  /** A call could not be delivered. */
  | { readonly type: 'undelivered' }
  | { readonly type: 'unavailable'; readonly retryAfterMs: number };

export interface HealthRules {
  readonly failures: number;
  readonly successes: number;
}

/** How long a peer that failed a call is tried after the others. */
export const suspectMs = 30_000;
/** A peer may send its calls away for no longer, whatever it says. */
export const longestRestMs = 300_000;

/** A peer nothing is known of. */
export const untried: PeerHealth = { name: 'up', failures: 0 };

/** The state after `event` at `nowMs`. */
export function nextHealth(before: PeerHealth, event: PeerEvent, rules: HealthRules, nowMs: number): PeerHealth {
  const state = awake(before, nowMs);
  switch (state.name) {
    case 'up':
      return fromUp(state.failures, event, rules, nowMs);
    case 'down':
      return fromDown(state.successes, event, rules);
    case 'resting':
      return fromResting(state, event, nowMs);
  }
}

/** A rest that is over is forgotten. */
export function awake(state: PeerHealth, nowMs: number): PeerHealth {
  return state.name === 'resting' && state.untilMs <= nowMs ? untried : state;
}

/** 0 is tried first. Peers that rest or are down come last, and are tried all the same when no other is left. */
export function rankOf(state: PeerHealth, nowMs: number): number {
  return { up: 0, resting: 1, down: 2 }[awake(state, nowMs).name];
}

function fromUp(failures: number, event: PeerEvent, rules: HealthRules, nowMs: number): PeerHealth {
  switch (event.type) {
    case 'alive':
    case 'served':
      return untried;
    case 'silent':
      return failures + 1 >= rules.failures ? { name: 'down', successes: 0 } : { name: 'up', failures: failures + 1 };
    case 'undelivered':
      return { name: 'resting', untilMs: nowMs + suspectMs, why: 'suspect' };
    case 'unavailable':
      return rest(event.retryAfterMs, nowMs);
  }
}

function fromDown(successes: number, event: PeerEvent, rules: HealthRules): PeerHealth {
  if (event.type !== 'alive' && event.type !== 'served') return { name: 'down', successes: 0 };
  return successes + 1 >= rules.successes ? untried : { name: 'down', successes: successes + 1 };
}

function fromResting(state: Extract<PeerHealth, { readonly name: 'resting' }>, event: PeerEvent, nowMs: number): PeerHealth {
  switch (event.type) {
    case 'served':
      return untried;
    case 'alive':
      return state.why === 'suspect' ? untried : state;
    case 'silent':
      return state.why === 'suspect' ? { name: 'down', successes: 0 } : state;
    case 'undelivered':
      return { ...state, untilMs: Math.max(state.untilMs, nowMs + suspectMs) };
    case 'unavailable':
      return rest(event.retryAfterMs, nowMs);
  }
}

function rest(retryAfterMs: number, nowMs: number): PeerHealth {
  return { name: 'resting', untilMs: nowMs + Math.min(Math.max(retryAfterMs, 0), longestRestMs), why: 'told' };
}
