import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import type { HostPort } from '../../src/base/address.js';
import { SystemClock } from '../../src/base/clock.js';
import { silentLog } from '../../src/base/log.js';
import type { CallRecord } from '../../src/cdr/record.js';
import { loadConfig } from '../../src/config/load.js';
import { resolveSecrets } from '../../src/config/secrets.js';
import { createGateway, type Gateway, type GatewayDeps } from '../../src/gateway.js';
import type { EmbeddedSipOptions, ListenAddress } from '../../src/sip/embedded/embedded-sip.js';
import type { OutboundCall } from '../../src/sip/port.js';
import { eventually } from '../support/eventually.js';
import { FakeMediaPlane } from '../support/fake-media-plane.js';
import { FakeSip } from '../support/fake-sip.js';

const carrierPort = 5999;
const offer =
  'v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nt=0 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 0 126\r\na=rtpmap:126 telephone-event/8000\r\n';
const answer = 'v=0\r\no=- 1 1 IN IP4 192.0.2.2\r\ns=-\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\n';

/** The SIP stack in memory, with a page and a carrier at its other ends. */
class FakeStack extends FakeSip {
  readonly page = new FakeSip('page');
  readonly carrier = new FakeSip('carrier');
  readonly journal: string[] = [];

  constructor(readonly options: EmbeddedSipOptions) {
    super('gateway');
    this.connect(this.page, { transport: 'ws', names: ['page.invalid', '@gateway'], origin: 'http://127.0.0.1' });
    this.connect(this.carrier, { transport: 'udp', names: [`127.0.0.1:${carrierPort}`] });
  }

  bound(): readonly ListenAddress[] {
    return [{ transport: 'udp', host: '127.0.0.1', port: 5998 }];
  }

  acceptWebSocket(request: IncomingMessage, socket: Duplex): void {
    this.journal.push(`handshake ${request.url}`);
    socket.destroy();
  }

  callFromPage(): OutboundCall {
    return this.page.call({ requestUri: 'sip:+15550123456@gateway', from: { uri: 'sip:anybody@page.invalid' }, offer });
  }
}

const trunks = `
http: { port: 0 }
policy: { destinations: { allow: ["+1"] } }
trunks: [{ id: carrier, callerId: "+15550100", peers: [{ uri: "sip:127.0.0.1:${carrierPort}" }], allow: [192.0.2.0/24] }]
`;

let folder: string;
let running: Gateway[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gateway-'));
});
afterEach(async () => {
  for (const gateway of running) await gateway.stop();
  running = [];
  rmSync(folder, { recursive: true });
});

function make(yaml: string, more: Partial<GatewayDeps> = {}) {
  const loaded = loadConfig(`${yaml}\ncdr: { file: ${join(folder, 'cdr.jsonl')} }`, {});
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.faults));
  const { secrets } = resolveSecrets(loaded.config, { environment: {}, readFile: () => '' });
  const stacks: FakeStack[] = [];
  const media = new FakeMediaPlane();
  const gateway = createGateway(loaded.config, {
    clock: new SystemClock(),
    log: silentLog,
    secrets,
    version: '0.0.0',
    webFolder: pathToFileURL(`${folder}/none/`),
    makeSip: (options) => {
      const stack = new FakeStack(options);
      stacks.push(stack);
      return stack;
    },
    makeMedia: () => media,
    ...more,
  });
  running.push(gateway);
  const stack = (): FakeStack => {
    if (stacks[0] === undefined) throw new Error('the gateway made no SIP stack');
    return stacks[0];
  };
  return { gateway, stack, media };
}

const recordsIn = (): CallRecord[] =>
  readFileSync(join(folder, 'cdr.jsonl'), 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as CallRecord);

const statusOf = async (url: string): Promise<number> => (await fetch(url)).status;

/** Answers the call that reaches the carrier, and waits until the page has it. */
async function connected(stack: FakeStack) {
  const page = stack.callFromPage();
  const phone = (await stack.carrier.nextCall()).answer(answer);
  const outcome = await page.outcome;
  if (outcome.kind !== 'answered') throw new Error(`the page got ${JSON.stringify(outcome)}`);
  return { page: outcome.dialog, phone };
}

