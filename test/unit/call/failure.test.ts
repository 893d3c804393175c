import { describe, expect, it } from 'vitest';
import { failureCodes, failureOf } from '../../../src/call/failure.js';
import { failureHeaders } from '../../../src/call/failure-headers.js';
import { classify, type Unanswered } from '../../../src/call/outcome.js';
import { headersOf } from '../../support/fake-sip.js';

const rejected = (status: number, reason?: string): Unanswered => ({
  kind: 'rejected',
  status,
  reason: '',
  headers: headersOf(reason === undefined ? [] : [['Reason', reason]]),
});

describe('the table of failures', () => {
  it('has a row for each of the 33 codes, with a final status and a sentence', () => {
    expect(failureCodes).toHaveLength(33);
    for (const code of failureCodes) {
      const { sipStatus, q850, sentence, metricLabel, reasonPhrase } = failureOf(code);
      expect(sipStatus).toBeGreaterThanOrEqual(400);
      expect(sipStatus).toBeLessThan(700);
      // A challenge is for pages that may show a ticket; nothing a telephone network does becomes one.
      if (!code.startsWith('ticket-')) expect([401, 407]).not.toContain(sipStatus);
      expect(q850).toBeGreaterThan(0);
      expect(sentence).toMatch(/^[A-Z].*\.$/);
      expect(reasonPhrase).not.toBe('');
      expect(metricLabel).toBe(code);
    }
  });

  it('tries another peer only for what is the peer’s own fault', () => {
    expect(failureCodes.filter((code) => failureOf(code).elsewhere)).toEqual(['trunk-unreachable', 'trunk-timeout', 'trunk-congested']);
  });
});

describe('what an outcome of the trunk means', () => {
  const cases: ReadonlyArray<readonly [Unanswered, string]> = [
    [rejected(486), 'busy'],
    [rejected(600), 'busy'],
    [rejected(603), 'rejected'],
    [rejected(403), 'rejected'],
    [rejected(404), 'number-not-found'],
    [rejected(484), 'number-not-found'],
    [rejected(604), 'number-not-found'],
    [rejected(410), 'number-not-found'],
    [rejected(408), 'no-answer'],
    [rejected(480), 'no-answer'],
    [rejected(487), 'no-answer'],
    [rejected(401), 'trunk-auth-failed'],
    [rejected(407), 'trunk-auth-failed'],
    [rejected(503), 'trunk-congested'],
    [rejected(482), 'loop'],
    [rejected(483), 'loop'],
    [rejected(502, 'Q.850;cause=25'), 'loop'],
    [rejected(488), 'media-not-acceptable'],
    [rejected(415), 'media-not-acceptable'],
    [rejected(606), 'media-not-acceptable'],
    [rejected(504), 'trunk-timeout'],
    [rejected(500), 'trunk-error'],
    [rejected(302), 'trunk-error'],
    [rejected(699), 'rejected'],
    [{ kind: 'failed', why: 'refused', detail: '' }, 'trunk-unreachable'],
    [{ kind: 'failed', why: 'unresolvable', detail: '' }, 'trunk-unreachable'],
    [{ kind: 'failed', why: 'tls', detail: '' }, 'trunk-unreachable'],
    [{ kind: 'failed', why: 'transport', detail: '' }, 'trunk-unreachable'],
    [{ kind: 'failed', why: 'timeout', detail: '' }, 'trunk-timeout'],
    [{ kind: 'failed', why: 'cancelled', detail: '' }, 'cancelled'],
  ];
  for (const [outcome, failure] of cases) {
    const said = outcome.kind === 'rejected' ? String(outcome.status) : outcome.why;
    it(`${said} is ${failure}`, () => {
      expect(classify(outcome, 'trunk').failure).toBe(failure);
    });
  }

  it('lets a Q.850 cause win where it says more', () => {
    expect(classify(rejected(480, 'Q.850;cause=17'), 'trunk').failure).toBe('busy');
    expect(classify(rejected(503, 'SIP;cause=503, Q.850;cause=1;text="Unallocated, really"'), 'trunk').failure).toBe('number-not-found');
    expect(classify(rejected(500, 'Q.850;cause=34'), 'trunk').failure).toBe('trunk-congested');
  });

  it('keeps the status where the cause says nothing', () => {
    expect(classify(rejected(486, 'Q.850;cause=31'), 'trunk').failure).toBe('busy');
    expect(classify(rejected(486, 'nonsense'), 'trunk').failure).toBe('busy');
  });

  it('never takes a challenge for anything but a wrong account', () => {
    expect(classify(rejected(407, 'Q.850;cause=21'), 'trunk').failure).toBe('trunk-auth-failed');
  });

  it('is browser-gone when the called side is a page that cannot be reached', () => {
    expect(classify({ kind: 'failed', why: 'transport', detail: '' }, 'browser').failure).toBe('browser-gone');
    expect(classify({ kind: 'failed', why: 'timeout', detail: '' }, 'browser').failure).toBe('browser-gone');
  });
});

describe('how an end is told', () => {
  it('names the failure to a browser and not to a trunk', () => {
    expect(failureHeaders('browser', 'busy', 5)).toEqual([
      ['Reason', 'Q.850;cause=17;text="The number is busy."'],
      ['X-Gateway-Failure', 'busy'],
    ]);
    expect(failureHeaders('trunk', 'busy', 5)).toEqual([['Reason', 'Q.850;cause=17;text="The number is busy."']]);
  });

  it('says when to come back', () => {
    expect(failureHeaders('trunk', 'too-many-calls', 5)).toContainEqual(['Retry-After', '5']);
  });

  it('is normal clearing when somebody hung up', () => {
    expect(failureHeaders('browser', undefined, 5)).toEqual([['Reason', 'Q.850;cause=16;text="Normal call clearing"']]);
  });
});
