import { createSocket } from 'node:dgram';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { SystemClock } from '../../src/base/clock.js';
import { newSessionId, type SessionId } from '../../src/base/ids.js';
import { silentLog } from '../../src/base/log.js';
import { EmbeddedMediaPlane } from '../../src/media/embedded/embedded-media-plane.js';
import type { MediaEvent, UdpLegOptions, WebRtcLegOptions } from '../../src/media/plane.js';
import { writeRtpHeader } from '../../src/media/rtp/rtp-packet.js';
import { eventually, eventuallyTrue } from '../support/eventually.js';
import { MediaBrowser } from '../support/fake-media-browser.js';
import { MediaPhone } from '../support/fake-media-phone.js';
import { type BuiltWorker, buildMediaWorker } from '../support/fake-media-worker.js';

const browserLeg: WebRtcLegOptions = { kind: 'webrtc', codecs: ['PCMU', 'PCMA'] };
const trunkLeg: UdpLegOptions = { kind: 'udp', codecs: ['PCMA', 'PCMU'], learnFrom: [] };

describe('the embedded media plane, with real sockets', () => {
  let worker: BuiltWorker;
  let plane: EmbeddedMediaPlane;
  let events: MediaEvent[];
  const open: { close(): Promise<void> }[] = [];

  beforeAll(async () => {
    worker = await buildMediaWorker();
  });
  afterAll(() => worker.remove());

  beforeEach(async () => {
    events = [];
    plane = new EmbeddedMediaPlane(
      {
        workers: 1,
        bindAddress: '127.0.0.1',
        browserPorts: { min: 42000, max: 42999 },
        trunkPorts: { min: 43000, max: 43999 },
        portQuarantineMs: 1000,
        setupTimeoutMs: 4000,
        silenceAfterMs: 1500,
        learnWindowMs: 1000,
        learnPackets: 3,
      },
      { clock: new SystemClock(), log: silentLog, workerUrl: worker.url },
    );
    plane.onEvent((event) => events.push(event));
    await plane.start();
  });
  afterEach(async () => {
    for (const one of open.splice(0)) await one.close();
    await plane.stop();
  });

  const until = (condition: () => boolean): Promise<void> =>
    eventuallyTrue(condition, { what: condition.toString(), withinMs: 8000, everyMs: 20, explain: () => JSON.stringify(events) });

  const seen = (type: MediaEvent['type'], leg?: string): boolean =>
    events.some((event) => event.type === type && (leg === undefined || ('leg' in event && event.leg === leg)));

  async function call(): Promise<{
    readonly session: SessionId;
    readonly browser: MediaBrowser;
    readonly phone: MediaPhone;
    readonly trunkSdp: string;
  }> {
    const session = newSessionId();
    const browser = new MediaBrowser({ toneHz: 1000, levelDbfs: -12 });
    const phone = await MediaPhone.open({ law: 'PCMA', eventPayloadType: 96, toneHz: 440, levelDbfs: -18 });
    open.push(browser, phone);
    await plane.open(session);
    const answer = await plane.answer(session, 'a', await browser.offer(), browserLeg);
    const trunkSdp = await plane.offer(session, 'b', trunkLeg);
    await plane.accept(session, 'b', phone.sdp());
    await browser.take(answer);
    await browser.connected();
    browser.talk();
    phone.talkTo(trunkSdp);
    return { session, browser, phone, trunkSdp };
  }

  it('carries a tone each way between a browser and a trunk, between laws, at its level', async () => {
    const { session, browser, phone } = await call();
    await until(() => phone.framesHeard > 40 && browser.framesHeard > 40);
    const atPhone = phone.hearTone();
    const atBrowser = browser.hearTone();
    expect(atPhone.frequencyHz).toBeCloseTo(1000, -1);
    expect(Math.abs(atPhone.levelDbfs + 12)).toBeLessThan(0.5);
    expect(atBrowser.frequencyHz).toBeCloseTo(440, -1);
    expect(Math.abs(atBrowser.levelDbfs + 18)).toBeLessThan(0.5);
    expect(seen('leg-up', 'a') && seen('leg-up', 'b')).toBe(true);
    const stats = await plane.close(session);
    expect(stats?.path).toEqual([
      'webrtc(PCMU,te 110/8000) > srtp > dtmf > g711 > udp(PCMA,te 96/8000)',
      'udp(PCMA+PCMU,te 101/8000) > dtmf > g711 > srtp > webrtc(PCMU,te 110/8000)',
    ]);
    expect(stats?.a?.packetsReceived).toBeGreaterThan(40);
    expect(stats?.b?.packetsSent).toBeGreaterThan(40);
    expect(await plane.liveObjects()).toEqual({ media_session: 0, media_socket: 0, media_timer: 0, media_port: 0, media_worker: 1 });
  });

  it('lets another phone take the place of the first, and of the browser, without a break in what the one that stays is sent', async () => {
    const { session, browser, phone } = await call();
    await until(() => phone.framesHeard > 10 && browser.framesHeard > 10);
    const second = await MediaPhone.open({ law: 'PCMU', eventPayloadType: 101, toneHz: 620, levelDbfs: -18, ssrc: 0x2222 });
    const third = await MediaPhone.open({ law: 'PCMA', eventPayloadType: 97, toneHz: 350, levelDbfs: -18, ssrc: 0x3333 });
    open.push(second, third);

    const toSecond = await plane.offer(session, 'c', trunkLeg);
    await plane.accept(session, 'c', second.sdp());
    second.talkTo(toSecond);
    await until(() => seen('leg-up', 'c'));
    expect(second.framesHeard, 'a leg in the making hears nothing').toBe(0);
    const heardBefore = phone.framesHeard;
    expect(heardBefore).toBeGreaterThan(10);
    expect((await plane.replace(session, 'b'))?.codec).toBe('PCMA');
    const browserFrames = browser.framesHeard;
    await until(() => second.framesHeard > 40 && browser.framesHeard > browserFrames + 60);
    expect(second.hearTone().frequencyHz).toBeCloseTo(1000, -1);
    expect(browser.hearTone().frequencyHz).toBeCloseTo(620, -1);
    browser.press('5', 100);
    second.press('7', 120);
    await until(() => second.heardDigits.length > 0 && browser.heardDigits.length > 0);
    expect([second.heardDigits, browser.heardDigits]).toEqual([[{ digit: '5', durationMs: 100 }], [{ digit: '7', durationMs: 120 }]]);

    const toThird = await plane.offer(session, 'c', trunkLeg);
    await plane.accept(session, 'c', third.sdp());
    third.talkTo(toThird);
    await plane.replace(session, 'a');
    const secondFrames = second.framesHeard;
    await until(() => third.framesHeard > 40 && second.framesHeard > secondFrames + 60);
    expect(third.hearTone().frequencyHz).toBeCloseTo(620, -1);
    expect(second.hearTone().frequencyHz).toBeCloseTo(350, -1);
    expect(seen('leg-gone'), 'what the browser says after its place went to another is not told').toBe(false);
    expect((await plane.close(session))?.path).toEqual([
      'udp(PCMA+PCMU,te 101/8000) > dtmf > g711 > udp(PCMU,te 101/8000)',
      'udp(PCMA+PCMU,te 101/8000) > dtmf > g711 > udp(PCMA,te 97/8000)',
    ]);
    expect(await plane.liveObjects()).toEqual({ media_session: 0, media_socket: 0, media_timer: 0, media_port: 0, media_worker: 1 });
  });

  it('sends nothing to a phone on hold, calls its silence no fault, and goes on when it is back', async () => {
    const { session, browser, phone } = await call();
    await until(() => phone.framesHeard > 10 && browser.framesHeard > 10);
    await plane.answer(session, 'b', phone.sdp().replace('a=sendrecv', 'a=inactive'), trunkLeg);
    phone.hush();
    const held = phone.framesHeard;
    const from = (await plane.stats(session)).a?.packetsReceived ?? 0;
    await eventually(async () => (((await plane.stats(session)).a?.packetsReceived ?? 0) > from + 125 ? true : undefined), {
      what: 'two and a half seconds of the other leg have passed, more than the silence that is told',
      withinMs: 8000,
    });
    expect(phone.framesHeard - held, 'packets that were on their way').toBeLessThan(5);
    expect(seen('media-silent', 'b')).toBe(false);
    phone.talkTo(await plane.answer(session, 'b', phone.sdp(), trunkLeg));
    await until(() => phone.framesHeard > held + 40);
    expect(phone.hearTone().frequencyHz).toBeCloseTo(1000, -1);
    expect(events.filter((event) => event.type === 'leg-direction').map(({ direction }) => direction)).toEqual(['inactive', 'sendrecv']);
  });

  it('passes digits both ways, each once and at its length', async () => {
    const { browser, phone } = await call();
    await until(() => phone.framesHeard > 5 && browser.framesHeard > 5);
    for (const digit of ['1', '2', '2', '#'] as const) browser.press(digit, 100);
    for (const digit of ['9', '*', 'D'] as const) phone.press(digit, 160);
    await until(() => phone.heardDigits.length >= 4 && browser.heardDigits.length >= 3);
    expect(phone.heardDigits).toEqual(['1', '2', '2', '#'].map((digit) => ({ digit, durationMs: 100 })));
    expect(browser.heardDigits).toEqual(['9', '*', 'D'].map((digit) => ({ digit, durationMs: 160 })));
    const told = events.filter((event) => event.type === 'digit');
    expect(told.filter(({ leg }) => leg === 'a').map(({ digit }) => digit)).toEqual(['1', '2', '2', '#']);
    expect(told.filter(({ leg }) => leg === 'b').map(({ digit, durationMs, relayed }) => ({ digit, durationMs, relayed }))).toEqual(
      ['9', '*', 'D'].map((digit) => ({ digit, durationMs: 160, relayed: true })),
    );
  });

  it('sends digits that are asked for, and says when they have left', async () => {
    const { session, phone } = await call();
    const presses = await plane.sendDigits(session, 'b', [
      { digit: '4', durationMs: 120 },
      { digit: '2', durationMs: 80 },
    ]);
    await until(() => phone.heardDigits.length >= 2 && events.filter((event) => event.type === 'digit-sent').length === 2);
    expect(phone.heardDigits).toEqual([
      { digit: '4', durationMs: 120 },
      { digit: '2', durationMs: 80 },
    ]);
    const sent = { type: 'digit-sent', session, leg: 'b', as: 'rfc4733' };
    expect(events.filter((event) => event.type === 'digit-sent')).toEqual([
      { ...sent, press: presses[0], durationMs: 120, packets: 8 },
      { ...sent, press: presses[1], durationMs: 80, packets: 6 },
    ]);
  });

  it('pays no heed to an attacker who sprays the port from another one', async () => {
    const { session, browser, phone, trunkSdp } = await call();
    await until(() => browser.framesHeard > 10);
    const attacker = createSocket('udp4');
    let heardByAttacker = 0;
    attacker.on('message', () => {
      heardByAttacker += 1;
    });
    const port = Number(/^m=audio (\d+)/m.exec(trunkSdp)?.[1]);
    const packet = Buffer.alloc(172, 0x55);
    browser.forgetAudio();
    for (let sequence = 0; sequence < 200; sequence += 1) {
      writeRtpHeader(packet, 0, false, 8, sequence, sequence * 160, 0x0e71);
      attacker.send(Buffer.from(packet), port, '127.0.0.1');
    }
    const framesBefore = phone.framesHeard;
    await until(() => browser.framesHeard > 50 && phone.framesHeard > framesBefore + 20);
    expect(heardByAttacker).toBe(0);
    expect(Math.abs(browser.hearTone().levelDbfs + 18)).toBeLessThan(0.5);
    const { b } = await plane.stats(session);
    expect(b?.dropped['source']).toBe(200);
    attacker.close();
  });

  it('says so when the certificate is not the one of the SDP', async () => {
    const session = newSessionId();
    const browser = new MediaBrowser();
    open.push(browser);
    await plane.open(session);
    const offer = (await browser.offer()).replaceAll(
      /^a=fingerprint:sha-256 .*$/gm,
      `a=fingerprint:sha-256 ${Array.from({ length: 32 }, () => 'AA').join(':')}`,
    );
    await browser.take(await plane.answer(session, 'a', offer, browserLeg));
    await until(() => seen('leg-failed', 'a'));
    expect(events.find((event) => event.type === 'leg-failed')).toMatchObject({ cause: 'fingerprint-mismatch' });
    expect(seen('leg-up', 'a')).toBe(false);
  });

  it('takes the answer of a browser that was called', async () => {
    const session = newSessionId();
    const browser = new MediaBrowser({ toneHz: 700 });
    const phone = await MediaPhone.open({ law: 'PCMU', eventPayloadType: 101, toneHz: 300 });
    open.push(browser, phone);
    await plane.open(session);
    const trunkSdp = await plane.answer(session, 'a', phone.sdp(), trunkLeg);
    await plane.accept(session, 'b', await browser.answer(await plane.offer(session, 'b', browserLeg)));
    await browser.connected();
    browser.talk();
    phone.talkTo(trunkSdp);
    await until(() => phone.framesHeard > 40 && browser.framesHeard > 40);
    expect(phone.hearTone().frequencyHz).toBeCloseTo(700, -1);
    expect(browser.hearTone().frequencyHz).toBeCloseTo(300, -1);
  });

  it('tells of a silent trunk with its cause, and of its return', async () => {
    const { session, phone, trunkSdp } = await call();
    await until(() => seen('leg-up', 'b'));
    phone.hush();
    await until(() => seen('media-silent', 'b'));
    expect(events.find((event) => event.type === 'media-silent')).toMatchObject({ session, leg: 'b', cause: 'nothing-received' });
    phone.talkTo(trunkSdp);
    await until(() => seen('media-resumed', 'b'));
  });

  it('tells of a trunk address where nobody listens', async () => {
    const { phone } = await call();
    await phone.close();
    open.splice(open.indexOf(phone), 1);
    await until(() => seen('media-silent', 'b'));
    expect(events.find((event) => event.type === 'media-silent')).toMatchObject({ cause: 'unreachable' });
  });

  it('says RTCP goodbye to the trunk at the end', async () => {
    const { session, phone } = await call();
    await until(() => seen('leg-up', 'b'));
    await plane.close(session);
    await until(() => phone.rtcp.length > 0);
    const last = phone.rtcp.at(-1) ?? Buffer.alloc(0);
    expect(last.readUInt8(1)).toBe(200);
    expect(last.subarray(-8).readUInt8(1)).toBe(203);
  });

  it('fails a browser leg whose browser never comes', async () => {
    const session = newSessionId();
    const browser = new MediaBrowser();
    open.push(browser);
    await plane.open(session);
    await plane.answer(session, 'a', await browser.offer(), browserLeg);
    await until(() => seen('leg-failed', 'a'));
    expect(events.find((event) => event.type === 'leg-failed')).toMatchObject({ cause: 'ice-failed' });
  });
});
