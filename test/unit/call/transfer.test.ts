import { describe, expect, it } from 'vitest';
import type { CallId } from '../../../src/base/ids.js';
import type { CallEffect } from '../../../src/call/effect.js';
import type { CallEvent } from '../../../src/call/event.js';
import { next } from '../../../src/call/machine.js';
import type { RouteTarget } from '../../../src/call/ports.js';
import type { CallState } from '../../../src/call/state.js';
import type { Referral } from '../../../src/call/transfer/refer.js';
import type { TransferPlan } from '../../../src/call/transfer/transfer-state.js';
import { connectedCall } from './connected-call.js';

const target: RouteTarget = { kind: 'trunk', trunk: 't', number: '+15550123', media: { kind: 'udp', codecs: ['PCMU'], learnFrom: [] } };
const plan: TransferPlan = { kind: 'dial', target };
const referral: Referral = { to: '+15550123', reports: 'wanted' };
const refer: CallEvent = { type: 'referred', leg: 'b', referral };

/** A call in which events happen one after another, and what it did about the last of them. */
function play(
  events: readonly CallEvent[],
  from: CallState = connectedCall(),
): { readonly state: CallState; readonly last: readonly CallEffect[] } {
  let state = from;
  let last: readonly CallEffect[] = [];
  for (const event of events) ({ state, effects: last } = next(state, event));
  return { state, last };
}

/** Effects in short: what is done, and the status where one is told. */
const brief = (effects: readonly CallEffect[]): readonly string[] =>
  effects.map((effect) => {
    if (effect.do === 'fact') return `fact ${effect.fact.type}`;
    return 'status' in effect && effect.status !== undefined ? `${effect.do} ${effect.status}` : effect.do;
  });

const allowed: CallEvent = { type: 'refer-allowed', plan };
const offered: CallEvent = { type: 'third-offered', sdp: 'offer to c' };
const answered: CallEvent = { type: 'third-answered', sdp: 'answer of c' };
const accepted: CallEvent = { type: 'third-accepted' };
const busy: CallEvent = { type: 'third-failed', failure: 'busy', status: 486, elsewhere: false };
const referrerLeaves: CallEvent = { type: 'leg-ended', leg: 'b', by: 'remote' };
const survivorLeaves: CallEvent = { type: 'leg-ended', leg: 'a', by: 'remote' };

describe('a REFER', () => {
  it('is judged before it is answered', () => {
    expect(brief(play([refer]).last)).toEqual(['judge-refer']);
  });

  it('that is allowed is accepted and reported on at once, while the old call stays up', () => {
    const { state, last } = play([refer, allowed]);
    expect(brief(last)).toEqual(['answer-refer 202', 'report-refer 100', 'fact transfer-requested', 'prepare-third']);
    expect(state.name).toBe('connected');
  });

  it('that is not allowed is refused, and the call goes on as before', () => {
    const { state, last } = play([refer, { type: 'refer-denied', status: 403, failure: 'destination-denied' }]);
    expect(brief(last)).toEqual(['answer-refer 403', 'fact transfer-failed']);
    expect(state).toEqual(connectedCall());
  });

  it('during another transfer has to wait, whoever sends it', () => {
    for (const leg of ['a', 'b'] as const) {
      expect(brief(play([refer, allowed, { ...refer, leg } as CallEvent]).last)).toEqual(['answer-refer 491']);
    }
  });
});

