import { describe, expect, it } from 'vitest';
import type { CallId } from '../../../src/base/ids.js';
import { silentLog } from '../../../src/base/log.js';
import type { DialRequest, DialResult, TrunkTarget } from '../../../src/call/ports.js';
import type { TrunkOptions } from '../../../src/trunk/options.js';
import { TrunkDialler } from '../../../src/trunk/trunk-dialler.js';
import { Trunks } from '../../../src/trunk/trunks.js';
import { FakeClock, settle } from '../../support/fake-clock.js';
import { FakeSip, headersOf } from '../../support/fake-sip.js';
import { trunk } from '../call/scene.js';

const peers = ['a', 'b', 'c'].map((name, at) => ({ uri: `sip:${name}.example`, priority: at, weight: 1 }));
const target = { kind: 'trunk', trunk: 'carrier', number: '+15550100', media: { kind: 'udp', codecs: ['PCMU'], learnFrom: [] } } as const;

function scene(more: Partial<TrunkOptions> = {}, registeredWith?: string) {
  const clock = new FakeClock();
  const sip = new FakeSip();
  const hosts = Object.fromEntries(['a', 'b', 'c'].map((name) => [name, new FakeSip(name)])) as Record<'a' | 'b' | 'c', FakeSip>;
  for (const [name, peer] of Object.entries(hosts)) sip.connect(peer, { names: [`${name}.example`] });
  const one = { ...trunk, peers, ...more };
  const trunks = new Trunks([one], { sip, clock, log: silentLog, random: () => 0, resolveHost: () => Promise.resolve([]) });
  const dialler = new TrunkDialler([one], {
    ...{ sip, clock, log: silentLog, lines: trunks.lines, book: trunks.book },
    mayDial: (number) => !number.startsWith('+1900'),
    registeredWith: () => registeredWith,
  });
  let serial = 0;
  const dial = (attempt = 0, callId = `call-${serial++}`, facts: Partial<DialRequest<TrunkTarget>> = {}): DialResult =>
    dialler.dial({ callId: callId as CallId, target, from: { number: '+15550142' }, offer: 'v=0', attempt, ...facts });
  /** Where the INVITEs went, by host. */
  const went = (): string[] => sip.placed.map(({ options }) => /sip:(\w)\./.exec(JSON.stringify(options.via))?.[1] ?? '?');
  const health = (): string[] => trunks.states()[0]?.peers.map((peer) => peer.health) ?? [];
  return { clock, sip, hosts, trunks, dial, went, health };
}

describe('the peers of a trunk', () => {
  it('are tried in order, each once for one call, though the first becomes suspect on the way', async () => {
    const { sip, dial, went, health } = scene();
    for (const attempt of [0, 1, 2]) {
      sip.failNextCall('timeout');
      const result = dial(attempt, 'one');
      if (result.kind !== 'dialling') throw new Error(result.kind);
      const outcome = await result.leg.outcome;
      if (outcome.kind === 'answered') throw new Error('answered');
      expect(result.tryNext?.(outcome)).toBe('peer');
      result.release();
    }
    expect(dial(3, 'one')).toEqual({ kind: 'exhausted' });
    expect([went(), health()]).toEqual([
      ['a', 'b', 'c'],
      ['resting', 'resting', 'resting'],
    ]);
  });

  it('that failed are tried last by the next calls, and first again after a while', async () => {
    const { clock, sip, dial, went } = scene();
    sip.failNextCall('refused');
    dial();
    await settle();
    dial();
    expect(went()).toEqual(['a', 'b']);
    clock.advance(30_000);
    dial();
    expect(went()).toEqual(['a', 'b', 'a']);
  });

  it('are tried though all of them are down', async () => {
    const { sip, dial, went } = scene({ peers: peers.slice(0, 1) });
    sip.failNextCall('refused');
    dial();
    await settle();
    expect(dial().kind).toBe('dialling');
    expect(went()).toEqual(['a', 'a']);
  });

  it('rest as long as their 503 says', async () => {
    const { clock, hosts, dial, went, trunks } = scene();
    dial();
    (await hosts.a.nextCall()).reject(503, { headers: [['Retry-After', '60']] });
    await settle();
    expect(trunks.states()[0]?.peers[0]).toEqual({ uri: 'sip:a.example', health: 'resting', untilMs: clock.wallMs() + 60_000 });
    clock.advance(59_999);
    dial();
    clock.advance(1);
    dial();
    expect(went()).toEqual(['a', 'b', 'a']);
  });

  it('have only so much time to say something while there is another to ask', () => {
    const { clock, sip, dial } = scene({ peers: peers.slice(0, 2) });
    const call = sip.call.bind(sip);
    sip.call = (options) => Object.assign(call(options), { onHeard: () => {} });
    dial(0, 'one');
    expect(clock.nextDueMs()).toBe(5_000);
    clock.advance(5_000);
    dial(1, 'one');
    expect(clock.liveTimers).toBe(0);
  });

  it('begin with the one the trunk is registered with', () => {
    const { dial, went } = scene({}, 'sip:c.example');
    dial();
    expect(went()).toEqual(['c']);
  });

  it('are not asked again once the phone has rung', async () => {
    const { hosts, dial } = scene();
    const result = dial();
    if (result.kind !== 'dialling') throw new Error(result.kind);
    const call = await hosts.a.nextCall();
    call.progress(180);
    call.reject(503);
    const outcome = await result.leg.outcome;
    if (outcome.kind === 'answered') throw new Error('answered');
    expect(result.tryNext?.(outcome)).toBe('nowhere');
  });
});

