import { describe, expect, it } from 'vitest';
import { silentLog } from '../../../src/base/log.js';
import type { InboundRequest, RequestOptions, RespondOptions, SipResponse } from '../../../src/sip/port.js';
import { grantedSeconds } from '../../../src/trunk/granted-expiry.js';
import { NetworkWatch } from '../../../src/trunk/network-watch.js';
import type { TrunkOptions } from '../../../src/trunk/options.js';
import { Trunks } from '../../../src/trunk/trunks.js';
import { FakeClock } from '../../support/fake-clock.js';
import { FakeSip, headersOf } from '../../support/fake-sip.js';
import { trunk } from '../call/scene.js';

const register = { user: '4416', domain: 'carrier.example', expiresSeconds: 600, contactUser: 'line-1' };
const two: Partial<TrunkOptions> = {
  peers: [
    { uri: 'sip:b.example', priority: 1, weight: 1 },
    { uri: 'sip:a.example', priority: 0, weight: 1 },
  ],
};

/** The stack with every request it was asked to send. */
class WatchedSip extends FakeSip {
  readonly asked: RequestOptions[] = [];

  override request(options: RequestOptions): Promise<SipResponse> {
    this.asked.push(options);
    return super.request(options);
  }
}

function scene(more: Partial<TrunkOptions> = {}) {
  const clock = new FakeClock();
  const sip = new WatchedSip();
  const registrars = { 'a.example': new FakeSip(), 'b.example': new FakeSip(), 'carrier.example': new FakeSip() };
  const answers: [status: number, options?: RespondOptions][] = [];
  const arrived: { at: string; expires: string | undefined }[] = [];
  for (const [name, registrar] of Object.entries(registrars)) {
    sip.connect(registrar, { transport: 'tcp', names: [name] });
    registrar.onRequest('REGISTER', (request: InboundRequest) => {
      arrived.push({ at: name, expires: request.headers.get('Expires') });
      const [status, options] = answers.shift() ?? [200, {}];
      request.respond(status, options);
    });
  }
  let addresses = '192.0.2.7';
  const trunks = new Trunks([{ ...trunk, register, ...more }], {
    sip,
    clock,
    log: silentLog,
    random: () => 0,
    resolveHost: () => Promise.resolve([]),
    addresses: () => addresses,
  });
  const move = (to: string): void => {
    addresses = to;
  };
  return { clock, sip, trunks, answers, arrived, move, view: () => trunks.states()[0]?.registration };
}

