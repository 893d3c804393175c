/** Our registration with a carrier (RFC 3261 §10.2) as a value. Pure: no clock, no I/O; events carry the time. */

/** A binding the carrier has granted. */
export interface Binding {
  readonly sinceMs: number;
  readonly untilMs: number;
  readonly grantedMs: number;
  /** Index of the peer that granted it. */
  readonly peer: number;
}

interface Asking {
  readonly peer: number;
  /** What we ask for; more than configured when the carrier wants that (423). */
  readonly expiresSeconds: number;
  /** Peers that failed in this round. */
  readonly tried: number;
  /** Rounds in a row in which every peer failed. */
  readonly rounds: number;
  /** The one before, good until it runs out. */
  readonly bound?: Binding;
}

/**
 * ```
 *  idle ─▶ registering ──200──▶ registered ──refresh, flow lost, new address──▶ registering
 *              │  ▲                                        stop, from anywhere ──▶ leaving ─▶ stopped
 *              │  └── timer ── waiting
 *              └──── every peer failed, or refused ──▲
 * ```
 */
export type RegistrationState =
  | { readonly name: 'idle' }
  | ({ readonly name: 'registering' } & Asking)
  | { readonly name: 'registered'; readonly expiresSeconds: number; readonly bound: Binding }
  | ({ readonly name: 'waiting' } & Asking)
  | { readonly name: 'leaving' }
  | { readonly name: 'stopped' };

export type RegistrationEvent =
  | { readonly type: 'start' }
  | { readonly type: 'accepted'; readonly grantedSeconds: number; readonly nowMs: number }
  /** 423 (RFC 3261 §21.4.17). */
  | { readonly type: 'too-brief'; readonly minSeconds: number }
  | { readonly type: 'refused'; readonly status: number; readonly retryAfterMs?: number }
  | { readonly type: 'unanswered' }
  | { readonly type: 'timer' }
  /** The connection we registered over was closed. */
  | { readonly type: 'flow-lost'; readonly nowMs: number }
  /** This machine has other addresses than before. */
  | { readonly type: 'moved' }
  | { readonly type: 'stop' }
  /** The farewell was answered, or took too long. */
  | { readonly type: 'left' };

export type RegistrationEffect =
  | { readonly do: 'register'; readonly peer: number; readonly expiresSeconds: number }
  | { readonly do: 'unregister'; readonly peer: number }
  /** Between the two, by chance: many gateways must not come back in step (RFC 5626 §4.5). */
  | { readonly do: 'set-timer'; readonly minMs: number; readonly maxMs: number }
  | { readonly do: 'clear-timer' }
  | { readonly do: 'tell'; readonly what: 'registered' | 'failed' | 'refused' | 'left' };

export interface RegistrationStep {
  readonly state: RegistrationState;
  readonly effects: readonly RegistrationEffect[];
}

export interface RegistrationRules {
  readonly peers: number;
  readonly expiresSeconds: number;
}

/** RFC 5626 §4.5: base and longest wait; each is drawn from its upper half. */
const baseWaitMs = 30_000;
const longestWaitMs = 300_000;
/** After a refusal of the account itself; asking often gets it locked. */
const refusedWaitMs = 300_000;
const longestExpirySeconds = 86_400;
/** A connection that closes sooner than this after a registration is no good yet. */
const settledAfterMs = 10_000;
const farewellMs = 2_000;
/** A refresh asks the first peer again when enough is left of the binding for it not to answer (RFC 3261 §17.1.2.2: 32 s). */
const homecomingMs = 600_000;

/** Statuses that speak of a peer in trouble; the others refuse the account. */
const troubled = (status: number): boolean => status === 408 || status === 430 || status === 480 || (status >= 500 && status < 600);

/** The state after `event`, and what is to be done. A pair not named here leaves the registration as it is. */
export function nextRegistration(state: RegistrationState, event: RegistrationEvent, rules: RegistrationRules): RegistrationStep {
  if (event.type === 'stop') return leave(state);
  switch (state.name) {
    case 'idle':
      return event.type === 'start' ? ask({ peer: 0, expiresSeconds: rules.expiresSeconds, tried: 0, rounds: 0 }) : stay(state);
    case 'registering':
      return inRegistering(state, event, rules);
    case 'registered':
      return inRegistered(state, event);
    case 'waiting':
      return event.type === 'timer' || event.type === 'moved' ? ask(asking(state)) : stay(state);
    case 'leaving':
      return event.type === 'left' || event.type === 'timer'
        ? { state: { name: 'stopped' }, effects: [{ do: 'clear-timer' }, { do: 'tell', what: 'left' }] }
        : stay(state);
    case 'stopped':
      return stay(state);
  }
}

/** The binding that holds at `nowMs`. */
export function bindingAt(state: RegistrationState, nowMs: number): Binding | undefined {
  const bound = 'bound' in state ? state.bound : undefined;
  return bound !== undefined && bound.untilMs > nowMs ? bound : undefined;
}

