import { afterEach, describe, expect, it } from 'vitest';
import { type Clock, SystemClock } from '../../src/base/clock.js';
import type { CallId } from '../../src/base/ids.js';
import { silentLog } from '../../src/base/log.js';
import type { CallRequest } from '../../src/call/request.js';
import { DigestChallenger } from '../../src/sip/digest-server.js';
import type { EmbeddedSip } from '../../src/sip/embedded/embedded-sip.js';
import type { FlowRef } from '../../src/sip/port.js';
import type { TrunkOptions } from '../../src/trunk/options.js';
import { TrunkDialler } from '../../src/trunk/trunk-dialler.js';
import { TrunkEdge } from '../../src/trunk/trunk-edge.js';
import { Trunks } from '../../src/trunk/trunks.js';
import { FakeClock, settle } from '../support/fake-clock.js';
import { RawSipPeer } from '../support/raw-sip-peer.js';
import { startStack, until, uriOf } from '../support/sip-rigs.js';

const base: TrunkOptions = {
  id: 'carrier',
  peers: [],
  callerId: '+15550199',
  numberFormat: 'e164',
  codecs: ['PCMU'],
  allow: [],
  mediaAllow: [],
};
const register = { user: 'acc', domain: 'carrier.example', expiresSeconds: 600, contactUser: 'line-1' };
const credentials = { user: 'acc', password: 'hush' };
const target = { kind: 'trunk', trunk: 'carrier', number: '+15550100', media: { kind: 'udp', codecs: ['PCMU'], learnFrom: [] } } as const;

const open: { stop(): Promise<void> }[] = [];
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.stop();
});

async function rawPeer(): Promise<RawSipPeer> {
  const peer = await RawSipPeer.open();
  open.push({ stop: () => peer.close() });
  return peer;
}

const hostOf = (peer: RawSipPeer): string => `sip:127.0.0.1:${peer.port};transport=udp`;

/** A trunk on the gateway's own stack, with the carrier's peers as given. */
async function gateway(more: Partial<TrunkOptions>, clock: Clock = new SystemClock()) {
  const sip = await startStack();
  open.push(sip);
  const trunk = { ...base, ...more };
  const shared = new Trunks([trunk], { sip, clock, log: silentLog, addresses: () => '', resolveHost: () => Promise.resolve([]) });
  open.push(shared);
  const dialler = new TrunkDialler([trunk], { sip, clock, log: silentLog, lines: shared.lines, book: shared.book, mayDial: () => true });
  const taken: CallRequest[] = [];
  const edge = new TrunkEdge([trunk], { calls: { incoming: (call) => taken.push(call), refuse: () => {} }, shared, log: silentLog });
  sip.onCall((call) => edge.incoming(call));
  sip.onRequest('OPTIONS', (request) => edge.options(request));
  sip.onFlowClosed((flow) => edge.flowClosed(flow));
  const dial = (attempt: number, facts: object = {}) => {
    const result = dialler.dial({
      callId: 'call' as CallId,
      target,
      from: { number: '+15550142', displayName: 'Ann' },
      offer: 'v=0\r\n',
      attempt,
      ...facts,
    });
    if (result.kind !== 'dialling') throw new Error(result.kind);
    return result;
  };
  const registration = () => shared.states()[0]?.registration;
  return { sip, shared, taken, dial, registration };
}

interface Asked {
  readonly expires: string;
  readonly contact: string;
  readonly flow: FlowRef;
}

