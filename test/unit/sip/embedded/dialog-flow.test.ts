import { afterEach, beforeEach, expect, it } from 'vitest';
import { GatewayError } from '../../../../src/base/errors.js';
import type { EmbeddedSip } from '../../../../src/sip/embedded/embedded-sip.js';
import type { DialogEnd, FlowRef, SipDialog } from '../../../../src/sip/port.js';
import { FakeClock } from '../../../support/fake-clock.js';
import { RawPage, serveWebSockets } from '../../../support/raw-page.js';
import { startStack, until } from '../../../support/sip-rigs.js';

const sdp = 'v=0\r\n';
let clock: FakeClock;
let stack: EmbeddedSip;
let server: Awaited<ReturnType<typeof serveWebSockets>>;
let page: RawPage;
let dialog: SipDialog;
let ends: DialogEnd[];
let to: string;

/** A page on the phone; its connection may go, and come back as another. */
beforeEach(async () => {
  clock = new FakeClock();
  stack = await startStack({ sessionTimer: { expiresSeconds: 600, minSeconds: 90 } }, { clock, random: () => 0.5 });
  server = await serveWebSockets(stack);
  page = await RawPage.open(server.url);
  stack.onCall((call) => {
    dialog = call.answer(sdp);
  });
  page.send(page.request('INVITE', { cseq: 1, body: sdp }));
  to = (await page.nextResponse(200)).headers.get('To') ?? '';
  ends = [];
  dialog.onEnd((end) => ends.push(end));
  let acknowledged = false;
  dialog.onAck(() => {
    acknowledged = true;
  });
  page.send(page.request('ACK', { cseq: 1, to }));
  await until(() => acknowledged);
});

afterEach(async () => {
  page.cut();
  const stopped = stack.stop();
  await clock.advanceAsync(2000);
  await stopped;
  await server.close();
  expect(stack.liveObjects()).toEqual({ transaction: 0, dialog: 0, invite: 0, flow: 0, socket: 0, sip_timer: 0 });
});

async function lose(): Promise<void> {
  page.cut();
  await until(() => stack.liveObjects()['flow'] === 0);
}

it('stays up without its connection, and every request fails at once', async () => {
  await lose();
  const failure: unknown = await dialog.request('INFO').catch((thrown: unknown) => thrown);
  expect(failure instanceof GatewayError && failure.info).toEqual({ code: 'sip-request-failed', why: 'transport' });
  expect(await dialog.offer(sdp)).toEqual({ status: 503 });
  expect(await dialog.offer()).toEqual({ status: 503 });
  await clock.advanceAsync(120_000);
  expect(ends).toEqual([]);
  expect(stack.liveObjects()['dialog']).toBe(1);
});

it('can be hung up without its connection, and is gone then', async () => {
  await lose();
  await dialog.bye();
  expect(ends).toEqual([{ by: 'local' }]);
  await clock.advanceAsync(32_000);
  expect(stack.liveObjects()).toMatchObject({ dialog: 0, transaction: 0, sip_timer: 0 });
});

it('fails what was under way when the connection went, and stays up', async () => {
  const offered = dialog.offer(sdp);
  const asked = dialog.request('INFO').catch((thrown: unknown) => thrown);
  await page.nextRequest('INVITE');
  await page.nextRequest('INFO');
  await lose();
  expect(await offered).toEqual({ status: 503 });
  expect(await asked).toBeInstanceOf(GatewayError);
  await clock.advanceAsync(64_000);
  expect(ends).toEqual([]);
});

it.each<[string, (again: RawPage) => Promise<void>]>([
  [
    're-INVITE',
    async (again) => {
      dialog.onOffer((offer) => offer.accept(sdp));
      again.send(again.request('INVITE', { cseq: 2, to, body: sdp }));
      await again.nextResponse(200);
      let acknowledged = false;
      dialog.onAck(() => {
        acknowledged = true;
      });
      again.send(again.request('ACK', { cseq: 2, to }));
      await until(() => acknowledged);
    },
  ],
  [
    'refused re-INVITE',
    async (again) => {
      again.send(again.request('INVITE', { cseq: 2, to, body: sdp }));
      await again.nextResponse(488);
    },
  ],
  [
    'UPDATE',
    async (again) => {
      again.send(again.request('UPDATE', { cseq: 2, to }));
      await again.nextResponse(200);
    },
  ],
  [
    'INFO',
    async (again) => {
      dialog.onRequest((request) => request.respond(200));
      again.send(again.request('INFO', { cseq: 2, to }));
      await again.nextResponse(200);
    },
  ],
])('is reached on the connection its page came back on with %s', async (_, comeBack) => {
  await lose();
  page = await RawPage.open(server.url);
  await comeBack(page);
  const offered = dialog.offer(sdp);
  const invite = await page.nextRequest('INVITE');
  page.answer(invite, 200, sdp);
  await page.nextRequest('ACK');
  expect(await offered).toEqual({ status: 200, sdp });
  const response = dialog.request('INFO');
  page.answer(await page.nextRequest('INFO'), 200);
  expect((await response).status).toBe(200);
  const bye = dialog.bye();
  page.answer(await page.nextRequest('BYE'), 200);
  await bye;
  expect(ends).toEqual([{ by: 'local' }]);
});

it('is not taken for dead by a request that was left on the connection its page gave up', async () => {
  const old = page;
  old.freeze();
  const offered = dialog.offer(sdp);
  const asked = dialog.request('INFO').catch((thrown: unknown) => thrown);
  await until(() => (stack.liveObjects()['transaction'] ?? 0) >= 3);
  page = await RawPage.open(server.url);
  page.send(page.request('UPDATE', { cseq: 2, to }));
  await page.nextResponse(200);
  await clock.advanceAsync(32_000);
  expect(await offered).toEqual({ status: 503 });
  expect(await asked).toBeInstanceOf(GatewayError);
  expect(ends).toEqual([]);
  old.cut();
});

it('follows a page that is known to be behind another connection, before it has spoken there', async () => {
  const before = dialog.flow;
  await lose();
  const back = await RawPage.open(server.url);
  const there = new Promise<FlowRef>((resolve) => {
    stack.onRequest('REGISTER', (request) => {
      request.respond(200);
      resolve(request.source.flow);
    });
  });
  back.send(back.request('REGISTER', { cseq: 1 }));
  const flow = await there;
  if (before === undefined) throw new Error('the dialog has no connection');
  stack.moveFlow('ws:another' as FlowRef, flow);
  expect(dialog.flow).toBe(before);
  stack.moveFlow(before, flow);
  expect(dialog.flow).toBe(flow);
  const asked = dialog.request('INFO');
  back.answer(await back.nextRequest('INFO'), 200);
  expect((await asked).status).toBe(200);
  const ended = dialog.bye();
  back.answer(await back.nextRequest('BYE'), 200);
  await ended;
  back.cut();
  await until(() => stack.liveObjects()['flow'] === 0);
  await clock.advanceAsync(32_000);
});
