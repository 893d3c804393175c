import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { SignJWT } from 'jose';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { SystemClock } from '../../src/base/clock.js';
import { silentLog } from '../../src/base/log.js';
import type { CallRecord } from '../../src/cdr/record.js';
import { loadConfig } from '../../src/config/load.js';
import { resolveSecrets } from '../../src/config/secrets.js';
import { createGateway, type Gateway } from '../../src/gateway.js';
import { EmbeddedMediaPlane } from '../../src/media/embedded/embedded-media-plane.js';
import type { SipRequestMessage, SipResponseMessage } from '../../src/sip/embedded/message.js';
import { eventuallyTrue } from '../support/eventually.js';
import { MediaBrowser } from '../support/fake-media-browser.js';
import { type BuiltWorker, buildMediaWorker } from '../support/fake-media-worker.js';
import { freePortRun } from '../support/free-ports.js';
import { RawPage } from '../support/raw-page.js';
import { RawSipPeer } from '../support/raw-sip-peer.js';

const origin = 'https://shop.example';
const secret = 'a-secret-of-the-shop-back-end';
const number = '+442079460018';
const bareNumber = number.slice(1);
const backEnd = generateKeyPairSync('ed25519');

/** A whole gateway on loopback, with the pages of websites on one side and a carrier played by hand on the other. */
class Stage {
  readonly folder = mkdtempSync(join(tmpdir(), 'ticket-wire-'));
  readonly pages: RawPage[] = [];
  readonly browsers: MediaBrowser[] = [];
  gateway!: Gateway;
  carrier!: RawSipPeer;

  async start(worker: BuiltWorker): Promise<this> {
    this.carrier = await RawSipPeer.open();
    await this.startGateway(worker);
    return this;
  }

  async startGateway(worker: BuiltWorker): Promise<void> {
    const first = await freePortRun(40);
    const loaded = loadConfig(
      `
http: { port: 0, allowedOrigins: ["https://evil.example"], trustedProxies: [127.0.0.1] }
sip: { listen: ["udp:127.0.0.1:0"] }
media: { browserPorts: { min: ${first}, max: ${first + 19} }, trunkPorts: { min: ${first + 20}, max: ${first + 39} }, workers: 1 }
policy: { destinations: { allow: ["+44"] }, transfer: { guests: true } }
users: [{ name: alice, from: "+442079460101", password: { env: ALICE } }, { name: bob, password: { env: ALICE } }]
cdr: { file: ${join(this.folder, 'cdr.jsonl')} }
auth: { tickets: { audience: "https://call.example", replayFile: ${join(this.folder, 'used.jsonl')} } }
trunks: [{ id: carrier, callerId: "+15550100", peers: [{ uri: "sip:127.0.0.1:${this.carrier.port}" }] }]
sites:
  - key: pk_shop
    secret: { env: SHOP_SECRET }
    origins: ["${origin}"]
    destinations: [{ name: sales, number: "${number}" }]
    from: "+442079460001"
    users: [alice]
    maxSeconds: 600
    keys: [{ kid: shop-1, algorithm: EdDSA, key: { file: shop.pem } }]
`,
      {},
    );
    if (!loaded.ok) throw new Error(JSON.stringify(loaded.faults));
    const pem = backEnd.publicKey.export({ type: 'spki', format: 'pem' }).toString();
    const { secrets, faults } = resolveSecrets(loaded.config, {
      environment: { SHOP_SECRET: secret, ALICE: 'down the hole' },
      readFile: () => pem,
    });
    expect(faults).toEqual([]);
    this.gateway = createGateway(loaded.config, {
      ...{ clock: new SystemClock(), log: silentLog, secrets, version: '0.0.0' },
      webFolder: new URL('none/', pathToFileURL('/')),
      makeMedia: (options, needs) => new EmbeddedMediaPlane(options, { ...needs, workerUrl: worker.url }),
    });
    await this.gateway.start();
  }

