import { afterEach, describe, expect, it } from 'vitest';
import type { CallDirection, CallFact, ExpectedDirection } from '../../../src/call/facts.js';
import type { TrunkView } from '../../../src/call/trunk-view.js';
import { catalogue, type MetricRow } from '../../../src/metrics/catalogue.js';
import { Metrics } from '../../../src/metrics/metrics.js';
import { completedCall, factAt, received } from '../../support/call-facts.js';

const started: Metrics[] = [];
afterEach(() => {
  for (const metrics of started.splice(0)) metrics.stop();
});

const trunks: readonly TrunkView[] = [
  {
    id: 'carrier',
    callsInUse: 3,
    peers: [
      { uri: 'sip:a.example', health: 'up' },
      { uri: 'sip:b.example', health: 'down' },
    ],
    registration: { registered: true },
  },
  { id: 'plain', callsInUse: 0, peers: [] },
];

async function textAfter(facts: readonly CallFact[]): Promise<string> {
  const metrics = new Metrics(
    { version: '1.2.3' },
    {
      ...{ liveObjects: async () => ({ call: 0, dialog: 2 }), trunks: () => trunks, isReady: () => true },
      budgets: () => [{ scope: 'site pk_shop', period: 'day', usedRatio: 0.5 }],
    },
  );
  started.push(metrics);
  for (const fact of facts) metrics.take(fact);
  metrics.countCdrFailure('delayed');
  return await metrics.text();
}

const failed = factAt(
  50,
  { type: 'ended', by: 'callee', disposition: 'busy', failure: 'busy', sipStatus: 486, q850: 17, talkMs: 0, totalMs: 50 },
  'c-2',
);

const mediaFailed = { type: 'media-failed', leg: 'a', kind: 'browser', cause: 'ice-failed', detail: 'x' } as const;

/** The completed call as one that was expected to be one thing and turned out to be another. */
function inDirection(expected: ExpectedDirection, direction: CallDirection): readonly CallFact[] {
  return completedCall.map((fact) => {
    if (fact.type === 'received') return { ...fact, direction: expected };
    return fact.type === 'routed' ? { ...fact, direction } : fact;
  });
}

describe('the metrics', () => {
  it('count a completed call, its set-up times and its packets', async () => {
    const text = await textAfter(completedCall);
    for (const line of [
      'gateway_calls_total{direction="browser-to-trunk",outcome="completed"} 1',
      'gateway_calls_active{direction="browser-to-trunk"} 0',
      'gateway_call_setup_seconds_sum{direction="browser-to-trunk",until="ringing"} 0.5',
      'gateway_call_setup_seconds_count{direction="browser-to-trunk",until="ringing"} 1',
      'gateway_call_setup_seconds_sum{direction="browser-to-trunk",until="answer"} 2',
      'gateway_call_talk_seconds_sum{direction="browser-to-trunk"} 10',
      'gateway_digits_total{from="browser",by="rfc4733",as="rfc4733",outcome="sent"} 1',
      'gateway_digits_total{from="trunk",by="rfc4733",as="info",outcome="acknowledged"} 1',
      'gateway_digits_total{from="browser",by="info",as="none",outcome="failed"} 1',
      'gateway_media_silences_total{kind="trunk",cause="source-mismatch"} 1',
      'gateway_rtp_packets_total{leg="browser",direction="received"} 500',
      'gateway_rtp_packets_total{leg="trunk",direction="sent"} 480',
      'gateway_rtp_packets_dropped_total{leg="browser",reason="srtp"} 3',
      'gateway_live_objects{kind="dialog"} 2',
      'gateway_build_info{version="1.2.3"} 1',
      'gateway_ready 1',
    ]) {
      expect(text.split('\n')).toContain(line);
    }
  });

  it('count a call that failed by its code, without talk time', async () => {
    const text = await textAfter([factAt(0, received, 'c-2'), failed]);
    expect(text).toContain('gateway_calls_total{direction="browser-to-trunk",outcome="busy"} 1');
    expect(text).not.toContain('gateway_call_talk_seconds_count{direction="browser-to-trunk"}');
  });

  it('count a call there was no room for by the bound it would have broken', async () => {
    const text = await textAfter([factAt(0, received, 'c-4'), factAt(0, { type: 'crowded', bound: 'loop-delay' }, 'c-4'), failed]);
    expect(text).toContain('gateway_calls_refused_total{bound="loop-delay"} 1');
  });

  it('count a leg whose media failed by its cause', async () => {
    const text = await textAfter([factAt(0, received, 'c-3'), factAt(1, mediaFailed, 'c-3')]);
    expect(text).toContain('gateway_media_failures_total{kind="browser",cause="ice-failed"} 1');
  });

  it('show a call while it lives', async () => {
    expect(await textAfter(completedCall.slice(0, 3))).toContain('gateway_calls_active{direction="browser-to-trunk"} 1');
  });

  it('give the legs of an inbound call their sides', async () => {
    const inbound = inDirection('trunk-to-browser', 'trunk-to-browser');
    expect(await textAfter(inbound)).toContain('gateway_rtp_packets_total{leg="trunk",direction="received"} 500');
  });

  it('count a call that is forwarded to a telephone as one between trunks', async () => {
    const forwarded = inDirection('trunk-to-browser', 'trunk-to-trunk');
    const live = await textAfter(forwarded.slice(0, 3));
    expect(live).toContain('gateway_calls_active{direction="trunk-to-browser"} 0');
    expect(live).toContain('gateway_calls_active{direction="trunk-to-trunk"} 1');
    const after = await textAfter(forwarded);
    expect(after).toContain('gateway_calls_active{direction="trunk-to-trunk"} 0');
    expect(after).toContain('gateway_calls_total{direction="trunk-to-trunk",outcome="completed"} 1');
    expect(after).toContain('gateway_rtp_packets_total{leg="trunk",direction="received"} 990');
  });

  it('forget a kind of live object that is no longer reported', async () => {
    const kinds = [{ dialog: 2 }, {}];
    const metrics = new Metrics({ version: '1' }, { liveObjects: async () => kinds.shift() ?? {}, trunks: () => [], isReady: () => true });
    started.push(metrics);
    expect(await metrics.text()).toContain('gateway_live_objects{kind="dialog"} 2');
    expect(await metrics.text()).not.toContain('gateway_live_objects{kind="dialog"}');
  });

  it('show the trunks: calls, peers, and registration where there is one', async () => {
    const lines = (await textAfter([])).split('\n').filter((line) => line.startsWith('gateway_trunk'));
    expect(lines).toEqual([
      'gateway_trunk_calls{trunk="carrier"} 3',
      'gateway_trunk_calls{trunk="plain"} 0',
      'gateway_trunk_registered{trunk="carrier"} 1',
      'gateway_trunk_peer_up{trunk="carrier",peer="sip:a.example"} 1',
      'gateway_trunk_peer_up{trunk="carrier",peer="sip:b.example"} 0',
    ]);
  });

  it('name no call, number or digit', async () => {
    expect(await textAfter(completedCall)).not.toMatch(/c-1|555/);
  });
});

