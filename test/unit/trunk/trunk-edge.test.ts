import { describe, expect, it } from 'vitest';
import { silentLog } from '../../../src/base/log.js';
import type { FailureCode } from '../../../src/call/failure-code.js';
import type { CallRequest } from '../../../src/call/request.js';
import type { ExtraHeaders, InboundCall, OutboundOptions, SipResponse } from '../../../src/sip/port.js';
import type { TrunkOptions } from '../../../src/trunk/options.js';
import { TrunkEdge } from '../../../src/trunk/trunk-edge.js';
import { Trunks } from '../../../src/trunk/trunks.js';
import { FakeClock, settle } from '../../support/fake-clock.js';
import { FakeSip, headersOf } from '../../support/fake-sip.js';
import { trunk } from '../call/scene.js';

const nowhere: Partial<TrunkOptions> = { allow: [] };

/** Carriers call from 192.0.2.1, as the fake wire has it. */
function scene(options: readonly Partial<TrunkOptions>[], resolved: Readonly<Record<string, string[]>> = {}) {
  const clock = new FakeClock();
  const sip = new FakeSip();
  const carrier = new FakeSip();
  const flow = sip.connect(carrier, { transport: 'tcp' });
  const all = options.map((more, at) => ({ ...trunk, id: `t${at}`, ...more }));
  const shared = new Trunks(all, {
    ...{ sip, clock, log: silentLog, random: () => 0, addresses: () => '' },
    resolveHost: (host) => (resolved[host] === undefined ? Promise.reject(new Error('no such name')) : Promise.resolve(resolved[host])),
  });
  const taken: CallRequest[] = [];
  const refused: [CallRequest, FailureCode][] = [];
  const calls = {
    incoming: (call: CallRequest) => taken.push(call),
    refuse: (call: CallRequest, why: FailureCode) => refused.push([call, why]),
  };
  const edge = new TrunkEdge(all, { calls, shared, log: silentLog });
  sip.onCall((call) => edge.incoming(call));
  sip.onFlowClosed((flow) => edge.flowClosed(flow));
  const call = async (to: string, headers: ExtraHeaders = [], more: Partial<OutboundOptions> = {}) => {
    const leg = carrier.call({ requestUri: to, from: { uri: 'sip:+15550142@carrier.example' }, offer: 'v=0', headers, ...more });
    await settle();
    return leg;
  };
  return { clock, sip, carrier, flow, edge, shared, taken, refused, call };
}

const register = { user: 'acc', domain: 'carrier.example', expiresSeconds: 600, contactUser: 'line-1' };

