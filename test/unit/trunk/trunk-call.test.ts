import { describe, expect, it } from 'vitest';
import type { OutboundCall, OutboundOutcome, Progress, Reoffer } from '../../../src/sip/port.js';
import { TrunkCall, type TrunkCallOptions } from '../../../src/trunk/trunk-call.js';
import { FakeClock, settle } from '../../support/fake-clock.js';
import { headersOf } from '../../support/fake-sip.js';

/** An INVITE whose every event a test makes. */
class Leg implements OutboundCall {
  readonly id = 'leg';
  readonly callIdHeader = 'leg@test';
  readonly outcome: Promise<OutboundOutcome>;
  end: (outcome: OutboundOutcome) => void = () => {};
  progress: (progress: Progress) => void = () => {};
  heard: () => void = () => {};
  offers: ((offer: Reoffer, fork: string) => void) | undefined;
  cancelled = 0;

  constructor() {
    this.outcome = new Promise((resolve) => {
      this.end = resolve;
    });
  }

  onProgress(handler: (progress: Progress) => void): void {
    this.progress = handler;
  }

  onHeard(handler: () => void): void {
    this.heard = handler;
  }

  onOffer(handler: (offer: Reoffer, fork: string) => void): void {
    this.offers = handler;
  }

  cancel(): void {
    this.cancelled += 1;
  }
}

function scene(options: Partial<TrunkCallOptions> = {}, follow: () => OutboundCall | undefined = () => undefined) {
  const clock = new FakeClock();
  const leg = new Leg();
  const call = new TrunkCall(leg, { patience: { silentMs: 5_000, stalledMs: 30_000 }, earlyMedia: 'relay', ...options }, { clock, follow });
  const seen: Progress[] = [];
  let outcome: OutboundOutcome | undefined;
  call.onProgress((progress) => seen.push(progress));
  void call.outcome.then((found) => {
    outcome = found;
  });
  const result = async () => {
    await settle();
    return outcome;
  };
  return { clock, leg, call, seen, result };
}

const progress = (status: number, sdp?: string, headers: readonly (readonly [string, string])[] = []): Progress => ({
  status,
  headers: headersOf(headers),
  fork: 't',
  ...(sdp === undefined ? {} : { sdp }),
});
const rejected = (status: number): OutboundOutcome => ({ kind: 'rejected', status, reason: '', headers: headersOf([]) });

describe('a call to a peer that says nothing', () => {
  it('is given up after the limit, and what comes later of it is taken back', async () => {
    const { clock, leg, result } = scene();
    clock.advance(4_999);
    expect([await result(), leg.cancelled]).toEqual([undefined, 0]);
    clock.advance(1);
    expect(await result()).toEqual({ kind: 'failed', why: 'timeout', detail: 'no response at all within 5 s' });
    expect(leg.cancelled).toBe(1);
  });

  it('has more time once 100 came, but not for ever', async () => {
    const { clock, leg, result } = scene();
    clock.advance(4_999);
    leg.heard();
    clock.advance(29_999);
    expect([await result(), leg.cancelled]).toEqual([undefined, 0]);
    clock.advance(1);
    expect(await result()).toEqual({ kind: 'failed', why: 'timeout', detail: 'taken, and no ringing within 30 s' });
    expect(leg.cancelled).toBe(1);
  });

  it('has all the time there is once the phone rings', async () => {
    const { clock, leg, result } = scene();
    leg.heard();
    leg.progress(progress(180));
    expect(clock.liveTimers).toBe(0);
    clock.advance(600_000);
    leg.end(rejected(486));
    expect(await result()).toMatchObject({ status: 486 });
  });

  it('counts as cancelled when the caller had given up', async () => {
    const { clock, call, leg, result } = scene();
    call.cancel();
    clock.advance(5_000);
    expect(await result()).toMatchObject({ why: 'cancelled' });
    expect(leg.cancelled).toBe(2);
  });

  it('leaves no timer when it ends before the limit', async () => {
    const { clock, leg, result } = scene();
    leg.end(rejected(404));
    await result();
    expect(clock.liveTimers).toBe(0);
  });

  it('is waited for where the stack cannot tell', () => {
    const clock = new FakeClock();
    const leg = new Leg();
    Object.defineProperty(leg, 'onHeard', { value: undefined });
    const call = new TrunkCall(
      leg,
      { patience: { silentMs: 5_000, stalledMs: 30_000 }, earlyMedia: 'relay' },
      { clock, follow: () => undefined },
    );
    expect([call.hasRung, clock.liveTimers]).toEqual([false, 0]);
  });
});

describe('early media', () => {
  it('passes where the trunk says nothing', () => {
    const { leg, seen, call } = scene();
    leg.progress(progress(183, 'v=0'));
    expect(seen).toMatchObject([{ status: 183, sdp: 'v=0' }]);
    expect(call.hasRung).toBe(true);
  });

  it('never passes a trunk that ignores it: the page rings by itself', () => {
    const { leg, seen } = scene({ earlyMedia: 'ignore' });
    leg.progress(progress(183, 'v=0', [['P-Early-Media', 'sendrecv']]));
    expect(seen.map(({ status, sdp }) => [status, sdp])).toEqual([[183, undefined]]);
  });

  it.each([
    ['sendrecv', true],
    ['SendOnly, gated', true],
    ['recvonly', false],
    ['inactive', false],
    [undefined, false],
  ])('under P-Early-Media: %s passes: %s', (value, passes) => {
    const { leg, seen } = scene({ earlyMedia: 'authorised' });
    leg.progress(progress(183, 'v=0', value === undefined ? [] : [['P-Early-Media', value]]));
    expect(seen.map(({ sdp }) => sdp !== undefined)).toEqual([passes]);
  });

  it.each([
    ['sendrecv', true],
    ['inactive', false],
    [undefined, true],
  ])('is waited for under P-Early-Media: %s where it counts once it is heard: %s', (value, passes) => {
    const { leg, seen } = scene({ earlyMedia: 'heard' });
    leg.progress(progress(183, 'v=0', value === undefined ? [] : [['P-Early-Media', value]]));
    expect(seen.map(({ sdp }) => sdp !== undefined)).toEqual([passes]);
  });
});

describe('a redirection', () => {
  it('is an end like any other where the policy does not follow it', async () => {
    const { leg, result } = scene();
    leg.end(rejected(302));
    expect(await result()).toMatchObject({ status: 302 });
  });

  it('that is followed has the call go on with the next INVITE, its progress, its offers and its silence', async () => {
    const next = new Leg();
    const { clock, leg, call, seen, result } = scene({}, () => next);
    const offered: string[] = [];
    call.onOffer((_offer, fork) => offered.push(fork));
    const invites: string[] = [];
    call.onInvite((callIdHeader) => invites.push(callIdHeader));
    leg.end(rejected(302));
    expect(await result()).toBeUndefined();
    next.progress(progress(180));
    next.offers?.({ method: 'UPDATE', accept: () => {}, reject: () => {} }, 'f');
    expect([seen.length, offered, invites]).toEqual([1, ['f'], ['leg@test']]);
    call.cancel();
    expect([leg.cancelled, next.cancelled]).toEqual([0, 1]);
    next.end({ kind: 'failed', why: 'cancelled', detail: '' });
    expect(await result()).toMatchObject({ why: 'cancelled' });
    expect(clock.liveTimers).toBe(0);
  });

  it('is not followed for a caller who has given up', async () => {
    const { leg, call, result } = scene({}, () => new Leg());
    call.cancel();
    leg.end(rejected(302));
    expect(await result()).toMatchObject({ status: 302 });
  });
});
