import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { SystemClock } from '../../src/base/clock.js';
import { newSessionId } from '../../src/base/ids.js';
import { silentLog } from '../../src/base/log.js';
import { EmbeddedMediaPlane } from '../../src/media/embedded/embedded-media-plane.js';
import type { MediaEvent, UdpLegOptions, WebRtcLegOptions } from '../../src/media/plane.js';
import { Chromium } from '../support/chromium.js';
import { eventuallyTrue } from '../support/eventually.js';
import { MediaPhone } from '../support/fake-media-phone.js';
import { type BuiltWorker, buildMediaWorker } from '../support/fake-media-worker.js';
import { hearTones } from '../support/heard-tones.js';
import { PageServer } from '../support/page-server.js';

const browserLeg: WebRtcLegOptions = { kind: 'webrtc', codecs: ['PCMU', 'PCMA'] };
const trunkLeg: UdpLegOptions = { kind: 'udp', codecs: ['PCMA', 'PCMU'], learnFrom: [] };

/** What the scripts leave in the page. */
interface CallPage {
  connection: RTCPeerConnection;
  channel?: RTCDataChannel;
  messages?: string[];
  analyser?: AnalyserNode;
  rateHz?: number;
}

async function makeConnection(withChannel: boolean): Promise<void> {
  const page = window as unknown as CallPage;
  page.connection = new RTCPeerConnection();
  page.connection.ontrack = ({ track }) => {
    const context = new AudioContext();
    page.analyser = context.createAnalyser();
    page.analyser.fftSize = 32_768;
    page.rateHz = context.sampleRate;
    // Chromium feeds Web Audio from a remote track only while an element plays it.
    const element = new Audio();
    element.srcObject = new MediaStream([track]);
    void element.play();
    context.createMediaStreamSource(new MediaStream([track])).connect(page.analyser);
  };
  const stream = await navigator.mediaDevices.getUserMedia({
    audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: false },
  });
  for (const track of stream.getTracks()) page.connection.addTrack(track, stream);
  if (withChannel) {
    // Another one of the page's own, which is nobody's business.
    page.connection.createDataChannel('events');
    page.channel = page.connection.createDataChannel('call');
    const messages: string[] = [];
    page.messages = messages;
    page.channel.onmessage = ({ data }) => messages.push(String(data));
  }
}

async function makeOffer(): Promise<string> {
  const { connection } = window as unknown as CallPage;
  await connection.setLocalDescription();
  await new Promise<void>((resolve) => {
    if (connection.iceGatheringState === 'complete') resolve();
    else connection.onicegatheringstatechange = () => connection.iceGatheringState === 'complete' && resolve();
  });
  return connection.localDescription?.sdp ?? '';
}

async function takeAnswer(sdp: string): Promise<number> {
  const { connection } = window as unknown as CallPage;
  const startedAtMs = performance.now();
  await connection.setRemoteDescription({ type: 'answer', sdp });
  await new Promise<void>((resolve) => {
    if (connection.connectionState === 'connected') resolve();
    else connection.onconnectionstatechange = () => connection.connectionState === 'connected' && resolve();
  });
  return performance.now() - startedAtMs;
}

async function answerOffer(sdp: string): Promise<string> {
  const { connection } = window as unknown as CallPage;
  await connection.setRemoteDescription({ type: 'offer', sdp });
  await connection.setLocalDescription();
  return connection.localDescription?.sdp ?? '';
}

/** Strongest tone in what the page hears. */
function hearTone(): { readonly frequencyHz: number; readonly levelDb: number } | undefined {
  const { analyser, rateHz = 48_000 } = window as unknown as CallPage;
  if (analyser === undefined) return undefined;
  const bins = new Float32Array(analyser.frequencyBinCount);
  analyser.getFloatFrequencyData(bins);
  let best = 0;
  for (let bin = 1; bin < bins.length; bin += 1) if ((bins[bin] ?? -200) > (bins[best] ?? -200)) best = bin;
  return { frequencyHz: (best * rateHz) / analyser.fftSize, levelDb: bins[best] ?? -200 };
}