describe('a call from outside', () => {
  it('is refused from an address of no trunk', async () => {
    const { call, taken } = scene([nowhere]);
    expect(await (await call('sip:100@us')).outcome).toMatchObject({ status: 403 });
    expect(taken).toEqual([]);
  });

  it('is the trunk’s whose peer’s name stands for that address, and stays so while names cannot be looked up', async () => {
    const names: Record<string, string[]> = { 'carrier.example': ['198.51.100.1', '192.0.2.1'] };
    const { clock, call, taken, shared } = scene([nowhere], names);
    await shared.start();
    await settle();
    await call('sip:100@us');
    delete names['carrier.example'];
    await clock.advanceAsync(600_000);
    await call('sip:100@us');
    expect(taken.map((request) => request.trunk)).toEqual(['t0', 't0']);
    await shared.stop();
    expect(clock.liveTimers).toBe(0);
  });

  it('is the trunk’s that is registered over the connection it comes on, as long as it is', async () => {
    const { sip, carrier, flow, call, taken, shared } = scene([{ ...nowhere, register }]);
    carrier.onRequest('REGISTER', (request) => request.respond(200));
    const request = sip.request.bind(sip);
    sip.request = async (options): Promise<SipResponse> => ({ ...(await request(options)), flow });
    expect(await (await call('sip:line-1@us')).outcome).toMatchObject({ status: 403 });
    await shared.start();
    await settle();
    await call('sip:line-1@us', [], { to: { uri: 'sip:+15550111@carrier.example' } });
    expect(taken.map(({ trunk: id, to }) => [id, to])).toEqual([['t0', '+15550111']]);
    await shared.stop();
    expect(await (await call('sip:line-1@us')).outcome).toMatchObject({ status: 403 });
  });

  it('does not lose the registration when its connection closes: it is made anew', async () => {
    const { clock, sip, carrier, flow, shared } = scene([{ ...nowhere, register }]);
    let count = 0;
    carrier.onRequest('REGISTER', (request) => {
      count += 1;
      request.respond(200);
    });
    const request = sip.request.bind(sip);
    sip.request = async (options): Promise<SipResponse> => ({ ...(await request(options)), flow });
    await shared.start();
    await clock.advanceAsync(20_000);
    const again = sip.connect(carrier);
    sip.breakFlow(flow);
    await settle();
    expect([count, again === flow]).toEqual([2, false]);
    await shared.stop();
  });

  it('is, of two accounts at one address, the trunk’s whose Contact it calls', async () => {
    const { call, taken } = scene([{ register }, { register: { ...register, contactUser: 'line-2' } }]);
    await call('sip:line-2@us', [], { to: { uri: 'sip:+15550111@carrier.example' } });
    await call('sip:line-1@us', [], { to: { uri: 'sip:+15550122@carrier.example' } });
    await call('sip:+15550133@us');
    expect(taken.map(({ trunk: id, to }) => [id, to])).toEqual([
      ['t1', '+15550111'],
      ['t0', '+15550122'],
      ['t0', '+15550133'],
    ]);
  });

  it('is to the trunk’s own number when it names nothing but the account', async () => {
    const { call, taken } = scene([{ register, callerId: '+15550100' }]);
    await call('sip:line-1@us', [], { to: { uri: 'sip:line-1@carrier.example' } });
    await call('sip:somebody@us', [], { to: { uri: 'sip:somebody@carrier.example' } });
    expect(taken.map(({ to }) => to)).toEqual(['+15550100']);
  });

  it('has one hop less than it came with, and ends here when it has none', async () => {
    const { taken, refused, call, sip, edge } = scene([{}]);
    await call('sip:100@us');
    expect(taken[0]?.maxForwards).toBe(69);
    const hops = async (left: string): Promise<void> => {
      sip.onCall((arrived) => edge.incoming(Object.defineProperty(arrived, 'headers', { value: headersOf([['Max-Forwards', left]]) })));
      await call('sip:100@us');
    };
    await hops('3');
    await hops('nonsense');
    await hops('0');
    expect(taken.map(({ maxForwards }) => maxForwards)).toEqual([69, 2, 69]);
    expect(refused.map(([, why]) => why)).toEqual(['loop']);
  });

  it('brings who is calling as the carrier asserts it, and the way it came', async () => {
    const { taken, call } = scene([
      { numberFormat: 'national', numberPlan: { countryCode: '44', nationalPrefix: '0', internationalPrefix: '00' } },
    ]);
    await call('sip:01632960111@us', [
      ['P-Asserted-Identity', '"Ann" <sip:01632960123@carrier.example>'],
      ['Diversion', '<sip:1@a>'],
    ]);
    expect(taken[0]).toMatchObject({
      from: { number: '+441632960123', displayName: 'Ann' },
      to: '+441632960111',
      identity: { diversion: ['<sip:1@a>'], asserted: { number: '+441632960123' } },
    });
  });

  it('is refused when the lines of the trunk are taken, and when it names no number', async () => {
    const { refused, call } = scene([{ maxCalls: 1 }]);
    await call('sip:100@us');
    await call('sip:100@us');
    expect(refused.map(([, why]) => why)).toEqual(['too-many-calls']);
    const other = scene([{}]);
    await other.call('sip:desk@us');
    expect(other.refused.map(([, why]) => why)).toEqual(['number-invalid']);
  });

  it('is answered by the trunk’s rules on session timers and reliable responses', async () => {
    const sessionTimer = { expiresSeconds: 900, minSeconds: 90 };
    const credentials = { user: 'trunk', password: 'secret' };
    const { taken, sip, call } = scene([{ sessionTimer, credentials, reliable: 'off' }]);
    await call('sip:100@us');
    const under = sip.received[0] as InboundCall;
    const seen: unknown[] = [];
    under.progress = (...options) => seen.push(options);
    const answer = under.answer.bind(under);
    under.answer = (sdp, options) => {
      seen.push(options);
      return answer(sdp);
    };
    const leg = taken[0]?.leg;
    leg?.progress(183, { sdp: 'v=0' });
    leg?.answer('v=0', { headers: [['X-A', 'b']] });
    expect(seen).toEqual([[183, { reliable: false, sdp: 'v=0' }], { sessionTimer, credentials, headers: [['X-A', 'b']] }]);
    expect([leg?.id, leg?.offer, leg?.requestUri, leg?.callIdHeader]).toEqual([under.id, 'v=0', 'sip:100@us', under.callIdHeader]);
  });
});
