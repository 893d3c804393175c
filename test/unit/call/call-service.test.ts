import { describe, expect, it } from 'vitest';
import type { InboundCall, OutboundCall, Progress, SipDialog } from '../../../src/sip/port.js';
import { digitLines } from '../../support/digit-lines.js';
import { nothing, Scene, type SceneOptions, sdp } from './scene.js';

interface Connected {
  readonly scene: Scene;
  readonly page: SipDialog;
  readonly phone: SipDialog;
}

function watch(call: OutboundCall): Progress[] {
  const seen: Progress[] = [];
  call.onProgress((progress) => seen.push(progress));
  return seen;
}

async function dialled(scene: Scene): Promise<{ readonly call: OutboundCall; readonly progress: Progress[]; readonly phone: InboundCall }> {
  const call = scene.dial();
  const progress = watch(call);
  const phone = await scene.carrier.nextCall();
  return { call, progress, phone };
}

async function connected(options: SceneOptions = {}): Promise<Connected> {
  const scene = await new Scene(options).start();
  const { call, phone } = await dialled(scene);
  phone.progress(180);
  const phoneDialog = phone.answer(sdp());
  const outcome = await call.outcome;
  if (outcome.kind !== 'answered') throw new Error(`the page's call was ${outcome.kind}`);
  await scene.settle();
  return { scene, page: outcome.dialog, phone: phoneDialog };
}