describe('a transfer', () => {
  it('seats whoever answers in the place of the one who transfers, who is given a moment to hang up', () => {
    const ringing = play([refer, allowed, offered, { type: 'third-progress', status: 180 }]);
    expect(brief(ringing.last)).toEqual(['report-refer 180']);
    const { state, last } = play([answered, accepted], ringing.state);
    expect(brief(last)).toEqual(['report-refer 200', 'seat-third', 'set-timer', 'fact transferred']);
    expect(state).toMatchObject({ name: 'connected', legs: { a: 'browser', b: 'trunk' }, transfer: { name: 'none' } });
    expect(brief(next(state, { type: 'timer', id: 'parting' }).effects)).toEqual(['bye-parted']);
  });

  it('to another kind of peer changes what the leg is', () => {
    const browser: TransferPlan = {
      kind: 'dial',
      target: { kind: 'browser', user: 'alice', media: { kind: 'webrtc', codecs: ['PCMU'] } },
    };
    const { state } = play([refer, { type: 'refer-allowed', plan: browser }, offered, answered, accepted]);
    expect(state).toMatchObject({ legs: { a: 'browser', b: 'browser' } });
  });

  it('that nobody answers is reported with the status and changes nothing', () => {
    const { state, last } = play([refer, allowed, offered, busy]);
    expect(brief(last)).toEqual(['clear-timer', 'drop-third', 'report-refer 486', 'fact transfer-failed']);
    expect(state).toEqual(connectedCall());
  });

  it('tries the next peer where that may help, and tells the last failure when there is none', () => {
    const elsewhere: CallEvent = { type: 'third-failed', failure: 'trunk-congested', status: 503, elsewhere: true };
    const second = play([refer, allowed, offered, elsewhere]);
    expect(second.last).toMatchObject([{ do: 'call-third', attempt: 1 }]);
    const { state, last } = play([{ type: 'third-exhausted' }], second.state);
    expect(brief(last)).toContain('report-refer 503');
    expect(state).toEqual(connectedCall());
  });

  it('gives up a target that rings too long, one whose media cannot be had, and one whose answer cannot be read', () => {
    for (const events of [
      [offered, { type: 'timer', id: 'transfer' }],
      [{ type: 'third-media-refused', failure: 'too-many-calls' }],
      [offered, answered, { type: 'third-media-refused', failure: 'media-not-acceptable' }],
    ] as const satisfies readonly (readonly CallEvent[])[]) {
      const { state, last } = play([refer, allowed, ...events]);
      expect(brief(last)).toContain('drop-third');
      expect(state).toEqual(connectedCall());
    }
  });

  it('whose target hangs up while its answer is taken in changes nothing', () => {
    const { state, last } = play([refer, allowed, offered, answered, { type: 'third-failed', failure: 'rejected', elsewhere: false }]);
    expect(brief(last)).toContain('drop-third');
    expect(state).toEqual(connectedCall());
  });

  it('lives on when the one who transfers hangs up at once, and hears of nothing more', () => {
    const left = play([refer, allowed, offered, referrerLeaves]);
    expect([left.state.name, brief(left.last)]).toEqual(['connected', []]);
    expect(brief(play([{ type: 'third-progress', status: 180 }], left.state).last)).toEqual([]);
    const { state, last } = play([answered, accepted], left.state);
    expect(brief(last)).toEqual(['seat-third', 'fact transferred']);
    expect(state).toMatchObject({ name: 'connected', transfer: { name: 'none' } });
  });

  it('that fails after the one who transferred has left ends the call', () => {
    const { state, last } = play([refer, allowed, offered, referrerLeaves, busy]);
    expect(state).toMatchObject({ name: 'ending', cause: { by: 'gateway', failure: 'busy', sipStatus: 486 }, waiting: ['a', 'media'] });
    expect(brief(last)).toEqual(['clear-timer', 'drop-third', 'fact transfer-failed', 'clear-timers', 'bye', 'close-media', 'set-timer']);
  });

  it('does not mind that one who left is silent, gone or pressing keys', () => {
    const left = play([refer, allowed, offered, referrerLeaves]).state;
    for (const event of [
      { type: 'media-silent', leg: 'b', silentMs: 5000, cause: 'nothing-received', detail: '' },
      { type: 'media-gone', leg: 'b' },
      { type: 'media-failed', leg: 'b' },
      { type: 'flow-lost', leg: 'b' },
    ] as const satisfies readonly CallEvent[]) {
      expect(next(left, event)).toEqual({ state: left, effects: [] });
    }
  });

  it('ends with the call when the other side hangs up, in every stage, and leaves nobody ringing', () => {
    for (const events of [[], [offered], [offered, answered]]) {
      const { state, last } = play([refer, allowed, ...events, survivorLeaves]);
      expect(state).toMatchObject({ name: 'ending', waiting: ['b', 'media'] });
      expect(brief(last)).toContain('drop-third');
    }
    const { state, last } = play([refer, allowed, offered, referrerLeaves, survivorLeaves]);
    expect(state).toMatchObject({ name: 'ending', waiting: ['media'] });
    expect(brief(last)).toContain('drop-third');
  });

  it('is not reported when no reports are wanted', () => {
    const quiet: CallEvent = { type: 'referred', leg: 'b', referral: { ...referral, reports: 'unwanted' } };
    expect(brief(play([quiet, allowed]).last)).not.toContain('report-refer 100');
    expect(brief(play([quiet, allowed, offered, answered, accepted]).last)).toEqual(['seat-third', 'set-timer', 'fact transferred']);
  });

  it('takes the hold of the one who transfers off the other side', () => {
    const held = play([
      { type: 'offered', leg: 'b', sdp: 'x' },
      { type: 'leg-direction', leg: 'b', direction: 'sendonly' },
    ]);
    expect(held.last).toContainEqual({ do: 'tell-hold', leg: 'a', direction: 'sendonly' });
    const { last } = play([{ type: 'informed', leg: 'a', accepted: true }, refer, allowed, offered, answered, accepted], held.state);
    expect(last).toContainEqual({ do: 'tell-hold', leg: 'a', direction: 'sendrecv' });
  });

  it('of a leg of another call knows what that leg is', () => {
    const join: TransferPlan = { kind: 'join', call: 'c' as CallId, leg: 'b', to: 'trunk', media: target.media };
    const { state } = play([{ ...refer, leg: 'a' } as CallEvent, { type: 'refer-allowed', plan: join }, offered, answered, accepted]);
    expect(state).toMatchObject({ legs: { a: 'trunk', b: 'trunk' } });
  });
});

