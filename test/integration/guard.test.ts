import { pathToFileURL } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { SystemClock } from '../../src/base/clock.js';
import { silentLog } from '../../src/base/log.js';
import { loadConfig } from '../../src/config/load.js';
import { resolveSecrets } from '../../src/config/secrets.js';
import { createGateway, type Gateway } from '../../src/gateway.js';
import type { ListenAddress } from '../../src/sip/embedded/embedded-sip.js';
import type { InboundCall, OutboundCall, SipDialog } from '../../src/sip/port.js';
import { eventuallyTrue } from '../support/eventually.js';
import { FakeMediaPlane } from '../support/fake-media-plane.js';
import { FakeSip } from '../support/fake-sip.js';

const sdp = 'v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nt=0 0\r\nm=audio 9 RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\n';

class Stack extends FakeSip {
  readonly page = new FakeSip('page');
  readonly carrier = new FakeSip('carrier');

  constructor() {
    super('gateway');
    this.connect(this.page, { transport: 'ws', names: ['page.invalid', '@gateway'], origin: 'http://127.0.0.1' });
    this.connect(this.carrier, { transport: 'udp', names: ['127.0.0.1:5999', '@gateway'] });
  }

  bound(): readonly ListenAddress[] {
    return [];
  }

  acceptWebSocket(): void {}
}

let gateway: Gateway | undefined;
let stack: Stack;
afterEach(async () => await gateway?.stop());

async function start(policy: string): Promise<void> {
  stack = new Stack();
  const yaml = `
http: { port: 0 }
policy: { ${policy.includes('destinations') ? '' : 'destinations: { allow: ["+1"] },'} ${policy} }
trunks: [{ id: carrier, callerId: "+15550100", peers: [{ uri: "sip:127.0.0.1:5999" }] }]
inbound: [{ number: "+15550177", to: { number: "+15550188" } }]
`;
  const loaded = loadConfig(yaml, {});
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.faults));
  const { secrets } = resolveSecrets(loaded.config, { environment: {}, readFile: () => '' });
  gateway = createGateway(loaded.config, {
    ...{ clock: new SystemClock(), log: silentLog, secrets, version: '0.0.0' },
    webFolder: new URL('none/', pathToFileURL('/')),
    makeSip: () => stack,
    makeMedia: () => new FakeMediaPlane(),
  });
  await gateway.start();
}

async function read<T>(path: string): Promise<T> {
  const answer = await fetch(`${gateway?.addresses().http}/api/v1${path}`);
  expect(answer.status).toBe(200);
  return (await answer.json()) as T;
}

const dial = (number = '+15550123456'): OutboundCall =>
  stack.page.call({ requestUri: `sip:${number}@gateway`, from: { uri: 'sip:x@page.invalid' }, offer: sdp });

async function connect(number?: string): Promise<{ readonly page: SipDialog; readonly phone: SipDialog }> {
  const call = dial(number);
  const phone = (await stack.carrier.nextCall()).answer(sdp);
  const outcome = await call.outcome;
  if (outcome.kind !== 'answered') throw new Error(outcome.kind);
  return { page: outcome.dialog, phone };
}

/** Resolves with why the far end hung up. */
const end = (dialog: SipDialog): Promise<string | undefined> =>
  new Promise((resolve) => dialog.onEnd((ended) => resolve('headers' in ended ? ended.headers?.get('X-Gateway-Failure') : undefined)));

describe('a call over a limit', () => {
  it('is refused by name, and nothing is dialled', async () => {
    await start('limits: { calls: 1 }');
    await connect();
    const outcome = await dial().outcome;
    expect(outcome).toMatchObject({ kind: 'rejected', status: 403 });
    expect(outcome.kind === 'rejected' && outcome.headers.get('X-Gateway-Failure')).toBe('over-limit');
    expect(stack.carrier.received).toHaveLength(1);
    const { cdrs } = await read<{ cdrs: readonly Readonly<Record<string, unknown>>[] }>('/cdrs');
    expect(cdrs[0]).toMatchObject({ failure: 'over-limit', disposition: 'denied', rule: 'policy.limits.calls' });
  });

  it('is refused as well when it is a call in that is forwarded out', async () => {
    await start('limits: { calls: 1 }');
    await connect();
    const call = stack.carrier.call({ requestUri: 'sip:+15550177@gateway', from: { uri: 'sip:+15550199@127.0.0.1' }, offer: sdp });
    expect(await call.outcome).toMatchObject({ kind: 'rejected', status: 403 });
    expect(stack.carrier.received).toHaveLength(1);
  });
});

