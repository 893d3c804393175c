import type { CallProblem } from './call-problem.js';

/** How a call came to its end, as the person is told. */
export type Ending =
  | { readonly kind: 'local' }
  | { readonly kind: 'remote' }
  | { readonly kind: 'missed' }
  /** Another page or telephone of the same person or group took it. */
  | { readonly kind: 'elsewhere' }
  | { readonly kind: 'declined' }
  | { readonly kind: 'problem'; readonly problem: CallProblem };

/** Who has the call on hold. */
export type Held = 'local' | 'remote' | 'both';

/**
 * What the button shows.
 *
 * ```
 *  idle/ended ──press──▶ microphone ──ready──▶ dialling ──180──▶ ringing ──183──▶ early-media
 *      ▲                     │                    └────────┬────────┴───────────────┘
 *      │                     ▼                             ▼ 200
 *    ended ◀── hang up, refusal, fault, BYE ─────────── connected
 *      ▲                                                   ▲
 *  idle/ended ──call in──▶ incoming ──answer──▶ answering ─┤
 *    idle ──a call from before a reload──▶ resuming ───────┘
 * ```
 */
export type ViewState =
  | { readonly name: 'idle' }
  | { readonly name: 'microphone'; readonly peer: string }
  | { readonly name: 'dialling'; readonly peer: string }
  | { readonly name: 'ringing'; readonly peer: string }
  | { readonly name: 'early-media'; readonly peer: string }
  | { readonly name: 'incoming'; readonly peer: string }
  | { readonly name: 'answering'; readonly peer: string }
  | { readonly name: 'resuming'; readonly peer: string; readonly sinceMs: number; readonly held?: Held }
  | { readonly name: 'connected'; readonly peer: string; readonly sinceMs: number; readonly held?: Held; readonly link?: 'lost' }
  | { readonly name: 'ended'; readonly peer: string; readonly ending: Ending; readonly talkedMs: number };

export type ViewEvent =
  | { readonly type: 'call-pressed'; readonly to: string }
  | { readonly type: 'microphone-ready' }
  /** 18x. `early`: the network sends sound of its own, so ours must stop (RFC 3960 §3.2). */
  | { readonly type: 'progress'; readonly early: boolean }
  | { readonly type: 'connected'; readonly atMs: number }
  /** The far end put the call on hold, or took it off. */
  | { readonly type: 'hold-changed'; readonly held: 'remote' | 'none' }
  /** The person puts the far end on hold, or talks with it again. */
  | { readonly type: 'hold-pressed'; readonly on: boolean }
  /** The far end refused the hold, or its end; what `on` says goes on. */
  | { readonly type: 'hold-refused'; readonly on: boolean }
  /** The page was loaded anew while it had a call. */
  | { readonly type: 'call-found'; readonly peer: string; readonly sinceMs: number; readonly held: boolean }
  /** The connection to the gateway or the path of the sound broke, or is there again; the call itself goes on. */
  | { readonly type: 'link-changed'; readonly link: 'lost' | 'there' }
  | { readonly type: 'call-arrived'; readonly from: string }
  | { readonly type: 'caller-gave-up'; readonly kind: 'missed' | 'elsewhere' }
  | { readonly type: 'answer-pressed' }
  | { readonly type: 'decline-pressed' }
  | { readonly type: 'hang-up-pressed'; readonly atMs: number }
  | { readonly type: 'far-end-hung-up'; readonly atMs: number }
  | { readonly type: 'failed'; readonly problem: CallProblem; readonly atMs: number }
  | { readonly type: 'dismissed' };

export type Effect =
  | { readonly type: 'open-microphone' }
  | { readonly type: 'dial'; readonly to: string }
  | { readonly type: 'accept' }
  /** Takes back the call from before the page was loaded anew. */
  | { readonly type: 'take-back' }
  | { readonly type: 'hold'; readonly on: boolean }
  /** Ends whatever there is: CANCEL, BYE, a refusal, or nothing. */
  | { readonly type: 'leave' }
  | { readonly type: 'tone'; readonly tone: 'ringback' | 'ring' | 'none' }
  | { readonly type: 'report'; readonly problem: CallProblem };

export interface Step {
  readonly state: ViewState;
  readonly effects: readonly Effect[];
}

const silence: Effect = { type: 'tone', tone: 'none' };

function stay(state: ViewState): Step {
  return { state, effects: [] };
}

function end(state: Exclude<ViewState, { name: 'idle' }>, ending: Ending, atMs: number): Step {
  const talkedMs = 'sinceMs' in state ? Math.max(0, atMs - state.sinceMs) : 0;
  const report: readonly Effect[] = ending.kind === 'problem' ? [{ type: 'report', problem: ending.problem }] : [];
  return { state: { name: 'ended', peer: state.peer, ending, talkedMs }, effects: [silence, { type: 'leave' }, ...report] };
}

function fromRest(state: ViewState, event: ViewEvent): Step {
  switch (event.type) {
    case 'call-pressed':
      return { state: { name: 'microphone', peer: event.to }, effects: [{ type: 'open-microphone' }] };
    case 'call-arrived':
      return { state: { name: 'incoming', peer: event.from }, effects: [{ type: 'tone', tone: 'ring' }] };
    case 'call-found': {
      const found: ViewState = { name: 'resuming', peer: event.peer, sinceMs: event.sinceMs };
      return { state: event.held ? { ...found, held: 'local' } : found, effects: [{ type: 'take-back' }] };
    }
    case 'failed': {
      const ending: Ending = { kind: 'problem', problem: event.problem };
      return { state: { name: 'ended', peer: '', ending, talkedMs: 0 }, effects: [{ type: 'report', problem: event.problem }] };
    }
    case 'dismissed':
      return stay({ name: 'idle' });
    default:
      return stay(state);
  }
}