describe('a page that calls a telephone', () => {
  it('rings, is connected, hangs up, and leaves nothing behind', async () => {
    const { scene, page } = await connected();
    expect(scene.service.calls()).toMatchObject([{ state: 'connected', direction: 'browser-to-trunk', to: '+15550100', trunk: 'carrier' }]);
    scene.clock.advance(5_000);
    await page.bye();
    await scene.settle();
    expect(scene.left()).toEqual(nothing());
    expect(scene.factTypes()).toEqual(['received', 'leg', 'routed', 'leg', 'progress', 'ringing', 'answered', 'page-token', 'ended']);
    expect(scene.fact('ended')).toMatchObject({
      by: 'caller',
      disposition: 'completed',
      q850: 16,
      talkMs: 5000,
      codecA: 'PCMU',
      codecB: 'PCMU',
    });
  });

  it('gets its answer with 180 and the very same one with 200', async () => {
    const scene = await new Scene().start();
    const { call, progress, phone } = await dialled(scene);
    phone.progress(180);
    await scene.settle();
    expect(progress.map(({ status }) => status)).toEqual([180]);
    phone.answer(sdp());
    const outcome = await call.outcome;
    expect(outcome).toMatchObject({ kind: 'answered', sdp: progress[0]?.sdp });
  });

  it('hears early media: 183 comes after the media plane has the trunk’s description', async () => {
    const scene = await new Scene().start();
    const { progress, phone } = await dialled(scene);
    phone.progress(183, { sdp: sdp('8 101') });
    await scene.settle();
    expect(progress).toMatchObject([{ status: 183 }]);
    expect(scene.media.requests.map(({ method, leg }) => method + (leg ?? ''))).toEqual(['open', 'answera', 'offerb', 'acceptb']);
  });

  it('is shown to the carrier as what the gateway knows, never as what the page claims', async () => {
    const scene = await new Scene().start();
    const { phone } = await dialled(scene);
    expect(phone.from.uri).toBe('sip:+15550199@carrier.example:5060');
    expect(phone.requestUri).toBe('sip:+15550100@carrier.example:5060');
  });

  it('is told busy with the matching status, Q.850 cause and failure', async () => {
    const scene = await new Scene().start();
    const { call, phone } = await dialled(scene);
    phone.reject(486);
    const outcome = await call.outcome;
    if (outcome.kind !== 'rejected') throw new Error(outcome.kind);
    await scene.settle();
    expect([outcome.status, outcome.headers.get('X-Gateway-Failure'), outcome.headers.get('Reason')]).toEqual([
      486,
      'busy',
      'Q.850;cause=17;text="The number is busy."',
    ]);
    expect(scene.fact('ended')).toMatchObject({ by: 'callee', disposition: 'busy', failure: 'busy', sipStatus: 486, talkMs: 0 });
    expect(scene.left()).toEqual(nothing());
  });

  it('takes the carrier’s Q.850 cause over the status it is wrapped in', async () => {
    const scene = await new Scene().start();
    const { call, phone } = await dialled(scene);
    phone.reject(480, { headers: [['Reason', 'SIP;cause=480, Q.850;cause=17']] });
    expect(await call.outcome).toMatchObject({ kind: 'rejected', status: 486 });
  });

  it('never sees a challenge of the trunk that the stack could not answer', async () => {
    const scene = await new Scene().start();
    const { call, phone } = await dialled(scene);
    phone.reject(407);
    expect(await call.outcome).toMatchObject({ kind: 'rejected', status: 502 });
    await scene.settle();
    expect(scene.fact('ended')).toMatchObject({ failure: 'trunk-auth-failed', sipStatus: 407 });
  });

  it('is told that the trunk cannot be reached', async () => {
    const scene = await new Scene().start();
    scene.sip.failNextCall('refused');
    expect(await scene.dial().outcome).toMatchObject({ kind: 'rejected', status: 502 });
    await scene.settle();
    expect(scene.fact('ended')).toMatchObject({ by: 'gateway', failure: 'trunk-unreachable' });
    expect(scene.left()).toEqual(nothing());
  });

  it('reaches the second peer of a trunk when the first refuses the connection', async () => {
    const peers = [
      { uri: 'sip:carrier.example:5060', priority: 2, weight: 1 },
      { uri: 'sip:first.carrier.example:5060', priority: 1, weight: 1 },
    ];
    const scene = await new Scene({ trunk: { peers } }).start();
    scene.sip.failNextCall('refused');
    const { call, phone } = await dialled(scene);
    phone.answer(sdp());
    expect((await call.outcome).kind).toBe('answered');
    expect(scene.sip.placed.map(({ options }) => options.via)).toEqual([
      { proxy: 'sip:first.carrier.example:5060' },
      { proxy: 'sip:carrier.example:5060' },
    ]);
    expect(scene.lines.inUse('carrier')).toBe(1);
  });

  it('that cancels while it rings takes the telephone’s ringing away', async () => {
    const scene = await new Scene().start();
    const { call, phone } = await dialled(scene);
    phone.progress(180);
    await scene.settle();
    call.cancel();
    await scene.settle();
    expect(phone.cancelled.aborted).toBe(true);
    expect(scene.fact('ended')).toMatchObject({ by: 'caller', failure: 'cancelled', disposition: 'cancelled' });
    expect(scene.left()).toEqual(nothing());
  });

  it('that cancels in the moment the telephone answers leaves no telephone connected', async () => {
    const scene = await new Scene().start();
    const { call, phone } = await dialled(scene);
    const dialog = phone.answer(sdp());
    call.cancel();
    let ended = false;
    dialog.onEnd(() => {
      ended = true;
    });
    await scene.settle();
    await call.outcome.then((outcome) => (outcome.kind === 'answered' ? outcome.dialog.bye() : undefined));
    await scene.settle();
    expect(ended).toBe(true);
    expect(scene.left()).toEqual(nothing());
  });

  it('hears nobody for ringMs and is told no-answer', async () => {
    const scene = await new Scene({ calls: { ringMs: 30_000 } }).start();
    const { call, phone } = await dialled(scene);
    phone.progress(180);
    await scene.settle();
    scene.clock.advance(29_999);
    await scene.settle();
    expect(phone.cancelled.aborted).toBe(false);
    scene.clock.advance(1);
    expect(await call.outcome).toMatchObject({ kind: 'rejected', status: 480 });
    await scene.settle();
    expect(scene.fact('ended')).toMatchObject({ failure: 'no-answer', totalMs: 30_000 });
    expect(scene.left()).toEqual(nothing());
  });

  it('is refused 488 before any telephone rings when its offer has no usable codec', async () => {
    const scene = await new Scene().start();
    scene.media.failNext('answer', { code: 'sdp-not-acceptable', detail: 'no codec' });
    expect(await scene.dial().outcome).toMatchObject({ kind: 'rejected', status: 488 });
    await scene.settle();
    expect(scene.sip.placed).toHaveLength(0);
    expect(scene.left()).toEqual(nothing());
  });

  it('is refused 400 when its offer cannot be read', async () => {
    const scene = await new Scene().start();
    const call = scene.page.call({ requestUri: 'sip:100@gw', from: { uri: 'sip:a@b' }, offer: 'nonsense' });
    expect(await call.outcome).toMatchObject({ kind: 'rejected', status: 400 });
  });

  it('is refused by the destination policy, and the refusal is recorded', async () => {
    const scene = await new Scene().start();
    expect(await scene.dial('+19005550100').outcome).toMatchObject({ kind: 'rejected', status: 403 });
    await scene.settle();
    expect(scene.fact('ended')).toMatchObject({ failure: 'destination-denied', disposition: 'denied' });
  });

  it('loses the telephone when the answer of the telephone cannot be taken in', async () => {
    const scene = await new Scene().start();
    const { call, phone } = await dialled(scene);
    const dialog = phone.answer('nonsense');
    expect(await call.outcome).toMatchObject({ kind: 'rejected', status: 488 });
    await scene.settle();
    await expect(new Promise((resolve) => dialog.onEnd(resolve))).resolves.toMatchObject({ by: 'remote' });
    expect(scene.left()).toEqual(nothing());
  });

  it('hears of the telephone hanging up', async () => {
    const { scene, page, phone } = await connected();
    await phone.bye();
    await expect(new Promise((resolve) => page.onEnd(resolve))).resolves.toMatchObject({ by: 'remote' });
    await scene.settle();
    expect(scene.fact('ended')).toMatchObject({ by: 'callee', disposition: 'completed' });
    expect(scene.left()).toEqual(nothing());
  });

  it('is ended after the longest time', async () => {
    const { scene } = await connected({ calls: { maxCallMs: 60_000 } });
    scene.clock.advance(60_000);
    await scene.settle();
    expect(scene.fact('ended')).toMatchObject({ by: 'gateway', failure: 'too-long', talkMs: 60_000 });
    expect(scene.left()).toEqual(nothing());
  });

  it('survives a listener of facts that throws', async () => {
    const { scene, page } = await connected({
      onFact: () => {
        throw new Error('a broken fold');
      },
    });
    await page.bye();
    await scene.settle();
    expect(scene.left()).toEqual(nothing());
  });
});

