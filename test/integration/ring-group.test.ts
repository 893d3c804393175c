import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SystemClock } from '../../src/base/clock.js';
import type { CallId } from '../../src/base/ids.js';
import { silentLog } from '../../src/base/log.js';
import { BrowserDialler } from '../../src/browser/browser-dialler.js';
import { defaultRegistration } from '../../src/browser/options.js';
import { Registrar } from '../../src/browser/registrar.js';
import { UserCalls } from '../../src/browser/user-calls.js';
import type { EmbeddedSip } from '../../src/sip/embedded/embedded-sip.js';
import type { OutboundCall } from '../../src/sip/port.js';
import { RawPage, serveWebSockets } from '../support/raw-page.js';
import { startStack, until } from '../support/sip-rigs.js';

const sdp = 'v=0\r\n';
const log = silentLog;
const clock = new SystemClock();
let stack: EmbeddedSip;
let server: Awaited<ReturnType<typeof serveWebSockets>>;
let pages: readonly [ann: RawPage, bob: RawPage];
let call: OutboundCall;

/** Two pages of two users on real WebSockets, and a call to both. */
beforeEach(async () => {
  stack = await startStack();
  server = await serveWebSockets(stack);
  const registrar = new Registrar(defaultRegistration, { clock, log });
  const names = ['ann', 'bob'];
  stack.onRequest('REGISTER', (request) => registrar.register({ name: names.shift() ?? '' }, request));
  const open = async (): Promise<RawPage> => {
    const page = await RawPage.open(server.url);
    page.send(page.request('REGISTER', { cseq: 1 }));
    await page.nextResponse(200);
    return page;
  };
  pages = [await open(), await open()];
  const dialler = new BrowserDialler({ realm: 'gateway.example' }, { sip: stack, registrar, userCalls: new UserCalls(), clock, log });
  const media = { kind: 'webrtc', codecs: ['PCMU'] } as const;
  const target = { kind: 'browser', user: 'sales', steps: [{ users: ['ann', 'bob'] }], media } as const;
  const result = dialler.dial({ callId: 'c-1' as CallId, target, from: { number: '+15550123' }, offer: sdp, attempt: 0 });
  if (result.kind !== 'dialling') throw new Error(`not dialled: ${result.kind}`);
  call = result.leg;
  registrar.clear();
});

afterEach(async () => {
  for (const page of pages) page.cut();
  await stack.stop();
  await server.close();
  expect(stack.liveObjects()).toMatchObject({ dialog: 0, invite: 0, flow: 0 });
});

describe('a group on real connections', () => {
  it('has those who did not answer told why they stop ringing', async () => {
    const [ann, bob] = pages;
    const [toAnn, toBob] = [await ann.nextRequest('INVITE'), await bob.nextRequest('INVITE')];
    ann.answer(toAnn, 180);
    await until(() => stack.liveObjects()['invite'] === 2);
    bob.answer(toBob, 200, sdp);
    expect((await bob.nextRequest('ACK')).method).toBe('ACK');
    const cancel = await ann.nextRequest('CANCEL');
    expect(cancel.headers.get('Reason')).toBe('SIP;cause=200;text="Call completed elsewhere"');
    ann.answer(cancel, 200);
    ann.answer(toAnn, 487);
    const outcome = await call.outcome;
    if (outcome.kind !== 'answered') throw new Error(outcome.kind);
    await until(() => stack.liveObjects()['invite'] === 0);
    const ended = outcome.dialog.bye();
    bob.answer(await bob.nextRequest('BYE'), 200);
    await ended;
  });

  it('acknowledges and ends the second answer of two that cross', async () => {
    const [ann, bob] = pages;
    const [toAnn, toBob] = [await ann.nextRequest('INVITE'), await bob.nextRequest('INVITE')];
    ann.answer(toAnn, 200, sdp);
    bob.answer(toBob, 200, sdp);
    const outcome = await call.outcome;
    if (outcome.kind !== 'answered') throw new Error(outcome.kind);
    expect([(await ann.nextRequest('ACK')).method, (await bob.nextRequest('ACK')).method]).toEqual(['ACK', 'ACK']);
    await until(() => pages.some((page) => page.inbox.some((message) => message.kind === 'request' && message.method === 'BYE')));
    const loser = pages.find((page) => page.inbox.some((message) => message.kind === 'request' && message.method === 'BYE'));
    const winner = pages.find((page) => page !== loser);
    if (loser === undefined || winner === undefined) throw new Error('nobody was hung up on');
    loser.answer(await loser.nextRequest('BYE'), 200);
    const ended = outcome.dialog.bye();
    winner.answer(await winner.nextRequest('BYE'), 200);
    await ended;
  });
});
