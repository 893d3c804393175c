import { describe, expect, it } from 'vitest';
import type { CallId } from '../../../src/base/ids.js';
import type { DialRequest, DialResult, NumberToRefer, ReferTo, TrunkTarget } from '../../../src/call/ports.js';
import type { GuardRequest, GuardVerdict } from '../../../src/policy/guard.js';
import { GuardedDialler } from '../../../src/policy/guarded-dialler.js';

const request = (wish: object = {}) =>
  ({
    callId: 'c-1' as CallId,
    target: { kind: 'trunk', trunk: 'carrier', number: '+44700' },
    ...wish,
  }) as unknown as DialRequest<TrunkTarget>;

function make(outcome: 'answered' | 'failed', verdict?: GuardVerdict, result?: DialResult) {
  const told: string[] = [];
  const asked: GuardRequest[] = [];
  const leg = { answered: () => told.push('answered'), over: () => told.push('over') };
  let hangUp = (): void => {};
  const dialog = {
    onEnd: (handler: () => void) => {
      hangUp = handler;
    },
  };
  const ended = Promise.resolve({ kind: outcome, dialog });
  const dialling = { kind: 'dialling', leg: { outcome: ended }, release: () => told.push('released') } as unknown as DialResult;
  let leads: DialRequest<TrunkTarget>['admits'];
  const inner = {
    dial: ({ admits }: DialRequest<TrunkTarget>): DialResult => {
      leads = admits;
      told.push('dialled');
      return result ?? dialling;
    },
    referTo: ({ number }: NumberToRefer): ReferTo => {
      told.push('named');
      return { kind: 'uri', uri: `tel:${number}` };
    },
  };
  const admit = (one: GuardRequest): GuardVerdict => {
    asked.push(one);
    return verdict ?? ({ kind: 'allowed', leg } as unknown as GuardVerdict);
  };
  return { dialler: new GuardedDialler(inner, { admit }), told, asked, ended, led: () => leads, hangUp: () => hangUp() };
}

describe('a dialler behind the guard', () => {
  it('dials nothing that the guard refuses', () => {
    const { dialler, told } = make('answered', { kind: 'refused', failure: 'over-limit' });
    expect(dialler.dial(request())).toEqual({ kind: 'refused', failure: 'over-limit' });
    expect(told).toEqual([]);
  });

  it('counts a number that the carrier is to call itself as a call begun, and names none that the guard refuses', () => {
    const number = { callId: 'c-1' as CallId, trunk: 'carrier', number: '+44700', account: { site: 'pk_shop' } };
    const { dialler, told, asked } = make('answered');
    expect(dialler.referTo(number)).toEqual({ kind: 'uri', uri: 'tel:+44700' });
    expect([asked, told]).toEqual([[number], ['over', 'named']]);
    const refusing = make('answered', { kind: 'refused', failure: 'over-budget' });
    expect(refusing.dialler.referTo(number)).toEqual({ kind: 'refused', failure: 'over-budget' });
    expect(refusing.told).toEqual([]);
  });

  it('asks for the number and trunk, and for who calls when that is known', () => {
    const { dialler, asked } = make('answered');
    dialler.dial(request());
    dialler.dial(request({ account: { site: 'pk_shop' }, address: '192.0.2.1' }));
    const plain = { callId: 'c-1', number: '+44700', trunk: 'carrier' };
    expect(asked).toEqual([plain, { ...plain, account: { site: 'pk_shop' }, address: '192.0.2.1' }]);
  });

  it.each([
    ['answered', ['dialled', 'answered', 'over', 'released']],
    ['failed', ['dialled', 'over', 'over', 'released']],
  ] as const)('tells the guard of a leg that was %s, and that it is over', async (outcome, expected) => {
    const { dialler, told, ended } = make(outcome);
    const result = dialler.dial(request());
    await ended;
    if (result.kind === 'dialling') result.release();
    expect(told).toEqual(expected);
  });

  it('counts a leg until it is hung up, and no longer', async () => {
    const { dialler, told, ended, hangUp } = make('answered');
    dialler.dial(request());
    await ended;
    hangUp();
    expect(told).toEqual(['dialled', 'answered', 'over']);
  });

  it('asks anew for a number the carrier leads to, and counts that one instead', async () => {
    const { dialler, told, asked, ended, led } = make('answered');
    dialler.dial(request());
    expect(led()?.('+44900')).toBe(true);
    await ended;
    expect(asked.map(({ number }) => number)).toEqual(['+44700', '+44900']);
    expect(told).toEqual(['dialled', 'over', 'answered']);
  });

  it('gives back what was counted for a leg that could not be dialled', () => {
    const refused = { kind: 'refused', failure: 'trunk-down' } as unknown as DialResult;
    const { dialler, told } = make('answered', undefined, refused);
    expect(dialler.dial(request())).toBe(refused);
    expect(told).toEqual(['dialled', 'over']);
  });
});