  /** The carrier ends what is open, so that the gateway need not wait for it. */
  private async hangUp(): Promise<void> {
    const { carrier, sipPort } = this;
    const open = new Map<string, SipRequestMessage>();
    for (const one of carrier.history) {
      if (one.kind === 'request' && one.method === 'INVITE') open.set(one.headers.get('Call-ID') ?? '', one);
    }
    for (const invite of open.values()) carrier.send(carrier.response(invite, 486, { tag: 'busy' }), sipPort);
    const ended = (): boolean => {
      for (const one of carrier.inbox.splice(0)) {
        if (one.kind === 'request' && one.method === 'BYE') carrier.send(carrier.response(one, 200), sipPort);
      }
      return this.records.length >= open.size;
    };
    await eventuallyTrue(ended, { what: 'all calls are over', withinMs: 3_000 });
  }

  async stop(): Promise<void> {
    for (const page of this.pages) page.cut();
    await this.hangUp();
    for (const browser of this.browsers) await browser.close();
    await this.gateway.stop();
    await this.carrier.close();
    rmSync(this.folder, { recursive: true });
  }

  get sipPort(): number {
    return this.gateway.addresses().sip.find(({ transport }) => transport === 'udp')?.port ?? 0;
  }

  async page(from = origin, headers: Readonly<Record<string, string>> = {}): Promise<RawPage> {
    const page = await RawPage.open(`${this.gateway.addresses().http.replace('http', 'ws')}/sip`, from, headers);
    this.pages.push(page);
    return page;
  }

