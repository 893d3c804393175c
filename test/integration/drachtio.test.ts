import { Socket } from 'node:dgram';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import { SystemClock } from '../../src/base/clock.js';
import { silentLog } from '../../src/base/log.js';
import { loadConfig } from '../../src/config/load.js';
import { resolveSecrets } from '../../src/config/secrets.js';
import { createGateway, type Gateway } from '../../src/gateway.js';
import { DigestClient } from '../../src/sip/embedded/digest-client.js';
import type { EmbeddedSip } from '../../src/sip/embedded/embedded-sip.js';
import { HeaderFields, type SipMessage, type SipRequestMessage, type SipResponseMessage } from '../../src/sip/embedded/message.js';
import { parseMessage } from '../../src/sip/embedded/parser.js';
import { responseTo, serialize } from '../../src/sip/embedded/serializer.js';
import type { DialogEnd, InboundCall } from '../../src/sip/port.js';
import { joinBackToBack } from '../support/back-to-back.js';
import { drachtioOn, drachtioSecret } from '../support/drachtio-rig.js';
import { DrachtioServer } from '../support/drachtio-server.js';
import { eventually } from '../support/eventually.js';
import { FakeMediaPlane } from '../support/fake-media-plane.js';
import { seededRandom } from '../support/lossy-relay.js';
import { startStack, until, uriOf } from '../support/sip-rigs.js';

const phoneSdp = 'v=0\r\no=- 1 1 IN IP4 192.0.2.2\r\ns=-\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\n';
const pageSdp =
  'v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nt=0 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 0 126\r\na=rtpmap:126 telephone-event/8000\r\n';
const password = 'wonderland';

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
  vi.restoreAllMocks();
});

function closeLater<T extends { stop(): Promise<unknown> }>(part: T): T {
  closing.push(() => part.stop());
  return part;
}

/** A page that speaks SIP over WebSocket by hand. */
class Page {
  readonly inbox: SipMessage[] = [];
  /** Every word that ever came to this page. */
  readonly told: string[] = [];
  private serial = 0;

  private constructor(private readonly socket: WebSocket) {
    socket.on('message', (data) => {
      this.told.push(String(data));
      this.inbox.push(parseMessage(Buffer.from(String(data))));
    });
    socket.on('error', () => {});
  }

