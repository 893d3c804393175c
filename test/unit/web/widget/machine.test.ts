import { describe, expect, it } from 'vitest';
import {
  type Effect,
  type Ending,
  heldIn,
  keepsDigits,
  next,
  takesDigits,
  type ViewEvent,
  type ViewState,
} from '../../../../src/web/widget/machine.js';

type StateName = ViewState['name'];
type EventKey =
  | 'call-pressed'
  | 'microphone-ready'
  | '180'
  | '183'
  | 'connected'
  | 'held'
  | 'hold-pressed'
  | 'hold-refused'
  | 'link-lost'
  | 'call-found'
  | 'call-arrived'
  | 'caller-gave-up'
  | PressKey
  | EndKey;
type PressKey = 'answer-pressed' | 'decline-pressed' | 'hang-up-pressed' | 'dismissed';
type EndKey = 'far-end-hung-up' | 'failed';

const peer = '1001';
const atMs = 5_000;

const states: Readonly<Record<StateName, ViewState>> = {
  idle: { name: 'idle' },
  microphone: { name: 'microphone', peer },
  dialling: { name: 'dialling', peer },
  ringing: { name: 'ringing', peer },
  'early-media': { name: 'early-media', peer },
  incoming: { name: 'incoming', peer },
  answering: { name: 'answering', peer },
  resuming: { name: 'resuming', peer, sinceMs: 2_000, held: 'local' },
  connected: { name: 'connected', peer, sinceMs: 2_000 },
  ended: { name: 'ended', peer, ending: { kind: 'remote' }, talkedMs: 0 },
};

const events: Readonly<Record<EventKey, ViewEvent>> = {
  'call-pressed': { type: 'call-pressed', to: '1002' },
  'microphone-ready': { type: 'microphone-ready' },
  '180': { type: 'progress', early: false },
  '183': { type: 'progress', early: true },
  connected: { type: 'connected', atMs },
  held: { type: 'hold-changed', held: 'remote' },
  'hold-pressed': { type: 'hold-pressed', on: true },
  'hold-refused': { type: 'hold-refused', on: true },
  'link-lost': { type: 'link-changed', link: 'lost' },
  'call-found': { type: 'call-found', peer, sinceMs: -7_000, held: true },
  'call-arrived': { type: 'call-arrived', from: 'Ann' },
  'caller-gave-up': { type: 'caller-gave-up', kind: 'elsewhere' },
  'answer-pressed': { type: 'answer-pressed' },
  'decline-pressed': { type: 'decline-pressed' },
  'hang-up-pressed': { type: 'hang-up-pressed', atMs },
  dismissed: { type: 'dismissed' },
  'far-end-hung-up': { type: 'far-end-hung-up', atMs },
  failed: { type: 'failed', problem: 'busy', atMs },
};

interface Arrow {
  readonly to: ViewState;
  readonly effects: readonly Effect[];
}

const quiet: Effect = { type: 'tone', tone: 'none' };
const report: Effect = { type: 'report', problem: 'busy' };
const busy: Ending = { kind: 'problem', problem: 'busy' };

function ended(ending: Ending, talkedMs = 0): Arrow {
  const effects: Effect[] = [quiet, { type: 'leave' }, ...(ending.kind === 'problem' ? [report] : [])];
  return { to: { name: 'ended', peer, ending, talkedMs }, effects };
}

const fromRest: Partial<Record<EventKey, Arrow>> = {
  'call-pressed': { to: { name: 'microphone', peer: '1002' }, effects: [{ type: 'open-microphone' }] },
  'call-arrived': { to: { name: 'incoming', peer: 'Ann' }, effects: [{ type: 'tone', tone: 'ring' }] },
  'call-found': { to: { name: 'resuming', peer, sinceMs: -7_000, held: 'local' }, effects: [{ type: 'take-back' }] },
  failed: { to: { name: 'ended', peer: '', ending: busy, talkedMs: 0 }, effects: [report] },
  dismissed: { to: { name: 'idle' }, effects: [] },
};
const anyEnd: Partial<Record<EventKey, Arrow>> = {
  'hang-up-pressed': ended({ kind: 'local' }),
  'far-end-hung-up': ended({ kind: 'remote' }),
  failed: ended(busy),
};
const connect: Arrow = { to: { name: 'connected', peer, sinceMs: atMs }, effects: [quiet] };
const early: Arrow = { to: { name: 'early-media', peer }, effects: [quiet] };

