import { randomUUID } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { SystemClock } from '../../src/base/clock.js';
import { silentLog } from '../../src/base/log.js';
import type { CallRecord } from '../../src/cdr/record.js';
import { loadConfig } from '../../src/config/load.js';
import { resolveSecrets } from '../../src/config/secrets.js';
import { createGateway, type Gateway } from '../../src/gateway.js';
import { EmbeddedMediaPlane } from '../../src/media/embedded/embedded-media-plane.js';
import type { SipRequestMessage, SipResponseMessage } from '../../src/sip/embedded/message.js';
import { eventuallyTrue, listenFor } from '../support/eventually.js';
import { MediaBrowser } from '../support/fake-media-browser.js';
import { MediaPhone } from '../support/fake-media-phone.js';
import { type BuiltWorker, buildMediaWorker } from '../support/fake-media-worker.js';
import { freePortRun } from '../support/free-ports.js';
import { RawPage } from '../support/raw-page.js';
import { type RawRequest, RawSipPeer } from '../support/raw-sip-peer.js';

const origin = 'https://shop.example';
const number = '+442079460018';
const graceSeconds = 3;

/** A page with a dialog of its own. */
interface Sitting {
  readonly page: RawPage;
  readonly browser: MediaBrowser;
  readonly invite: SipRequestMessage;
  readonly ok: SipResponseMessage;
  readonly token: string;
}

interface Wish {
  readonly token?: string;
  readonly from?: string;
  /** Sends no ACK, as a page that was loaded anew once more before the answer came. */
  readonly unheard?: boolean;
}

const tagOf = (field: string | undefined): string => /;tag=([^;>\s]+)/.exec(field ?? '')?.[1] ?? '';

/** A whole gateway on loopback between pages and a telephone that are played by hand, with real media. */
class Stage {
  private readonly folder = mkdtempSync(join(tmpdir(), 'resume-wire-'));
  private readonly pages: RawPage[] = [];
  private readonly browsers: MediaBrowser[] = [];
  gateway!: Gateway;
  carrier!: RawSipPeer;
  phone!: MediaPhone;
  private sequence = 10;

  async start(worker: BuiltWorker): Promise<this> {
    this.carrier = await RawSipPeer.open();
    this.phone = await MediaPhone.open({ law: 'PCMA', eventPayloadType: 101, toneHz: 440 });
    const first = await freePortRun(40);
    const loaded = loadConfig(
      `
http: { port: 0, allowedOrigins: ["${origin}", "https://evil.example"] }
sip: { listen: ["udp:127.0.0.1:0"] }
media: { browserPorts: { min: ${first}, max: ${first + 19} }, trunkPorts: { min: ${first + 20}, max: ${first + 39} }, workers: 1 }
policy: { destinations: { allow: ["+44"] } }
browser: { graceSeconds: ${graceSeconds} }
cdr: { file: ${join(this.folder, 'cdr.jsonl')} }
trunks: [{ id: carrier, callerId: "+15550100", peers: [{ uri: "sip:127.0.0.1:${this.carrier.port}" }] }]
`,
      {},
    );
    if (!loaded.ok) throw new Error(JSON.stringify(loaded.faults));
    const { secrets } = resolveSecrets(loaded.config, { environment: {}, readFile: () => '' });
    this.gateway = createGateway(loaded.config, {
      ...{ clock: new SystemClock(), log: silentLog, secrets, version: '0.0.0' },
      webFolder: new URL('none/', pathToFileURL('/')),
      makeMedia: (options, needs) => new EmbeddedMediaPlane(options, { ...needs, workerUrl: worker.url }),
    });
    await this.gateway.start();
    return this;
  }

  async stop(): Promise<void> {
    for (const page of this.pages) page.cut();
    if (this.records.length === 0) this.carrier.send(this.fromPhone('BYE'), this.sipPort);
    await this.ended();
    for (const browser of this.browsers) await browser.close();
    await this.gateway.stop();
    await this.phone.close();
    await this.carrier.close();
    rmSync(this.folder, { recursive: true });
  }

  /** The record of the one call, once it is over for the telephone too. */
  async ended(withinMs = 10_000): Promise<CallRecord | undefined> {
    const byes = (): boolean => {
      for (const one of this.carrier.inbox.splice(0)) {
        if (one.kind === 'request' && one.method !== 'ACK') this.carrier.send(this.carrier.response(one, 200), this.sipPort);
      }
      return this.records.length > 0;
    };
    await eventuallyTrue(byes, { what: 'the call is over', withinMs });
    expect(this.records).toHaveLength(1);
    return this.records[0];
  }

