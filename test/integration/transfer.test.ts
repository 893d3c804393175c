import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SystemClock } from '../../src/base/clock.js';
import { silentLog } from '../../src/base/log.js';
import { BrowserDialler } from '../../src/browser/browser-dialler.js';
import { BrowserEdge } from '../../src/browser/browser-edge.js';
import { defaultRegistration } from '../../src/browser/options.js';
import { Registrar } from '../../src/browser/registrar.js';
import { UserCalls } from '../../src/browser/user-calls.js';
import { CallService } from '../../src/call/call-service.js';
import { connectEdges } from '../../src/call/edges.js';
import type { CallFact } from '../../src/call/facts.js';
import { defaultCallOptions } from '../../src/call/options.js';
import { RuleRouter } from '../../src/call/routing.js';
import { defaultTransferRules, TransferPolicy } from '../../src/call/transfer/transfer-policy.js';
import { EmbeddedMediaPlane } from '../../src/media/embedded/embedded-media-plane.js';
import type { EmbeddedSip } from '../../src/sip/embedded/embedded-sip.js';
import type { InboundCall, SipDialog } from '../../src/sip/port.js';
import type { TrunkOptions } from '../../src/trunk/options.js';
import { TrunkDialler } from '../../src/trunk/trunk-dialler.js';
import { TrunkEdge } from '../../src/trunk/trunk-edge.js';
import { Trunks } from '../../src/trunk/trunks.js';
import { MediaBrowser } from '../support/fake-media-browser.js';
import { MediaPhone } from '../support/fake-media-phone.js';
import { type BuiltWorker, buildMediaWorker } from '../support/fake-media-worker.js';
import { RawPage, serveWebSockets } from '../support/raw-page.js';
import { startStack, until, uriOf } from '../support/sip-rigs.js';

const pageHz = 1000;
/** Enough frames that a reading holds nothing of what was heard before. */
const framesOfTone = 30;

/** The whole of the gateway but its configuration, on loopback: real SIP over UDP and WebSocket, real media. */
class Rig {
  readonly facts: CallFact[] = [];
  readonly open: (() => Promise<void>)[] = [];
  readonly calls: InboundCall[] = [];
  carrier!: EmbeddedSip;
  service!: CallService;
  plane!: EmbeddedMediaPlane;
  page!: RawPage;

  async start(worker: BuiltWorker): Promise<this> {
    const clock = new SystemClock();
    const log = silentLog;
    this.carrier = await this.stack();
    this.carrier.onCall((call) => this.calls.push(call));
    const sip = await this.stack();
    this.plane = new EmbeddedMediaPlane(
      {
        workers: 1,
        bindAddress: '127.0.0.1',
        browserPorts: { min: 44_000, max: 44_499 },
        trunkPorts: { min: 44_500, max: 44_999 },
        ...{ portQuarantineMs: 1000, setupTimeoutMs: 5000, silenceAfterMs: 2000, learnWindowMs: 1000, learnPackets: 3 },
      },
      { clock, log, workerUrl: worker.url },
    );
    await this.plane.start();
    this.open.push(() => this.plane.stop());
    const trunk: TrunkOptions = {
      ...{ id: 'carrier', callerId: '+15550199', numberFormat: 'e164', codecs: ['PCMA', 'PCMU'], allow: [], mediaAllow: [] },
      peers: [{ uri: uriOf(this.carrier).replace('bob@', ''), priority: 0, weight: 1 }],
    };
    const userCalls = new UserCalls();
    const shared = new Trunks([trunk], { sip, clock, log });
    const codecs = ['PCMU', 'PCMA'] as const;
    const registrar = new Registrar(defaultRegistration, { clock, log });
    const router = new RuleRouter(
      {
        trunks: [{ id: 'carrier', media: { kind: 'udp', codecs: trunk.codecs, learnFrom: [] } }],
        inbound: [],
        browserMedia: { kind: 'webrtc', codecs },
      },
      { mayDial: (number) => ({ allowed: number.startsWith('+1555'), rule: 'test', why: 'of the test' }) },
    );
    this.service = new CallService(defaultCallOptions, {
      media: this.plane,
      ...{ clock, log, router },
      diallers: {
        trunk: new TrunkDialler([trunk], { sip, clock, log, lines: shared.lines, book: shared.book, mayDial: () => true }),
        browser: new BrowserDialler({ realm: 'gateway.example' }, { sip, registrar, userCalls, clock, log }),
      },
      transfers: new TransferPolicy(defaultTransferRules, { router, isOurs: () => false }),
      facts: (fact) => this.facts.push(fact),
    });
    const browser = new BrowserEdge(
      {
        ...{ codecs, users: [], realm: 'gateway.example', allowPasswordless: true, registration: defaultRegistration },
        guest: { number: 'anonymous' },
      },
      { calls: this.service, registrar, userCalls, clock, log },
    );
    connectEdges(sip, { browser, trunk: new TrunkEdge([trunk], { calls: this.service, shared, log }) }, this.service);
    const server = await serveWebSockets(sip);
    this.open.push(() => server.close());
    this.page = await RawPage.open(server.url);
    this.open.push(async () => this.page.cut());
    return this;
  }

