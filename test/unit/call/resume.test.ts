import { describe, expect, it } from 'vitest';
import type { OutboundOutcome, SipDialog } from '../../../src/sip/port.js';
import { digitLines } from '../../support/digit-lines.js';
import { FakeSip } from '../../support/fake-sip.js';
import { nothing, Scene, type SceneOptions, sdp } from './scene.js';

const origin = 'https://page.example';
const saying = (direction: string): string => `${sdp()}a=${direction}\r\n`;

interface UpCall {
  readonly scene: Scene;
  readonly page: SipDialog;
  readonly phone: SipDialog;
  readonly token: string;
  readonly phoneHeard: string[];
  readonly ends: string[];
}

/** A call of a page that is up, and what the page keeps of it. */
async function connected(options: SceneOptions = {}): Promise<UpCall> {
  const scene = await new Scene({ ...options, calls: { flowGraceMs: 15_000, ...options.calls } }).start();
  const call = scene.dial('+15550100');
  const phone = (await scene.carrier.nextCall()).answer(sdp());
  const phoneHeard: string[] = [];
  const ends: string[] = [];
  phone.onOffer((offer) => {
    phoneHeard.push(/^a=((?:send|recv|inactive)\S*)/m.exec(offer.sdp ?? '')?.[1] ?? 're-INVITE');
    offer.accept(sdp());
  });
  phone.onEnd(({ by }) => ends.push(`phone ${by}`));
  const outcome = await call.outcome;
  if (outcome.kind !== 'answered') throw new Error(outcome.kind);
  outcome.dialog.onEnd(({ by }) => ends.push(`page ${by}`));
  await scene.settle();
  return { scene, page: outcome.dialog, phone, token: outcome.headers.get('X-Call-Token') ?? '', phoneHeard, ends };
}

/** The page loaded anew: another connection, and an INVITE that names the dialog it had. */
function comeBack(
  { scene, page, token }: UpCall,
  wish: { origin?: string; token?: string | undefined; replaces?: string; offer?: string } = {},
) {
  const again = new FakeSip('page, loaded anew');
  const flow = scene.sip.connect(again, { transport: 'wss', origin: wish.origin ?? origin });
  const shown = 'token' in wish ? wish.token : token;
  const replaces = wish.replaces ?? `${page.callIdHeader};to-tag=${page.remoteTag};from-tag=${page.localTag}`;
  const call = again.call({
    requestUri: 'sip:+15550100@gateway.example',
    from: { uri: 'sip:visitor@page.invalid' },
    offer: wish.offer ?? sdp(),
    headers: [['Replaces', replaces], ...(shown === undefined ? [] : [['X-Call-Token', shown] as const])],
  });
  return { call, flow };
}

const dialogOf = (outcome: OutboundOutcome): SipDialog => {
  if (outcome.kind !== 'answered') throw new Error(outcome.kind === 'rejected' ? `${outcome.status}` : outcome.kind);
  return outcome.dialog;
};