  static async open(port: number): Promise<Page> {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/`, 'sip');
    await new Promise((resolve) => socket.once('open', resolve));
    closing.push(async () => socket.terminate());
    return new Page(socket);
  }

  send(message: SipMessage): void {
    this.socket.send(serialize(message).toString('utf8'));
  }

  request(
    method: string,
    uri: string,
    facts: {
      readonly callId: string;
      readonly cseq: number;
      readonly to?: string;
      readonly from?: string;
      readonly body?: string;
      readonly authorization?: string;
    },
  ): SipRequestMessage {
    this.serial += 1;
    const headers = new HeaderFields();
    headers.add('Via', `SIP/2.0/WS page.invalid;branch=z9hG4bKpage${this.serial}`).add('Max-Forwards', '70');
    headers.add('From', facts.from ?? '<sip:alice@gateway>;tag=page').add('To', facts.to ?? `<${uri}>`);
    headers.add('Call-ID', facts.callId).add('CSeq', `${facts.cseq} ${method}`);
    headers.add('Contact', '<sip:alice@page.invalid;transport=ws>');
    if (facts.authorization !== undefined) headers.add('Authorization', facts.authorization);
    if (facts.body !== undefined) headers.add('Content-Type', 'application/sdp');
    return { kind: 'request', method, requestUri: uri, headers, body: Buffer.from(facts.body ?? '') };
  }

  answer(request: SipRequestMessage, status: number, body = ''): void {
    const response = responseTo(request, status, undefined, 'page');
    if (request.method === 'INVITE') response.headers.add('Contact', '<sip:alice@page.invalid;transport=ws>');
    if (body !== '') response.headers.add('Content-Type', 'application/sdp');
    this.send({ ...response, body: Buffer.from(body) });
  }

  async next(what: number): Promise<SipResponseMessage>;
  async next(what: string): Promise<SipRequestMessage>;
  async next(what: string | number): Promise<SipMessage> {
    const found = (each: SipMessage): boolean => (each.kind === 'request' ? each.method === what : each.status === what);
    await until(() => this.inbox.some(found));
    const [message] = this.inbox.splice(this.inbox.findIndex(found), 1);
    if (message === undefined) throw new Error('inbox changed');
    return message;
  }

  /** Registers as alice, with the digest the gateway asks for. */
  async register(): Promise<void> {
    const uri = 'sip:gateway';
    const facts = { callId: 'registration', to: '<sip:alice@gateway>' };
    this.send(this.request('REGISTER', uri, { ...facts, cseq: 1 }));
    const challenge = await this.next(401);
    const digest = new DigestClient({ user: 'alice', password });
    const [line] = digest.answer(challenge, { method: 'REGISTER', uri }) ?? [];
    this.send(this.request('REGISTER', uri, { ...facts, cseq: 2, authorization: line?.value ?? '' }));
    await this.next(200);
  }
}

const shopSecret = 'a-secret-of-the-shop-back-end';

describe('the whole gateway on a drachtio server', () => {
  let server: DrachtioServer;
  let phone: EmbeddedSip;
  let gateway: Gateway;

  beforeEach(async () => {
    const timers = { t1Ms: 100, t2Ms: 400, t4Ms: 500 };
    server = closeLater(await DrachtioServer.start({ secret: drachtioSecret, timers, webSocket: true }));
    phone = closeLater(await startStack({ timers }));
    const yaml = `
http: { port: 0 }
browser: { guests: false }
users: [{ name: alice, from: "+15550111", password: { env: ALICE } }]
inbound: [{ number: "+15550100", to: { user: alice } }]
sites: [{ key: pk_shop, secret: { env: SHOP }, origins: ["*"], destinations: [{ name: sales, number: "+15550123456" }] }]
policy: { destinations: { allow: ["+1"] } }
trunks: [{ id: carrier, callerId: "+15550100", peers: [{ uri: "sip:127.0.0.1:${phone.bound()[0]?.port}" }], allow: [127.0.0.0/8] }]
sip: { stack: drachtio, drachtio: { host: 127.0.0.1, port: ${server.appPort}, secret: { env: SECRET } } }`;
    const loaded = loadConfig(yaml, {});
    if (!loaded.ok) throw new Error(JSON.stringify(loaded.faults));
    const { secrets } = resolveSecrets(loaded.config, {
      environment: { SECRET: drachtioSecret, ALICE: password, SHOP: shopSecret },
      readFile: () => '',
    });
    gateway = closeLater(
      createGateway(loaded.config, {
        clock: new SystemClock(),
        log: silentLog,
        secrets,
        version: '0.0.0',
        webFolder: pathToFileURL('/nowhere/'),
        makeMedia: () => new FakeMediaPlane(),
      }),
    );
    await gateway.start();
    await until(() => [...server.apps.all].some(({ verbs }) => verbs.has('invite')));
  });

  /** Waits until the gateway holds no object of these kinds. */
  async function holdsNo(...kinds: readonly string[]): Promise<void> {
    let last: Readonly<Record<string, number>> = {};
    const empty = async (): Promise<true | undefined> => {
      last = await gateway.liveObjects();
      return kinds.every((kind) => last[kind] === 0) ? true : undefined;
    };
    await eventually(empty, { what: `no ${kinds.join(', ')} is left`, withinMs: 5000, everyMs: 5, explain: () => JSON.stringify(last) });
  }

  async function idle(): Promise<void> {
    await holdsNo('call', 'dialog', 'invite', 'transaction');
    await until(() => server.liveObjects().dialogs === 0 && server.liveObjects().invites === 0);
    expect(server.complaints).toEqual([]);
  }

  /** A call of the page's to the telephone, answered. */
  async function pageCalls(page: Page, { to = '+15550123456', ticket }: { readonly to?: string; readonly ticket?: string } = {}) {
    const arrived: InboundCall[] = [];
    phone.onCall((call) => arrived.push(call));
    const authorization = ticket === undefined ? {} : { authorization: `Bearer ${ticket}` };
    const facts = { callId: `page-call-${Math.random()}`, cseq: 1, body: pageSdp };
    page.send(page.request('INVITE', `sip:${to}@gateway`, { ...facts, ...authorization }));
    await until(() => arrived.length === 1);
    const [call] = arrived;
    if (call === undefined) throw new Error('no call');
    call.progress(180);
    const ends: DialogEnd[] = [];
    const dialog = call.answer(phoneSdp);
    dialog.onEnd((end) => ends.push(end));
    const ok = await page.next(200);
    page.send(page.request('ACK', `sip:${to}@gateway`, { ...facts, to: ok.headers.get('To') ?? '', body: '' }));
    let acknowledged = false;
    dialog.onAck(() => {
      acknowledged = true;
    });
    await until(() => acknowledged);
    return { dialog, ends, call };
  }

  it('carries a call of a registered page to the trunk, and ends both legs when the telephone hangs up', async () => {
    const page = await Page.open(server.webPort);
    await page.register();
    const { dialog, call } = await pageCalls(page);
    expect(call.requestUri).toMatch(/^sip:\+?15550123456@/);
    const hungUp = dialog.bye();
    page.answer(await page.next('BYE'), 200);
    await hungUp;
    await idle();
  });

  it('rings a registered page on its own connection when the trunk calls', async () => {
    const page = await Page.open(server.webPort);
    await page.register();
    const call = phone.call({ requestUri: server.uri('+15550100'), from: { uri: 'sip:+15550199@carrier.example' }, offer: phoneSdp });
    const invite = await page.next('INVITE');
    page.answer(invite, 180);
    page.answer(invite, 200, pageSdp);
    await page.next('ACK');
    const outcome = await call.outcome;
    if (outcome.kind !== 'answered') throw new Error(JSON.stringify(outcome));
    void outcome.dialog.bye();
    page.answer(await page.next('BYE'), 200);
    await idle();
  });

  it('refuses a page that has not registered', async () => {
    const page = await Page.open(server.webPort);
    page.send(page.request('INVITE', 'sip:+15550123456@gateway', { callId: 'nobody', cseq: 1, body: pageSdp }));
    const { headers } = await page.next(401);
    expect([headers.get('X-Gateway-Failure'), headers.get('WWW-Authenticate')]).toEqual(['ticket-required', 'Bearer realm="calls"']);
    await idle();
  });

  it('lets a page in by its ticket, once, and tells it no number', async () => {
    const answer = await fetch(`${gateway.addresses().http}/api/v1/tickets`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${shopSecret}` },
      body: '{"to":"sales"}',
    });
    const { ticket } = (await answer.json()) as { readonly ticket: string };
    const page = await Page.open(server.webPort);
    const { dialog } = await pageCalls(page, { to: 'sales', ticket });
    page.send(page.request('INVITE', 'sip:sales@gateway', { callId: 'again', cseq: 1, body: pageSdp, authorization: `Bearer ${ticket}` }));
    expect((await page.next(403)).headers.get('X-Gateway-Failure')).toBe('ticket-used');
    void dialog.bye();
    page.answer(await page.next('BYE'), 200);
    expect(page.told.join('\n')).not.toContain('15550123456');
    await idle();
  });

  it('ends the calls of a server that is lost, and carries calls again once it is back', async () => {
    const page = await Page.open(server.webPort);
    await page.register();
    await pageCalls(page);
    expect(await gateway.liveObjects()).toMatchObject({ call: 1, dialog: 2 });
    server.dropApps();
    await holdsNo('call', 'dialog', 'invite');
    await until(() => [...server.apps.all].some(({ verbs }) => verbs.has('invite')));
    const { dialog } = await pageCalls(page);
    void dialog.bye();
    page.answer(await page.next('BYE'), 200);
  });

  it('tells a page that comes to the gateway itself where SIP is', async () => {
    const url = `${gateway.addresses().http.replace('http', 'ws')}/sip`;
    const socket = new WebSocket(url, 'sip');
    socket.on('error', () => {});
    const response = await new Promise<{ status: number | undefined; text: string }>((resolve) => {
      socket.on('unexpected-response', (_request, reply) => {
        let text = '';
        reply.on('data', (part) => {
          text += String(part);
        });
        reply.on('end', () => resolve({ status: reply.statusCode, text }));
      });
    });
    expect(response).toEqual({ status: 501, text: expect.stringContaining('served by the drachtio server') });
  });
});