describe('a page that goes away', () => {
  it('while it rings, cancels the telephone', async () => {
    const scene = await new Scene().start();
    const { phone } = await dialled(scene);
    phone.progress(180);
    await scene.settle();
    scene.sip.breakFlow(scene.pageFlow);
    await scene.settle();
    expect(phone.cancelled.aborted).toBe(true);
    expect(scene.left()).toEqual(nothing());
  });

  it('ends with its cause told when the media of a leg fails, and keeps the path in the record', async () => {
    const { scene } = await connected();
    const detail = 'the certificate in DTLS is not the one named in the SDP';
    scene.media.emit({ type: 'leg-failed', session: scene.session(), leg: 'a', cause: 'fingerprint-mismatch', detail });
    await scene.settle();
    expect(scene.fact('media-failed')).toMatchObject({ leg: 'a', kind: 'browser', cause: 'fingerprint-mismatch', detail });
    expect(scene.fact('ended')).toMatchObject({ failure: 'media-setup-failed', path: expect.arrayContaining([expect.any(String)]) });
    expect(scene.left()).toEqual(nothing());
  });

  it('in a call with its media gone too, is browser-gone after the grace and the telephone gets BYE', async () => {
    const { scene, phone } = await connected({ calls: { flowGraceMs: 15_000 } });
    scene.sip.breakFlow(scene.pageFlow);
    await scene.settle();
    expect(scene.service.calls()).toHaveLength(1);
    scene.media.emit({ type: 'leg-gone', session: scene.session(), leg: 'a', detail: 'close_notify' });
    await scene.clock.advanceAsync(14_000);
    expect(scene.service.calls()).toHaveLength(1);
    await scene.clock.advanceAsync(1_000);
    await expect(new Promise((resolve) => phone.onEnd(resolve))).resolves.toMatchObject({ by: 'remote' });
    await scene.clock.advanceAsync(5_000);
    await scene.settle();
    expect(scene.fact('ended')).toMatchObject({ by: 'caller', failure: 'browser-gone', disposition: 'browser-gone' });
    expect(scene.left()).toEqual(nothing());
  });

  it('keeps its call over a lost WebSocket as long as its media is heard', async () => {
    const { scene } = await connected({ calls: { flowGraceMs: 15_000 } });
    scene.sip.breakFlow(scene.pageFlow);
    await scene.settle();
    await scene.clock.advanceAsync(60_000);
    expect(scene.service.calls()).toMatchObject([{ state: 'connected' }]);
    expect(scene.factTypes()).toContain('flow-lost');
    scene.media.emit({ type: 'media-silent', session: scene.session(), leg: 'a', silentMs: 5000, cause: 'ice-lost', detail: 'x' });
    await scene.settle();
    expect(scene.fact('ended')).toMatchObject({ failure: 'browser-gone' });
  });
});

