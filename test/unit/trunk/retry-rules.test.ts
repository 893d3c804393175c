import { describe, expect, it } from 'vitest';
import { redirectedTo } from '../../../src/trunk/redirect.js';
import { retryAfterMs } from '../../../src/trunk/retry-after.js';
import { healthOf, tryNext } from '../../../src/trunk/retry-rules.js';
import { headersOf } from '../../support/fake-sip.js';
import { trunk } from '../call/scene.js';

const rejected = (status: number, headers: readonly (readonly [string, string])[] = []) =>
  ({ kind: 'rejected', status, reason: '', headers: headersOf(headers) }) as const;
const failed = (why: 'timeout' | 'refused' | 'unresolvable' | 'transport' | 'tls' | 'cancelled') =>
  ({ kind: 'failed', why, detail: '' }) as const;

describe('the next attempt', () => {
  it('is at the next peer when a peer cannot be reached or is in trouble', () => {
    for (const why of ['timeout', 'refused', 'unresolvable', 'transport', 'tls'] as const)
      expect(tryNext(failed(why), false), why).toBe('peer');
    for (const status of [408, 502, 503, 504]) expect(tryNext(rejected(status), false), String(status)).toBe('peer');
  });

  it('is at another trunk when this one does not take our account', () => {
    for (const status of [401, 407]) expect(tryNext(rejected(status), false)).toBe('target');
  });

  it('is nowhere when the number or the person called is the reason', () => {
    for (const status of [302, 400, 403, 404, 410, 480, 484, 486, 487, 488, 500, 501, 513, 600, 603, 604, 606]) {
      expect(tryNext(rejected(status), false), String(status)).toBe('nowhere');
    }
  });

  it('is nowhere when a carrier wraps such a reason into a status of its own', () => {
    expect(tryNext(rejected(503, [['Reason', 'Q.850;cause=17']]), false)).toBe('nowhere');
    expect(tryNext(rejected(503, [['Reason', 'Q.850;cause=34']]), false)).toBe('peer');
  });

  it('is nowhere once the phone has rung, or the caller has given up', () => {
    expect(tryNext(rejected(503), true)).toBe('nowhere');
    expect(tryNext(failed('timeout'), true)).toBe('nowhere');
    expect(tryNext(failed('cancelled'), false)).toBe('nowhere');
  });

  it('follows the table of the trunk', () => {
    const rules = { nextPeer: [500], nextTrunk: [403] };
    expect([500, 503, 403, 401].map((status) => tryNext(rejected(status), false, rules))).toEqual(['peer', 'nowhere', 'target', 'nowhere']);
  });
});

describe('what an outcome says of a peer', () => {
  it('is that it works when it answered at all, and nothing when we gave up', () => {
    expect([rejected(404), rejected(500), rejected(503), failed('cancelled')].map((outcome) => healthOf(outcome)?.type)).toEqual([
      'served',
      'served',
      undefined,
      undefined,
    ]);
  });

  it('is that it is suspect when it could not be reached', () => {
    expect(healthOf(failed('refused'))).toEqual({ type: 'undelivered' });
  });

  it('is how long it wants to be left alone', () => {
    expect(healthOf(rejected(503, [['Retry-After', '120 (busy);duration=3600']]))).toEqual({ type: 'unavailable', retryAfterMs: 120_000 });
  });

  it.each(['', 'soon', '-5', '99999999999'])('is no time when Retry-After is "%s"', (value) => {
    expect(retryAfterMs(headersOf([['Retry-After', value]]))).toBeUndefined();
  });
});

describe('a redirection', () => {
  const lead = (contact: string, status = 302) =>
    redirectedTo({ status, headers: headersOf([['Contact', contact]]) }, trunk, (number) => !number.startsWith('+1900'));

  it('leads to the best number at a host of the same trunk that may be dialled', () => {
    const contact =
      '<sip:+15550101@carrier.example>;q=0.2, <sip:+15550102@carrier.example:5070>;q=0.9, <sip:+19005550100@carrier.example>;q=1';
    expect(lead(contact)).toBe('+15550102');
  });

  it.each([
    ['another host', '<sip:+15550101@elsewhere.example>'],
    ['no number', '<sip:desk@carrier.example>'],
    ['a number that may not be dialled', '<sip:+19005550100@carrier.example>'],
    ['another kind of URI', '<tel:+15550101>'],
    ['nothing readable', '<<>'],
  ])('leads nowhere with %s', (_, contact) => expect(lead(contact)).toBeUndefined());

  it('that asks for another way than another number is not followed', () => {
    for (const status of [305, 380]) expect(lead('<sip:+15550101@carrier.example>', status)).toBeUndefined();
  });
});
