import { describe, expect, it } from 'vitest';
import { silentLog } from '../../../src/base/log.js';
import { Admission } from '../../../src/call/admission.js';
import { FakeClock } from '../../support/fake-clock.js';
import { nothing, Scene } from './scene.js';

describe('admission of calls', () => {
  it('bounds the calls at one time', () => {
    const admission = new Admission({ maxCalls: 2 }, { clock: new FakeClock(), log: silentLog });
    expect([admission.admit(0), admission.admit(1), admission.admit(2), admission.admit(1)]).toEqual([
      undefined,
      undefined,
      'calls',
      undefined,
    ]);
  });

  it('bounds the calls in a second, and lets as many in again as time has passed', () => {
    const clock = new FakeClock();
    const admission = new Admission({ maxCalls: 100, maxCallsPerSecond: 2 }, { clock, log: silentLog });
    const three = (): unknown[] => [admission.admit(0), admission.admit(0), admission.admit(0)];
    expect(three()).toEqual([undefined, undefined, 'calls-per-second']);
    clock.advance(500);
    expect([admission.admit(0), admission.admit(0)]).toEqual([undefined, 'calls-per-second']);
    clock.advance(60_000);
    expect(three()).toEqual([undefined, undefined, 'calls-per-second']);
  });

  it('takes nobody in while the event loop is late', () => {
    let delayMs = 10;
    const admission = new Admission(
      { maxCalls: 1, maxLoopDelayMs: 100 },
      { clock: new FakeClock(), log: silentLog, loopDelayMs: () => delayMs },
    );
    expect(admission.admit(0)).toBeUndefined();
    delayMs = 101;
    expect(admission.admit(0)).toBe('loop-delay');
    delayMs = 100;
    expect(admission.admit(0)).toBeUndefined();
  });

  it('answers 503 with Retry-After, records the refusal and leaves nothing behind', async () => {
    const scene = await new Scene({ loopDelayMs: () => 500 }).start();
    const outcome = await scene.dial().outcome;
    if (outcome.kind !== 'rejected') throw new Error(outcome.kind);
    expect([outcome.status, outcome.headers.get('Retry-After')]).toEqual([503, '10']);
    await scene.settle();
    expect(scene.fact('ended')).toMatchObject({ failure: 'too-many-calls' });
    expect(scene.sip.placed).toHaveLength(0);
    expect(scene.left()).toEqual(nothing());
  });
});