describe('what a page says of its sound', () => {
  const text = JSON.stringify({ type: 'quality', score: 2, roundTripMs: 300, lostPercent: 7, jitterMs: 40, hint: 'network-loss' });

  it('is told once, while the call is up', async () => {
    const { scene, page } = await connected();
    for (const said of [text, text, 'and something else']) {
      scene.media.emit({ type: 'channel-text', session: scene.session(), leg: 'a', text: said });
    }
    expect(scene.factTypes().filter((type) => type === 'page-quality')).toHaveLength(1);
    expect(scene.fact('page-quality')).toMatchObject({ leg: 'a', score: 2, lostPercent: 7, hint: 'network-loss' });
    await page.bye();
    await scene.settle();
    expect(scene.fact('ended')).toMatchObject({ disposition: 'completed' });
  });

  it('is not believed of a leg in the making, nor before the answer', async () => {
    const { scene } = await connected();
    scene.media.emit({ type: 'channel-text', session: scene.session(), leg: 'c', text });
    expect(scene.factTypes()).not.toContain('page-quality');
  });
});

describe('digits', () => {
  it('that the telephone sends as event and as INFO reach the page once', async () => {
    const { scene, page, phone } = await connected();
    const bodies: string[] = [];
    page.onRequest((request) => {
      bodies.push(request.body?.content ?? '');
      request.respond(200);
    });
    const press = (digit: '5' | '6'): Promise<unknown> =>
      phone.request('INFO', { body: { type: 'application/dtmf-relay', content: `Signal=${digit}\r\nDuration=160\r\n` } });
    scene.media.pressDigit(scene.session(), 'b', { digit: '5', durationMs: 160 });
    await press('5');
    await press('6');
    scene.media.pressDigit(scene.session(), 'b', { digit: '6', durationMs: 160 });
    await scene.settle();
    expect(bodies.map((body) => /Signal=(.)/.exec(body)?.[1])).toEqual(['5', '6']);
  });

  it('of the telephone reach the page as INFO, one after another, and are recorded', async () => {
    const { scene, page } = await connected();
    const bodies: string[] = [];
    page.onRequest((request) => {
      bodies.push(`${request.method} ${request.body?.type} ${request.body?.content}`);
      request.respond(200);
    });
    scene.media.pressDigit(scene.session(), 'b', { digit: '5', durationMs: 160 });
    scene.media.pressDigit(scene.session(), 'b', { digit: '#', durationMs: 90 });
    await scene.settle();
    expect(bodies).toEqual([
      'INFO application/dtmf-relay Signal=5\r\nDuration=160\r\n',
      'INFO application/dtmf-relay Signal=#\r\nDuration=90\r\n',
    ]);
    expect(digitLines(scene.facts)).toEqual([
      ...['1 seen trunk rfc4733 5', '1 sent browser info', '2 seen trunk rfc4733 #'],
      ...['1 acknowledged', '2 sent browser info', '2 acknowledged'],
    ]);
  });

  it('that the page does not take are recorded as failed', async () => {
    const { scene } = await connected();
    scene.media.pressDigit(scene.session(), 'b', { digit: '5', durationMs: 160 });
    await scene.settle();
    expect(scene.fact('digit-failed')).toMatchObject({ id: 1, why: 'refused', sipStatus: 501 });
  });

  it('pressed before the answer wait for the page’s dialog', async () => {
    const scene = await new Scene().start();
    const { call, phone } = await dialled(scene);
    phone.progress(183, { sdp: sdp() });
    await scene.settle();
    scene.media.pressDigit(scene.session(), 'b', { digit: '7', durationMs: 100 });
    phone.answer(sdp());
    const bodies: (string | undefined)[] = [];
    await call.outcome.then((outcome) => {
      if (outcome.kind !== 'answered') return;
      outcome.dialog.onRequest((request) => {
        bodies.push(request.body?.content);
        request.respond(200);
      });
    });
    await scene.settle();
    expect(bodies).toEqual(['Signal=7\r\nDuration=100\r\n']);
  });

  it('in INFO of the page go to the trunk as telephone-events', async () => {
    const { scene, page } = await connected();
    const ok = await page.request('INFO', { body: { type: 'application/dtmf-relay', content: 'Signal=9\r\nDuration=120\r\n' } });
    const plain = await page.request('INFO', { body: { type: 'application/dtmf', content: '*' } });
    const other = await page.request('INFO', { body: { type: 'text/plain', content: 'hello' } });
    await scene.settle();
    expect([ok.status, plain.status, other.status]).toEqual([200, 200, 415]);
    expect(scene.media.digitsAskedOn(scene.session(), 'b')).toBe('9*');
  });

  it('of the API go to the trunk, and only in a call that can carry them', async () => {
    const { scene } = await connected();
    const id = scene.service.calls()[0]?.id;
    if (id === undefined) throw new Error('no call');
    expect(await scene.service.sendDigits(id, '12#')).toEqual({ kind: 'queued', ids: [1, 2, 3] });
    for (const text of ['12x', '', '1'.repeat(65)])
      expect(await scene.service.sendDigits(id, text)).toEqual({ kind: 'refused', why: 'not-digits' });
    expect(scene.media.digitsAskedOn(scene.session(), 'b')).toBe('12#');
    scene.service.hangUp(id);
    await scene.settle();
    expect(await scene.service.sendDigits(id, '1')).toEqual({ kind: 'refused', why: 'unknown-call' });
  });
});

