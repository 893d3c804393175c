import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { SystemClock } from '../../src/base/clock.js';
import { newSessionId, type SessionId } from '../../src/base/ids.js';
import { silentLog } from '../../src/base/log.js';
import { EmbeddedMediaPlane } from '../../src/media/embedded/embedded-media-plane.js';
import { type Digit, type DigitCarriage, type MediaEvent, otherLeg } from '../../src/media/plane.js';
import { eventuallyTrue } from '../support/eventually.js';
import { MediaBrowser } from '../support/fake-media-browser.js';
import { type HeardPacket, MediaPhone } from '../support/fake-media-phone.js';
import { type BuiltWorker, buildMediaWorker } from '../support/fake-media-worker.js';
import { hearTones } from '../support/heard-tones.js';
import { decodeG711 } from '../support/tones.js';

const codecs = ['PCMA', 'PCMU'] as const;
const lengthsMs = [120, 160] as const;
const silence = { levelDbfs: -120 } as const;

/** How a leg carries digits and what its phone can do. */
interface LegPlan {
  readonly carriage: DigitCarriage;
  readonly events: boolean;
}

const plans: readonly LegPlan[] = [
  { carriage: 'events', events: true },
  { carriage: 'tones', events: false },
  { carriage: 'none', events: false },
  { carriage: 'auto', events: true },
  { carriage: 'auto', events: false },
];
const settled = ({ carriage, events }: LegPlan): 'events' | 'tones' | 'none' =>
  carriage === 'auto' ? (events ? 'events' : 'tones') : carriage;
const nameOf = ({ carriage, events }: LegPlan): string => (carriage === 'auto' ? `auto (${events ? 'events' : 'tones'})` : carriage);

/** The audio of these packets where its timestamps put it. */
function byTimestamp(packets: readonly HeardPacket[]): Int16Array {
  const audio = packets.filter(({ payloadType }) => payloadType === 8);
  const begin = audio[0]?.timestamp ?? 0;
  const placed = audio.map(({ timestamp, payload }) => ({ at: (timestamp - begin) | 0, samples: decodeG711(payload, 8) }));
  const sound = new Int16Array(Math.max(0, ...placed.map(({ at, samples }) => at + samples.length)));
  for (const { at, samples } of placed) if (at >= 0) sound.set(samples, at);
  return sound;
}

