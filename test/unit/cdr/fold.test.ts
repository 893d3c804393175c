import { describe, expect, it } from 'vitest';
import type { CallFactBody, PageHint } from '../../../src/call/facts.js';
import { CdrFold } from '../../../src/cdr/fold.js';
import { RecentRecords } from '../../../src/cdr/recent.js';
import type { CallRecord } from '../../../src/cdr/record.js';
import { completedCall, factAt, received } from '../../support/call-facts.js';

function fold(facts: typeof completedCall) {
  const records: CallRecord[] = [];
  const cdr = new CdrFold((record) => records.push(record));
  for (const fact of facts) cdr.take(fact);
  return { cdr, records };
}

describe('the call record', () => {
  it('tells a whole call under stable names', () => {
    const { records } = fold(completedCall);
    expect(records.map((record) => JSON.stringify(record))).toEqual([
      '{"callId":"c-1","direction":"browser-to-trunk","from":"demo","to":"+15550123456","trunk":"carrier","origin":"http://127.0.0.1:8080",' +
        '"source":"127.0.0.1:50000","startedAt":"2026-01-02T03:04:05.000Z","ringingAt":"2026-01-02T03:04:05.500Z","answeredAt":"2026-01-02T03:04:07.000Z",' +
        '"endedAt":"2026-01-02T03:04:17.000Z","talkMs":10000,"totalMs":12000,"endedBy":"callee","disposition":"completed","sipStatus":200,"q850":16,' +
        '"digits":{"fromBrowser":2,"fromTrunk":1,"lost":1,"receipts":[' +
        '{"id":1,"digit":"5","from":"browser","by":"rfc4733","at":"2026-01-02T03:04:08.000Z","durationMs":100,' +
        '"sent":{"as":"rfc4733","durationMs":100,"packets":7,"at":"2026-01-02T03:04:08.060Z"},"outcome":"sent"},' +
        '{"id":2,"digit":"#","from":"trunk","by":"rfc4733","at":"2026-01-02T03:04:08.100Z","durationMs":100,' +
        '"sent":{"as":"info","durationMs":100,"at":"2026-01-02T03:04:08.110Z"},"outcome":"acknowledged"},' +
        '{"id":3,"digit":"•","from":"browser","by":"info","at":"2026-01-02T03:04:08.200Z","durationMs":100,"outcome":"failed","why":"not-supported"}]},' +
        '"silences":[{"leg":"trunk","cause":"source-mismatch","at":"2026-01-02T03:04:13.000Z","resumedAt":"2026-01-02T03:04:14.000Z"}],' +
        '"mediaA":{"codec":"PCMU","packetsReceived":500,"packetsSent":490,"packetsLost":2,"jitterMs":1.23},' +
        '"mediaB":{"codec":"PCMA","packetsReceived":490,"packetsSent":480,"packetsLost":2,"jitterMs":1.23}}',
    ]);
  });

  it('tells of a forwarded call which trunk it came by and which it left by', () => {
    const end = factAt(9, { type: 'ended', by: 'caller', disposition: 'completed', q850: 16, talkMs: 0, totalMs: 9 });
    const inbound = factAt(0, { ...received, type: 'received', direction: 'trunk-to-browser', trunk: 'in' } as CallFactBody);
    const toUser = factAt(1, { type: 'routed', direction: 'trunk-to-browser', user: 'demo', dialled: 'demo' });
    const onward = factAt(2, { type: 'routed', direction: 'trunk-to-trunk', trunk: 'out', dialled: '+15550177' });
    expect(fold([inbound, toUser, end]).records).toMatchObject([{ direction: 'trunk-to-browser', trunk: 'in', user: 'demo' }]);
    expect(fold([inbound, toUser, end]).records[0]).not.toHaveProperty('forwardedFrom');
    expect(fold([inbound, toUser, onward, end]).records).toMatchObject([
      { direction: 'trunk-to-trunk', trunk: 'out', forwardedFrom: 'in' },
    ]);
  });

  it('tells of a group who took the call', () => {
    const end = factAt(9, { type: 'ended', by: 'caller', disposition: 'completed', q850: 16, talkMs: 0, totalMs: 9 });
    const toGroup = factAt(1, { type: 'routed', direction: 'trunk-to-browser', user: 'sales', dialled: 'sales' });
    const taken = factAt(2, { type: 'answered', by: 'bob' });
    const first = factAt(0, { ...received, type: 'received' } as CallFactBody);
    expect(fold([first, toGroup, taken, end]).records).toMatchObject([{ user: 'sales', answeredBy: 'bob' }]);
    expect(fold([first, toGroup, end]).records[0]).not.toHaveProperty('answeredBy');
  });

  it('is written for a call that failed before it went anywhere', () => {
    const { records } = fold([
      factAt(0, received),
      factAt(3, { type: 'ended', by: 'gateway', disposition: 'denied', failure: 'destination-denied', q850: 21, talkMs: 0, totalMs: 3 }),
    ]);
    expect(records).toMatchObject([{ disposition: 'denied', failure: 'destination-denied', endedBy: 'gateway', talkMs: 0, silences: [] }]);
    expect(records[0]).not.toHaveProperty('answeredAt');
  });

  it('says why media could not be set up', () => {
    const { records } = fold([
      factAt(0, received),
      factAt(2, { type: 'media-failed', leg: 'a', kind: 'browser', cause: 'ice-failed', detail: 'x' }),
      factAt(3, { type: 'ended', by: 'gateway', disposition: 'failed', failure: 'media-setup-failed', q850: 41, talkMs: 0, totalMs: 3 }),
    ]);
    expect(records).toMatchObject([{ mediaFailure: 'ice-failed' }]);
  });

  it('tells transfers with what became of them, and how long the call was on hold in all', () => {
    const { records } = fold([
      factAt(0, received),
      factAt(1000, { type: 'held', leg: 'b', kind: 'trunk', direction: 'sendonly' }),
      factAt(1500, { type: 'held', leg: 'a', kind: 'browser', direction: 'inactive' }),
      factAt(1600, { type: 'held', leg: 'a', kind: 'browser', direction: 'sendonly' }),
      factAt(2000, { type: 'resumed', leg: 'a', kind: 'browser' }),
      factAt(3000, { type: 'transfer-requested', leg: 'b', kind: 'trunk', to: '+15550123', attended: false }),
      factAt(4000, { type: 'transfer-failed', leg: 'b', kind: 'trunk', status: 486, failure: 'busy' }),
      factAt(5000, { type: 'transfer-requested', leg: 'b', kind: 'trunk', to: '+15550124', attended: true }),
      factAt(6000, { type: 'transferred', leg: 'b', kind: 'trunk', to: '+15550124' }),
      factAt(7000, { type: 'held', leg: 'b', kind: 'trunk', direction: 'inactive' }),
      factAt(8000, { type: 'transfer-requested', leg: 'a', kind: 'browser', to: '+15550125', attended: false }),
      factAt(9000, { type: 'ended', by: 'caller', disposition: 'completed', q850: 16, talkMs: 9000, totalMs: 9000 }),
    ]);
    expect(records[0]?.heldMs).toBe(7000);
    expect(records[0]?.transfers?.map(({ by, to, status }) => [by, to, status])).toEqual([
      ['trunk', '+15550123', 486],
      ['trunk', '+15550124', 200],
      ['browser', '+15550125', undefined],
    ]);
  });

  it('is written once, when the call has ended, and nothing of the call is kept', () => {
    const { records, cdr } = fold(completedCall.slice(0, -1));
    expect([records.length, cdr.size]).toEqual([0, 1]);
    const last = completedCall.at(-1);
    if (last === undefined) throw new Error('no facts');
    cdr.take(last);
    cdr.take(last);
    expect([records.length, cdr.size]).toEqual([1, 0]);
  });

  it('tells of 256 key presses one by one and of the rest how many', () => {
    const presses = Array.from({ length: 260 }, (_, at) =>
      factAt(at, { type: 'digit', id: at + 1, from: 'browser', by: 'rfc4733', digit: '1', durationMs: 100 }),
    );
    const digits = fold([factAt(0, received), ...presses]).cdr.notes('c-1')?.digits;
    expect([digits?.fromBrowser, digits?.receipts.length, digits?.moreReceipts]).toEqual([260, 256, 4]);
  });

  it('counts a digit that was kept from the page as not lost', () => {
    const facts = [
      factAt(1, { type: 'digit', id: 1, from: 'trunk', by: 'rfc4733', durationMs: 100 }),
      factAt(1, { type: 'digit-failed', id: 1, why: 'withheld' }),
    ];
    const digits = fold([factAt(0, received), ...facts]).cdr.notes('c-1')?.digits;
    expect(digits).toMatchObject({ fromTrunk: 1, lost: 0, receipts: [{ digit: '•', outcome: 'failed', why: 'withheld' }] });
  });

  it('keeps calls apart', () => {
    const ended = { type: 'ended', by: 'caller', disposition: 'completed', q850: 16, talkMs: 1, totalMs: 2 } as const;
    const digit = { type: 'digit', id: 1, from: 'trunk', by: 'rfc4733', digit: '5', durationMs: 100 } as const;
    const { records } = fold([
      factAt(0, received, 'c-1'),
      factAt(1, received, 'c-2'),
      factAt(2, digit, 'c-2'),
      factAt(3, ended, 'c-2'),
      factAt(4, ended, 'c-1'),
    ]);
    expect(records.map((record) => [record.callId, record.digits.fromTrunk])).toEqual([
      ['c-2', 1],
      ['c-1', 0],
    ]);
  });

  it('keep the worst that the page said of its sound', () => {
    const said = (score: 1 | 2 | 3 | 4 | 5, hint?: PageHint): CallFactBody => ({
      ...{ type: 'page-quality', leg: 'a', score, roundTripMs: 40, lostPercent: 0, jitterMs: 3 },
      ...(hint === undefined ? {} : { hint }),
    });
    const told = [said(4), said(2, 'network-loss'), said(3, 'network-slow'), said(2, 'network-loss')];
    const end = factAt(9, { type: 'ended', by: 'caller', disposition: 'completed', q850: 16, talkMs: 0, totalMs: 9 });
    const { records } = fold([factAt(0, received), ...told.map((body, at) => factAt(1 + at, body)), end]);
    expect(records[0]?.pageQuality).toEqual({ lowestScore: 2, hints: ['network-loss', 'network-slow'] });
    expect(fold([factAt(0, received), factAt(1, said(5)), end]).records[0]?.pageQuality).toEqual({ lowestScore: 5, hints: [] });
    expect(fold(completedCall).records[0]).not.toHaveProperty('pageQuality');
  });

  it('shows what is silent now, and no longer what has resumed', () => {
    const at = completedCall.findIndex((fact) => fact.type === 'media-silent');
    expect(fold(completedCall.slice(0, at + 1)).cdr.notes('c-1')?.silent).toMatchObject([{ leg: 'trunk', cause: 'source-mismatch' }]);
    expect(fold(completedCall.slice(0, at + 2)).cdr.notes('c-1')?.silent).toEqual([]);
    expect(fold(completedCall).cdr.notes('c-1')).toBeUndefined();
  });
});

describe('the recent records', () => {
  it('are the newest first, and no more than there is room for', () => {
    const [record] = fold(completedCall).records;
    if (record === undefined) throw new Error('no record');
    const recent = new RecentRecords({ capacity: 2 });
    for (const callId of ['c-1', 'c-2', 'c-3']) recent.add({ ...record, callId });
    expect(recent.list(10).map(({ callId }) => callId)).toEqual(['c-3', 'c-2']);
    expect(recent.list(1).map(({ callId }) => callId)).toEqual(['c-3']);
  });
});