describe('probes', () => {
  const probe = { intervalMs: 30_000, timeoutMs: 5_000, failures: 2, successes: 2 };

  /** Peers answer OPTIONS with what stands in `status`, or never where nothing stands. */
  function probed() {
    const made = scene({ probe });
    const status: Record<string, number | undefined> = { a: 200, b: 404, c: 405 };
    const asked: Record<string, number> = { a: 0, b: 0, c: 0 };
    for (const [name, peer] of Object.entries(made.hosts)) {
      peer.onRequest('OPTIONS', (request) => {
        asked[name] = (asked[name] ?? 0) + 1;
        const answer = status[name];
        if (answer !== undefined) request.respond(answer);
      });
    }
    return { ...made, status, asked };
  }

  it('take any answer but 408 and 503 as a sign of life', async () => {
    const { clock, trunks, status, health } = probed();
    await trunks.start();
    await clock.advanceAsync(200_000);
    expect(health()).toEqual(['up', 'up', 'up']);
    Object.assign(status, { a: 501, b: 408, c: 503 });
    await clock.advanceAsync(60_000);
    expect(health()).toEqual(['up', 'down', 'down']);
    await trunks.stop();
    expect(clock.liveTimers).toBe(0);
  });

  it('take a peer down only after several in a row, and bring it back only so', async () => {
    const { clock, trunks, status, health } = probed();
    await trunks.start();
    await clock.advanceAsync(1);
    status['a'] = undefined;
    await clock.advanceAsync(27_000 + 5_000);
    expect(health()[0]).toBe('up');
    await clock.advanceAsync(27_000 + 5_000);
    expect(health()[0]).toBe('down');
    status['a'] = 200;
    await clock.advanceAsync(27_000);
    expect(health()[0]).toBe('down');
    await clock.advanceAsync(27_000);
    expect(health()[0]).toBe('up');
    await trunks.stop();
  });

  it('ask at once after a call was lost, and clear a peer that answers', async () => {
    const { clock, sip, trunks, asked, dial, health } = probed();
    await trunks.start();
    await clock.advanceAsync(1);
    const before = asked['a'] ?? 0;
    sip.failNextCall('timeout');
    dial();
    await settle();
    expect([asked['a'], health()[0]]).toEqual([before + 1, 'up']);
    await trunks.stop();
  });

  it('do not heed an answer that comes after its time', async () => {
    const { clock, sip, trunks, health } = scene({ probe: { ...probe, failures: 1 }, peers: peers.slice(0, 1) });
    let late: () => void = () => {};
    sip.request = () => new Promise((_, reject) => (late = () => reject(new Error('late'))));
    await trunks.start();
    await clock.advanceAsync(5_000);
    expect(health()).toEqual(['down']);
    late();
    await clock.advanceAsync(0);
    expect(health()).toEqual(['down']);
    await trunks.stop();
  });
});

describe('the INVITE of a trunk', () => {
  it('has the hops that are left, and the trunk’s rules on reliable responses and session timers', () => {
    const sessionTimer = { expiresSeconds: 1800, minSeconds: 90 };
    const { sip, dial } = scene({
      reliable: 'required',
      sessionTimer,
      identity: { from: 'caller', header: 'P-Asserted-Identity', displayName: true, diversion: true, historyInfo: false, signed: false },
    });
    dial(0, 'x', { maxForwards: 12, identity: { diversion: ['<sip:+15550111@a>'], historyInfo: ['<sip:b@b>;index=1'] } });
    expect(sip.placed[0]?.options).toMatchObject({
      maxForwards: 12,
      reliable: 'required',
      sessionTimer,
      headers: [
        ['P-Asserted-Identity', '<sip:+15550142@a.example>'],
        ['Diversion', '<sip:+15550111@a>'],
      ],
    });
  });

  const redirected = (contact: string) =>
    ({ kind: 'rejected', status: 302, reason: '', headers: headersOf([['Contact', contact]]) }) as const;

  it('follows a redirection inside the trunk, as often as is reasonable, and to no number twice', async () => {
    const { sip, dial, went } = scene({ redirect: 'same-trunk' });
    const result = dial();
    if (result.kind !== 'dialling') throw new Error(result.kind);
    for (const [at, number] of ['+15550101', '+15550102', '+15550103', '+15550104'].entries()) {
      sip.placed[at]?.settle(redirected(`<sip:+15550100@b.example>, <sip:${number}@b.example>;q=0.5`));
      await settle();
    }
    expect(await result.leg.outcome).toMatchObject({ status: 302 });
    expect(sip.placed.map(({ options }) => options.requestUri)).toEqual(
      ['00', '01', '02', '03'].map((end) => `sip:+155501${end}@a.example`),
    );
    expect(went()).toEqual(['a', 'a', 'a', 'a']);
  });

  it('follows one to the first number that the guard lets out', async () => {
    const { sip, dial } = scene({ redirect: 'same-trunk' });
    dial(0, 'call-1', { admits: (number) => number.endsWith('2') });
    sip.placed[0]?.settle(redirected('<sip:+15550101@b.example>, <sip:+15550102@b.example>;q=0.5'));
    await settle();
    expect(sip.placed.map(({ options }) => options.requestUri)).toEqual(['sip:+15550100@a.example', 'sip:+15550102@a.example']);
  });

  it('follows none where the trunk says nothing of it, and none to a number that may not be dialled', async () => {
    for (const [redirect, number] of [
      ['refuse', '+15550101'],
      ['same-trunk', '+19005550100'],
    ] as const) {
      const { sip, dial } = scene({ redirect });
      dial();
      sip.placed[0]?.settle(redirected(`<sip:${number}@a.example>`));
      await settle();
      expect(sip.placed).toHaveLength(1);
    }
  });
});
