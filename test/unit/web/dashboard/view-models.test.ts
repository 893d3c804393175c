import { describe, expect, it } from 'vitest';
import type { CallDto, TrunkDto } from '../../../../src/admin/views.js';
import type { StoryMedia, StoryMessage } from '../../../../src/story/call-story.js';
import { callRow, filterCalls } from '../../../../src/web/dashboard/call-rows.js';
import { dayFigures, trunkSaid, trunksSaid } from '../../../../src/web/dashboard/day-figures.js';
import { ladderRows } from '../../../../src/web/dashboard/ladder-rows.js';
import { isSparse, legFigures, plotsOf } from '../../../../src/web/dashboard/plot-data.js';
import {
  emptyFilter,
  filterFromAddress,
  filterToAddress,
  isEmptyFilter,
  recordQuery,
} from '../../../../src/web/dashboard/record-filter.js';
import { routeOf, storyAddress } from '../../../../src/web/dashboard/route.js';
import { scopeRows, tightestBudget } from '../../../../src/web/dashboard/scope-rows.js';
import { clockTime, dayTime, duration, offset, todayBegan } from '../../../../src/web/dashboard/times.js';
import { digitsSaid, dispositionSaid, receiptSaid, scoreSaid, silenceSaid, stateSaid } from '../../../../src/web/dashboard/words.js';

describe('times', () => {
  it.each([
    [0, '0:00'],
    [65_400, '1:05'],
    [3_723_000, '1:02:03'],
    [-5, '0:00'],
  ])('say %s ms as %s', (ms, text) => expect(duration(ms)).toBe(text));

  it('count from the beginning of a call finely at first', () => {
    expect([offset(0), offset(412), offset(75_040)]).toEqual(['+0.000 s', '+0.412 s', '+75.0 s']);
  });

  it('leave out the day when it is today, and are a dash when there is none', () => {
    const now = new Date(2026, 0, 2, 12, 0, 0);
    const earlier = new Date(2026, 0, 2, 3, 4, 5).toISOString();
    expect(dayTime(earlier, now.getTime())).toBe('03:04:05');
    expect(dayTime(new Date(2025, 11, 31, 3, 4, 5).toISOString(), now.getTime())).toMatch(/2025.*, 03:04:05$/);
    expect([clockTime(undefined), dayTime('never', 0)]).toEqual(['–', '–']);
    expect(new Date(todayBegan(now.getTime())).getTime()).toBe(new Date(2026, 0, 2).getTime());
  });
});

describe('words', () => {
  it.each([
    [4.4, 'good', 'good'],
    [4, 'good', 'good'],
    [3.7, 'fair', 'plain'],
    [3.2, 'poor', 'warn'],
    [2, 'bad', 'bad'],
    [undefined, 'not measured', 'plain'],
  ])('a score of %s is %s', (score, text, tone) => expect(scoreSaid(score)).toEqual({ text, tone }));

  it('say what is known of codes that are new', () => {
    expect([stateSaid('dreaming').text, dispositionSaid('cut-off').text]).toEqual(['dreaming', 'cut off']);
    expect(silenceSaid({ leg: 'trunk', cause: 'nothing-received' })).toBe('No sound from the telephone: nothing received');
  });

  it('tell calls that nobody took from calls that failed', () => {
    expect(['completed', 'busy', 'failed'].map((one) => dispositionSaid(one).tone)).toEqual(['good', 'warn', 'bad']);
  });

  it('tell what became of keys', () => {
    const key = { id: 1, digit: '5', from: 'browser', by: 'rfc4733', at: '2026-01-02T03:04:05Z', durationMs: 100 } as const;
    const sent = { as: 'rfc4733', durationMs: 99.6, at: '2026-01-02T03:04:05Z' } as const;
    expect([
      receiptSaid(key),
      receiptSaid({ ...key, outcome: 'sent', sent }),
      receiptSaid({ ...key, outcome: 'failed', why: 'call-ended' }),
      receiptSaid({ ...key, outcome: 'failed', why: 'withheld' }).tone,
    ]).toEqual([
      { text: 'on its way', tone: 'plain' },
      { text: 'sent as telephone-event, 100 ms', tone: 'good' },
      { text: 'not delivered: the call ended first', tone: 'bad' },
      'plain',
    ]);
    expect(digitsSaid({ fromBrowser: 2, fromTrunk: 1, lost: 1 })).toEqual({ text: '3, 1 not delivered', tone: 'bad' });
    expect(digitsSaid({ fromBrowser: 0, fromTrunk: 0, lost: 0 }).text).toBe('none');
  });
});