describe('the catalogue of metrics', () => {
  const rows: ReadonlyArray<readonly [string, MetricRow]> = Object.entries(catalogue);

  it('is what is exported, both ways', async () => {
    const exported = [...(await textAfter([])).matchAll(/^# TYPE (\S+) (\S+)$/gm)].map((match) => `${match[1]} ${match[2]}`);
    expect(exported.sort()).toEqual(rows.map(([name, { type }]) => `${name} ${type}`).sort());
  });

  it('counts decisions by rule and not by whose it was, so that visitors make no series', async () => {
    const decision = (rule: string) => factAt(0, { type: 'decision', rule, verdict: 'refused', why: 'full' }, 'c-2');
    const text = await textAfter([
      factAt(0, received, 'c-2'),
      decision('sites[pk_shop].limits.calls'),
      decision('sites[pk_bank].limits.calls'),
    ]);
    expect(text).toContain('gateway_guard_decisions_total{rule="sites.limits.calls",verdict="refused"} 2');
    expect(text).toContain('gateway_budget_used_ratio{scope="site pk_shop",period="day"} 0.5');
  });

  it('has no metric that nothing feeds', async () => {
    const text = await textAfter([
      ...completedCall.slice(0, -1),
      factAt(9700, mediaFailed),
      ...completedCall.slice(-1),
      factAt(0, received, 'c-2'),
      factAt(0, { type: 'crowded', bound: 'calls' }, 'c-2'),
      factAt(0, { type: 'decision', rule: 'sites[pk_shop].limits.calls', verdict: 'refused', why: 'full', failure: 'over-limit' }, 'c-2'),
      failed,
    ]);
    const dead = rows.map(([name]) => name).filter((name) => !new RegExp(`^${name}(_count)?[{ ]`, 'm').test(text));
    expect(dead).toEqual([]);
  });

  it('uses base units and the suffixes that go with them', () => {
    expect(rows.filter(([name, { type }]) => (type === 'counter') !== name.endsWith('_total'))).toEqual([]);
    expect(rows.filter(([name, { type }]) => type === 'histogram' && !name.endsWith('_seconds'))).toEqual([]);
  });

  it('says what each is', () => {
    expect(rows.filter(([, { help }]) => !/^\S.*\.$/.test(help))).toEqual([]);
  });
});