describe('the embedded media plane with Chromium', () => {
  let worker: BuiltWorker;
  let chromium: Chromium;
  let server: PageServer;
  let plane: EmbeddedMediaPlane;
  let page: Page;
  let phone: MediaPhone;
  let events: MediaEvent[];

  beforeAll(async () => {
    [worker, chromium, server] = await Promise.all([
      buildMediaWorker(),
      Chromium.start({ toneHz: 1000, levelDb: -12 }),
      PageServer.start(),
    ]);
  });
  afterAll(async () => {
    await chromium.dispose();
    await server.dispose();
    worker.remove();
  });

  beforeEach(async () => {
    events = [];
    const media = {
      workers: 1,
      bindAddress: '127.0.0.1',
      browserPorts: { min: 44000, max: 44999 },
      trunkPorts: { min: 45000, max: 45999 },
    };
    const times = { portQuarantineMs: 1000, setupTimeoutMs: 8000, silenceAfterMs: 3000, learnWindowMs: 1000, learnPackets: 3 };
    plane = new EmbeddedMediaPlane({ ...media, ...times }, { clock: new SystemClock(), log: silentLog, workerUrl: worker.url });
    plane.onEvent((event) => events.push(event));
    await plane.start();
    phone = await MediaPhone.open({ law: 'PCMA', eventPayloadType: 101, toneHz: 440, levelDbfs: -12 });
    page = await chromium.newPage();
    await page.goto(server.origin);
  });
  afterEach(async () => {
    await page.close();
    await phone.close();
    await plane.stop();
  });

  const until = (condition: () => boolean | Promise<boolean>): Promise<void> =>
    eventuallyTrue(condition, { what: condition.toString(), withinMs: 10_000, everyMs: 50, explain: () => JSON.stringify(events) });
  const seen = (type: MediaEvent['type'], leg: string): boolean =>
    events.some((event) => event.type === type && 'leg' in event && event.leg === leg);

  async function callTheTrunk(withChannel = false, leg = trunkLeg) {
    const session = newSessionId();
    await plane.open(session);
    await page.evaluate(makeConnection, withChannel);
    const answer = await plane.answer(session, 'a', await page.evaluate(makeOffer), browserLeg);
    const trunkSdp = await plane.offer(session, 'b', leg);
    await plane.accept(session, 'b', phone.sdp());
    phone.talkTo(trunkSdp);
    const connectMs = await page.evaluate(takeAnswer, answer);
    return { session, answer, connectMs };
  }

  it('connects, and carries a tone each way', async () => {
    const { session, connectMs } = await callTheTrunk();
    await until(() => phone.framesHeard > 60);
    await until(async () => ((await page.evaluate(hearTone))?.levelDb ?? -200) > -40);
    expect(phone.hearTone(25).frequencyHz).toBeCloseTo(1000, -1);
    await until(async () => Math.abs(((await page.evaluate(hearTone))?.frequencyHz ?? 0) - 440) < 5);
    expect(connectMs).toBeLessThan(1000);
    const stats = await plane.close(session);
    expect(stats?.a?.dropped['srtp'] ?? 0).toBe(0);
    expect(stats?.a?.packetsReceived).toBeGreaterThan(50);
    expect(await plane.liveObjects()).toEqual({ media_session: 0, media_socket: 0, media_timer: 0, media_port: 0, media_worker: 1 });
  });

  it('brings every digit of insertDTMF to the trunk, once and at its length', async () => {
    await callTheTrunk();
    await until(() => phone.framesHeard > 10);
    await page.evaluate(() => {
      const { connection } = window as unknown as CallPage;
      connection.getSenders()[0]?.dtmf?.insertDTMF('0123456789*#ABCD', 100, 70);
    });
    await until(() => phone.heardDigits.length >= 16);
    expect(phone.heardDigits.map(({ digit }) => digit).join('')).toBe('0123456789*#ABCD');
    for (const { durationMs } of phone.heardDigits) expect(Math.abs(durationMs - 100)).toBeLessThanOrEqual(20);
  });

  it('makes a tone of every digit of insertDTMF for a trunk of tones', async () => {
    await callTheTrunk(false, { ...trunkLeg, digits: 'tones' });
    await until(() => phone.framesHeard > 10);
    await page.evaluate(() => {
      const { connection } = window as unknown as CallPage;
      connection.getSenders()[0]?.dtmf?.insertDTMF('0123456789*#ABCD', 100, 70);
    });
    const lengths = () => events.flatMap((event) => (event.type === 'digit-sent' && event.as === 'inband' ? [event.durationMs] : []));
    await until(() => lengths().length === 16);
    const frames = phone.framesHeard;
    await until(() => phone.framesHeard > frames + 10);
    expect(
      hearTones(phone.heardAudio())
        .map(({ digit }) => digit)
        .join(''),
    ).toBe('0123456789*#ABCD');
    const median = lengths().sort((x, y) => x - y)[8] ?? 0;
    expect(Math.abs(median - 100), 'a stall of this machine may lengthen some').toBeLessThanOrEqual(20);
    expect(phone.heardDigits).toEqual([]);
  });

  it('opens the data channels that the page asks for, and sends text on the one for calls', async () => {
    const { answer, session } = await callTheTrunk(true);
    expect(answer).toMatch(/m=application [1-9]/);
    await until(() => page.evaluate(() => (window as unknown as CallPage).channel?.readyState === 'open'));
    const texts = Array.from({ length: 50 }, (_, id) => JSON.stringify({ type: 'dtmf', id, digit: '5', durationMs: 160 }));
    for (const text of texts) expect(await plane.sendMessage(session, 'a', text)).toBe(true);
    await until(() => page.evaluate(() => (window as unknown as CallPage).messages?.length === 50));
    expect(await page.evaluate(() => (window as unknown as CallPage).messages)).toEqual(texts);
    await page.evaluate(() => (window as unknown as CallPage).channel?.close());
    await until(async () => !(await plane.sendMessage(session, 'a', 'late')));
  });

  it('calls a page, and hears it', async () => {
    const session = newSessionId();
    await plane.open(session);
    await page.evaluate(makeConnection, false);
    const trunkSdp = await plane.answer(session, 'a', phone.sdp(), trunkLeg);
    await plane.accept(session, 'b', await page.evaluate(answerOffer, await plane.offer(session, 'b', browserLeg)));
    phone.talkTo(trunkSdp);
    await until(() => seen('leg-up', 'b') && phone.framesHeard > 60);
    expect(phone.hearTone(25).frequencyHz).toBeCloseTo(1000, -1);
    await until(async () => Math.abs(((await page.evaluate(hearTone))?.frequencyHz ?? 0) - 440) < 5);
  });

  it('notices at once that the page has closed its connection', async () => {
    await callTheTrunk();
    await until(() => seen('leg-up', 'a'));
    await page.evaluate(() => (window as unknown as CallPage).connection.close());
    await until(() => seen('leg-gone', 'a'));
  });

  it('keeps the call through a re-offer with an ICE restart', async () => {
    const { session } = await callTheTrunk();
    await until(() => phone.framesHeard > 10);
    await page.evaluate(() => (window as unknown as CallPage).connection.restartIce());
    const again = await plane.answer(session, 'a', await page.evaluate(makeOffer), browserLeg);
    await page.evaluate(takeAnswer, again);
    const before = phone.framesHeard;
    await until(() => phone.framesHeard > before + 50);
    await until(() =>
      page.evaluate(() => ['connected', 'completed'].includes((window as unknown as CallPage).connection.iceConnectionState)),
    );
    expect(phone.hearTone(25).frequencyHz).toBeCloseTo(1000, -1);
    expect(seen('leg-failed', 'a') || seen('leg-gone', 'a')).toBe(false);
  });
});
