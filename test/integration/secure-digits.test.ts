import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SystemClock } from '../../src/base/clock.js';
import type { SessionId } from '../../src/base/ids.js';
import type { Log } from '../../src/base/log.js';
import { loadConfig } from '../../src/config/load.js';
import { resolveSecrets } from '../../src/config/secrets.js';
import { createGateway, type Gateway } from '../../src/gateway.js';
import type { Digit } from '../../src/media/plane.js';
import type { ListenAddress } from '../../src/sip/embedded/embedded-sip.js';
import type { SipDialog } from '../../src/sip/port.js';
import { eventuallyTrue } from '../support/eventually.js';
import { FakeMediaPlane } from '../support/fake-media-plane.js';
import { FakeSip } from '../support/fake-sip.js';

const sdp = 'v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nt=0 0\r\nm=audio 9 RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\n';
const token = 'a-token-of-the-test';
const bearer = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };

class Stack extends FakeSip {
  readonly page = new FakeSip('page');
  readonly carrier = new FakeSip('carrier');

  constructor() {
    super('gateway');
    this.connect(this.page, { transport: 'ws', names: ['page.invalid', '@gateway'], origin: 'http://127.0.0.1' });
    this.connect(this.carrier, { transport: 'udp', names: ['127.0.0.1:5999'] });
  }

  bound(): readonly ListenAddress[] {
    return [];
  }

  acceptWebSocket(): void {}
}

/** Everything that is logged, at every level. */
function logInto(lines: string[], bound: object = {}): Log {
  const at = (level: string) => (fields: object, message: string) =>
    void lines.push(JSON.stringify({ level, ...bound, ...fields, message }));
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: (more) => logInto(lines, { ...bound, ...more }),
  };
}

let folder: string;
let gateway: Gateway | undefined;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'secure-'));
});
afterEach(async () => {
  await gateway?.stop();
  rmSync(folder, { recursive: true });
});

/** A connected call of a page, and all that the gateway says of it anywhere. */
class Call {
  readonly log: string[] = [];
  readonly stack = new Stack();
  readonly media = new FakeMediaPlane();
  readonly toPage: string[] = [];
  readonly toTrunk: string[] = [];
  readonly events: string[] = [];
  channel: readonly string[] = [];
  id = '';
  page!: SipDialog;
  phone!: SipDialog;
  private readonly cdr = join(folder, `${Math.random()}.jsonl`);
  private stream: Promise<void> = Promise.resolve();

  async start(trunk = 'dtmf: rfc4733'): Promise<this> {
    const loaded = loadConfig(
      `
http: { port: 0 }
admin: { token: { env: ADMIN_TOKEN } }
policy: { destinations: { allow: ["+1"] } }
cdr: { file: ${this.cdr} }
trunks: [{ id: carrier, callerId: "+15550100", peers: [{ uri: "sip:127.0.0.1:5999" }], ${trunk} }]
`,
      {},
    );
    if (!loaded.ok) throw new Error(JSON.stringify(loaded.faults));
    const { secrets } = resolveSecrets(loaded.config, { environment: { ADMIN_TOKEN: token }, readFile: () => '' });
    gateway = createGateway(loaded.config, {
      ...{ clock: new SystemClock(), log: logInto(this.log), secrets, version: '0.0.0' },
      webFolder: new URL('none/', pathToFileURL('/')),
      makeSip: () => this.stack,
      makeMedia: () => this.media,
    });
    await gateway.start();
    const call = this.stack.page.call({ requestUri: 'sip:+15550123456@gateway', from: { uri: 'sip:x@page.invalid' }, offer: sdp });
    this.phone = (await this.stack.carrier.nextCall()).answer(sdp);
    const outcome = await call.outcome;
    if (outcome.kind !== 'answered') throw new Error(outcome.kind);
    this.page = outcome.dialog;
    this.page.onRequest((request) => {
      this.toPage.push(`${request.body?.content} ${request.headers.get('X-Digit-Id')}`);
      request.respond(200);
    });
    this.phone.onRequest((request) => {
      this.toTrunk.push(`${request.body?.type} ${request.body?.content}`);
      request.respond(200);
    });
    const { calls } = (await (await this.get('/calls')).json()) as { calls: { id: string }[] };
    this.id = calls[0]?.id ?? '';
    this.channel = this.media.openChannel(this.session, 'a');
    const stream = await this.get(`/calls/${this.id}/events`);
    this.stream = stream.text().then((text) => void this.events.push(text));
    return this;
  }

  get session(): SessionId {
    const session = this.media.requests[0]?.session;
    if (session === undefined) throw new Error('no session');
    return session;
  }

  get(path: string): Promise<Response> {
    return fetch(`${gateway?.addresses().http}/api/v1${path}`, { headers: bearer });
  }

  post(path: string, body: object): Promise<Response> {
    return fetch(`${gateway?.addresses().http}/api/v1/calls/${this.id}/${path}`, {
      method: 'POST',
      headers: bearer,
      body: JSON.stringify(body),
    });
  }