describe('a budget that is used up', () => {
  it('ends the call that is up, on both legs', async () => {
    await start('rates: [{ prefix: "*", perMinute: 60, incrementSeconds: 1 }], budget: { perDay: 4.5 }');
    const { page, phone } = await connect();
    const began = performance.now();
    const [told] = await Promise.all([end(page), end(phone)]);
    expect(performance.now() - began).toBeLessThan(4_500);
    expect(told).toBe('over-budget');
    await eventuallyTrue(async () => (await read<{ cdrs: readonly unknown[] }>('/cdrs')).cdrs.length === 1, {
      what: 'it is recorded',
      withinMs: 2_000,
    });
    const { cdrs } = await read<{ cdrs: readonly Readonly<Record<string, unknown>>[] }>('/cdrs');
    expect(cdrs[0]).toMatchObject({ endedBy: 'gateway', failure: 'over-budget', rule: 'policy.budget.perDay', currency: 'EUR' });
    const { scopes } = await read<{ scopes: readonly Readonly<Record<string, number>>[] }>('/guard');
    expect(scopes[0]).toMatchObject({ scope: 'gateway', calls: 0, budget: { perDay: 4.5 } });
    expect(scopes[0]?.['spentOfDay']).toBeLessThanOrEqual(4.5);
    const next: InboundCall[] = [];
    void stack.carrier.nextCall().then((call) => next.push(call));
    expect(await dial().outcome).toMatchObject({ kind: 'rejected', status: 403 });
    expect(next).toEqual([]);
  });
});

describe('a call that was transferred', () => {
  const scopeOf = async (): Promise<Readonly<Record<string, number>> | undefined> =>
    (await read<{ scopes: readonly Readonly<Record<string, number>>[] }>('/guard')).scopes[0];

  it('is counted as long as it is up, whichever call it goes on in', async () => {
    await start('transfer: { guests: true }, limits: { calls: 5 }');
    const [first, second] = [await connect(), await connect('+15550123457')];
    for (const { phone } of [first, second]) phone.onOffer((offer) => offer.accept(sdp));
    const { callIdHeader, localTag, remoteTag } = second.page;
    const replaces = encodeURIComponent(`${callIdHeader};to-tag=${remoteTag};from-tag=${localTag}`);
    const left = end(second.page);
    await first.page.request('REFER', { headers: [['Refer-To', `<sip:+15550123457@gateway?Replaces=${replaces}>`]] });
    await left;
    await eventuallyTrue(async () => (await read<{ cdrs: readonly unknown[] }>('/cdrs')).cdrs.length === 1, {
      what: 'the call that gave its leg away is over',
      withinMs: 2_000,
    });
    expect(await scopeOf()).toMatchObject({ scope: 'gateway', calls: 2 });
    const over = end(first.phone);
    await second.phone.bye();
    await over;
    await eventuallyTrue(async () => (await scopeOf())?.['calls'] === 0, { what: 'nothing is counted any more', withinMs: 2_000 });
  });
});

describe('a country that nobody here calls', () => {
  it('is held back from a transfer too', async () => {
    await start('unusual: { action: hold, learnCalls: 1 }, destinations: { allow: ["+1", "+49"] }, transfer: { guests: true }');
    const { page } = await connect();
    await page.request('REFER', { headers: [['Refer-To', '<sip:+4930901820@gateway>']] });
    const unusual = async (): Promise<number> => (await read<{ brake: { unusual: readonly unknown[] } }>('/guard')).brake.unusual.length;
    await eventuallyTrue(async () => (await unusual()) === 1, { what: 'it is noticed', withinMs: 2_000 });
    expect(stack.carrier.received).toHaveLength(1);
  });

  it('is held back until the operator lets it be called', async () => {
    await start('unusual: { action: hold, learnCalls: 1 }, destinations: { allow: ["+1", "+49"] }');
    const { page } = await connect();
    await page.bye();
    const outcome = await dial('+4930901820').outcome;
    expect(outcome).toMatchObject({ kind: 'rejected', status: 403 });
    expect(outcome.kind === 'rejected' && outcome.headers.get('X-Gateway-Failure')).toBe('unusual-destination');
    const { brake } = await read<{ brake: object }>('/guard');
    expect(brake).toMatchObject({ action: 'hold', unusual: [{ who: 'others', country: '+49', count: 1 }] });
    const allowed = await fetch(`${gateway?.addresses().http}/api/v1/guard/allow`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ country: '+49' }),
    });
    expect(allowed.status).toBe(204);
    const again = dial('+4930901820');
    (await stack.carrier.nextCall()).answer(sdp);
    expect((await again.outcome).kind).toBe('answered');
    const text = await (await fetch(`${gateway?.addresses().http}/metrics`)).text();
    expect(text).toContain('gateway_guard_decisions_total{rule="policy.unusual",verdict="refused"} 1');
  });
});