function inRegistering(
  state: Extract<RegistrationState, { readonly name: 'registering' }>,
  event: RegistrationEvent,
  rules: RegistrationRules,
): RegistrationStep {
  switch (event.type) {
    case 'accepted':
      return accepted(state, event.grantedSeconds, event.nowMs);
    case 'too-brief': {
      const useful = event.minSeconds > state.expiresSeconds && event.minSeconds <= longestExpirySeconds;
      return useful ? ask({ ...asking(state), expiresSeconds: event.minSeconds }) : refused(state, refusedWaitMs);
    }
    case 'refused':
      return troubled(event.status) ? failed(state, rules, event.retryAfterMs) : refused(state, event.retryAfterMs ?? refusedWaitMs);
    case 'unanswered':
      return failed(state, rules, undefined);
    case 'moved':
      return ask(asking(state));
    default:
      return stay(state);
  }
}

function inRegistered(state: Extract<RegistrationState, { readonly name: 'registered' }>, event: RegistrationEvent): RegistrationStep {
  const { bound, expiresSeconds } = state;
  const again: Asking = { peer: bound.peer, expiresSeconds, tried: 0, rounds: 0, bound };
  switch (event.type) {
    case 'timer':
      return ask({ ...again, peer: bound.grantedMs >= homecomingMs ? 0 : bound.peer });
    case 'moved':
      return ask(again);
    case 'flow-lost':
      return event.nowMs - bound.sinceMs < settledAfterMs ? wait({ ...again, rounds: 1 }, baseWaitMs) : ask(again);
    default:
      return stay(state);
  }
}

/** A refresh falls between 80 % and 90 % of what was granted, so that one lost refresh is no lost registration. */
function accepted(state: Asking, grantedSeconds: number, nowMs: number): RegistrationStep {
  if (grantedSeconds <= 0) return refused(state, refusedWaitMs);
  const grantedMs = grantedSeconds * 1000;
  const { peer, expiresSeconds } = state;
  const bound: Binding = { peer, sinceMs: state.bound?.peer === peer ? state.bound.sinceMs : nowMs, untilMs: nowMs + grantedMs, grantedMs };
  return {
    state: { name: 'registered', expiresSeconds, bound },
    effects: [
      { do: 'set-timer', minMs: grantedMs * 0.8, maxMs: grantedMs * 0.9 },
      { do: 'tell', what: 'registered' },
    ],
  };
}

/** The next peer at once; when all of them failed, a pause that doubles from round to round. */
function failed(state: Asking, rules: RegistrationRules, retryAfterMs: number | undefined): RegistrationStep {
  const tried = state.tried + 1;
  const peer = (state.peer + 1) % rules.peers;
  if (tried < rules.peers) return ask({ ...asking(state), peer, tried });
  const upper = Math.min(longestWaitMs, baseWaitMs * 2 ** state.rounds);
  const waiting = wait(
    { ...asking(state), peer, tried: 0, rounds: state.rounds + 1 },
    Math.max(upper, Math.min(retryAfterMs ?? 0, 2 * longestWaitMs)),
  );
  return { ...waiting, effects: [...waiting.effects, { do: 'tell', what: 'failed' }] };
}

function refused(state: Asking, waitMs: number): RegistrationStep {
  const { bound: _, ...rest } = asking(state);
  const waiting = wait({ ...rest, tried: 0, rounds: state.rounds + 1 }, Math.max(waitMs, baseWaitMs));
  return { ...waiting, effects: [...waiting.effects, { do: 'tell', what: 'refused' }] };
}

function ask(asking: Asking): RegistrationStep {
  const { peer, expiresSeconds } = asking;
  return { state: { name: 'registering', ...asking }, effects: [{ do: 'clear-timer' }, { do: 'register', peer, expiresSeconds }] };
}

function wait(asking: Asking, upperMs: number): RegistrationStep {
  return { state: { name: 'waiting', ...asking }, effects: [{ do: 'set-timer', minMs: upperMs / 2, maxMs: upperMs }] };
}

function leave(state: RegistrationState): RegistrationStep {
  if (state.name === 'leaving' || state.name === 'stopped') return stay(state);
  // A request under way may yet be granted, so it is taken back too.
  const asked = state.name === 'registering' ? state.peer : undefined;
  const peer = 'bound' in state && state.bound !== undefined ? state.bound.peer : asked;
  if (peer === undefined) return { state: { name: 'stopped' }, effects: [{ do: 'clear-timer' }, { do: 'tell', what: 'left' }] };
  return {
    state: { name: 'leaving' },
    effects: [
      { do: 'set-timer', minMs: farewellMs, maxMs: farewellMs },
      { do: 'unregister', peer },
    ],
  };
}

function asking({ peer, expiresSeconds, tried, rounds, bound }: Asking): Asking {
  return { peer, expiresSeconds, tried, rounds, ...(bound === undefined ? {} : { bound }) };
}

const stay = (state: RegistrationState): RegistrationStep => ({ state, effects: [] });