const call: CallDto = {
  id: 'c-1',
  direction: 'browser-to-trunk',
  state: 'connected',
  from: 'demo',
  to: '+15550123456',
  trunk: 'carrier',
  origin: 'https://shop.example',
  source: '127.0.0.1:5000',
  startedAt: '2026-01-02T03:04:05.000Z',
  answeredAt: '2026-01-02T03:04:07.000Z',
  silent: [{ leg: 'trunk', cause: 'source-mismatch', since: '2026-01-02T03:04:13.000Z' }],
  digits: { fromBrowser: 2, fromTrunk: 0, lost: 0, receipts: [] },
  legs: [
    { leg: 'a', kind: 'browser', codec: 'opus', score: 4.31 },
    { leg: 'b', kind: 'trunk', codec: 'PCMA' },
  ],
};

describe('a live call', () => {
  it('has who calls on one side and who is called on the other, each with its codec and quality', () => {
    const { caller, called, warnings, answeredMs } = callRow(call);
    expect(caller).toEqual({ who: 'demo', where: 'Page shop.example', codec: 'opus', quality: { text: '4.3 good', tone: 'good' } });
    expect(called).toEqual({
      who: '+15550123456',
      where: 'Trunk carrier',
      codec: 'PCMA',
      quality: { text: 'not measured', tone: 'plain' },
    });
    expect([warnings, answeredMs]).toEqual([
      ['No sound from the telephone: it comes from an address that may not send it'],
      Date.parse('2026-01-02T03:04:07Z'),
    ]);
  });

  it('that comes from a telephone has the trunk on the left', () => {
    const { answeredAt: _, legs: __, ...ringing } = call;
    const { caller, called, answeredMs } = callRow({ ...ringing, direction: 'trunk-to-browser', user: 'anna' });
    expect([caller.where, called.where, called.codec, answeredMs]).toEqual(['Trunk carrier', 'Page of anna', '–', undefined]);
  });

  it('is found by any words that stand in it, all of them', () => {
    const rows = [callRow(call), callRow({ ...call, id: 'c-2', to: '+4930123', trunk: 'other' })];
    const found = (filter: string): readonly string[] => filterCalls(rows, filter).map(({ id }) => id);
    expect([found(''), found('OTHER'), found('opus +4930'), found('opus ringing')]).toEqual([['c-1', 'c-2'], ['c-2'], ['c-2'], []]);
  });
});

describe('a ladder', () => {
  const message = (leg: 'a' | 'b', way: 'in' | 'out', title: string, more: Partial<StoryMessage> = {}): StoryMessage => {
    return { atMs: 5, leg, way, title, repeats: 0, text: '', ...more };
  };

  it('points from whoever sent to whoever got it, on the side of its leg', () => {
    const rows = ladderRows(
      [message('a', 'in', 'INVITE'), message('b', 'out', 'INVITE'), message('b', 'in', '200 OK'), message('a', 'out', '200 OK')],
      [],
    );
    expect(rows.map(({ gap, points }) => `${gap} ${points}`)).toEqual(['left right', 'right right', 'right left', 'left left']);
  });

  it('says in words where the arrow goes, and how often', () => {
    const [row] = ladderRows([message('b', 'out', 'INVITE', { sdp: [], repeats: 2 })], ['Page', 'Gateway', 'Trunk carrier']);
    expect([row?.spoken, row?.hasSdp, row?.repeated]).toEqual(['from Gateway to Trunk carrier', true, 'sent 3 times']);
  });

  it('has colours for what went well, what goes on and what was refused', () => {
    const titles = ['BYE', '180 Ringing', '200 OK', '401 Unauthorized', '486 Busy Here', '503 Service Unavailable'];
    expect(
      ladderRows(
        titles.map((title) => message('a', 'in', title)),
        [],
      ).map(({ tone }) => tone),
    ).toEqual(['plain', 'plain', 'good', 'warn', 'bad', 'bad']);
  });
});

describe('plots', () => {
  const sample = (atMs: number, more: object = {}) => ({ atMs, received: 50, sent: 49, lostPercent: 0, jitterMs: 2, ...more });
  const media: readonly StoryMedia[] = [
    { leg: 'a', kind: 'browser', codec: 'opus', samples: [sample(1000), sample(2000, { roundTripMs: 30, score: 4 })] },
    { leg: 'b', kind: 'trunk', samples: [sample(1040, { lostPercent: 4 }), sample(3000, { score: 3 })] },
  ];

  it('have one time axis for both legs, with gaps where a leg was not measured', () => {
    const [packets, loss] = plotsOf(media);
    expect(packets?.seconds).toEqual([1, 2, 3]);
    expect(loss?.lines.map(({ label, values }) => [label, values])).toEqual([
      ['from page', [0, 0, null]],
      ['from telephone', [4, null, 0]],
    ]);
  });

  it('show packets each way, and leave out what nobody measured', () => {
    const plots = plotsOf(media);
    expect(plots.map(({ name, lines }) => `${name} ${lines.length}`)).toEqual(['Packets 4', 'Loss 2', 'Jitter 2', 'Round trip 1']);
    expect(plots[0]?.lines.map(({ label, dashed }) => `${label} ${dashed}`)).toEqual([
      ...['from page false', 'to page true', 'from telephone false', 'to telephone true'],
    ]);
    expect([isSparse([null, 40, null]), isSparse([undefined, 1, 2]), isSparse([1, null, 2, 3])]).toEqual([true, true, false]);
    expect([plotsOf([]), plotsOf([{ leg: 'a', kind: 'browser', samples: [] }])]).toEqual([[], []]);
  });

  it('have averages beside them', () => {
    expect(legFigures(media)).toEqual([
      { leg: 'a', farEnd: 'page', codec: 'opus', score: 4, lostPercent: 0, jitterMs: 2, roundTripMs: 30 },
      { leg: 'b', farEnd: 'telephone', codec: '–', score: 3, lostPercent: 2, jitterMs: 2, roundTripMs: undefined },
    ]);
  });
});

