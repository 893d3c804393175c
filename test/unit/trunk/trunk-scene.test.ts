import { describe, expect, it } from 'vitest';
import type { TrunkOptions } from '../../../src/trunk/options.js';
import { defaultIdentity } from '../../../src/trunk/options.js';
import { FakeSip } from '../../support/fake-sip.js';
import { Scene } from '../call/scene.js';

const peers = [
  { uri: 'sip:a.example', priority: 0, weight: 1 },
  { uri: 'sip:b.example', priority: 1, weight: 1 },
];

/** The whole gateway but its adapters, with a trunk of two peers. */
async function scene(more: Partial<TrunkOptions> = {}) {
  const made = await new Scene({ trunk: { peers, ...more } }).start();
  const [a, b] = [new FakeSip('a'), new FakeSip('b')];
  made.sip.connect(a, { names: ['a.example'] });
  made.sip.connect(b, { names: ['b.example'] });
  return { made, a, b };
}

describe('a call from a page', () => {
  it('goes to the next peer for the statuses its trunk names, and for no others', async () => {
    for (const [retry, status, arrives] of [
      [undefined, 503, 1],
      [undefined, 500, 0],
      [{ nextPeer: [500], nextTrunk: [] }, 500, 1],
      [{ nextPeer: [500], nextTrunk: [] }, 503, 0],
    ] as const) {
      const { made, a, b } = await scene(retry === undefined ? {} : { retry });
      made.dial();
      (await a.nextCall()).reject(status);
      await made.settle();
      expect(b.received.length, `${status}`).toBe(arrives);
    }
  });

  it('never goes to a second peer once the first has answered, whatever comes after', async () => {
    const { made, a, b } = await scene({ retry: { nextPeer: [408, 500, 503], nextTrunk: [] } });
    made.dial();
    const call = await a.nextCall();
    const dialog = call.answer('v=0\r\nm=audio 4000 RTP/AVP 0\r\n');
    await made.settle();
    void dialog.bye({ headers: [['Reason', 'SIP;cause=503']] });
    await made.settle();
    expect([b.received.length, made.facts.at(-1)?.type]).toEqual([0, 'ended']);
  });

  it('tells the carrier nothing of what the page claims about who is calling', async () => {
    const claims: ReadonlyArray<readonly [string, string]> = [
      ['P-Asserted-Identity', '<sip:+15559999@evil.example>'],
      ['P-Preferred-Identity', '<sip:+15559999@evil.example>'],
      ['Remote-Party-ID', '<sip:+15559999@evil.example>;party=calling'],
      ['Diversion', '<sip:+15559999@evil.example>'],
      ['History-Info', '<sip:+15559999@evil.example>;index=1'],
      ['Identity', 'forged;info=<https://evil.example>'],
      ['Privacy', 'id'],
    ];
    const identity = { ...defaultIdentity, header: 'P-Asserted-Identity', diversion: true, historyInfo: true, signed: true } as const;
    const { made, a } = await scene({ identity });
    made.dial('+15550100', claims);
    const call = await a.nextCall();
    expect(call.from).toEqual({ uri: 'sip:+15550199@a.example' });
    expect(call.headers.all('P-Asserted-Identity')).toEqual(['<sip:+15550199@a.example>']);
    for (const [name] of claims.slice(1)) expect(call.headers.all(name), name).toEqual([]);
    expect(JSON.stringify(made.sip.placed.map(({ options }) => options))).not.toMatch(/5559999|evil/);
  });
});

describe('a call from a carrier that is full', () => {
  it('is answered 503 with the time after which to try again', async () => {
    const { made } = await scene({ maxCalls: 1 });
    made.lines.take('carrier', 'in');
    const via = { proxy: 'sip:carrier.example' };
    const call = made.carrier.call({ requestUri: 'sip:+15550111@gateway.example', from: { uri: 'sip:+15550142@c' }, offer: 'v=0', via });
    const outcome = await call.outcome;
    expect(outcome).toMatchObject({ kind: 'rejected', status: 503 });
    if (outcome.kind === 'rejected') expect(Number(outcome.headers.get('Retry-After'))).toBeGreaterThan(0);
  });
});