describe('a transfer the carrier does', () => {
  const passed: CallEvent = { type: 'refer-passed', uri: 'sip:+15550123@carrier.example' };
  const reported = (by: 'answer' | 'notify', status: number): CallEvent => ({ type: 'refer-reported', by, status });

  it('is passed on, its reports are handed back, and then the call is over', () => {
    expect(brief(play([refer, passed]).last)).toEqual(['pass-refer', 'fact transfer-requested']);
    expect(brief(play([refer, passed, reported('answer', 202)]).last)).toEqual([]);
    const ringing = play([refer, passed, reported('answer', 202), reported('notify', 180)]);
    expect(brief(ringing.last)).toEqual(['report-refer 180']);
    const { state, last } = play([reported('notify', 200)], ringing.state);
    expect(brief(last)).toEqual(['report-refer 200', 'fact transferred', 'set-timer']);
    expect(next(state, { type: 'timer', id: 'parting' }).state).toMatchObject({ name: 'ending', waiting: ['a', 'b', 'media'] });
  });

  it('leaves the call as it was when the carrier refuses it or fails', () => {
    for (const event of [reported('answer', 405), reported('notify', 486)]) {
      expect(play([refer, passed, event]).state).toEqual(connectedCall());
    }
  });
});

describe('an INVITE with Replaces', () => {
  const arrives: CallEvent = { type: 'replacement-offered', leg: 'b' };

  it('is answered in the place of the leg it names, which is hung up', () => {
    expect(brief(play([arrives]).last)).toEqual(['describe-third']);
    const { state, last } = play([arrives, offered]);
    expect(brief(last)).toEqual(['answer-third', 'seat-third', 'bye-parted', 'fact replaced']);
    expect(state).toEqual(connectedCall());
  });

  it('during a transfer is refused', () => {
    expect(brief(play([refer, allowed, arrives]).last)).toEqual(['refuse-third 486']);
  });

  it('whose media cannot be had is refused, and the call goes on', () => {
    const { state, last } = play([arrives, { type: 'third-media-refused', failure: 'media-not-acceptable' }]);
    expect(brief(last)).toEqual(['refuse-third 488', 'drop-third']);
    expect(state).toEqual(connectedCall());
  });

  it('that is cancelled changes nothing, unless the one to be replaced has left meanwhile', () => {
    const cancelled: CallEvent = { type: 'third-failed', failure: 'cancelled', elsewhere: false };
    expect(play([arrives, cancelled]).state).toEqual(connectedCall());
    expect(play([arrives, referrerLeaves, cancelled]).state).toMatchObject({ name: 'ending', waiting: ['a', 'media'] });
  });
});