describe('a re-offer in a call', () => {
  it('of the trunk is answered through the media plane', async () => {
    const { scene, phone } = await connected();
    const answer = await phone.offer(sdp('8 101'));
    expect(answer.status).toBe(200);
    expect(answer.sdp).toContain('PCMA');
    expect(scene.fact('reoffer')).toMatchObject({ leg: 'b', accepted: true });
  });

  it('that the media plane refuses gets 488, and the call goes on', async () => {
    const { scene, page } = await connected();
    scene.media.failNext('answer', { code: 'sdp-not-acceptable', detail: 'ICE restart' });
    expect(await page.offer(sdp())).toMatchObject({ status: 488 });
    expect(scene.fact('reoffer')).toMatchObject({ leg: 'a', accepted: false });
    expect(scene.service.calls()).toMatchObject([{ state: 'connected' }]);
  });
});

describe('a telephone that calls a page', () => {
  async function registered(scene: Scene): Promise<void> {
    const response = await scene.page.request({
      method: 'REGISTER',
      requestUri: 'sip:gateway.example',
      from: { uri: 'sip:demo@gateway.example' },
      to: { uri: 'sip:demo@gateway.example' },
      headers: [['Contact', '<sip:x@y.invalid;transport=ws>']],
    });
    expect(response.status).toBe(200);
  }

  it('rings the registered page and is connected with it', async () => {
    const scene = await new Scene().start();
    await registered(scene);
    const call = scene.carrier.call({
      requestUri: 'sip:15550111@carrier.example',
      from: { uri: 'sip:+15550123@carrier.example' },
      offer: sdp(),
    });
    const progress = watch(call);
    const page = await scene.page.nextCall();
    expect([page.requestUri, page.from.uri]).toEqual(['sip:x@y.invalid;transport=ws', 'sip:+15550123@gateway.example']);
    page.progress(180);
    await scene.settle();
    expect(progress).toMatchObject([{ status: 180 }]);
    expect(progress[0]?.sdp).toBeUndefined();
    page.answer(sdp());
    const outcome = await call.outcome;
    expect(outcome.kind).toBe('answered');
    await scene.settle();
    expect(scene.service.calls()).toMatchObject([{ state: 'connected', direction: 'trunk-to-browser', user: 'demo', trunk: 'carrier' }]);
    expect(scene.lines.inUse('carrier')).toBe(1);
    if (outcome.kind === 'answered') await outcome.dialog.bye();
    await scene.settle();
    expect(scene.left()).toEqual(nothing());
  });

  it('is told 480 when nobody is registered, and 404 when the number is nobody’s', async () => {
    const scene = await new Scene().start();
    const from = { uri: 'sip:+15550123@carrier.example' };
    expect(await scene.carrier.call({ requestUri: 'sip:+15550111@carrier.example', from, offer: sdp() }).outcome).toMatchObject({
      status: 480,
    });
    expect(await scene.carrier.call({ requestUri: 'sip:+15550112@carrier.example', from, offer: sdp() }).outcome).toMatchObject({
      status: 404,
    });
    await scene.settle();
    expect(scene.left()).toEqual(nothing(2));
  });

  it('may leave its offer to the gateway', async () => {
    const scene = await new Scene().start();
    await registered(scene);
    const call = scene.carrier.call({ requestUri: 'sip:+15550111@carrier.example', from: { uri: 'sip:+15550123@c' } });
    (await scene.page.nextCall()).answer(sdp());
    expect(await call.outcome).toMatchObject({ kind: 'answered' });
    expect(scene.media.requests.filter(({ leg }) => leg === 'a').map(({ method }) => method)).toEqual(['offer']);
  });

  it('is refused and not recorded when it comes from an address of no trunk', async () => {
    const scene = await new Scene({ trunk: { allow: ['198.51.100.0/24'] } }).start();
    const call = scene.carrier.call({ requestUri: 'sip:+15550111@carrier.example', from: { uri: 'sip:x@y' }, offer: sdp() });
    expect(await call.outcome).toMatchObject({ kind: 'rejected', status: 403 });
    expect(scene.facts).toEqual([]);
  });
});

