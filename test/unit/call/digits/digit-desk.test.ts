import { describe, expect, it } from 'vitest';
import type { CallId } from '../../../../src/base/ids.js';
import type { DigitRules } from '../../../../src/call/digits/digit-rules.js';
import type { Digit } from '../../../../src/media/plane.js';
import type { InboundRequest, SipDialog } from '../../../../src/sip/port.js';
import { digitLines } from '../../../support/digit-lines.js';
import { nothing, Scene, type SceneOptions, sdp } from '../scene.js';

const rules = (mode: DigitRules['mode'], more: Partial<DigitRules> = {}): SceneOptions => ({
  trunk: { digits: { mode, info: 'application/dtmf-relay', ...more } },
});

/** A party that keeps the INFOs it gets, and answers them when and as the test says. */
class Ear {
  readonly infos: InboundRequest[] = [];
  status: number | 'later' = 200;

  constructor(readonly dialog: SipDialog) {
    dialog.onRequest((request) => {
      this.infos.push(request);
      if (this.status !== 'later') request.respond(this.status);
    });
  }

  get bodies(): string[] {
    return this.infos.map(({ body }) => `${body?.type} ${body?.content.trim().replace('\r\n', ' ')}`);
  }

  info(digit: string, type = 'application/dtmf-relay'): Promise<unknown> {
    return this.dialog.request('INFO', {
      body: { type, content: type === 'application/dtmf' ? digit : `Signal=${digit}\r\nDuration=100\r\n` },
    });
  }
}

async function connected(options: SceneOptions = {}, opensChannel = true) {
  const scene = await new Scene(options).start();
  const call = scene.dial();
  const invited = await scene.carrier.nextCall();
  const phone = new Ear(invited.answer(sdp()));
  const outcome = await call.outcome;
  if (outcome.kind !== 'answered') throw new Error(outcome.kind);
  const page = new Ear(outcome.dialog);
  await scene.settle();
  const id = scene.service.calls()[0]?.id as CallId;
  const lines = (): string[] => digitLines(scene.facts);
  const channel = opensChannel ? scene.media.openChannel(scene.session(), 'a') : [];
  return { scene, page, phone, id, lines, channel };
}

const press = (scene: Scene, leg: 'a' | 'b', digit: Digit, relayed = true): number =>
  scene.media.pressDigit(scene.session(), leg, { digit, durationMs: 100 }, relayed);
const sent = (scene: Scene, id: number): void =>
  scene.media.emit({ type: 'digit-sent', session: scene.session(), leg: 'b', press: id, as: 'rfc4733', durationMs: 100, packets: 7 });

describe('a page', () => {
  it('is told a digit of the telephone by INFO and on its data channel, with the same number', async () => {
    const { scene, page, channel } = await connected();
    press(scene, 'b', '5');
    press(scene, 'b', '#');
    await scene.settle();
    expect(page.infos.map(({ headers }) => headers.get('X-Digit-Id'))).toEqual(['1', '2']);
    expect(channel).toEqual(['{"type":"dtmf","id":1,"digit":"5","durationMs":100}', '{"type":"dtmf","id":2,"digit":"#","durationMs":100}']);
  });

  it('is told on its data channel what becomes of its own', async () => {
    const { scene, phone, page, channel } = await connected(rules('auto'));
    sent(scene, press(scene, 'a', '1'));
    press(scene, 'a', '2', false);
    await scene.settle();
    phone.status = 415;
    await page.info('3');
    press(scene, 'a', '4', false);
    await scene.settle();
    expect(channel.map((text) => text.replace('{"type":"dtmf-receipt","id":', ''))).toEqual([
      '1,"digit":"1","state":"seen","durationMs":100}',
      '1,"digit":"1","state":"sent","as":"rfc4733","durationMs":100,"packets":7}',
      '2,"digit":"2","state":"seen","durationMs":100}',
      '2,"digit":"2","state":"sent","as":"info","durationMs":100}',
      '2,"digit":"2","state":"acknowledged"}',
      '3,"digit":"3","state":"seen","durationMs":100}',
      '3,"digit":"3","state":"sent","as":"rfc4733","durationMs":100,"packets":7}',
      '4,"digit":"4","state":"seen","durationMs":100}',
      '4,"digit":"4","state":"sent","as":"info","durationMs":100}',
      '4,"digit":"4","state":"failed","why":"refused"}',
    ]);
  });

  it('that presses keys before its data channel is open is told of them, in order, once it is', async () => {
    const { scene } = await connected({}, false);
    sent(scene, press(scene, 'a', '1'));
    await scene.settle();
    const channel = scene.media.openChannel(scene.session(), 'a');
    sent(scene, press(scene, 'a', '2'));
    await scene.settle();
    const told = channel.map((text) => JSON.parse(text) as { digit: string; state: string }).map(({ digit, state }) => `${digit} ${state}`);
    expect(told).toEqual(['1 seen', '1 sent', '2 seen', '2 sent']);
    expect(scene.media.openChannel(scene.session(), 'a'), 'nothing twice').toEqual([]);
  });

  it('that has no data channel is told by INFO all the same, and one whose INFO fails by its channel', async () => {
    const { scene, page, lines } = await connected();
    page.status = 500;
    press(scene, 'b', '5');
    await scene.settle();
    expect(lines().at(-1)).toBe('1 sent browser message');
  });
});