describe('a gateway', () => {
  it('is ready once started, and listens no more once stopped', async () => {
    const { gateway } = make(trunks);
    await gateway.start();
    const { http } = gateway.addresses();
    expect([await statusOf(`${http}/healthz`), await statusOf(`${http}/readyz`)]).toEqual([200, 200]);
    await gateway.stop();
    expect(gateway.state).toBe('stopped');
    await expect(fetch(`${http}/healthz`)).rejects.toThrow('fetch failed');
  });

  it('leaves nothing behind after a start and a stop', async () => {
    // The test runner has a timer of its own just now, for what it reports.
    await eventually(() => (process.getActiveResourcesInfo().includes('Timeout') ? undefined : true), {
      what: 'no timer is set before the start',
      withinMs: 2000,
    });
    const before = process.getActiveResourcesInfo().sort();
    const { gateway } = make(trunks);
    await gateway.start();
    await gateway.stop();
    await eventually(() => (process.getActiveResourcesInfo().sort().join() === before.join() ? true : undefined), {
      what: 'no handle is left',
      withinMs: 2000,
      explain: () => `before: ${before.join()}\nnow: ${process.getActiveResourcesInfo().join()}`,
    });
  });

  it('lets its own pages in, under every name of this machine and its port', async () => {
    const { gateway, stack } = make(
      `${trunks}\nshutdown: { drainSeconds: 1 }`.replace('port: 0', 'port: 0, allowedOrigins: [https://www.example.com]'),
    );
    await gateway.start();
    const { port } = new URL(gateway.addresses().http);
    expect(stack().options.webSocket.allowedOrigins).toEqual([
      `http://127.0.0.1:${port}`,
      `http://localhost:${port}`,
      `http://[::1]:${port}`,
      'https://www.example.com',
    ]);
  });

  it('carries a call, and tells the same of it in record, API and metrics', async () => {
    const { gateway, stack } = make(trunks);
    await gateway.start();
    const { http } = gateway.addresses();
    const { page } = await connected(stack());
    const { calls } = (await (await fetch(`${http}/api/v1/calls`)).json()) as { calls: Array<Record<string, unknown>> };
    expect(calls).toMatchObject([{ direction: 'browser-to-trunk', to: '+15*******56', trunk: 'carrier' }]);
    await page.bye();
    const [record] = await eventually(() => (recordsIn().length > 0 ? recordsIn() : undefined), {
      what: 'the record is written',
      withinMs: 2000,
    });
    expect(record).toMatchObject({
      callId: calls[0]?.['id'],
      to: '+15550123456',
      trunk: 'carrier',
      disposition: 'completed',
      endedBy: 'caller',
    });
    const metrics = await (await fetch(`${http}/metrics`)).text();
    expect(metrics).toContain('gateway_calls_total{direction="browser-to-trunk",outcome="completed"} 1');
    expect(metrics).toContain('gateway_live_objects{kind="call"} 0');
    expect(await gateway.liveObjects()).toMatchObject({ call: 0, dialog: 0, invite: 0 });
  });

  it('ends live calls on both legs when it stops, and writes their records first', async () => {
    const { gateway, stack } = make(trunks);
    await gateway.start();
    const { page, phone } = await connected(stack());
    const ends: string[] = [];
    page.onEnd(({ by }) => ends.push(`page: ${by}`));
    phone.onEnd(({ by }) => ends.push(`phone: ${by}`));
    await gateway.stop();
    expect(ends.sort()).toEqual(['page: remote', 'phone: remote']);
    expect(recordsIn()).toMatchObject([{ failure: 'shutting-down', endedBy: 'gateway' }]);
  });

  it('still shows the calls of before when it was restarted', async () => {
    const first = make(trunks);
    await first.gateway.start();
    const { page } = await connected(first.stack());
    await page.bye();
    await first.gateway.stop();
    const { gateway } = make(trunks);
    await gateway.start();
    const reply = await fetch(`${gateway.addresses().http}/api/v1/cdrs`);
    const { cdrs } = (await reply.json()) as { cdrs: readonly CallRecord[] };
    expect(cdrs).toMatchObject([{ callId: recordsIn()[0]?.callId, to: '+15*******56', disposition: 'completed' }]);
  });

  it('is not ready while draining, refuses new calls, and waits for the live one', async () => {
    const { gateway, stack } = make(trunks);
    await gateway.start();
    const { http } = gateway.addresses();
    const { page } = await connected(stack());
    let drained = false;
    const draining = gateway.drain(60_000).then(() => {
      drained = true;
    });
    expect([await statusOf(`${http}/readyz`), await statusOf(`${http}/healthz`)]).toEqual([503, 200]);
    expect(await stack().callFromPage().outcome).toMatchObject({ kind: 'rejected', status: 503 });
    expect(drained).toBe(false);
    await page.bye();
    await draining;
    await gateway.stop();
    expect(recordsIn().map(({ failure }) => failure)).toEqual(['shutting-down', undefined]);
  });

  it('ends live calls at once when it is told to hurry while draining', async () => {
    const { gateway, stack } = make(trunks);
    await gateway.start();
    const { phone } = await connected(stack());
    const ended = new Promise<string>((resolve) => phone.onEnd(({ by }) => resolve(by)));
    const draining = gateway.drain(60_000);
    await gateway.drain(0);
    await draining;
    expect(await ended).toBe('remote');
  });

  it('hands WebSocket handshakes to the SIP stack', async () => {
    const { gateway, stack } = make(trunks);
    await gateway.start();
    const { http } = gateway.addresses();
    const socket = new WebSocket(`${http.replace('http', 'ws')}/sip`, 'sip');
    await new Promise((resolve) => socket.on('error', resolve));
    expect(stack().journal).toEqual(['handshake /sip']);
  });

  it('stops what it has started when a later part cannot start', async () => {
    class NoMedia extends FakeMediaPlane {
      override start(): Promise<void> {
        return Promise.reject(new Error('no worker could be started'));
      }
    }
    const { gateway } = make(trunks, { makeMedia: () => new NoMedia() });
    await expect(gateway.start()).rejects.toThrow('no worker could be started');
    await expect(fetch(`${gateway.addresses().http}/healthz`)).rejects.toThrow();
    expect(gateway.state).toBe('stopped');
  });

  it('sees a start through before it stops', async () => {
    const { gateway } = make(trunks);
    const [started] = await Promise.allSettled([gateway.start(), gateway.stop()]);
    expect([started.status, gateway.state]).toEqual(['fulfilled', 'stopped']);
  });

  it('behaves toward a carrier as its profile says: registers, calls as the account, and signs off', async () => {
    const { gateway } = make(
      trunks.replace(
        'id: carrier,',
        'id: carrier, profile: pbx-registration, register: { user: acc, password: { env: P }, domain: carrier.example, contactUser: line-1 },',
      ),
      {
        makeSip: (options) => {
          made = new FakeStack(options);
          made.carrier.onRequest('REGISTER', (request) => {
            asked.push(request.headers.get('Expires') ?? '');
            request.respond(200);
          });
          return made;
        },
      },
    );
    const asked: string[] = [];
    let made: FakeStack | undefined;
    await gateway.start();
    const { http } = gateway.addresses();
    const shown = async () => ((await (await fetch(`${http}/api/v1/trunks`)).json()) as { trunks: object[] }).trunks[0];
    const registered = await eventually(
      async () => (JSON.stringify(await shown()).includes('"registered":true') ? await shown() : undefined),
      {
        what: 'the trunk is registered',
        withinMs: 5_000,
      },
    );
    expect(registered).toMatchObject({ id: 'carrier', callsInUse: 0, registration: { peer: `sip:127.0.0.1:${carrierPort}` } });
    made?.callFromPage();
    const call = await made?.carrier.nextCall();
    expect([call?.requestUri, call?.from.uri, call?.headers.get('P-Preferred-Identity')]).toEqual([
      `sip:15550123456@127.0.0.1:${carrierPort}`,
      'sip:acc@carrier.example',
      '<sip:15550100@carrier.example>',
    ]);
    expect(made?.placed[0]?.options).toMatchObject({ reliable: 'off', sessionTimer: 'off', credentials: { user: 'acc' } });
    await gateway.stop();
    expect(asked).toEqual(['600', '0']);
  });

  it('tells the demo carrier where it is, and calls through it', async () => {
    const told: HostPort[] = [];
    const steps: string[] = [];
    const demoCarrier = {
      start: async (gatewaySip: HostPort) => {
        told.push(gatewaySip);
        return { host: '127.0.0.1', port: carrierPort };
      },
      stop: async () => void steps.push('carrier stopped'),
    };
    const { gateway, stack } = make('http: { port: 0 }\npolicy: { destinations: { allow: ["*"] } }', { demoCarrier });
    await gateway.start();
    expect([told, gateway.addresses().demoCarrier]).toEqual([
      [{ host: '127.0.0.1', port: 5998 }],
      { host: '127.0.0.1', port: carrierPort },
    ]);
    await connected(stack());
    await gateway.stop();
    expect([recordsIn()[0]?.trunk, steps]).toEqual(['demo', ['carrier stopped']]);
  });
});