  async ticket(wish: object = {}): Promise<string> {
    const answer = await fetch(`${this.gateway.addresses().http}/api/v1/tickets`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${secret}` },
      body: JSON.stringify({ to: 'sales', visitor: 'ann', ...wish }),
    });
    const { ticket } = (await answer.json()) as { readonly ticket?: string };
    if (ticket === undefined) throw new Error(`no ticket: ${answer.status}`);
    return ticket;
  }

  /** A ticket of the shop's own back end, as it likes. */
  signed(claims: Readonly<Record<string, unknown>> = {}, expiresInSeconds = 60, key = backEnd.privateKey): Promise<string> {
    return new SignJWT({ jti: randomUUID(), site: 'pk_shop', origin: [origin], to: 'sales', aud: 'https://call.example', ...claims })
      .setProtectedHeader({ alg: 'EdDSA', kid: 'shop-1' })
      .setExpirationTime(Math.floor(Date.now() / 1000) + expiresInSeconds)
      .sign(key);
  }

  async invite(page: RawPage, ticket: string | undefined, to = 'sales', offer?: string): Promise<SipRequestMessage> {
    const invite = page.request('INVITE', { cseq: 1, to: `<sip:${to}@gateway.invalid>`, body: offer ?? (await this.offer()) });
    invite.headers.set('Call-ID', randomUUID());
    if (ticket !== undefined) invite.headers.add('Authorization', `Bearer ${ticket}`);
    const request = { ...invite, requestUri: `sip:${to}@gateway.invalid` };
    page.send(request);
    return request;
  }

  get records(): readonly CallRecord[] {
    if (!existsSync(join(this.folder, 'cdr.jsonl'))) return [];
    const lines = readFileSync(join(this.folder, 'cdr.jsonl'), 'utf8').split('\n');
    return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as CallRecord);
  }

  private async offer(): Promise<string> {
    const browser = new MediaBrowser();
    this.browsers.push(browser);
    return await browser.offer();
  }
}

let worker: BuiltWorker;
let stage: Stage;
beforeAll(async () => {
  worker = await buildMediaWorker();
});
afterAll(() => worker.remove());
beforeEach(async () => {
  stage = await new Stage().start(worker);
});
afterEach(() => stage.stop());

const saysOf = (response: SipResponseMessage): readonly unknown[] => [response.status, response.headers.get('X-Gateway-Failure')];

async function finalOf(page: RawPage): Promise<SipResponseMessage> {
  const isFinal = (one: RawPage['inbox'][number]): one is SipResponseMessage => one.kind === 'response' && one.status >= 200;
  await eventuallyTrue(() => page.inbox.some(isFinal), { what: 'the page is answered', withinMs: 5_000 });
  const found = page.inbox.find(isFinal);
  if (found === undefined) throw new Error('it was there');
  return found;
}

describe('over the wire, a page', () => {
  const stranger = generateKeyPairSync('ed25519').privateKey;
  const refusals: readonly (readonly [
    what: string,
    expected: readonly [number, string],
    attempt: (here: Stage) => Promise<{ readonly ticket?: string; readonly to?: string; readonly from?: string }>,
  ])[] = [
    ['without a ticket', [401, 'ticket-required'], async () => ({})],
    ['without a ticket that names a number', [401, 'ticket-required'], async () => ({ to: number })],
    ['with one that somebody else signed', [401, 'ticket-invalid'], async (here) => ({ ticket: await here.signed({}, 60, stranger) })],
    [
      'with one for another gateway',
      [401, 'ticket-invalid'],
      async (here) => ({ ticket: await here.signed({ aud: 'https://other.example' }) }),
    ],
    ['with one that has expired', [401, 'ticket-expired'], async (here) => ({ ticket: await here.signed({}, -31) })],
    ['with one for another page', [403, 'wrong-origin'], async (here) => ({ ticket: await here.ticket(), from: 'https://evil.example' })],
    [
      'with one for another destination',
      [403, 'wrong-destination'],
      async (here) => ({ ticket: await here.ticket(), to: '+442079460099' }),
    ],
    [
      'with one for a number nobody may dial',
      [403, 'destination-denied'],
      async (here) => ({ ticket: await here.signed({ to: '+19005550100' }), to: '+19005550100' }),
    ],
  ];

  it.each(refusals)('is refused %s, and the carrier hears nothing', async (_what, expected, attempt) => {
    const { ticket, to, from } = await attempt(stage);
    const page = await stage.page(from);
    await stage.invite(page, ticket, to);
    const final = await finalOf(page);
    expect(saysOf(final)).toEqual(expected);
    expect(final.headers.get('WWW-Authenticate') ?? '').toMatch(expected[0] === 401 ? /^Bearer realm=/ : /^$/);
    await eventuallyTrue(() => stage.records.length === 1, { what: 'it is recorded', withinMs: 2_000 });
    expect(stage.records[0]).toMatchObject({ disposition: 'denied', failure: expected[1] });
    expect(stage.carrier.countOf('INVITE')).toBe(0);
  });

  it('is refused with a ticket that was used, also after a restart', async () => {
    const ticket = await stage.ticket();
    const first = await stage.page();
    await stage.invite(first, ticket);
    const ringing = await stage.carrier.nextRequest('INVITE');
    stage.carrier.send(stage.carrier.response(ringing, 486, { tag: 'busy' }), stage.sipPort);
    expect((await finalOf(first)).status).toBe(486);
    const second = await stage.page();
    await stage.invite(second, ticket);
    expect(saysOf(await finalOf(second))).toEqual([403, 'ticket-used']);
    await stage.gateway.stop();
    await stage.startGateway(worker);
    const signed = await stage.signed({ jti: 'known-by-name' });
    const third = await stage.page();
    await stage.invite(third, signed);
    const again = await stage.carrier.nextRequest('INVITE');
    stage.carrier.send(stage.carrier.response(again, 486, { tag: 'busy' }), stage.sipPort);
    await finalOf(third);
    await stage.gateway.stop();
    await stage.startGateway(worker);
    const fourth = await stage.page();
    await stage.invite(fourth, signed);
    expect(saysOf(await finalOf(fourth))).toEqual([403, 'ticket-used']);
    expect(new Set(stage.carrier.history.map((one) => one.headers.get('Call-ID'))).size).toBe(2);
  });

  it('that repeats its INVITE uses its ticket once', async () => {
    const page = await stage.page();
    const invite = await stage.invite(page, await stage.ticket());
    page.send(invite);
    const ringing = await stage.carrier.nextRequest('INVITE');
    stage.carrier.send(stage.carrier.response(ringing, 180, { tag: 'rings' }), stage.sipPort);
    await page.nextResponse(180);
    expect(page.inbox.filter((one) => one.kind === 'response' && one.status >= 400)).toEqual([]);
  });

  it('shows the caller id of its site, whatever it says of itself', async () => {
    const page = await stage.page();
    const invite = page.request('INVITE', { cseq: 1, to: '<sip:sales@gateway.invalid>' });
    expect(invite.headers.get('From')).toContain('alice');
    await stage.invite(page, await stage.ticket());
    const ringing = await stage.carrier.nextRequest('INVITE');
    expect(ringing.requestUri).toContain(bareNumber);
    expect(ringing.headers.get('From')).toContain('442079460001');
    expect(JSON.stringify([...ringing.headers.all('From'), ...ringing.headers.all('P-Asserted-Identity')])).not.toContain('alice');
  });

  describe('that registers', () => {
    const register = async (page: RawPage, name: string, ticket: string): Promise<SipResponseMessage> => {
      const request = page.request('REGISTER', { cseq: 1, to: `<sip:${name}@gateway.invalid>` });
      request.headers.add('Authorization', `Bearer ${ticket}`);
      page.send({ ...request, requestUri: 'sip:gateway.invalid' });
      const final = await finalOf(page);
      page.inbox.splice(0);
      return final;
    };

    it('by a ticket of its site is that user from then on, and needs no ticket to call', async () => {
      const page = await stage.page();
      expect((await register(page, 'alice', await stage.signed({ sub: 'alice', to: undefined }))).status).toBe(200);
      await stage.invite(page, undefined, '+442079460099');
      const ringing = await stage.carrier.nextRequest('INVITE');
      expect([ringing.requestUri, ringing.headers.get('From')]).toEqual([
        expect.stringContaining('442079460099'),
        expect.stringContaining('442079460101'),
      ]);
    });

    const refusals: readonly (readonly [what: string, name: string, claims: Readonly<Record<string, unknown>>])[] = [
      ['as a user its site does not answer for', 'bob', { sub: 'bob', to: undefined }],
      ['as another user than its ticket names', 'alice', { sub: 'bob', to: undefined }],
      ['with a ticket for a call', 'alice', { sub: 'alice' }],
      ['as nobody there is', 'mallory', { sub: 'mallory', to: undefined }],
    ];

    it.each(refusals)('is refused %s', async (_what, name, claims) => {
      const page = await stage.page();
      expect(saysOf(await register(page, name, await stage.signed(claims)))).toEqual([403, 'ticket-invalid']);
      await stage.invite(page, undefined, '+442079460099');
      expect(saysOf(await finalOf(page))).toEqual([401, 'ticket-required']);
    });
  });

  it('is accounted by the address its proxy tells', async () => {
    const page = await stage.page(origin, { 'x-forwarded-for': '203.0.113.7' });
    await stage.invite(page, undefined);
    await finalOf(page);
    await eventuallyTrue(() => stage.records.length === 1, { what: 'it is recorded', withinMs: 2_000 });
    expect(stage.records[0]?.source).toMatch(/^203\.0\.113\.7:/);
  });
});

describe('a page that called a name', () => {
  /** What a carrier may say of the called number, wherever it can. */
  const gossip: readonly (readonly [string, string])[] = [
    ['P-Asserted-Identity', `"${number}" <sip:${number}@carrier.example>`],
    ['P-Called-Party-ID', `<sip:${number}@carrier.example>`],
    ['Remote-Party-ID', `<sip:${number}@carrier.example>;party=called`],
    ['History-Info', `<sip:${number}@carrier.example>;index=1`],
    ['Reason', `Q.850;cause=17;text="${number} is busy"`],
    ['Warning', `399 carrier.example "${number} says no"`],
    ['Call-Info', `<https://carrier.example/${bareNumber}.png>;purpose=icon`],
    ['Subject', number],
    ['X-Number', number],
  ];
  const answer = [
    'v=0',
    `o=${number} 1 1 IN IP4 127.0.0.1`,
    `s=call to ${number}`,
    `i=${number}`,
    'c=IN IP4 127.0.0.1',
    't=0 0',
    'm=audio 40000 RTP/AVP 0 101',
    `i=${number}`,
    'a=rtpmap:0 PCMU/8000',
    'a=rtpmap:101 telephone-event/8000',
    `a=label:${bareNumber}`,
    '',
  ].join('\r\n');

  const contact = `<sip:${number}@127.0.0.1>`;

  it('never learns the number behind it, when it is answered', async () => {
    const page = await stage.page();
    await stage.invite(page, await stage.ticket());
    const { carrier } = stage;
    const ringing = await carrier.nextRequest('INVITE');
    carrier.send(carrier.response(ringing, 183, { tag: 'phone', contact, headers: gossip, body: answer }), stage.sipPort);
    await page.nextResponse(180);
    const own = `<sip:${number}@127.0.0.1:${carrier.port}>`;
    carrier.send(carrier.response(ringing, 200, { tag: 'phone', contact: own, headers: gossip, body: answer }), stage.sipPort);
    const ok = await page.nextResponse(200);
    const to = ok.headers.get('To') ?? '';
    const ack = page.request('ACK', { cseq: 1, to });
    ack.headers.set('Call-ID', ok.headers.get('Call-ID') ?? '');
    page.send(ack);
    await carrier.nextRequest('ACK');
    // A re-INVITE, an INFO and a BYE of the carrier, each with what it may not pass on.
    const dialog = {
      uri: `sip:carrier@127.0.0.1:${stage.sipPort}`,
      callId: ringing.headers.get('Call-ID') ?? '',
      fromTag: 'phone',
      toTag: /tag=([^;>]+)/.exec(ringing.headers.get('From') ?? '')?.[1] ?? '',
    };
    const inDialog = (method: string, cseq: number, body?: string) =>
      carrier.send(carrier.request({ ...dialog, method, cseq, headers: gossip, ...(body === undefined ? {} : { body }) }), stage.sipPort);
    inDialog('INFO', 1, `Signal=5\r\nDuration=160\r\n${number}`);
    inDialog('INVITE', 2, answer.replace(' 1 1 IN', ' 1 2 IN'));
    await eventuallyTrue(() => carrier.countOf(200) + carrier.countOf(488) + carrier.countOf(491) > 0, {
      what: 'it is answered',
      withinMs: 3_000,
    });
    inDialog('BYE', 3);
    page.answer(await page.nextRequest('BYE'), 200);
    expect(page.told.length).toBeGreaterThan(2);
    expect(page.told.join('\n')).not.toContain(bareNumber);
  });

  it.each([404, 486, 503, 603])('never learns the number behind it, when the carrier says %i', async (status) => {
    const page = await stage.page();
    await stage.invite(page, await stage.ticket());
    const { carrier } = stage;
    const ringing = await carrier.nextRequest('INVITE');
    const refusal = carrier.response(ringing, status, { tag: 'phone', contact, headers: gossip });
    carrier.send({ ...refusal, reason: `${number} not here` }, stage.sipPort);
    expect((await finalOf(page)).status).toBeGreaterThanOrEqual(400);
    expect(page.told.join('\n')).not.toContain(bareNumber);
  });

  it('may not send its call elsewhere', async () => {
    const page = await stage.page();
    await stage.invite(page, await stage.ticket());
    const { carrier } = stage;
    const ringing = await carrier.nextRequest('INVITE');
    const own = `<sip:${number}@127.0.0.1:${carrier.port}>`;
    carrier.send(carrier.response(ringing, 200, { tag: 'phone', contact: own, body: answer }), stage.sipPort);
    const ok = await page.nextResponse(200);
    const follow = (method: string, cseq: number) => {
      const request = page.request(method, { cseq, to: ok.headers.get('To') ?? '' });
      request.headers.set('Call-ID', ok.headers.get('Call-ID') ?? '');
      return request;
    };
    page.send(follow('ACK', 1));
    await carrier.nextRequest('ACK');
    const refer = follow('REFER', 2);
    refer.headers.add('Refer-To', '<sip:+442079460099@gateway.invalid>');
    page.send(refer);
    await page.nextResponse(403);
    page.send(follow('BYE', 3));
    carrier.send(carrier.response(await carrier.nextRequest('BYE'), 200), stage.sipPort);
    expect(carrier.countOf('INVITE')).toBe(1);
  });
});