describe('a trunk', () => {
  it('that sends digits by INFO reaches the page with all three bodies, and is told of a body nobody knows', async () => {
    const { scene, page, phone } = await connected();
    const send = async (type: string, content: string): Promise<number> =>
      (await phone.dialog.request('INFO', { body: { type, content } })).status;
    expect([
      await send('application/dtmf-relay', 'signal = 1\nduration=90'),
      await send('Application/DTMF', ' 2 '),
      await send('audio/telephone-event', 'event: 11\r\nDuration: 70'),
      await send('text/plain', '4'),
      await send('application/dtmf', 'x'),
    ]).toEqual([200, 200, 200, 415, 400]);
    await scene.settle();
    expect(page.bodies.map((body) => body.replace('application/dtmf-relay ', ''))).toEqual([
      ...['Signal=1 Duration=90', 'Signal=2 Duration=160', 'Signal=# Duration=70'],
    ]);
  });
});

describe('a trunk that takes digits by INFO', () => {
  it.each([
    ['application/dtmf-relay', 'application/dtmf-relay Signal=* Duration=100'],
    ['application/dtmf', 'application/dtmf *'],
    ['audio/telephone-event', 'audio/telephone-event Event=10 Duration=100'],
  ] as const)('gets %s exactly', async (info, body) => {
    const { scene, phone, lines } = await connected(rules('info', { info }));
    press(scene, 'a', '*', false);
    await scene.settle();
    expect([phone.bodies, phone.infos[0]?.headers.get('X-Digit-Id')]).toEqual([[body], undefined]);
    expect(lines()).toEqual(['1 seen browser rfc4733 *', '1 sent trunk info', '1 acknowledged']);
    const made = scene.media.requests.find(({ method, leg }) => method === 'offer' && leg === 'b');
    expect(made?.options).toMatchObject({ digits: 'none' });
  });

  it('gets one after another, and those that are left when the call ends are told as failed', async () => {
    const { scene, page, phone, lines } = await connected(rules('info'));
    phone.status = 'later';
    for (const digit of ['1', '2', '3'] as const) press(scene, 'a', digit, false);
    await scene.settle();
    expect(phone.bodies).toEqual(['application/dtmf-relay Signal=1 Duration=100']);
    phone.infos[0]?.respond(200);
    await scene.settle();
    expect(phone.infos).toHaveLength(2);
    await page.dialog.bye();
    await scene.settle();
    expect(lines().slice(-4)).toEqual(['1 acknowledged', '2 sent trunk info', '2 failed call-ended', '3 failed call-ended']);
    expect(scene.facts.at(-1)?.type).toBe('ended');
    expect(scene.left()).toEqual(nothing());
  });

  it('gets a press once that the page sends as INFO and as event, in either order', async () => {
    const { scene, page, phone } = await connected(rules('info'));
    press(scene, 'a', '7', false);
    await page.info('7');
    await page.info('8');
    press(scene, 'a', '8', false);
    await scene.settle();
    expect(phone.bodies.map((body) => /Signal=(.)/.exec(body)?.[1])).toEqual(['7', '8']);
  });

  it('gets no digits of the time before it answered', async () => {
    const scene = await new Scene(rules('info')).start();
    scene.dial();
    const phone = await scene.carrier.nextCall();
    phone.progress(183, { sdp: sdp() });
    await scene.settle();
    press(scene, 'a', '1', false);
    expect(digitLines(scene.facts)).toEqual(['1 seen browser rfc4733 1', '1 failed no-dialog']);
  });
});