describe('digits through the embedded media plane, over loopback', () => {
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
    const ports = { browserPorts: { min: 44000, max: 44499 }, trunkPorts: { min: 44500, max: 44999 } };
    const times = { portQuarantineMs: 0, setupTimeoutMs: 10_000, silenceAfterMs: 60_000, learnWindowMs: 1000, learnPackets: 3 };
    plane = new EmbeddedMediaPlane(
      { workers: 1, bindAddress: '127.0.0.1', ...ports, ...times },
      { clock: new SystemClock(), log: silentLog, workerUrl: worker.url },
    );
    plane.onEvent((event) => events.push(event));
    await plane.start();
  });
  afterEach(async () => {
    for (const one of open.splice(0)) await one.close();
    await plane.stop();
  });

  const until = (what: string, condition: () => boolean): Promise<void> =>
    eventuallyTrue(condition, { what, withinMs: 15_000, everyMs: 20, explain: () => JSON.stringify(events) });

  const digitsOf = (session: SessionId, leg: 'a' | 'b') =>
    events.flatMap((event) => (event.type === 'digit' && event.session === session && event.leg === leg ? [event] : []));
  const sentOf = (session: SessionId, leg: 'a' | 'b') =>
    events.flatMap((event) => (event.type === 'digit-sent' && event.session === session && event.leg === leg ? [event] : []));

  interface Pair {
    readonly session: SessionId;
    readonly a: MediaPhone;
    readonly b: MediaPhone;
  }

  /** Two phones that hear each other. */
  async function pair(
    planA: LegPlan,
    planB: LegPlan,
    sound: { readonly toneHz?: number; readonly levelDbfs?: number } = silence,
  ): Promise<Pair> {
    const session = newSessionId();
    const a = await MediaPhone.open({ law: 'PCMU', ...(planA.events ? { eventPayloadType: 97 } : {}), ...sound, ssrc: 0xa });
    const b = await MediaPhone.open({ law: 'PCMA', ...(planB.events ? { eventPayloadType: 101 } : {}), ...sound, ssrc: 0xb });
    open.push(a, b);
    await plane.open(session);
    const toA = await plane.answer(session, 'a', a.sdp(), { kind: 'udp', codecs, learnFrom: [], digits: planA.carriage });
    const toB = await plane.offer(session, 'b', { kind: 'udp', codecs, learnFrom: [], digits: planB.carriage });
    await plane.accept(session, 'b', b.sdp());
    a.talkTo(toA);
    b.talkTo(toB);
    await until('both phones hear each other', () => a.framesHeard > 5 && b.framesHeard > 5);
    return { session, a, b };
  }

  /** What a phone has heard of keys, by event and in its audio. */
  const heardBy = (phone: MediaPhone) => ({
    events: phone.heardDigits.map(({ digit }) => digit).join(''),
    tones: hearTones(phone.heardAudio())
      .map(({ digit }) => digit)
      .join(''),
  });

  /** One direction of a call: who presses what, and who should hear it. */
  interface Way {
    readonly session: SessionId;
    readonly leg: 'a' | 'b';
    readonly from: LegPlan;
    readonly to: LegPlan;
    readonly speaker: MediaPhone;
    readonly listener: MediaPhone;
    /** Not those of the other direction, which would be taken for an echo. */
    readonly keys: readonly [Digit, Digit];
  }

  /** What is right for keys that come and leave so. */
  function expected({ from, to, keys }: Way): { readonly events: string; readonly tones: string } {
    const pressed = keys.join('');
    const tones = settled(from) === 'none' || settled(to) === 'tones';
    if (tones) return { events: '', tones: pressed };
    return { events: settled(to) === 'events' ? pressed : '', tones: '' };
  }

  async function pressAndHear(way: Way): Promise<void> {
    const { session, leg, from, to, speaker, listener, keys } = way;
    const name = `${nameOf(from)} to ${nameOf(to)}, from leg ${leg}`;
    const told = settled(from) === 'none' ? 0 : 2;
    const relayed = settled(to) === 'none' ? 0 : told;
    listener.forgetAudio();
    for (const [n, key] of keys.entries()) {
      if (from.events) speaker.press(key, lengthsMs[n] ?? 0);
      else speaker.pressTone(key, lengthsMs[n] ?? 0);
    }
    await until(`${told} keys are told, ${relayed} have left: ${name}`, () => {
      return digitsOf(session, leg).length >= told && sentOf(session, otherLeg(leg)).length >= relayed;
    });
    const frames = listener.framesHeard;
    await until(`half a second of audio follows: ${name}`, () => listener.framesHeard > frames + 25);
    expect(heardBy(listener), name).toEqual(expected(way));
    checkTold(way, told, relayed);
  }

  function checkTold({ session, leg, from, to, keys }: Way, told: number, relayed: number): void {
    const tells = digitsOf(session, leg);
    const by = settled(from) === 'events' ? 'rfc4733' : 'inband';
    expect(tells.map((event) => [event.digit, event.by, event.relayed])).toEqual(keys.slice(0, told).map((key) => [key, by, relayed > 0]));
    // A stall of this machine cuts a key short, as a gap of the network would; how exact lengths are is tested with a fake time.
    for (const [n, { durationMs }] of tells.entries()) expect(durationMs).toBeLessThanOrEqual((lengthsMs[n] ?? 0) + 12);
    const sent = sentOf(session, otherLeg(leg));
    const as = settled(to) === 'events' ? 'rfc4733' : 'inband';
    expect(sent.map((event) => [event.press, event.as])).toEqual(tells.slice(0, relayed).map(({ press }) => [press, as]));
    for (const { packets } of sent) expect(packets).toBeGreaterThanOrEqual(3);
  }

  it.each(plans.map((planA) => [nameOf(planA), planA] as const))(
    'carries keys between a leg of %s and each other kind, both ways, each once',
    async (_, planA) => {
      await Promise.all(
        plans.map(async (planB) => {
          const { session, a, b } = await pair(planA, planB);
          await Promise.all([
            pressAndHear({ session, leg: 'a', from: planA, to: planB, speaker: a, listener: b, keys: ['5', '#'] }),
            pressAndHear({ session, leg: 'b', from: planB, to: planA, speaker: b, listener: a, keys: ['1', '9'] }),
          ]);
        }),
      );
    },
    60_000,
  );

  it.each(plans.map((plan) => [nameOf(plan), plan] as const))('sends digits that are asked for on a leg of %s', async (_, plan) => {
    const { session, b } = await pair({ carriage: 'none', events: false }, plan);
    const digits = [
      { digit: '5', durationMs: 120 },
      { digit: '#', durationMs: 80, gapMs: 200 },
      { digit: '#', durationMs: 80 },
    ] as const;
    if (settled(plan) === 'none') {
      await expect(plane.sendDigits(session, 'b', digits)).rejects.toMatchObject({ code: 'wrong-state' });
      return;
    }
    b.forgetAudio();
    b.keepPackets();
    const presses = await plane.sendDigits(session, 'b', digits);
    await until('all have left', () => sentOf(session, 'b').length === 3);
    const frames = b.framesHeard;
    await until('audio follows', () => b.framesHeard > frames + 15);
    expect(heardBy(b)).toEqual(settled(plan) === 'events' ? { events: '5##', tones: '' } : { events: '', tones: '5##' });
    expect(sentOf(session, 'b').map((event) => [event.press, event.durationMs])).toEqual(
      presses.map((id, n) => [id, digits[n]?.durationMs]),
    );
    const [, second, third] = hearTones(byTimestamp(b.packets));
    if (second !== undefined && third !== undefined) expect(Math.abs(third.startMs - second.startMs - 280)).toBeLessThanOrEqual(25);
  });

  it('keeps events in the stream of the audio: one source, one count, one clock, and audio in time behind them', async () => {
    const plan: LegPlan = { carriage: 'events', events: true };
    const { session, a, b } = await pair(plan, plan, { toneHz: 440, levelDbfs: -18 });
    b.keepPackets();
    await until('some audio', () => b.packets.length > 10);
    for (const digit of ['1', '2', '2', '3'] as const) a.press(digit, 100);
    await until('all have left', () => sentOf(session, 'b').length === 4);
    const settledAt = b.packets.length;
    await until('audio follows', () => b.packets.length > settledAt + 25);
    const { packets } = b;
    expect(new Set(packets.map(({ ssrc }) => ssrc)).size).toBe(1);
    const first = packets[0]?.sequence ?? 0;
    expect(packets.map(({ sequence }) => (sequence - first) & 0xffff)).toEqual(packets.map((_, n) => n));
    const audio = packets.filter(({ payloadType }) => payloadType === 8);
    const keys = packets.filter(({ payloadType }) => payloadType === 101);
    expect(keys.filter(({ marker }) => marker).length).toBe(4);
    const begin = audio[0]?.timestamp ?? 0;
    const elapsed = (timestamp: number): number => (timestamp - begin) | 0;
    for (const { timestamp } of audio) expect(elapsed(timestamp) % 160, 'the audio never leaves its grid').toBe(0);
    for (const [n, { timestamp }] of audio.entries())
      if (n > 0) expect(elapsed(timestamp), 'and never goes back').toBeGreaterThan(elapsed(audio[n - 1]?.timestamp ?? 0));
    const starts = keys.filter(({ marker }) => marker).map(({ timestamp }) => elapsed(timestamp));
    for (const [n, start] of starts.entries()) {
      const next = starts[n + 1];
      if (next !== undefined) expect(next - start, 'a key of 100 ms and 40 ms of silence').toBeGreaterThanOrEqual(140 * 8);
      const inKey = audio.filter(({ timestamp }) => elapsed(timestamp) > start && elapsed(timestamp) < start + 800);
      expect(inKey, 'no audio beside a key').toEqual([]);
    }
    const wholeMs = (packets.at(-1)?.atMs ?? 0) - (packets[0]?.atMs ?? 0);
    expect(Math.abs(elapsed(audio.at(-1)?.timestamp ?? 0) / 8 - wholeMs), 'the clock runs on under the keys').toBeLessThan(150);
  });

  it('passes a key on at once: the first event leaves within a packet of its coming', async () => {
    const plan: LegPlan = { carriage: 'events', events: true };
    const { session, a, b } = await pair(plan, plan);
    b.keepPackets();
    for (let n = 0; n < 9; n += 1) a.press('7', 60);
    await until('all have left', () => sentOf(session, 'b').length === 9);
    const began = b.packets.filter(({ payloadType, marker }) => payloadType === 101 && marker);
    expect(began.length).toBe(9);
    const delays = began.map(({ atMs }, n) => atMs - (a.pressedAtMs[n] ?? 0)).sort((x, y) => x - y);
    expect(delays[4], `${delays}`).toBeLessThan(20);
  });

  it('lets nothing be heard of the tone of a phone that sends both event and tone', async () => {
    const plan: LegPlan = { carriage: 'events', events: true };
    const { session, a, b } = await pair(plan, plan);
    b.forgetAudio();
    a.soundEvents();
    for (const digit of ['1', '9', 'D'] as const) a.press(digit, 120);
    await until('all have left', () => sentOf(session, 'b').length === 3);
    const frames = b.framesHeard;
    await until('audio follows', () => b.framesHeard > frames + 15);
    expect(heardBy(b)).toEqual({ events: '19D', tones: '' });
    expect(digitsOf(session, 'a').length).toBe(3);
  });

  it('drops the copy in RTP of a key that was asked for, and counts it; one that nobody pressed has none', async () => {
    const plan: LegPlan = { carriage: 'events', events: true };
    const { session, a, b } = await pair(plan, plan);
    await plane.sendDigits(session, 'b', [{ digit: '4', durationMs: 100 }]);
    a.press('4', 100);
    await until('the copy is seen', () => b.heardDigits.length >= 1 && sentOf(session, 'b').length === 1);
    a.press('4', 100);
    await until('the second is no copy', () => digitsOf(session, 'a').length === 1);
    await plane.sendDigits(session, 'b', [{ digit: '8', durationMs: 100, origin: 'api' }]);
    a.press('8', 100);
    await until('both have left', () => sentOf(session, 'b').length === 4);
    expect(b.heardDigits.map(({ digit }) => digit).join('')).toBe('4488');
    expect((await plane.stats(session)).a?.dropped['digit-copy']).toBe(1);
  });

  it('says of digits that wait at the end that they will not leave', async () => {
    const { session } = await pair({ carriage: 'none', events: false }, { carriage: 'events', events: true });
    const presses = await plane.sendDigits(session, 'b', [
      { digit: '1', durationMs: 6000 },
      { digit: '2', durationMs: 60 },
    ]);
    await plane.close(session);
    expect(events.filter(({ type }) => type === 'digit-unsent')).toEqual(
      presses.map((id) => ({ type: 'digit-unsent', session, leg: 'b', press: id, why: 'closed' })),
    );
  });

  it('carries keys and text between browsers, and keys between a browser and a phone of tones', async () => {
    const session = newSessionId();
    const caller = new MediaBrowser({ toneHz: 500 });
    const called = new MediaBrowser({ toneHz: 900 });
    open.push(caller, called);
    const channel = caller.peer.createDataChannel('call');
    const texts: string[] = [];
    channel.onMessage.subscribe((data) => texts.push(data.toString()));
    await plane.open(session);
    const options = { kind: 'webrtc', codecs: ['PCMU'] } as const;
    await caller.take(await plane.answer(session, 'a', await caller.offer(), options));
    await plane.accept(session, 'b', await called.answer(await plane.offer(session, 'b', options)));
    await Promise.all([caller.connected(), called.connected()]);
    caller.talk();
    called.talk();
    await until('they hear each other', () => caller.framesHeard > 10 && called.framesHeard > 10);
    await until('the channel is open', () => events.some(({ type }) => type === 'channel-up'));
    expect(events.filter(({ type }) => type === 'channel-up')).toEqual([{ type: 'channel-up', session, leg: 'a' }]);
    expect(await plane.sendMessage(session, 'a', '{"n":1}')).toBe(true);
    expect(await plane.sendMessage(session, 'a', '{"n":"•"}')).toBe(true);
    expect(await plane.sendMessage(session, 'b', '{}')).toBe(false);
    await until('both messages arrive', () => texts.length === 2);
    expect(texts).toEqual(['{"n":1}', '{"n":"•"}']);
    const sentBack = (): unknown[] => events.filter(({ type }) => type === 'channel-text');
    // Too long a text and bytes are passed over; of what comes too fast the first is taken.
    for (const text of ['x'.repeat(1_025), Buffer.from('bytes'), '{"type":"•"}', 'at once']) channel.send(text);
    channel.send('last');
    await until('a text arrives', () => sentBack().length > 0);
    expect(await plane.sendMessage(session, 'a', 'end')).toBe(true);
    await until('the last message arrives', () => texts.length === 3);
    expect(sentBack()).toEqual([{ type: 'channel-text', session, leg: 'a', text: '{"type":"•"}' }]);
    caller.press('1', 100);
    called.press('9', 100);
    await until('both keys arrive', () => called.heardDigits.length === 1 && caller.heardDigits.length === 1);
    expect([called.heardDigits, caller.heardDigits]).toEqual([[{ digit: '1', durationMs: 100 }], [{ digit: '9', durationMs: 100 }]]);

    const phone = await MediaPhone.open({ law: 'PCMA', ...silence });
    open.push(phone);
    const toPhone = await plane.offer(session, 'c', { kind: 'udp', codecs, learnFrom: [], digits: 'auto' });
    await plane.accept(session, 'c', phone.sdp());
    phone.talkTo(toPhone);
    caller.hush();
    await plane.replace(session, 'b');
    await until('the phone is up', () => events.some((event) => event.type === 'leg-up' && event.leg !== 'a'));
    caller.talk();
    caller.press('6', 120);
    phone.pressTone('2', 120);
    await until('both keys arrive', () => sentOf(session, 'b').length === 2 && caller.heardDigits.length === 2);
    expect(caller.heardDigits[1]).toMatchObject({ digit: '2' });
    expect(hearTones(phone.heardAudio()).map(({ digit }) => digit)).toContain('6');
    channel.close();
    await eventuallyTrue(async () => !(await plane.sendMessage(session, 'a', '{}')), {
      what: 'a closed channel takes nothing',
      withinMs: 5000,
    });
  });
});