type OutgoingState = Extract<ViewState, { name: 'dialling' | 'ringing' | 'early-media' }>;

function whileOutgoing(state: OutgoingState, event: ViewEvent): Step {
  if (event.type === 'progress') {
    if (event.early) return { state: { name: 'early-media', peer: state.peer }, effects: [silence] };
    if (state.name !== 'dialling') return stay(state);
    return { state: { name: 'ringing', peer: state.peer }, effects: [{ type: 'tone', tone: 'ringback' }] };
  }
  if (event.type === 'connected') return connect(state.peer, event.atMs);
  return whileBusy(state, event);
}

function connect(peer: string, atMs: number): Step {
  return { state: { name: 'connected', peer, sinceMs: atMs }, effects: [silence] };
}

function whileIncoming(state: Extract<ViewState, { name: 'incoming' }>, event: ViewEvent): Step {
  switch (event.type) {
    case 'answer-pressed':
      return { state: { name: 'answering', peer: state.peer }, effects: [silence, { type: 'open-microphone' }] };
    case 'decline-pressed':
    case 'hang-up-pressed':
      return end(state, { kind: 'declined' }, 0);
    default:
      return whileBusy(state, event);
  }
}

function whileAnswering(state: Extract<ViewState, { name: 'answering' }>, event: ViewEvent): Step {
  if (event.type === 'microphone-ready') return { state, effects: [{ type: 'accept' }] };
  if (event.type === 'connected') return connect(state.peer, event.atMs);
  return whileBusy(state, event);
}

function whileBusy(state: Exclude<ViewState, { name: 'idle' | 'ended' }>, event: ViewEvent): Step {
  switch (event.type) {
    case 'hang-up-pressed':
      return end(state, { kind: 'local' }, event.atMs);
    case 'far-end-hung-up':
      return end(state, { kind: 'remote' }, event.atMs);
    case 'failed':
      return end(state, { kind: 'problem', problem: event.problem }, event.atMs);
    case 'caller-gave-up':
      return state.name === 'incoming' || state.name === 'answering' ? end(state, { kind: event.kind }, 0) : stay(state);
    default:
      return stay(state);
  }
}

function whileResuming(state: Extract<ViewState, { name: 'resuming' }>, event: ViewEvent): Step {
  return event.type === 'connected' ? { state: { ...state, name: 'connected' }, effects: [] } : whileBusy(state, event);
}

function whileConnected(state: Connected, event: ViewEvent): Step {
  switch (event.type) {
    case 'hold-changed':
      return stay(withHold(state, { ...sidesOf(state), remote: event.held === 'remote' }));
    case 'hold-pressed':
      if (sidesOf(state).local === event.on) return stay(state);
      return { state: withHold(state, { ...sidesOf(state), local: event.on }), effects: [{ type: 'hold', on: event.on }] };
    case 'hold-refused':
      return stay(withHold(state, { ...sidesOf(state), local: event.on }));
    case 'link-changed':
      return stay(withLink(state, event.link));
    default:
      return whileBusy(state, event);
  }
}

type Connected = Extract<ViewState, { name: 'connected' }>;

interface Sides {
  readonly local: boolean;
  readonly remote: boolean;
}

const sidesOf = ({ held }: Connected): Sides => ({
  local: held === 'local' || held === 'both',
  remote: held === 'remote' || held === 'both',
});

function withHold({ held: _before, ...state }: Connected, { local, remote }: Sides): ViewState {
  if (!local && !remote) return state;
  return { ...state, held: local && remote ? 'both' : local ? 'local' : 'remote' };
}

function withLink({ link: _before, ...state }: Connected, link: 'lost' | 'there'): ViewState {
  return link === 'there' ? state : { ...state, link };
}

/** Pure: no clock, no I/O. A pair it does not name leaves the view as it is. */
export function next(state: ViewState, event: ViewEvent): Step {
  switch (state.name) {
    case 'idle':
    case 'ended':
      return fromRest(state, event);
    case 'microphone':
      if (event.type !== 'microphone-ready') return whileBusy(state, event);
      return { state: { name: 'dialling', peer: state.peer }, effects: [{ type: 'dial', to: state.peer }] };
    case 'dialling':
    case 'ringing':
    case 'early-media':
      return whileOutgoing(state, event);
    case 'incoming':
      return whileIncoming(state, event);
    case 'answering':
      return whileAnswering(state, event);
    case 'resuming':
      return whileResuming(state, event);
    case 'connected':
      return whileConnected(state, event);
  }
}

/** Who has the call on hold; `none` when there is no call, or nobody has. */
export function heldIn(state: ViewState): Held | 'none' {
  return 'held' in state ? state.held : 'none';
}

/** Whether digits may be pressed already, to be sent as soon as the far end can hear them. */
export function keepsDigits(state: ViewState): boolean {
  return state.name !== 'idle' && state.name !== 'ended' && state.name !== 'incoming';
}

/** Whether digits can be sent to the far end in this state. */
export function takesDigits(state: ViewState): boolean {
  return state.name === 'connected' || state.name === 'early-media';
}