describe('registering with a carrier', () => {
  it('asks for the account at its domain, with the trunk’s credentials and Contact', async () => {
    const { clock, sip, trunks } = scene();
    await trunks.start();
    await clock.advanceAsync(0);
    expect(sip.asked).toEqual([
      {
        method: 'REGISTER',
        requestUri: 'sip:carrier.example',
        from: { uri: 'sip:4416@carrier.example' },
        to: { uri: 'sip:4416@carrier.example' },
        headers: [['Expires', '600']],
        contactUser: 'line-1',
        via: { proxy: 'sip:carrier.example:5060;transport=udp' },
        credentials: { user: 'u', password: 'p' },
      },
    ]);
    await trunks.stop();
  });

  it('refreshes by what was granted, and shows since when and until when it is registered', async () => {
    const { clock, trunks, answers, arrived, view } = scene();
    answers.push([200, { headers: [['Contact', '<sip:line-1@192.0.2.7>;expires=100']] }]);
    await trunks.start();
    await clock.advanceAsync(0);
    expect(view()).toEqual({
      registered: true,
      sinceMs: clock.wallMs(),
      untilMs: clock.wallMs() + 100_000,
      peer: 'sip:carrier.example:5060;transport=udp',
    });
    await clock.advanceAsync(79_999);
    expect(arrived).toHaveLength(1);
    await clock.advanceAsync(1);
    expect([arrived.length, view()?.sinceMs]).toEqual([2, clock.wallMs() - 80_000]);
    await trunks.stop();
  });

  it('asks again at once for as long as the carrier wants', async () => {
    const { clock, trunks, answers, arrived } = scene();
    answers.push([423, { headers: [['Min-Expires', '3600']] }]);
    await trunks.start();
    await clock.advanceAsync(0);
    expect(arrived.map(({ expires }) => expires)).toEqual(['600', '3600']);
    await trunks.stop();
  });

  it('goes from peer to peer by priority, and pauses after the last', async () => {
    const { clock, trunks, answers, arrived, view } = scene(two);
    answers.push([503], [500], [503], [200]);
    await trunks.start();
    await clock.advanceAsync(0);
    expect(arrived.map(({ at }) => at)).toEqual(['a.example', 'b.example']);
    expect(view()).toEqual({ registered: false, lastFailure: '500 Answered', lastFailureAtMs: clock.wallMs() });
    await clock.advanceAsync(15_000);
    expect(arrived.map(({ at }) => at)).toEqual(['a.example', 'b.example', 'a.example', 'b.example']);
    expect([view()?.registered, view()?.peer, trunks.registeredWith('carrier')]).toEqual([true, 'sip:b.example', 'sip:b.example']);
    await trunks.stop();
  });

  it('comes back after a time-out', async () => {
    const { clock, sip, trunks, view } = scene();
    sip.failNextCall('timeout');
    await trunks.start();
    await clock.advanceAsync(0);
    expect(view()).toMatchObject({ registered: false, lastFailure: 'The fake peer cannot be reached.' });
    await clock.advanceAsync(15_000);
    expect(view()?.registered).toBe(true);
    await trunks.stop();
  });

  it('registers anew when this machine’s addresses change', async () => {
    const { clock, trunks, arrived, move } = scene();
    await trunks.start();
    await clock.advanceAsync(60_000);
    expect(arrived).toHaveLength(1);
    move('198.51.100.7');
    await clock.advanceAsync(5_000);
    expect(arrived).toHaveLength(2);
    await trunks.stop();
  });

  it('takes the registration back when it stops, and leaves no timer', async () => {
    const { clock, trunks, arrived } = scene();
    await trunks.start();
    await clock.advanceAsync(0);
    await trunks.stop();
    expect([arrived.at(-1)?.expires, clock.liveTimers]).toEqual(['0', 0]);
  });

  it('stops within two seconds when the carrier does not answer', async () => {
    const { clock, sip, trunks } = scene();
    await trunks.start();
    await clock.advanceAsync(0);
    sip.request = () => new Promise(() => {});
    let stopped = false;
    void trunks.stop().then(() => {
      stopped = true;
    });
    await clock.advanceAsync(1_999);
    expect(stopped).toBe(false);
    await clock.advanceAsync(1);
    expect([stopped, clock.liveTimers]).toEqual([true, 0]);
  });
});

describe('what a registrar granted', () => {
  const granted = (headers: readonly (readonly [string, string])[], sentContact?: string): number =>
    grantedSeconds(
      { status: 200, reason: 'OK', headers: headersOf(headers), ...(sentContact === undefined ? {} : { sentContact }) },
      'line-1',
      600,
    );

  it('is the expiry of the Contact we sent, among those of others', () => {
    const contacts = '<sip:line-1@203.0.113.9:5060>;expires=20, <sip:line-1@192.0.2.7:5060>;expires=300, <sip:other@a>;expires=10';
    expect(granted([['Contact', contacts]], '<sip:line-1@192.0.2.7:5060>')).toBe(300);
  });

  it('is the shortest of our user’s where the carrier has rewritten the host', () => {
    const contacts = '<sip:line-1@203.0.113.9:5060>;expires=200, <sip:line-1@203.0.113.9:6060>;expires=300, <sip:other@a>;expires=10';
    expect(granted([['Contact', contacts]], '<sip:line-1@192.0.2.7:5060>')).toBe(200);
  });

  it('is Expires for a Contact without its own, and what was asked where nothing says more', () => {
    expect(
      granted([
        ['Contact', '<sip:line-1@h>'],
        ['Expires', '90'],
      ]),
    ).toBe(90);
    expect(granted([['Expires', '90']])).toBe(90);
    expect(granted([])).toBe(600);
    expect(granted([['Contact', '<sip:line-1@h>;expires=never']])).toBe(600);
  });
});

describe('the watch over this machine’s addresses', () => {
  it('tells a change once, and stops', async () => {
    const clock = new FakeClock();
    let now = 'a';
    let changes = 0;
    const watch = new NetworkWatch(() => (changes += 1), { clock, addresses: () => now });
    await watch.start();
    clock.advance(20_000);
    now = 'b';
    clock.advance(20_000);
    expect(changes).toBe(1);
    await watch.stop();
    expect(clock.liveTimers).toBe(0);
  });
});