/** A registrar with digest on a stack of its own; what it was asked is kept. */
async function registrar(listen: 'udp' | 'tcp'): Promise<{ sip: EmbeddedSip; asked: Asked[]; uri: string }> {
  const sip = await startStack({ listen: [{ transport: listen, host: '127.0.0.1', port: 0 }] });
  open.push(sip);
  const asked: Asked[] = [];
  const challenger = new DigestChallenger(
    { realm: 'carrier.example', nonceLifetimeMs: 60_000, algorithms: ['SHA-256', 'MD5'] },
    { clock: new SystemClock() },
  );
  sip.onRequest('REGISTER', (request) => {
    const { method, requestUri, headers } = request;
    const verdict = challenger.verify({ method, requestUri, authorization: headers.all('Authorization') }, () => 'hush');
    if (verdict.kind !== 'accepted') {
      request.respond(401, { headers: challenger.challenges().map((value) => ['WWW-Authenticate', value] as const) });
      return;
    }
    const expires = headers.get('Expires') ?? '';
    const contact = headers.get('Contact') ?? '';
    asked.push({ expires, contact, flow: request.source.flow });
    if (Number(expires) > 0 && Number(expires) < 900) request.respond(423, { headers: [['Min-Expires', '900']] });
    else request.respond(200, { headers: [['Contact', `<sip:line-1@192.0.2.99>;expires=17, ${contact};expires=${expires}`]] });
  });
  return { sip, asked, uri: uriOf(sip, listen).replace('bob@', '') };
}

describe('a registration on the wire', () => {
  it('proves its password, takes the expiry the carrier wants, and is taken back at the end', async () => {
    const { asked, uri } = await registrar('udp');
    const { shared, registration } = await gateway({ peers: [{ uri, priority: 0, weight: 1 }], register, credentials });
    await shared.start();
    await until(() => registration()?.registered === true);
    expect(asked.map(({ expires }) => expires)).toEqual(['600', '900']);
    expect(asked[0]?.contact).toMatch(/^<sip:line-1@127\.0\.0\.1:\d+>$/);
    const { untilMs = 0, sinceMs = 0 } = registration() ?? {};
    expect(untilMs - sinceMs).toBeGreaterThan(890_000);
    await shared.stop();
    expect(asked.at(-1)?.expires).toBe('0');
  });

  it('over TCP has inbound calls come on its connection, and is made anew when that closes', async () => {
    const { sip: carrier, asked, uri } = await registrar('tcp');
    // A name keeps the carrier's address out of the trunk's own list: only the connection tells whose call it is.
    const clock = new FakeClock();
    const { shared, taken, registration } = await gateway(
      { peers: [{ uri: uri.replace('127.0.0.1', 'localhost'), priority: 0, weight: 1 }], register, credentials },
      clock,
    );
    await shared.start();
    await until(() => registration()?.registered === true);
    const [contact = '', flow] = [/<(.*)>/.exec(asked.at(-1)?.contact ?? '')?.[1], asked.at(-1)?.flow];
    if (flow === undefined) throw new Error('nothing was asked');
    const call = carrier.call({
      requestUri: contact,
      via: { flow },
      from: { uri: 'sip:+15550142@carrier.example' },
      to: { uri: 'sip:+15550111@carrier.example' },
      offer: 'v=0\r\n',
    });
    await until(() => taken.length === 1);
    expect(taken[0]).toMatchObject({ trunk: 'carrier', to: '+15550111', from: { number: '+15550142' }, maxForwards: 69 });
    taken[0]?.leg.reject(486);
    expect(await call.outcome).toMatchObject({ status: 486 });
    const before = asked.length;
    clock.advance(20_000);
    await carrier.stop();
    await until(() => registration()?.lastFailure !== undefined);
    expect(asked).toHaveLength(before);
  });
});