describe('digits that the API sends', () => {
  it('go to the telephone or to the page, with length and gap, and are numbered', async () => {
    const { scene, id, page, lines } = await connected();
    expect(await scene.service.sendDigits(id, '1', { durationMs: 250, gapMs: 90 })).toEqual({ kind: 'queued', ids: [1] });
    expect(scene.media.requests.findLast(({ method }) => method === 'sendDigits')).toMatchObject({
      ...{ leg: 'b', digits: [{ digit: '1', durationMs: 250, gapMs: 90, origin: 'api' }] },
    });
    expect(await scene.service.sendDigits(id, '2', { to: 'page' })).toEqual({ kind: 'queued', ids: [2] });
    await scene.settle();
    expect(page.bodies).toEqual(['application/dtmf-relay Signal=2 Duration=160']);
    expect(lines().filter((line) => line.includes('seen'))).toEqual(['1 seen browser api 1', '2 seen trunk api 2']);
  });

  it('are refused with a reason where they cannot be sent', async () => {
    const { scene, id } = await connected();
    scene.media.failNext('sendDigits', { code: 'wrong-state', detail: 'no telephone-events' });
    expect(await scene.service.sendDigits(id, '1')).toEqual({ kind: 'refused', why: 'not-supported' });
    scene.service.secureDigits(id, true);
    expect(await scene.service.sendDigits(id, '1', { to: 'page' })).toEqual({ kind: 'refused', why: 'withheld' });
    expect(await scene.service.sendDigits('none' as CallId, '1')).toEqual({ kind: 'refused', why: 'unknown-call' });
    expect(scene.service.secureDigits('none' as CallId, true)).toBe(false);
  });
});

describe('a secure window', () => {
  const seen = async (header: string): Promise<string> => {
    const scene = await new Scene(rules('auto', { secureHeader: 'X-Secure-Digits' })).start();
    const call = scene.dial();
    const invited = await scene.carrier.nextCall();
    invited.progress(183, { sdp: sdp(), ...(header === '183' ? { headers: [['X-Secure-Digits', 'on']] } : {}) });
    await scene.settle();
    const dialog = invited.answer(sdp(), header === '200' ? { headers: [['X-Secure-Digits', ' ON ']] } : {});
    await call.outcome;
    await scene.settle();
    if (header === 'INFO') await dialog.request('INFO', { headers: [['x-secure-digits', 'on']] });
    press(scene, 'a', '5');
    return digitLines(scene.facts).join(', ');
  };

  it.each(['183', '200', 'INFO'])('is opened by the trunk’s header in a %s', async (header) => {
    expect(await seen(header)).toBe('secure open header, 1 seen browser rfc4733 •');
  });

  it('stays closed without one', async () => {
    expect(await seen('none')).toBe('1 seen browser rfc4733 5');
  });

  it('lasts as long as it was asked for, longer when it is asked for again, and ends with the call', async () => {
    const { scene, id, lines, page } = await connected();
    scene.service.secureDigits(id, true, 60_000);
    scene.clock.advance(59_999);
    scene.service.secureDigits(id, true, 1_000);
    scene.clock.advance(999);
    expect(lines()).toEqual(['secure open api']);
    scene.clock.advance(1);
    expect(lines()).toEqual(['secure open api', 'secure closed timer']);
    scene.service.secureDigits(id, true);
    scene.clock.advance(119_999);
    expect(lines().at(-1)).toBe('secure open api');
    await page.dialog.bye();
    await scene.settle();
    expect(scene.left()).toEqual(nothing());
  });
});

describe('after a transfer', () => {
  it('digits go to whoever sits there by then, and INFO that he refuses is his alone to refuse', async () => {
    const { scene, phone, lines } = await connected(rules('auto'));
    phone.status = 415;
    press(scene, 'a', '1', false);
    await scene.settle();
    const refer = [['Refer-To', '<sip:+15550123@carrier.example>']] as const;
    await phone.dialog.request('REFER', { headers: refer });
    const third = new Ear((await scene.carrier.nextCall()).answer(sdp()));
    await scene.settle();
    press(scene, 'a', '2', false);
    await scene.settle();
    expect(third.bodies).toEqual(['application/dtmf-relay Signal=2 Duration=100']);
    expect(lines()).toEqual([
      ...['1 seen browser rfc4733 1', '1 sent trunk info', '1 failed refused 415'],
      ...['2 seen browser rfc4733 2', '2 sent trunk info', '2 acknowledged'],
    ]);
  });
});