describe('a page that was loaded anew', () => {
  it('has its call back; the telephone notices nothing, and there is one record', async () => {
    const up = await connected();
    const { scene } = up;
    scene.sip.breakFlow(scene.pageFlow);
    scene.media.emit({ type: 'leg-gone', session: scene.session(), leg: 'a', detail: 'close_notify' });
    await scene.clock.advanceAsync(10_000);
    const dialog = dialogOf(await comeBack(up).call.outcome);
    await scene.clock.advanceAsync(60_000);
    expect([up.phoneHeard, up.ends.filter((who) => who.startsWith('phone')), scene.service.calls().map(({ state }) => state)]).toEqual([
      [],
      [],
      ['connected'],
    ]);
    expect(scene.factTypes().filter((type) => ['flow-lost', 'reattached', 'replaced', 'ended'].includes(type))).toEqual([
      'flow-lost',
      'reattached',
    ]);
    await dialog.bye();
    await scene.settle();
    expect(up.ends).toContain('phone remote');
    expect(scene.fact('ended')).toMatchObject({ by: 'caller', disposition: 'completed' });
    expect(scene.left()).toEqual(nothing());
  });

  it.each([
    ['when its media went first', ['gone', 'lost']],
    ['when its connection went first', ['lost', 'gone']],
    ['when only its connection went', ['lost']],
    ['when the gateway has noticed nothing', []],
  ] as const)('has its call back %s', async (_when, order) => {
    const up = await connected();
    const { scene } = up;
    for (const what of order) {
      if (what === 'lost') scene.sip.breakFlow(scene.pageFlow);
      else scene.media.emit({ type: 'leg-gone', session: scene.session(), leg: 'a', detail: 'close_notify' });
      await scene.settle();
    }
    dialogOf(await comeBack(up).call.outcome);
    await scene.clock.advanceAsync(60_000);
    expect(scene.service.calls()).toMatchObject([{ state: 'connected' }]);
  });

  it('may be loaded again and again, each time with the token it was given last', async () => {
    const up = await connected();
    let last: UpCall = up;
    for (let time = 0; time < 3; time += 1) {
      const outcome = await comeBack(last).call.outcome;
      const page = dialogOf(outcome);
      const token = outcome.kind === 'answered' ? (outcome.headers.get('X-Call-Token') ?? '') : '';
      expect(token).not.toBe(last.token);
      last = { ...up, page, token };
      await up.scene.settle();
    }
    expect(up.scene.service.calls()).toMatchObject([{ state: 'connected' }]);
    expect(up.phoneHeard).toEqual([]);
  });

  it('is still on hold when it was, and can go on', async () => {
    const up = await connected();
    await up.page.offer(saying('sendonly'));
    await up.scene.settle();
    expect(up.phoneHeard).toEqual(['sendonly']);
    const dialog = dialogOf(await comeBack(up, { offer: saying('sendonly') }).call.outcome);
    await up.scene.settle();
    expect(up.phoneHeard, 'the phone is told nothing new').toEqual(['sendonly']);
    await dialog.offer(saying('sendrecv'));
    await up.scene.settle();
    expect(up.phoneHeard).toEqual(['sendonly', 'sendrecv']);
    expect(up.scene.factTypes().filter((type) => type === 'held' || type === 'resumed')).toEqual(['held', 'resumed']);
    expect(up.scene.service.calls()).toMatchObject([{ state: 'connected' }]);
  });

  it('talks on when it was on hold and knows nothing of that', async () => {
    const up = await connected();
    await up.page.offer(saying('sendonly'));
    await up.scene.settle();
    dialogOf(await comeBack(up).call.outcome);
    await up.scene.settle();
    expect(up.phoneHeard).toEqual(['sendonly', 'sendrecv']);
    expect(up.scene.factTypes().filter((type) => type === 'held' || type === 'resumed')).toEqual(['held', 'resumed']);
  });

  it('hears that the telephone holds still', async () => {
    const up = await connected();
    await up.phone.offer(saying('sendonly'));
    await up.scene.settle();
    const outcome = await comeBack(up).call.outcome;
    const offers: string[] = [];
    dialogOf(outcome).onOffer((offer) => {
      offers.push(/^a=(send|recv|inactive)\S*/m.exec(offer.sdp ?? '')?.[0] ?? '');
      offer.accept(sdp());
    });
    await up.scene.settle();
    expect(offers).toEqual(['a=sendonly']);
    await up.phone.offer(saying('sendrecv'));
    await up.scene.settle();
    expect(offers).toEqual(['a=sendonly', 'a=sendrecv']);
  });

  it('is told in order what the telephone pressed meanwhile, with the numbers it has in the record', async () => {
    const up = await connected();
    const { scene } = up;
    const old: string[] = [];
    up.page.onRequest((request) => {
      old.push(request.method);
      request.respond(200);
    });
    scene.sip.breakFlow(scene.pageFlow);
    scene.media.emit({ type: 'leg-gone', session: scene.session(), leg: 'a', detail: 'close_notify' });
    await scene.settle();
    for (const digit of ['4', '2', '#'] as const) scene.media.pressDigit(scene.session(), 'b', { digit, durationMs: 100 }, true);
    await scene.settle();
    expect(digitLines(scene.facts)).toEqual(['1 seen trunk rfc4733 4', '2 seen trunk rfc4733 2', '3 seen trunk rfc4733 #']);
    const heard: (string | undefined)[] = [];
    dialogOf(await comeBack(up).call.outcome).onRequest((request) => {
      heard.push(`${request.headers.get('X-Digit-Id')} ${/Signal=(.)/.exec(request.body?.content ?? '')?.[1]}`);
      request.respond(200);
    });
    await scene.settle();
    expect([old, heard]).toEqual([[], ['1 4', '2 2', '3 #']]);
    expect(digitLines(scene.facts).filter((line) => line.includes('acknowledged'))).toEqual([
      ...['1 acknowledged', '2 acknowledged', '3 acknowledged'],
    ]);
  });

  it('that never comes back has missed what the telephone pressed, and the record says so', async () => {
    const up = await connected();
    const { scene } = up;
    scene.sip.breakFlow(scene.pageFlow);
    scene.media.emit({ type: 'leg-gone', session: scene.session(), leg: 'a', detail: 'close_notify' });
    await scene.settle();
    for (let press = 0; press < 34; press += 1) scene.media.pressDigit(scene.session(), 'b', { digit: '5', durationMs: 100 }, true);
    await scene.clock.advanceAsync(16_000);
    const failed = digitLines(scene.facts).filter((line) => line.includes('failed'));
    expect(failed.slice(0, 2)).toEqual(['33 failed queue-full', '34 failed queue-full']);
    expect(failed.slice(2)).toEqual(Array.from({ length: 32 }, (_, at) => `${at + 1} failed call-ended`));
    expect(scene.fact('ended')).toMatchObject({ failure: 'browser-gone' });
  });

  it('that does not come back in time has gone, and the telephone is hung up', async () => {
    const up = await connected();
    const { scene } = up;
    scene.media.emit({ type: 'leg-gone', session: scene.session(), leg: 'a', detail: 'close_notify' });
    scene.sip.breakFlow(scene.pageFlow);
    await scene.clock.advanceAsync(14_000);
    expect(up.ends).not.toContain('phone remote');
    await scene.clock.advanceAsync(2_000);
    expect(up.ends).toContain('phone remote');
    expect(scene.fact('ended')).toMatchObject({ by: 'caller', failure: 'browser-gone' });
    const late = await comeBack(up).call.outcome;
    expect(late).toMatchObject({ kind: 'rejected', status: 481 });
    await scene.clock.advanceAsync(40_000);
    expect(scene.left()).toEqual(nothing());
  });

  it('is given its token by the INVITE when it was called', async () => {
    const scene = await new Scene({ calls: { flowGraceMs: 15_000 } }).start();
    const contact = [['Contact', '<sip:demo@page.invalid;transport=ws>']] as const;
    const address = { uri: 'sip:demo@gateway.example' };
    await scene.page.request({ method: 'REGISTER', requestUri: 'sip:gateway.example', from: address, to: address, headers: contact });
    const call = scene.carrier.call({
      requestUri: 'sip:+15550111@carrier.example',
      from: { uri: 'sip:+15550123@carrier.example' },
      offer: sdp(),
    });
    const ringing = await scene.page.nextCall();
    const page = ringing.answer(sdp());
    dialogOf(await call.outcome);
    await scene.settle();
    const token = ringing.headers.get('X-Call-Token') ?? '';
    expect(token).toMatch(/^[0-9a-f]{48}$/);
    scene.sip.breakFlow(scene.pageFlow);
    const replaces = `${page.callIdHeader};to-tag=${page.remoteTag};from-tag=${page.localTag}`;
    dialogOf(await comeBack({ scene, page, phone: page, token, phoneHeard: [], ends: [] }, { replaces }).call.outcome);
    await scene.clock.advanceAsync(60_000);
    expect(scene.service.calls()).toMatchObject([{ state: 'connected' }]);
  });
});

