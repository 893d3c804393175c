import { describe, expect, it } from 'vitest';
import { formatReplaces, readRefer, readReplaces, referReport } from '../../../src/call/transfer/refer.js';
import { headersOf } from '../../support/fake-sip.js';

const refer = (...referTo: readonly string[]): ReturnType<typeof readRefer> =>
  readRefer(headersOf(referTo.map((value) => ['Refer-To', value] as const)));

describe('a REFER', () => {
  it('names a number in a SIP URI, a tel URI or a user', () => {
    for (const [value, to] of [
      ['<sip:+1-555-0123@carrier.example;user=phone>', '+15550123'],
      ['tel:+1-555-0123', '+15550123'],
      ['"Sales" <sips:%2B15550123@carrier.example>', '+15550123'],
      ['<sip:alice@gateway.example>', 'alice'],
      ['<sip:+15550123@carrier.example;method=INVITE>', '+15550123'],
    ] as const) {
      expect(refer(value)).toMatchObject({ kind: 'referral', referral: { to, reports: 'wanted' } });
    }
  });

  it('without a Refer-To, with two, or with one that cannot be read is a bad request', () => {
    expect(refer()).toEqual({ kind: 'refused', status: 400 });
    expect(refer('<sip:1@a.example>', '<sip:2@a.example>')).toEqual({ kind: 'refused', status: 400 });
    expect(refer('<sip:>')).toEqual({ kind: 'refused', status: 400 });
    expect(refer('<sip:gateway.example>')).toEqual({ kind: 'refused', status: 400 });
  });

  it('to a scheme that cannot be called is refused as such', () => {
    expect(refer('<https://evil.example/>')).toEqual({ kind: 'refused', status: 416 });
  });

  it('asks for nothing but an INVITE', () => {
    expect(refer('<sip:+15550123@a.example;method=BYE>')).toEqual({ kind: 'refused', status: 400 });
  });

  it('brings no header fields of its own but Replaces', () => {
    expect(refer('<sip:+15550123@a.example?P-Asserted-Identity=%3Csip:boss@a.example%3E>')).toEqual({ kind: 'refused', status: 400 });
    expect(refer('<sip:2@a.example?Replaces=call%40a%3Bto-tag%3Dours%3Bfrom-tag%3Dtheirs&Require=replaces>')).toMatchObject({
      kind: 'referral',
      referral: { to: '2', replaces: { callIdHeader: 'call@a', localTag: 'ours', remoteTag: 'theirs', earlyOnly: false } },
    });
    expect(refer('<sip:2@a.example?Replaces=call%40a>')).toEqual({ kind: 'refused', status: 400 });
  });

  it('may forgo the reports, and says who refers', () => {
    const headers = headersOf([
      ['Refer-To', '<sip:+15550123@a.example>'],
      ['Refer-Sub', 'false'],
      ['Referred-By', '<sip:boss@a.example>'],
    ]);
    expect(readRefer(headers)).toMatchObject({ referral: { reports: 'unwanted', referredBy: '<sip:boss@a.example>' } });
  });
});

describe('a Replaces', () => {
  it('names a dialog by Call-ID and both tags, in any order', () => {
    const dialog = { callIdHeader: 'a@b', localTag: 't1', remoteTag: 't2', earlyOnly: false };
    expect(readReplaces('a@b;from-tag=t2;to-tag=t1')).toEqual(dialog);
    expect(readReplaces(formatReplaces(dialog))).toEqual(dialog);
    expect(readReplaces(formatReplaces({ ...dialog, earlyOnly: true }))).toEqual({ ...dialog, earlyOnly: true });
  });

  it('without one of them, or with one twice, names none', () => {
    for (const value of [
      '',
      'a@b',
      'a@b;to-tag=1',
      'a@b;from-tag=1',
      ';to-tag=1;from-tag=2',
      'a@b;to-tag=1;to-tag=2;from-tag=3',
      'a b;to-tag=1;from-tag=2',
      'a@b;to-tag=1\r\nP-Asserted-Identity: <tel:+1900>;from-tag=2',
    ]) {
      expect(readReplaces(value)).toBeUndefined();
    }
  });
});

describe('a report of a referred call', () => {
  it('is a status line, and ends the subscription with a final one', () => {
    expect(referReport(180)).toEqual({
      body: { type: 'message/sipfrag;version=2.0', content: 'SIP/2.0 180 Ringing\r\n' },
      headers: [
        ['Event', 'refer'],
        ['Subscription-State', 'active;expires=180'],
      ],
    });
    expect(referReport(486).headers).toContainEqual(['Subscription-State', 'terminated;reason=noresource']);
  });
});