describe('calls through drachtio on a network that loses a fifth of all datagrams', () => {
  const calls = 60;

  /** Drops a fifth of all datagrams of this process, by a seed, and none more than three times in a row. */
  function loseDatagrams(): { dropped: number } {
    const random = seededRandom(7);
    const streaks = new Map<string, number>();
    const counts = { dropped: 0 };
    const send = Socket.prototype.send as (...parameters: unknown[]) => void;
    vi.spyOn(Socket.prototype, 'send').mockImplementation(function lossy(this: Socket, ...parameters: unknown[]) {
      const text = String(parameters[0]);
      const key = [/^[^\r]*/, /\r\nVia: [^\r]*/, /\r\nCSeq: [^\r]*/].map((part) => part.exec(text)?.[0] ?? '').join();
      const streak = streaks.get(key) ?? 0;
      if (random() < 0.2 && streak < 3) {
        streaks.set(key, streak + 1);
        counts.dropped += 1;
        const done = parameters.at(-1);
        if (typeof done === 'function') setImmediate(() => done(null));
        return;
      }
      streaks.set(key, 0);
      send.apply(this, parameters);
    } as typeof send);
    return counts;
  }

  it('are all set up and ended on both legs, and leave nothing behind', { timeout: 60_000 }, async () => {
    const timers = { t1Ms: 40, t2Ms: 160, t4Ms: 200 };
    const server = closeLater(await DrachtioServer.start({ secret: drachtioSecret, timers }));
    const [caller, callee] = await Promise.all([startStack({ timers }), startStack({ timers })]);
    closeLater(caller);
    closeLater(callee);
    const sip = closeLater(drachtioOn([server.appPort]));
    await sip.start();
    await until(() => [...server.apps.all].some(({ verbs }) => verbs.has('invite')));
    const target = uriOf(callee)
      .replace(/^sip:bob@/, '')
      .replace(/;.*/, '');
    const counts = joinBackToBack(sip, target, '100');
    const loss = loseDatagrams();
    callee.onCall((call) => {
      call.progress(180);
      call.answer(phoneSdp);
    });
    const outcomes = await Promise.all(
      Array.from({ length: calls }, async (_, index) => {
        const from = { uri: `sip:caller${index}@example.com` };
        const outcome = await caller.call({ requestUri: server.uri(), from, offer: phoneSdp }).outcome;
        if (outcome.kind === 'answered') await outcome.dialog.bye();
        return outcome.kind;
      }),
    );
    expect(outcomes.filter((kind) => kind === 'answered')).toHaveLength(calls);
    await until(() => counts.endedByCaller + counts.endedOtherwise === calls, 20_000);
    expect(counts).toMatchObject({ received: calls, answered: calls, refused: 0, cancelled: 0 });
    await until(() => {
      const { dialog, invite, transaction } = sip.liveObjects();
      const { dialogs, invites } = server.liveObjects();
      return [dialog, invite, transaction, dialogs, invites].every((count) => count === 0);
    }, 20_000);
    for (const stack of [caller, callee]) await until(() => stack.liveObjects()['dialog'] === 0, 20_000);
    expect(loss.dropped).toBeGreaterThan(calls);
    expect(server.complaints).toEqual([]);
  });
});