/** Every arrow there is; a pair that is not here must leave the state as it is, without effects. */
const arrows: Readonly<Record<StateName, Partial<Record<EventKey, Arrow>>>> = {
  idle: fromRest,
  ended: fromRest,
  microphone: { ...anyEnd, 'microphone-ready': { to: { name: 'dialling', peer }, effects: [{ type: 'dial', to: peer }] } },
  dialling: {
    ...anyEnd,
    '180': { to: { name: 'ringing', peer }, effects: [{ type: 'tone', tone: 'ringback' }] },
    '183': early,
    connected: connect,
  },
  ringing: { ...anyEnd, '183': early, connected: connect },
  'early-media': { ...anyEnd, '183': early, connected: connect },
  incoming: {
    ...anyEnd,
    'hang-up-pressed': ended({ kind: 'declined' }),
    'decline-pressed': ended({ kind: 'declined' }),
    'caller-gave-up': ended({ kind: 'elsewhere' }),
    'answer-pressed': { to: { name: 'answering', peer }, effects: [quiet, { type: 'open-microphone' }] },
  },
  answering: {
    ...anyEnd,
    'caller-gave-up': ended({ kind: 'elsewhere' }),
    'microphone-ready': { to: { name: 'answering', peer }, effects: [{ type: 'accept' }] },
    connected: connect,
  },
  resuming: {
    connected: { to: { name: 'connected', peer, sinceMs: 2_000, held: 'local' }, effects: [] },
    'hang-up-pressed': ended({ kind: 'local' }, 3_000),
    'far-end-hung-up': ended({ kind: 'remote' }, 3_000),
    failed: ended(busy, 3_000),
  },
  connected: {
    'hold-pressed': { to: { name: 'connected', peer, sinceMs: 2_000, held: 'local' }, effects: [{ type: 'hold', on: true }] },
    'hold-refused': { to: { name: 'connected', peer, sinceMs: 2_000, held: 'local' }, effects: [] },
    'link-lost': { to: { name: 'connected', peer, sinceMs: 2_000, link: 'lost' }, effects: [] },
    held: { to: { name: 'connected', peer, sinceMs: 2_000, held: 'remote' }, effects: [] },
    'hang-up-pressed': ended({ kind: 'local' }, 3_000),
    'far-end-hung-up': ended({ kind: 'remote' }, 3_000),
    failed: ended(busy, 3_000),
  },
};

const pairs = Object.values(states).flatMap((state) => (Object.keys(events) as EventKey[]).map((event) => ({ state, event })));

describe('the state of the call button', () => {
  it('is tried with every state and every event', () => {
    expect(pairs).toHaveLength(10 * 18);
  });

  it.each(pairs.filter(({ state, event }) => arrows[state.name][event] !== undefined))(
    'goes its way from $state.name on $event',
    ({ state, event }) => {
      const arrow = arrows[state.name][event];
      expect(next(state, events[event])).toEqual({ state: arrow?.to, effects: arrow?.effects });
    },
  );

  it.each(pairs.filter(({ state, event }) => arrows[state.name][event] === undefined))(
    'is left alone in $state.name by $event',
    ({ state, event }) => {
      const step = next(state, events[event]);
      expect(step.state).toBe(state);
      expect(step.effects).toEqual([]);
    },
  );

  it('shows a hold until the far end talks again, and takes digits meanwhile', () => {
    const { state } = next(states.connected, events.held);
    expect(takesDigits(state)).toBe(true);
    expect(next(state, { type: 'hold-changed', held: 'none' }).state).toEqual(states.connected);
  });

  it('tells a hold of ours from one of the far end, and shows both', () => {
    const ours = next(states.connected, events['hold-pressed']).state;
    const both = next(ours, events.held).state;
    expect([ours, both].map(heldIn)).toEqual(['local', 'both']);
    expect(next(both, { type: 'hold-changed', held: 'none' }).state).toEqual(ours);
    const over = next(both, { type: 'hold-pressed', on: false });
    expect([heldIn(over.state), over.effects]).toEqual(['remote', [{ type: 'hold', on: false }]]);
    expect(next(ours, events['hold-pressed'])).toEqual({ state: ours, effects: [] });
    expect(heldIn(next(ours, { type: 'hold-refused', on: false }).state)).toBe('none');
  });

  it('shows that the connection is lost until it is back; hold and the end of the call are told meanwhile', () => {
    const lost = next(states.connected, { type: 'link-changed', link: 'lost' }).state;
    expect(lost).toMatchObject({ name: 'connected', link: 'lost' });
    expect(next(lost, events.held).state).toMatchObject({ link: 'lost', held: 'remote' });
    expect(next(lost, events['far-end-hung-up']).state.name).toBe('ended');
    expect(next(lost, { type: 'link-changed', link: 'there' }).state).toEqual(states.connected);
  });

  it('takes digits only while the far end can hear them', () => {
    const names = Object.values(states)
      .filter(takesDigits)
      .map(({ name }) => name);
    expect(names.sort()).toEqual(['connected', 'early-media']);
  });

  it('keeps digits for later from the press of the button on, and from the answer to a call that came in', () => {
    const names = Object.values(states)
      .filter(keepsDigits)
      .map(({ name }) => name);
    expect(names.sort()).toEqual(['answering', 'connected', 'dialling', 'early-media', 'microphone', 'resuming', 'ringing']);
  });
});