  /** The same digit by every way there is. */
  async press(digit: Digit): Promise<void> {
    const info = (): { body: { type: string; content: string } } => ({
      body: { type: 'application/dtmf-relay', content: `Signal=${digit}\r\nDuration=100\r\n` },
    });
    const before = (await this.receipts()).length;
    const press = this.media.pressDigit(this.session, 'a', { digit, durationMs: 100 });
    this.media.emit({ type: 'digit-sent', session: this.session, leg: 'b', press, as: 'rfc4733', durationMs: 100, packets: 7 });
    this.media.pressDigit(this.session, 'a', { digit, durationMs: 100 }, false);
    this.media.pressDigit(this.session, 'b', { digit, durationMs: 100 }, false);
    await this.post('dtmf', { digits: digit });
    await this.post('dtmf', { digits: digit, to: 'page' });
    // Two of the page and one of the telephone are copies of what came as events.
    for (const side of [this.page, this.page, this.page, this.phone, this.phone]) await side.request('INFO', info());
    await eventuallyTrue(async () => (await this.receipts()).slice(before).every(({ outcome }) => outcome !== undefined), {
      what: 'every digit has its end',
      withinMs: 2000,
    });
  }

  async receipts(): Promise<readonly { readonly digit: string; readonly outcome?: string; readonly why?: string }[]> {
    return ((await (await this.get(`/calls/${this.id}`)).json()) as { digits: { receipts: { digit: string }[] } }).digits.receipts;
  }

  /** Ends the call, and gives back everything that was said of it to anybody but the far end. */
  async everything(): Promise<string> {
    const live = await (await this.get('/calls')).text();
    const open = await fetch(`${gateway?.addresses().http}/metrics`);
    const metrics = (await open.text()).split('\n').filter((line) => line.startsWith('gateway_digits'));
    await this.page.bye();
    await this.stream;
    await gateway?.drain(0);
    const records = await (await this.get('/cdrs')).text();
    await gateway?.stop();
    const written = readFileSync(this.cdr, 'utf8');
    const said = [...this.log, live, ...metrics, ...this.events, records, written, ...this.channel, ...this.toPage];
    expect([this.log.length > 5, written.length > 100, (this.events[0] ?? '').length > 100]).not.toContain(false);
    return said.join('\n');
  }
}

/** Without what differs from call to call in any case: names, times, counts. */
const alike = (call: Call, text: string): string =>
  text
    .replaceAll(call.id, 'call')
    .replaceAll(call.session, 'session')
    .replace(/"sipCallId":"[^"]*"/g, '"sipCallId":"sip"')
    .replace(/\d+/g, '0');

describe('digits pressed while a secure window is open', () => {
  const sayingWith = async (digit: 'A' | 'D', secure: boolean): Promise<string> => {
    const call = await new Call().start();
    if (secure) expect((await call.post('secure-digits', { open: true, seconds: 60 })).status).toBe(200);
    await call.press(digit);
    expect(call.media.digitsAskedOn(call.session, 'b'), 'the far end gets them all the same').toBe(`${digit}${digit}`);
    expect(call.channel.length, 'the page is told of its own').toBeGreaterThanOrEqual(6);
    return alike(call, await call.everything());
  };

  it('leave no trace of which they were: log, record, API, events, metrics and page say the same of all', async () => {
    expect(await sayingWith('A', true)).toBe(await sayingWith('D', true));
  });

  it('are told like any other when there is none', async () => {
    expect(await sayingWith('A', false)).not.toBe(await sayingWith('D', false));
  });

  it('reach a trunk that takes INFO, and nothing else says which', async () => {
    const call = await new Call().start('dtmf: info, dtmfInfo: application/dtmf');
    await call.post('secure-digits', { open: true });
    await call.post('dtmf', { digits: 'AD' });
    await eventuallyTrue(() => call.toTrunk.length === 2, { what: 'both INFOs have come', withinMs: 2000 });
    expect(call.toTrunk).toEqual(['application/dtmf A', 'application/dtmf D']);
    expect(await call.receipts()).toMatchObject([
      { digit: '•', outcome: 'acknowledged' },
      { digit: '•', outcome: 'acknowledged' },
    ]);
    expect(await call.everything()).not.toMatch(/"digit":"[^•]"/);
  });
});

describe('a secure window', () => {
  it('is opened and closed by the header the trunk is known for, and by no other', async () => {
    const call = await new Call().start('secureDigitsHeader: X-Secure-Digits');
    const say = (name: string, value: string) => call.phone.request('INFO', { headers: [[name, value]] });
    const press = async (): Promise<string | undefined> => {
      call.media.pressDigit(call.session, 'a', { digit: '5', durationMs: 1 }, false);
      return (await call.receipts()).at(-1)?.digit;
    };
    await say('X-Other', 'on');
    expect(await press()).toBe('5');
    await say('X-Secure-Digits', 'on');
    expect(await press()).toBe('•');
    await call.page.request('INFO', { headers: [['X-Secure-Digits', 'off']] });
    expect(await press()).toBe('•');
    await say('X-Secure-Digits', 'off');
    await eventuallyTrue(async () => (await press()) === '5', { what: 'digits are told again', withinMs: 2000 });
  });

  it('closes by itself', async () => {
    const call = await new Call().start();
    await call.post('secure-digits', { open: true, seconds: 1 });
    await eventuallyTrue(() => call.log.some((line) => line.includes('"open":false,"by":"timer"')), {
      what: 'it is closed',
      withinMs: 3000,
    });
  });
});