describe('peers on the wire', () => {
  it('that say nothing are left for the next one within the limit, and a late 200 of theirs is acknowledged and ended', async () => {
    const [silent, working] = [await rawPeer(), await rawPeer()];
    const clock = new FakeClock();
    const peers = [
      { uri: hostOf(silent), priority: 0, weight: 1 },
      { uri: hostOf(working), priority: 1, weight: 1 },
    ];
    const { sip, dial, shared } = await gateway({ peers, silentMs: 4_000 }, clock);
    const first = dial(0);
    const invite = await silent.nextRequest('INVITE');
    clock.advance(4_000);
    const outcome = await first.leg.outcome;
    expect(outcome).toMatchObject({ kind: 'failed', why: 'timeout' });
    if (outcome.kind === 'answered') throw new Error('answered');
    expect(first.tryNext?.(outcome)).toBe('peer');
    first.release();
    const second = dial(1);
    const request = await working.nextRequest('INVITE');
    const port = sip.bound()[0]?.port ?? 0;
    const rings = new Promise<number>((resolve) => second.leg.onProgress(({ status }) => resolve(status)));
    working.send(working.response(request, 180, { tag: 'busy' }), port);
    expect(await rings).toBe(180);
    silent.send(silent.response(invite, 200, { tag: 'late', contact: `<${silent.uri}>`, body: 'v=0\r\n' }), port);
    const ack = await silent.nextRequest('ACK');
    const bye = await silent.nextRequest('BYE');
    silent.send(silent.response(bye, 200), port);
    expect(ack.headers.get('CSeq')).toBe('1 ACK');
    clock.advance(60_000);
    expect(shared.states()[0]?.peers.map(({ health }) => health)).toEqual(['up', 'up']);
    working.send(working.response(request, 486, { tag: 'busy' }), port);
    expect(await second.leg.outcome).toMatchObject({ status: 486 });
    second.release();
  });

  it('that refuse OPTIONS are up, and those nobody runs are down', async () => {
    const refusing = await startStack();
    open.push(refusing);
    refusing.onRequest('OPTIONS', (request) => request.respond(405));
    const gone = await RawSipPeer.open();
    await gone.close();
    const peers = [
      { uri: uriOf(refusing).replace('bob@', ''), priority: 0, weight: 1 },
      { uri: hostOf(gone), priority: 0, weight: 1 },
    ];
    const clock = new FakeClock();
    const { sip, shared } = await gateway({ peers, probe: { intervalMs: 30_000, timeoutMs: 5_000, failures: 1, successes: 1 } }, clock);
    let answered = 0;
    const request = sip.request.bind(sip);
    sip.request = async (options) => {
      const response = await request(options);
      answered += 1;
      return response;
    };
    await shared.start();
    clock.advance(2_000);
    const health = () =>
      shared
        .states()[0]
        ?.peers.map((peer) => peer.health)
        .join();
    await until(() => answered === 1);
    await settle();
    expect(health()).toBe('up,up');
    clock.advance(5_000);
    expect(health()).toBe('up,down');
  });
});

describe('identity on the wire', () => {
  it('is the trunk’s: who calls in From and P-Asserted-Identity, hidden callers for the carrier alone', async () => {
    const peer = await rawPeer();
    const identity = {
      from: 'caller',
      header: 'P-Asserted-Identity',
      displayName: true,
      diversion: true,
      historyInfo: false,
      signed: false,
    } as const;
    const { sip, dial } = await gateway({
      peers: [{ uri: hostOf(peer), priority: 0, weight: 1 }],
      domain: 'us.example',
      identity,
      numberUri: { scheme: 'tel', userPhone: true },
    });
    const port = sip.bound()[0]?.port ?? 0;
    const read = async (facts: object) => {
      const result = dial(0, facts);
      const invite = await peer.nextRequest('INVITE');
      peer.send(peer.response(invite, 486, { tag: 'x' }), port);
      await result.leg.outcome;
      result.release();
      return {
        uri: invite.requestUri,
        ...Object.fromEntries(
          ['From', 'P-Asserted-Identity', 'Privacy', 'Diversion', 'History-Info'].map((name) => [
            name,
            invite.headers.get(name)?.replace(/;tag=.*/, ''),
          ]),
        ),
      };
    };
    expect(await read({ identity: { diversion: ['<sip:+15550111@a.example>'], historyInfo: ['<sip:b@b>;index=1'] } })).toEqual({
      uri: 'tel:+15550100',
      From: '"Ann" <sip:+15550142@us.example;user=phone>',
      'P-Asserted-Identity': '"Ann" <sip:+15550142@us.example;user=phone>',
      Diversion: '<sip:+15550111@a.example>',
    });
    expect(await read({ identity: { anonymous: true } })).toEqual({
      uri: 'tel:+15550100',
      From: '"Anonymous" <sip:anonymous@anonymous.invalid>',
      'P-Asserted-Identity': '<sip:+15550142@us.example;user=phone>',
      Privacy: 'id',
    });
  });
});
