import { afterEach, describe, expect, it } from 'vitest';
import { SystemClock } from '../../src/base/clock.js';
import { silentLog } from '../../src/base/log.js';
import { DrachtioSip } from '../../src/sip/drachtio/drachtio-sip.js';
import type { EmbeddedSip } from '../../src/sip/embedded/embedded-sip.js';
import type { InboundCall, SipPort } from '../../src/sip/port.js';
import { callIdOf, type TracedMessage } from '../../src/sip/trace.js';
import { DrachtioServer } from '../support/drachtio-server.js';
import { RawPage, serveWebSockets } from '../support/raw-page.js';
import { startStack, until, uriOf } from '../support/sip-rigs.js';

const timers = { t1Ms: 50, t2Ms: 400, t4Ms: 500 };
const sdp = 'v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n';
const alice = { uri: 'sip:alice@example.com' };

interface Traced {
  readonly sip: SipPort;
  readonly uri: string;
  readonly trace: { readonly way: string; readonly title: string; readonly message: TracedMessage; readonly text: string }[];
}

const open: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

const titleOf = (text: string): string => /^SIP\/2\.0 (\d+)/.exec(text)?.[1] ?? text.split(' ')[0] ?? '';

/** Keeps what is told, with the bytes copied, as whoever keeps them must. */
function listen(sip: SipPort): Traced['trace'] {
  const trace: Traced['trace'] = [];
  sip.onTrace?.((message) => {
    const text = message.bytes.toString('latin1');
    trace.push({ way: message.way, title: titleOf(text), message, text });
  });
  return trace;
}

async function embedded(transport: 'udp' | 'tcp'): Promise<Traced> {
  const sip = await startStack({ timers, listen: [{ transport, host: '127.0.0.1', port: 0 }] });
  open.push(() => sip.stop());
  return { sip, uri: uriOf(sip), trace: listen(sip) };
}

async function drachtio(): Promise<Traced> {
  const server = await DrachtioServer.start({ secret: 'opensesame', timers });
  open.push(() => server.stop());
  const servers = [{ host: '127.0.0.1', port: server.appPort, secret: 'opensesame' }];
  const sip = new DrachtioSip({ servers, userAgent: 'test-gateway' }, { clock: new SystemClock(), log: silentLog });
  const trace = listen(sip);
  await sip.start();
  open.push(() => sip.stop());
  await until(() => [...server.apps.all].some(({ verbs }) => verbs.has('invite')));
  return { sip, uri: server.uri(), trace };
}

/** A call from one to the other with a request in it, and its end. */
async function wholeCall(caller: Traced, callee: Traced): Promise<string> {
  const arrived: InboundCall[] = [];
  callee.sip.onCall((call) => arrived.push(call));
  const call = caller.sip.call({ requestUri: callee.uri, from: alice, offer: sdp });
  await until(() => arrived.length === 1);
  arrived[0]?.progress(180);
  const far = arrived[0]?.answer(sdp);
  let acknowledged = false;
  far?.onAck(() => {
    acknowledged = true;
  });
  far?.onRequest((request) => request.respond(200));
  const outcome = await call.outcome;
  if (outcome.kind !== 'answered') throw new Error(outcome.kind);
  await until(() => acknowledged);
  await outcome.dialog.request('INFO', { body: { type: 'application/dtmf-relay', content: 'Signal=1\r\nDuration=100\r\n' } });
  await outcome.dialog.bye();
  return call.callIdHeader;
}

const calling = ['out INVITE', 'in 180', 'in 200', 'out ACK', 'out INFO', 'in 200', 'out BYE', 'in 200'];
const turned = calling.map((step) => step.replace(/^(out|in)/, (way) => (way === 'out' ? 'in' : 'out')));

describe.each([
  ['the embedded stack over UDP', () => embedded('udp')],
  ['the embedded stack over TCP', () => embedded('tcp')],
  ['drachtio', drachtio],
] as const)('the trace of %s', (name, make) => {
  const transport = name.endsWith('TCP') ? 'tcp' : 'udp';

  it('tells every message of a call, as calling and as called side, with its Call-ID and where it came from', async () => {
    const [one, other] = [await make(), await embedded(transport)];
    for (const [caller, callee, expected] of [
      [one, other, calling],
      [other, one, turned],
    ] as const) {
      one.trace.length = 0;
      const id = await wholeCall(caller, callee);
      // The ACK of a drachtio server is its own affair, and it reports what it sent a little later.
      const unsaid = one.sip.capabilities.trace === 'wire' ? '100' : 'ACK';
      const steps = expected.filter((step) => unsaid === '100' || step !== 'out ACK');
      const tell = (): Traced['trace'] =>
        one.trace.filter(({ message, title, way }) => message.callIdHeader === id && title !== '100' && (way === 'in' || title !== unsaid));
      await until(() => tell().length >= steps.length);
      const told = tell();
      expect(told.map(({ way, title }) => `${way} ${title}`)).toEqual(steps);
      for (const { message, text } of told) {
        expect(message).toMatchObject({ transport, local: { host: '127.0.0.1' } });
        // A drachtio server may keep to itself where it sent a request of ours.
        if (message.remote.port !== 0) expect(message.remote.host).toBe('127.0.0.1');
        else expect(one.sip.capabilities.trace).toBe('once');
        expect(callIdOf(Buffer.from(text, 'latin1'))).toBe(id);
        expect(text).toMatch(/\r\n\r\n/);
      }
      expect(told.find(({ title }) => title === 'INFO')?.text).toContain('Signal=1');
    }
  });
});

describe('the trace of a wire', () => {
  it('has every repetition, as the bytes that went out', async () => {
    const silent = await embedded('udp');
    const { sip, trace } = await embedded('udp');
    const hole = await startStack({ timers });
    const uri = uriOf(hole);
    await hole.stop();
    const call = sip.call({ requestUri: uri, from: alice, offer: sdp });
    await until(() => trace.filter(({ title }) => title === 'INVITE').length >= 2);
    const [first, second] = trace;
    expect(second?.text).toBe(first?.text);
    call.cancel();
    expect(silent.trace).toEqual([]);
  });

  it('tells of WebSockets, and not of keep-alives', async () => {
    const { sip, trace } = await embedded('udp');
    const server = await serveWebSockets(sip as EmbeddedSip);
    open.push(() => server.close());
    const page = await RawPage.open(server.url);
    open.push(async () => page.cut());
    sip.onCall((call) => call.reject(486));
    page.send(page.request('INVITE', { cseq: 1, body: sdp }));
    await page.nextResponse(486);
    expect(trace.map(({ way, title, message }) => `${way} ${title} ${message.transport}`)).toEqual([
      'in INVITE ws',
      'out 100 ws',
      'out 486 ws',
    ]);
  });
});

describe('the Call-ID of a message', () => {
  it.each([
    ['INVITE sip:a SIP/2.0\r\nCall-ID: abc@host\r\n\r\n', 'abc@host'],
    ['INVITE sip:a SIP/2.0\r\ni: abc\r\n\r\n', 'abc'],
    ['INVITE sip:a SIP/2.0\r\nCALL-ID \t: abc\r\n\r\n', 'abc'],
    ['INVITE sip:a SIP/2.0\r\nSubject: none\r\n\r\ni: body', undefined],
    ['\r\n\r\n', undefined],
    ['', undefined],
  ])('of %j is %s', (text, id) => {
    expect(callIdOf(Buffer.from(text))).toBe(id);
  });
});
