import { describe, expect, it } from 'vitest';
import {
  agreedByResponse,
  askTimer,
  decideTimer,
  defaultSessionTimer,
  endAfterMs,
  type Refresher,
  refreshAfterMs,
  retryAfterMs,
} from '../../../src/sip/session-timer.js';

const local = { expiresSeconds: 1800, minSeconds: 120 };
const agreed = (seconds: number, weRefresh: boolean) => ({ kind: 'agreed', timer: { seconds, weRefresh } });

describe('the one called decides', () => {
  it.each<[supported: boolean, refresher: Refresher | undefined, weRefresh: boolean]>([
    [false, undefined, true],
    [false, 'uac', true],
    [false, 'uas', true],
    [true, undefined, false],
    [true, 'uac', false],
    [true, 'uas', true],
  ])('who refreshes when the sender knows timers: %s, and names %s', (supported, refresher, weRefresh) => {
    const request = { supported, expiresSeconds: 600, ...(refresher === undefined ? {} : { refresher }) };
    expect(decideTimer(request, local)).toEqual(agreed(600, weRefresh));
  });

  it('has none with a sender that does not speak of timers', () => {
    expect(decideTimer({ supported: false }, local)).toEqual({ kind: 'none' });
  });

  it('asks for one itself, and does the work, when the sender knows timers and asked for none', () => {
    expect(decideTimer({ supported: true }, local)).toEqual(agreed(1800, true));
    expect(decideTimer({ supported: true, minSeconds: 7200 }, local)).toEqual(agreed(7200, true));
  });

  it('refuses less than its least, but only from a sender that understands 422', () => {
    expect(decideTimer({ supported: true, expiresSeconds: 119 }, local)).toEqual({ kind: 'too-small', minSeconds: 120 });
    expect(decideTimer({ supported: true, expiresSeconds: 120 }, local)).toEqual(agreed(120, false));
    expect(decideTimer({ supported: false, expiresSeconds: 119 }, local)).toEqual(agreed(119, true));
    expect(decideTimer({ supported: true, expiresSeconds: 89 }, { expiresSeconds: 1800, minSeconds: 10 })).toEqual({
      kind: 'too-small',
      minSeconds: 90,
    });
    expect(decideTimer({ supported: false, expiresSeconds: 1 }, local)).toEqual(agreed(90, true));
  });

  it('shortens what is longer than it wants, but not below the least of the way here', () => {
    expect(decideTimer({ supported: true, expiresSeconds: 7200 }, local)).toEqual(agreed(1800, false));
    expect(decideTimer({ supported: true, expiresSeconds: 7200, minSeconds: 3600 }, local)).toEqual(agreed(3600, false));
  });

  it('goes on as agreed when a later request says nothing', () => {
    for (const weRefresh of [true, false]) {
      expect(decideTimer({ supported: true }, local, { seconds: 400, weRefresh })).toEqual(agreed(400, weRefresh));
      expect(decideTimer({ supported: false }, local, { seconds: 400, weRefresh })).toEqual(agreed(400, true));
      expect(decideTimer({ supported: true, expiresSeconds: 300 }, local, { seconds: 400, weRefresh })).toEqual(agreed(300, weRefresh));
    }
  });
});

describe('the one asking', () => {
  it('names no refresher at first, and later the end of that request which does it', () => {
    expect(askTimer(local, 0)).toEqual({ expiresSeconds: 1800, minSeconds: 120 });
    expect(askTimer(local, 0, { seconds: 600, weRefresh: true })).toEqual({ expiresSeconds: 600, minSeconds: 120, refresher: 'uac' });
    expect(askTimer(local, 0, { seconds: 600, weRefresh: false })).toEqual({ expiresSeconds: 600, minSeconds: 120, refresher: 'uas' });
  });

  it('asks for no less than it was told is the least', () => {
    expect(askTimer(local, 3600)).toEqual({ expiresSeconds: 3600, minSeconds: 3600 });
    expect(askTimer(local, 100)).toEqual({ expiresSeconds: 1800, minSeconds: 120 });
    expect(askTimer({ expiresSeconds: 30, minSeconds: 0 }, 0)).toEqual({ expiresSeconds: 90, minSeconds: 90 });
  });

  it('has what the answer says: nothing without an interval, its own work unless the other end is named', () => {
    expect(agreedByResponse({ supported: true })).toBeUndefined();
    expect(agreedByResponse({ supported: true, expiresSeconds: 1800 })).toEqual({ seconds: 1800, weRefresh: true });
    expect(agreedByResponse({ supported: true, expiresSeconds: 1800, refresher: 'uac' })?.weRefresh).toBe(true);
    expect(agreedByResponse({ supported: true, expiresSeconds: 1800, refresher: 'uas' })?.weRefresh).toBe(false);
  });

  it('lets nobody set a pace below the shortest, or one that no timer can hold', () => {
    expect(agreedByResponse({ supported: true, expiresSeconds: 0 })?.seconds).toBe(90);
    expect(agreedByResponse({ supported: true, expiresSeconds: 2 ** 32 - 1 })?.seconds).toBe(864_000);
    expect(endAfterMs({ seconds: 864_000, weRefresh: true })).toBeLessThan(2 ** 31);
  });
});

describe('the moments', () => {
  it.each([
    [90, 45_000, 60_000],
    [96, 48_000, 64_000],
    [97, 48_500, 65_000],
    [1800, 900_000, 1_768_000],
  ])('of an interval of %i s are a refresh after %i ms and an end after %i ms', (seconds, refresh, end) => {
    expect(refreshAfterMs({ seconds, weRefresh: true })).toBe(refresh);
    expect(endAfterMs({ seconds, weRefresh: true })).toBe(end);
  });

  it('are, after a refusal, half of what is left, until that is too little', () => {
    expect(retryAfterMs(868_000)).toBe(434_000);
    expect(retryAfterMs(8_000)).toBe(4_000);
    expect(retryAfterMs(7_998)).toBeUndefined();
  });

  it('start from half an hour by default', () => {
    expect(defaultSessionTimer).toEqual({ expiresSeconds: 1800, minSeconds: 90 });
  });
});