describe('too many calls, and the end of all', () => {
  it('refuses one call too many with 503 and Retry-After, and records it', async () => {
    const { scene } = await connected({ calls: { maxCalls: 1, retryAfterSeconds: 7 } });
    const outcome = await scene.dial().outcome;
    if (outcome.kind !== 'rejected') throw new Error(outcome.kind);
    expect([outcome.status, outcome.headers.get('Retry-After'), outcome.headers.get('X-Gateway-Failure')]).toEqual([
      503,
      '7',
      'too-many-calls',
    ]);
    expect(scene.fact('crowded')).toMatchObject({ bound: 'calls' });
    expect(scene.fact('ended')).toMatchObject({ failure: 'too-many-calls' });
  });

  it('drains: takes none, waits, then ends every call on both legs and resolves', async () => {
    const { scene, page, phone } = await connected();
    const ends: string[] = [];
    page.onEnd(() => ends.push('page'));
    phone.onEnd(() => ends.push('phone'));
    let drained = false;
    const drain = scene.service.drain(10_000).then(() => {
      drained = true;
    });
    expect(await scene.dial().outcome).toMatchObject({ kind: 'rejected', status: 503 });
    await scene.clock.advanceAsync(9_999);
    expect([drained, ends]).toEqual([false, []]);
    await scene.clock.advanceAsync(1);
    await scene.settle();
    await drain;
    expect(ends.sort()).toEqual(['page', 'phone']);
    expect(scene.facts.filter(({ type }) => type === 'ended')).toMatchObject([
      { failure: 'shutting-down' },
      { failure: 'shutting-down', disposition: 'shutting-down' },
    ]);
    expect(scene.left()).toEqual(nothing(2));
    expect(scene.clock.liveTimers).toBe(0);
  });

  it('drains at once when there is no call', async () => {
    const scene = await new Scene().start();
    await scene.service.drain(10_000);
    expect(scene.clock.liveTimers).toBe(0);
  });

  it('counts a trunk’s lines and its calls per second', async () => {
    const { scene } = await connected({ trunk: { maxCalls: 1 } });
    expect(await scene.dial().outcome).toMatchObject({ kind: 'rejected', status: 503 });
    const quick = await new Scene({ trunk: { callsPerSecond: 1 } }).start();
    await dialled(quick);
    expect(await quick.dial().outcome).toMatchObject({ kind: 'rejected', status: 503 });
    quick.clock.advance(1_000);
    await dialled(quick);
    expect(quick.lines.inUse('carrier')).toBe(2);
  });
});
