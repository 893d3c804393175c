import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SystemClock } from '../../src/base/clock.js';
import { silentLog } from '../../src/base/log.js';
import { loadConfig } from '../../src/config/load.js';
import { resolveSecrets } from '../../src/config/secrets.js';
import { createGateway, type Gateway } from '../../src/gateway.js';
import type { ListenAddress } from '../../src/sip/embedded/embedded-sip.js';
import type { OutboundCall, OutboundOutcome } from '../../src/sip/port.js';
import { eventuallyTrue } from '../support/eventually.js';
import { FakeMediaPlane } from '../support/fake-media-plane.js';
import { FakeSip } from '../support/fake-sip.js';

const sdp = 'v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nt=0 0\r\nm=audio 9 RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\n';
const origin = 'https://shop.example';
const secret = 'a-secret-of-the-shop-back-end';
const number = '+442079460018';

class Stack extends FakeSip {
  readonly page = new FakeSip('page');
  readonly otherPage = new FakeSip('other');
  readonly carrier = new FakeSip('carrier');

  constructor() {
    super('gateway');
    this.connect(this.page, { transport: 'ws', names: ['page.invalid', '@gateway'], origin });
    this.connect(this.otherPage, { transport: 'ws', names: ['other.invalid', '@gateway'], origin: 'https://evil.example' });
    this.connect(this.carrier, { transport: 'udp', names: ['127.0.0.1:5999'] });
  }

  bound(): readonly ListenAddress[] {
    return [];
  }

  acceptWebSocket(): void {}
}

interface Answer {
  readonly status: number;
  readonly body: { readonly ticket?: string; readonly error?: { readonly code: string } } & Readonly<Record<string, unknown>>;
  readonly headers: Headers;
}

let folder: string;
let gateway: Gateway;
let stack: Stack;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tickets-'));
  stack = new Stack();
  const loaded = loadConfig(
    `
http: { port: 0, allowedOrigins: ["https://evil.example"] }
policy: { destinations: { allow: ["+44"] } }
cdr: { file: ${join(folder, 'cdr.jsonl')} }
trunks: [{ id: carrier, callerId: "+15550100", peers: [{ uri: "sip:127.0.0.1:5999" }] }]
sites:
  - key: pk_shop
    secret: { env: SHOP_SECRET }
    origins: ["${origin}"]
    destinations: [{ name: sales, number: "${number}" }]
    anonymous: { ticketsPerHour: 2 }
`,
    {},
  );
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.faults));
  const { secrets, faults } = resolveSecrets(loaded.config, { environment: { SHOP_SECRET: secret }, readFile: () => '' });
  expect(faults).toEqual([]);
  gateway = createGateway(loaded.config, {
    ...{ clock: new SystemClock(), log: silentLog, secrets, version: '0.0.0' },
    webFolder: new URL('none/', pathToFileURL('/')),
    makeSip: () => stack,
    makeMedia: () => new FakeMediaPlane(),
  });
  await gateway.start();
});
afterEach(async () => {
  await gateway.stop();
  rmSync(folder, { recursive: true });
});