describe('a search in records', () => {
  it('goes into the address and comes back', () => {
    const filter = { ...emptyFilter, number: '+49 30', disposition: 'busy' };
    expect(filterFromAddress(filterToAddress(filter))).toEqual(filter);
    expect([isEmptyFilter(emptyFilter), isEmptyFilter(filter), filterToAddress(emptyFilter)]).toEqual([true, false, '']);
  });

  it('asks with the moment that the viewer’s local time means, and without what is empty', () => {
    const query = new URLSearchParams(
      recordQuery(
        { ...emptyFilter, from: '2026-01-02T03:04', to: 'soon', trunk: ' carrier ' },
        { limit: 50, before: 'c-9', format: 'csv' },
      ),
    );
    expect(Object.fromEntries(query)).toEqual({
      ...{ limit: '50', trunk: 'carrier', before: 'c-9', format: 'csv' },
      from: new Date(2026, 0, 2, 3, 4).toISOString(),
    });
  });
});

describe('an address', () => {
  it.each([
    ['', { page: 'calls' }],
    ['#/nowhere', { page: 'calls' }],
    ['#/trunks', { page: 'trunks' }],
    ['#/records?number=1', { page: 'records', query: 'number=1' }],
    ['#/call/', { page: 'calls' }],
    ['#/call/%E0', { page: 'story', callId: '%E0' }],
    [storyAddress('c/1 ?'), { page: 'story', callId: 'c/1 ?' }],
  ])('%s leads to its page', (hash, route) => expect(routeOf(hash)).toEqual(route));
});

describe('figures', () => {
  it('of a day tell answered, not taken and failed calls apart', () => {
    const at = { answeredAt: '2026-01-02T03:04:05Z' };
    const records = [
      { disposition: 'completed', ...at },
      { disposition: 'media-lost', ...at },
      { disposition: 'busy' },
      { disposition: 'failed' },
    ];
    expect(dayFigures(records)).toEqual({ answered: 1, unanswered: 1, failed: 2 });
  });

  const trunk = (health: readonly string[], registered?: boolean): TrunkDto => ({
    ...{ id: 't', callsInUse: 0, peers: health.map((one) => ({ uri: 'sip:a.example', health: one })) },
    ...(registered === undefined ? {} : { registration: { registered } }),
  });

  it('of trunks count those that calls can leave by', () => {
    const trunks = [trunk(['up', 'down']), trunk(['down']), trunk(['up'], false)];
    expect(trunks.map((one) => trunkSaid(one))).toEqual([
      { text: 'up, not all peers', tone: 'warn' },
      { text: 'no peer is up', tone: 'bad' },
      { text: 'not registered', tone: 'bad' },
    ]);
    expect(trunksSaid(trunks)).toEqual({ text: '1 of 3', tone: 'warn' });
    expect([trunksSaid([]).text, trunksSaid([trunk(['up'], true)]).tone]).toEqual(['none', 'good']);
  });

  const scope = {
    scope: 'site pk_shop',
    rule: 'sites[0]',
    calls: 1,
    minutesOfDay: 30,
    spentOfDay: 9,
    spentOfMonth: 20,
    limits: {},
    budget: {},
  };

  it('of limits stand in the order in which they are used up', () => {
    const rows = scopeRows(
      [
        { ...scope, scope: 'gateway', limits: { calls: 10 } },
        { ...scope, limits: { minutesPerDay: 30 }, budget: { perDay: 10 } },
      ],
      'EUR',
    );
    expect(rows.map((row) => row.scope)).toEqual(['site pk_shop', 'gateway']);
    expect(rows[0]?.meters).toEqual([
      { name: 'Minutes today', text: '30.0 of 30 min', used: 1, tone: 'bad' },
      { name: 'Spent today', text: '9.00 of 10 EUR', used: 0.9, tone: 'warn' },
    ]);
  });

  it('of budgets name the tightest, and none where there is none', () => {
    const budgets = [
      { ...scope, budget: { perMonth: 100 } },
      { ...scope, scope: 'gateway', budget: { perDay: 18 } },
    ];
    expect(tightestBudget(budgets, 'EUR')).toEqual({ name: 'gateway: spent today', text: '9.00 of 18 EUR', used: 0.5, tone: 'good' });
    expect(tightestBudget([scope], 'EUR')).toBeUndefined();
  });
});
