import { pathToFileURL } from 'node:url';
import { formatHostPort } from '../../src/base/address.js';
import { SystemClock } from '../../src/base/clock.js';
import { silentLog } from '../../src/base/log.js';
import { loadConfig } from '../../src/config/load.js';
import { resolveSecrets } from '../../src/config/secrets.js';
import { createGateway, type Gateway } from '../../src/gateway.js';
import { EmbeddedMediaPlane } from '../../src/media/embedded/embedded-media-plane.js';
import type { EmbeddedSip } from '../../src/sip/embedded/embedded-sip.js';
import type { SipRequestMessage } from '../../src/sip/embedded/message.js';
import type { InboundCall, SipDialog } from '../../src/sip/port.js';
import type { CallStory } from '../../src/story/call-story.js';
import { MediaBrowser } from './fake-media-browser.js';
import { MediaPhone } from './fake-media-phone.js';
import type { BuiltWorker } from './fake-media-worker.js';
import { freePort } from './free-ports.js';
import { RawPage } from './raw-page.js';
import { startStack, until } from './sip-rigs.js';

export const storyToken = 'token-of-the-operator';
/** What a page shows in place of a ticket; no story may hold it. */
export const storyTicket = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.c2lnbmF0dXJl';
export const storyNumber = '+442079460018';

const pageOrigin = 'https://page.example';

/**
 * A whole gateway on loopback with its own SIP, media and HTTP, a page that a test plays by hand, and as many
 * carriers as it has peers: each a SIP stack whose calls a test answers.
 */
export class StoryRig {
  readonly calls: InboundCall[] = [];
  private readonly open: (() => Promise<void>)[] = [];
  private cseq = 1;
  /** What the page got with its call. */
  callToken = '';

  private constructor(
    readonly gateway: Gateway,
    readonly carriers: readonly EmbeddedSip[],
    readonly page: RawPage,
  ) {}

  static async start(
    worker: BuiltWorker,
    { carriers: count = 1, more = '' }: { readonly carriers?: number; readonly more?: string } = {},
  ): Promise<StoryRig> {
    const carriers = await Promise.all(Array.from({ length: count }, () => startStack()));
    const peers = carriers.map((carrier, at) => {
      const [bound] = carrier.bound();
      if (bound === undefined) throw new Error('the carrier does not listen');
      return `{ uri: "sip:${formatHostPort(bound)}", priority: ${at} }`;
    });
    const loaded = loadConfig(
      `
http: { port: 0, allowedOrigins: ["${pageOrigin}"] }
sip: { listen: ["udp:127.0.0.1:${await freePort()}"] }
admin: { token: { env: ADMIN_TOKEN } }
media: { workers: 1, browserPorts: { min: 43000, max: 43199 }, trunkPorts: { min: 43200, max: 43399 } }
policy: { destinations: { allow: ["+44"] } }
trunks: [{ id: carrier, callerId: "+442079460001", peers: [${peers.join(', ')}] }]
${more}
`,
      {},
    );
    if (!loaded.ok) throw new Error(JSON.stringify(loaded.faults));
    const { secrets, faults } = resolveSecrets(loaded.config, { environment: { ADMIN_TOKEN: storyToken }, readFile: () => '' });
    if (faults.length > 0) throw new Error(JSON.stringify(faults));
    const gateway = createGateway(loaded.config, {
      ...{ clock: new SystemClock(), log: silentLog, secrets, version: '0.0.0' },
      webFolder: new URL('none/', pathToFileURL('/')),
      makeMedia: (options, deps) => new EmbeddedMediaPlane(options, { ...deps, workerUrl: worker.url }),
    });
    await gateway.start();
    const page = await RawPage.open(`${gateway.addresses().http.replace('http', 'ws')}/sip`);
    const rig = new StoryRig(gateway, carriers, page);
    for (const carrier of carriers) carrier.onCall((call) => rig.calls.push(call));
    return rig;
  }

  /** The page's INVITE, with what it shows in place of a ticket. */
  invite(offer: string, number = storyNumber): SipRequestMessage {
    const invite = { ...this.page.request('INVITE', { cseq: this.cseq, body: offer }), requestUri: `sip:${number}@gateway.invalid` };
    invite.headers.set('To', `<sip:${number}@gateway.invalid>`).set('X-Call-Token', storyTicket);
    this.page.send(invite);
    return invite;
  }

  /** A call that is up, with sound both ways. */
  async connect(
    browser: MediaBrowser,
    phone: MediaPhone,
    answer: (index: number) => Promise<SipDialog> = (index) => this.answer(index, phone),
  ): Promise<{ readonly dialog: SipDialog; readonly to: string }> {
    this.invite(await browser.offer());
    const dialog = await answer(0);
    const ok = await this.page.nextResponse(200);
    const to = ok.headers.get('To') ?? '';
    this.callToken = ok.headers.get('X-Call-Token') ?? '';
    this.page.send(this.page.request('ACK', { cseq: this.cseq, to }));
    await browser.take(ok.body.toString());
    await browser.connected();
    browser.talk();
    await until(() => browser.framesHeard > 10 && phone.framesHeard > 10);
    return { dialog, to };
  }

  async answer(index: number, phone: MediaPhone): Promise<SipDialog> {
    await until(() => this.calls.length > index);
    const call = this.calls[index];
    if (call?.offer === undefined) throw new Error('the carrier was not called with an offer');
    phone.talkTo(call.offer);
    call.progress(180);
    return call.answer(phone.sdp());
  }

  /** The page hangs up, and hears that the gateway agrees. */
  async hangUp(to: string): Promise<void> {
    this.cseq += 1;
    this.page.send(this.page.request('BYE', { cseq: this.cseq, to }));
    await until(() => this.page.inbox.some((message) => message.kind === 'response' && message.headers.get('CSeq') === `${this.cseq} BYE`));
  }

  async phone(law: 'PCMU' | 'PCMA', toneHz: number): Promise<MediaPhone> {
    const phone = await MediaPhone.open({ law, eventPayloadType: 101, toneHz, ssrc: toneHz });
    this.open.push(() => phone.close());
    return phone;
  }

  browser(): MediaBrowser {
    const browser = new MediaBrowser({ toneHz: 1000 });
    this.open.push(() => browser.close());
    return browser;
  }

  async get(path: string, token: string | undefined = storyToken): Promise<Response> {
    return fetch(`${this.gateway.addresses().http}/api/v1${path}`, { headers: { authorization: `Bearer ${token}` } });
  }

  /** A rating as the page sends it. */
  async rate(body: object, origin = pageOrigin): Promise<Response> {
    return fetch(`${this.gateway.addresses().http}/api/v1/ratings`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', origin },
      body: JSON.stringify(body),
    });
  }

  /** Of the last call that is over, once one is. */
  async lastCallId(): Promise<string> {
    let found: string | undefined;
    for (const limit = performance.now() + 5_000; found === undefined && performance.now() < limit; ) {
      const { cdrs } = (await (await this.get('/cdrs?limit=1')).json()) as { readonly cdrs: readonly { readonly callId: string }[] };
      found = cdrs[0]?.callId;
    }
    if (found === undefined) throw new Error('no call has ended');
    return found;
  }

  async story(callId: string): Promise<CallStory<Record<string, unknown>>> {
    return (await (await this.get(`/calls/${callId}/story`)).json()) as CallStory<Record<string, unknown>>;
  }

  async stop(): Promise<void> {
    this.page.cut();
    for (const close of this.open.splice(0).reverse()) await close();
    await this.gateway.stop();
    for (const carrier of this.carriers) await carrier.stop();
  }
}