async function ask(body: object, headers: Readonly<Record<string, string>> = { authorization: `Bearer ${secret}` }): Promise<Answer> {
  const answer = await fetch(`${gateway.addresses().http}/api/v1/tickets`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
  return { status: answer.status, body: (await answer.json()) as Answer['body'], headers: answer.headers };
}

const ticketFor = async (wish: object = {}): Promise<string> => (await ask({ to: 'sales', ...wish })).body.ticket ?? '';

function dial(ticket: string | undefined, to = 'sales', from: FakeSip = stack.page): OutboundCall {
  const options = { requestUri: `sip:${to}@gateway`, from: { uri: 'sip:visitor@page.invalid' }, offer: sdp };
  return ticket === undefined ? from.call(options) : from.callWithTicket(options, ticket);
}

const failureOf = (outcome: OutboundOutcome): unknown =>
  outcome.kind === 'rejected' ? [outcome.status, outcome.headers.get('X-Gateway-Failure')] : outcome.kind;

const records = (): readonly Readonly<Record<string, unknown>>[] =>
  readFileSync(join(folder, 'cdr.jsonl'), 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>);

const written = (count: number): Promise<void> =>
  eventuallyTrue(() => records().length === count, { what: `${count} records are written`, withinMs: 2_000 });

describe('a page with a ticket', () => {
  it('calls the number behind the name, which it never learns', async () => {
    const heard: string[] = [];
    const call = dial(await ticketFor());
    call.onProgress((progress) => heard.push(JSON.stringify(progress)));
    const phone = await stack.carrier.nextCall();
    expect(phone.requestUri).toContain(number);
    phone.progress(180);
    phone.answer(sdp);
    const outcome = await call.outcome;
    expect(outcome.kind).toBe('answered');
    expect(heard.join('\n')).not.toContain(number.slice(1));
    if (outcome.kind === 'answered') await outcome.dialog.bye();
    await written(1);
    expect(records()[0]).toMatchObject({ to: number, disposition: 'completed' });
  });

  it('of its own asking calls once for each ticket, as often in an hour as the site allows', async () => {
    const asPage = { origin };
    const preflight = await fetch(`${gateway.addresses().http}/api/v1/tickets`, {
      method: 'OPTIONS',
      headers: { origin, 'access-control-request-method': 'POST' },
    });
    expect([preflight.status, preflight.headers.get('access-control-allow-origin')]).toEqual([204, origin]);
    const first = await ask({ site: 'pk_shop', to: 'sales' }, asPage);
    expect([first.status, first.headers.get('access-control-allow-origin')]).toEqual([201, origin]);
    expect((await ask({ site: 'pk_shop' }, asPage)).status).toBe(201);
    const third = await ask({ site: 'pk_shop' }, asPage);
    expect([third.status, third.body.error?.code, Number(third.headers.get('retry-after')) > 0]).toEqual([429, 'over-limit', true]);
  });

  const refusals: readonly (readonly [what: string, expected: unknown, attempt: () => Promise<OutboundOutcome>])[] = [
    ['without one', [401, 'ticket-required'], async () => await dial(undefined).outcome],
    ['with one that somebody made up', [401, 'ticket-invalid'], async () => await dial('e30.e30.e30').outcome],
    [
      'with one that was changed',
      [401, 'ticket-invalid'],
      async () => {
        const [head, , tail] = (await ticketFor()).split('.');
        return await dial(`${head}.${Buffer.from('{"to":"+442000"}').toString('base64url')}.${tail}`).outcome;
      },
    ],
    ['with one for another number', [403, 'wrong-destination'], async () => await dial(await ticketFor(), '+442079460099').outcome],
    ['with one for the number behind its name', [403, 'wrong-destination'], async () => await dial(await ticketFor(), number).outcome],
    ['of another website', [403, 'wrong-origin'], async () => await dial(await ticketFor(), 'sales', stack.otherPage).outcome],
  ];

  it.each(refusals)('is refused %s, and nothing is dialled', async (_what, expected, attempt) => {
    expect(failureOf(await attempt())).toEqual(expected);
    expect(stack.carrier.received).toHaveLength(0);
    await written(1);
    expect(records()[0]).toMatchObject({ disposition: 'denied', failure: (expected as readonly string[])[1] });
  });

  it('cannot use one twice by calling twice at the same moment', async () => {
    const ticket = await ticketFor();
    const attempts = Array.from({ length: 8 }, () => dial(ticket));
    const phone = await stack.carrier.nextCall();
    phone.reject(486);
    const outcomes = (await Promise.all(attempts.map(({ outcome }) => outcome))).map(failureOf);
    expect(outcomes.filter((outcome) => JSON.stringify(outcome) === '[403,"ticket-used"]')).toHaveLength(7);
    expect(stack.carrier.received).toHaveLength(1);
  });

  it('is refused with one that was used, also while the first call is up', async () => {
    const ticket = await ticketFor();
    const call = dial(ticket);
    (await stack.carrier.nextCall()).answer(sdp);
    expect((await call.outcome).kind).toBe('answered');
    expect(failureOf(await dial(ticket).outcome)).toEqual([403, 'ticket-used']);
    expect(stack.carrier.received).toHaveLength(1);
  });
});

describe('the public keys', () => {
  it('are published without what is private', async () => {
    const { keys } = (await (await fetch(`${gateway.addresses().http}/.well-known/jwks.json`)).json()) as {
      keys: readonly Record<string, unknown>[];
    };
    expect(keys).toHaveLength(1);
    expect(keys[0]).toMatchObject({ kty: 'OKP', crv: 'Ed25519', use: 'sig', alg: 'EdDSA' });
    expect(keys[0]).not.toHaveProperty('d');
  });
});