  /** The page's call, answered by the phone. */
  async connect(browser: MediaBrowser, phone: MediaPhone): Promise<{ readonly dialog: SipDialog; readonly to: string }> {
    const invite = this.page.request('INVITE', { cseq: 1, body: await browser.offer() });
    this.page.send({ ...invite, requestUri: 'sip:+15550100@gateway.example' });
    const dialog = await this.answer(0, phone);
    const ok = await this.page.nextResponse(200);
    const to = ok.headers.get('To') ?? '';
    this.page.send(this.page.request('ACK', { cseq: 1, to }));
    await browser.take(ok.body.toString());
    await browser.connected();
    browser.talk();
    return { dialog, to };
  }

  async answer(which: number, phone: MediaPhone): Promise<SipDialog> {
    await until(() => this.calls.length > which);
    const call = this.calls[which];
    if (call?.offer === undefined) throw new Error('the carrier was not called with an offer');
    phone.talkTo(call.offer);
    return call.answer(phone.sdp());
  }

  async phone(law: 'PCMU' | 'PCMA', toneHz: number): Promise<MediaPhone> {
    const phone = await MediaPhone.open({ law, eventPayloadType: 101, toneHz, ssrc: toneHz });
    this.open.push(() => phone.close());
    return phone;
  }

  browser(): MediaBrowser {
    const browser = new MediaBrowser({ toneHz: pageHz });
    this.open.push(() => browser.close());
    return browser;
  }

  async stop(): Promise<void> {
    for (const close of this.open.splice(0).reverse()) await close();
  }

  private async stack(): Promise<EmbeddedSip> {
    const stack = await startStack();
    this.open.push(() => stack.stop());
    return stack;
  }
}

/** What a far end hears from now on. */
async function heard(end: MediaBrowser | MediaPhone): Promise<number> {
  end.forgetAudio();
  await until(() => end.framesHeard >= framesOfTone);
  return Math.round(end.hearTone().frequencyHz / 10) * 10;
}

describe('a telephone that transfers the page it talks to', () => {
  let worker: BuiltWorker;
  let rig: Rig;
  beforeEach(async () => {
    worker = await buildMediaWorker();
    rig = await new Rig().start(worker);
  });
  afterEach(async () => {
    await rig.stop();
    worker.remove();
  });

  it('leaves the page talking to the new telephone, and itself with nobody', async () => {
    const browser = rig.browser();
    const [first, second] = [await rig.phone('PCMA', 440), await rig.phone('PCMU', 700)];
    const { dialog, to } = await rig.connect(browser, first);
    const reports: string[] = [];
    const ends: string[] = [];
    dialog.onRequest((request) => {
      reports.push(request.body?.content.trim() ?? '');
      request.respond(200);
    });
    dialog.onEnd(({ by }) => ends.push(by));
    expect([await heard(browser), await heard(first)]).toEqual([440, pageHz]);

    expect((await dialog.request('REFER', { headers: [['Refer-To', '<sip:+15550123@carrier.example>']] })).status).toBe(202);
    await until(() => rig.calls.length === 2);
    expect(await heard(browser)).toBe(440);
    const there = await rig.answer(1, second);
    await until(() => rig.facts.some(({ type }) => type === 'transferred'));
    expect([await heard(second), await heard(browser)]).toEqual([pageHz, 700]);
    await until(() => ends.length > 0);
    expect(reports).toEqual(['SIP/2.0 100 Trying', 'SIP/2.0 200 OK']);
    expect(ends).toEqual(['remote']);

    const gone = new Promise((resolve) => there.onEnd(({ by }) => resolve(by)));
    rig.page.send(rig.page.request('BYE', { cseq: 2, to }));
    expect(await gone).toBe('remote');
    await until(() => rig.service.calls().length === 0);
    expect(await rig.plane.liveObjects()).toMatchObject({ media_session: 0, media_socket: 0 });
  });

  it('changes its codec and address in the middle of a call, and is heard through all of it', async () => {
    const browser = rig.browser();
    const [before, after] = [await rig.phone('PCMA', 440), await rig.phone('PCMU', 620)];
    const { dialog } = await rig.connect(browser, before);
    expect(await heard(browser)).toBe(440);
    before.hush();
    const { status, sdp } = await dialog.offer(after.sdp());
    expect([status, /^m=audio \d+ RTP\/AVP 0 101\r$/m.test(sdp ?? '')]).toEqual([200, true]);
    after.talkTo(sdp ?? '');
    expect([await heard(after), await heard(browser)]).toEqual([pageHz, 620]);
    expect(rig.facts.filter(({ type }) => type === 'held')).toEqual([]);
  });
});