  get records(): readonly CallRecord[] {
    if (!existsSync(join(this.folder, 'cdr.jsonl'))) return [];
    const lines = readFileSync(join(this.folder, 'cdr.jsonl'), 'utf8').split('\n');
    return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as CallRecord);
  }

  get sipPort(): number {
    return this.gateway.addresses().sip.find(({ transport }) => transport === 'udp')?.port ?? 0;
  }

  /** What reached the telephone of SIP but the call itself. */
  get toldPhone(): readonly string[] {
    return this.carrier.history.flatMap((one) => (one.kind === 'request' && !['INVITE', 'ACK'].includes(one.method) ? [one.method] : []));
  }

  async call(): Promise<Sitting> {
    const { page, browser, invite } = await this.dial();
    const invited = await this.carrier.nextRequest('INVITE');
    this.phone.keepPackets();
    this.phone.talkTo(invited.body.toString());
    const contact = `<${this.carrier.uri}>`;
    this.carrier.send(this.carrier.response(invited, 200, { tag: 'phone', contact, body: this.phone.sdp() }), this.sipPort);
    return await this.sit(page, browser, invite);
  }

  /** The page that sat there is loaded anew. */
  async comeBack(before: Sitting, { token = before.token, from = origin, unheard = false }: Wish = {}) {
    const { invite, ok } = before;
    const gateways = tagOf(ok.headers.get('To'));
    const replaces = `${invite.headers.get('Call-ID')};to-tag=${gateways};from-tag=${tagOf(invite.headers.get('From'))}`;
    const again = await this.dial(from, [
      ['Replaces', replaces],
      ['X-Call-Token', token],
    ]);
    const final = await this.finalOf(again.page);
    if (final.status !== 200 || unheard) return { ...again, ok: final, token: '' };
    return await this.confirm({ ...again, ok: final, token: final.headers.get('X-Call-Token') ?? '' });
  }

  /** A key is pressed at the telephone, which says so by INFO. */
  async key(digit: string): Promise<void> {
    this.carrier.send(
      this.fromPhone('INFO', {
        headers: [['Content-Type', 'application/dtmf-relay']],
        body: `Signal=${digit}\r\nDuration=100\r\n`,
      }),
      this.sipPort,
    );
    await this.carrier.nextResponse(200);
  }

  private fromPhone(method: string, more: Partial<RawRequest> = {}): SipRequestMessage {
    const invited = this.carrier.history.find((one): one is SipRequestMessage => one.kind === 'request' && one.method === 'INVITE');
    this.sequence += 1;
    return this.carrier.request({
      ...{ method, uri: `sip:gateway@127.0.0.1:${this.sipPort}`, cseq: this.sequence, callId: invited?.headers.get('Call-ID') ?? '' },
      ...{ fromTag: 'phone', toTag: tagOf(invited?.headers.get('From')), ...more },
    });
  }

  async finalOf(page: RawPage): Promise<SipResponseMessage> {
    const isFinal = (one: RawPage['inbox'][number]): one is SipResponseMessage => one.kind === 'response' && one.status >= 200;
    await eventuallyTrue(() => page.inbox.some(isFinal), { what: 'the page is answered', withinMs: 5_000 });
    const found = page.inbox.find(isFinal);
    if (found === undefined) throw new Error('it was there');
    return found;
  }

  private async dial(from = origin, more: readonly (readonly [string, string])[] = []) {
    const page = await RawPage.open(`${this.gateway.addresses().http.replace('http', 'ws')}/sip`, from);
    const browser = new MediaBrowser({ toneHz: 900, ssrc: 7 + this.browsers.length });
    this.pages.push(page);
    this.browsers.push(browser);
    const made = page.request('INVITE', { cseq: 1, to: `<sip:${number}@gateway.invalid>`, body: await browser.offer() });
    made.headers.set('Call-ID', randomUUID());
    for (const [name, value] of more) made.headers.add(name, value);
    const invite = { ...made, requestUri: `sip:${number}@gateway.invalid` };
    page.send(invite);
    return { page, browser, invite };
  }

  private async sit(page: RawPage, browser: MediaBrowser, invite: SipRequestMessage): Promise<Sitting> {
    const ok = await this.finalOf(page);
    expect(ok.status).toBe(200);
    return await this.confirm({ page, browser, invite, ok, token: ok.headers.get('X-Call-Token') ?? '' });
  }

  private async confirm(sitting: Sitting): Promise<Sitting> {
    const { page, browser, invite, ok } = sitting;
    const ack = page.request('ACK', { cseq: 1, to: ok.headers.get('To') ?? '' });
    ack.headers.set('Call-ID', invite.headers.get('Call-ID') ?? '');
    page.send({ ...ack, requestUri: /<([^>]+)>/.exec(ok.headers.get('Contact') ?? '')?.[1] ?? '' });
    await browser.take(ok.body.toString());
    await browser.connected();
    browser.talk();
    return sitting;
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

const hears = (browser: MediaBrowser, toneHz: number): Promise<void> => {
  browser.forgetAudio();
  return eventuallyTrue(() => browser.framesHeard > 25 && Math.abs(browser.hearTone().frequencyHz - toneHz) < 5, {
    what: `the page hears ${toneHz} Hz`,
    withinMs: 5_000,
  });
};
const phoneHears = (): Promise<void> => {
  stage.phone.forgetAudio();
  return eventuallyTrue(() => stage.phone.framesHeard > 25 && Math.abs(stage.phone.hearTone().frequencyHz - 900) < 5, {
    what: 'the phone hears the page',
    withinMs: 5_000,
  });
};
/** Its network stack says nothing any more, as that of a tab that crashed. */
const vanish = ({ page, browser }: Sitting): void => {
  browser.hush();
  page.cut();
};

describe('over the wire, a page that was loaded anew', () => {
  it('talks on, and the telephone gets one stream without a hole in its numbers or a pause in time', async () => {
    const first = await stage.call();
    await hears(first.browser, 440);
    await phoneHears();
    vanish(first);
    await listenFor(1_500);
    const second = await stage.comeBack(first);
    expect(second.token).not.toBe(first.token);
    await hears(second.browser, 440);
    await phoneHears();
    const packets = stage.phone.packets;
    expect(new Set(packets.map(({ ssrc }) => ssrc)).size).toBe(1);
    const steps = packets.slice(1).map(({ sequence }, at) => (sequence - (packets[at]?.sequence ?? 0)) & 0xffff);
    expect(steps.filter((step) => step !== 1)).toEqual([]);
    const ahead = packets.slice(1).map(({ timestamp }, at) => (timestamp - (packets[at]?.timestamp ?? 0)) | 0);
    expect(ahead.filter((units) => units <= 0)).toEqual([]);
    const pauses = packets.slice(1).map(({ atMs }, at) => atMs - (packets[at]?.atMs ?? 0));
    expect(Math.max(...pauses)).toBeLessThan(1_200);
    expect(stage.toldPhone).toEqual([]);
    vanish(second);
    expect(await stage.ended()).toMatchObject({ failure: 'browser-gone', endedBy: 'caller', reattached: 1 });
    expect(stage.toldPhone).toEqual(['BYE']);
  });

  it('is told what the telephone pressed meanwhile, once and in order', async () => {
    const first = await stage.call();
    await hears(first.browser, 440);
    vanish(first);
    await listenFor(200);
    await stage.key('4');
    await stage.key('2');
    const second = await stage.comeBack(first);
    for (const digit of ['4', '2']) {
      const info = await second.page.nextRequest('INFO');
      expect(info.body.toString()).toContain(`Signal=${digit}`);
      second.page.answer(info, 200);
    }
    await hears(second.browser, 440);
  });

  it('has its call though it was loaded anew again and again before it heard of its place', async () => {
    const first = await stage.call();
    vanish(first);
    for (let time = 0; time < 3; time += 1) {
      const between = await stage.comeBack(first, { unheard: true });
      expect(between.ok.status).toBe(200);
      between.page.cut();
    }
    const last = await stage.comeBack(first);
    expect(last.ok.status).toBe(200);
    await hears(last.browser, 440);
    await phoneHears();
    expect(stage.toldPhone).toEqual([]);
    // What it named before is nobody's any more.
    expect((await stage.comeBack(first)).ok.status).toBe(481);
    await hears(last.browser, 440);
  });

  it('leaves the one behind that was still there, who is told', async () => {
    const first = await stage.call();
    await hears(first.browser, 440);
    const second = await stage.comeBack(first);
    first.page.answer(await first.page.nextRequest('BYE'), 200);
    await hears(second.browser, 440);
    expect(stage.toldPhone).toEqual([]);
  });
});

describe('over the wire, a stranger', () => {
  it.each([
    ['with a token of his own', { token: 'A'.repeat(48) }],
    ['with the token, on another website', { from: 'https://evil.example' }],
  ])('%s takes nobody’s place, and the two talk on', async (_who, wish) => {
    const first = await stage.call();
    expect((await stage.comeBack(first, wish)).ok.status).toBe(403);
    await hears(first.browser, 440);
    await phoneHears();
    expect(stage.toldPhone).toEqual([]);
    expect(first.page.inbox.filter((one) => one.kind === 'request')).toEqual([]);
  });
});