describe('somebody else', () => {
  it.each([
    ['who knows the dialog but not the token', { token: undefined }, 403],
    ['with another token', { token: 'f'.repeat(48) }, 403],
    ['with an empty token', { token: '' }, 403],
    ['from another website', { origin: 'https://evil.example' }, 403],
    ['who guesses at dialogs', { replaces: 'no@such;to-tag=1;from-tag=2' }, 481],
  ])('%s takes no call over, and the call goes on', async (_who, wish, status) => {
    const up = await connected();
    expect(await comeBack(up, wish).call.outcome).toMatchObject({ kind: 'rejected', status });
    await up.scene.settle();
    expect([up.ends, up.scene.service.calls().map(({ state }) => state)]).toEqual([[], ['connected']]);
  });

  it('behind the trunk takes no page’s place, and no page a telephone’s', async () => {
    const up = await connected();
    const replaces = `${up.page.callIdHeader};to-tag=${up.page.remoteTag};from-tag=${up.page.localTag}`;
    const headers = [['Replaces', replaces] as const, ['X-Call-Token', up.token] as const];
    const byTrunk = up.scene.carrier.call({
      requestUri: 'sip:+15550111@carrier.example',
      from: { uri: 'sip:+15550123@carrier.example' },
      offer: sdp(),
      headers,
    });
    expect(await byTrunk.outcome).toMatchObject({ kind: 'rejected', status: 403 });
    const ofPhone = `${up.phone.callIdHeader};to-tag=${up.phone.remoteTag};from-tag=${up.phone.localTag}`;
    expect(await comeBack(up, { replaces: ofPhone }).call.outcome).toMatchObject({ kind: 'rejected', status: 403 });
  });
});
