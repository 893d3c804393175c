import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { CallStage, phoneNumber } from '../support/call-stage.js';
import { eventually, listenFor } from '../support/eventually.js';
import { keyPressPackets, speechPackets, writePcap } from '../support/pcap.js';
import { describeWithPeers } from '../support/peers.js';
import { type MeasuredTone, strongestTone, tone } from '../support/tones.js';
import { audioOf, type CapturedRtp, keysOf } from '../support/tshark.js';

const microphoneHz = 620;
const phoneHz = 1_130;
const levelDb = -14;
const keyboard = '0123456789*#ABCD';
const shippedKeys = '/usr/share/sip-tester/dtmf_2833_';

function expectTone(heard: MeasuredTone, frequencyHz: number): void {
  expect(Math.abs(heard.frequencyHz - frequencyHz), `${heard.frequencyHz} Hz heard, ${frequencyHz} Hz played`).toBeLessThanOrEqual(2);
  expect(Math.abs(heard.levelDb - levelDb), `${heard.levelDb} dB heard, ${levelDb} dB played`).toBeLessThanOrEqual(2);
  expect(heard.purity).toBeGreaterThan(0.9);
}

/** One source, each packet 20 ms of audio after the one before: what a telephone's jitter buffer wants. */
function expectSmoothStream(packets: readonly CapturedRtp[]): void {
  const audio = packets.filter((packet) => packet.event === undefined);
  expect(new Set(audio.map((packet) => packet.ssrc)).size).toBe(1);
  const steps = audio.slice(1).map((packet, index) => (packet.timestamp - (audio[index]?.timestamp ?? 0)) >>> 0);
  expect(steps.filter((step) => step === 160).length).toBeGreaterThan(0.95 * steps.length);
}

describeWithPeers('A browser calls a telephone (SIPp)', ['chromium', 'sipp', 'tshark', 'dumpcap'], () => {
  let stage: CallStage;
  beforeAll(async () => {
    stage = await CallStage.set({ toneHz: microphoneHz, levelDb });
    writePcap(stage.files.file('speech.pcap'), speechPackets(tone({ frequencyHz: phoneHz, seconds: 20, levelDb }), 0x1eaf));
  });
  afterEach(() => stage.clear());
  afterAll(() => stage?.dispose('wholly'));

  it('and each hears the other at the right pitch and loudness, until the page hangs up', async () => {
    const capture = await stage.capture('both-ways');
    const phone = await stage.phone('uas-answers', { pcap: stage.files.file('speech.pcap') });
    const page = await stage.callUntil('connected');
    expectTone(await page.waitForTone(phoneHz, 10_000, () => stage.gateway.log.slice(-3_000)), phoneHz);
    await listenFor(2_500);
    expect((await stage.gateway.calls()).length).toBe(1);
    await page.hangUp();
    await phone.finished(10_000);
    await capture.stop();

    const packets = stage.toPhone(capture);
    expectTone(strongestTone(audioOf(packets)), microphoneHz);
    expectSmoothStream(packets);
    expect(await page.states()).toEqual(['microphone', 'dialling', 'ringing', 'connected', 'ended']);
    expect(await page.errorCode()).toBeUndefined();
    expect(phone.receivedMethods()).toEqual(['INVITE', 'ACK', 'BYE']);
    expect(phone.messages()).toContain(`INVITE sip:${phoneNumber}@127.0.0.1:${stage.trunkPort}`);
    expect(await stage.cdr()).toMatchObject({
      direction: 'browser-to-trunk',
      to: phoneNumber,
      trunk: 'carrier',
      origin: stage.site.origin,
      disposition: 'completed',
      endedBy: 'caller',
      q850: 16,
      mediaB: { codec: 'PCMU' },
    });
  });

  it('and hears the network before the phone is picked up', async () => {
    const phone = await stage.phone('uas-early-media', { pcap: stage.files.file('speech.pcap') });
    const page = await stage.callUntil('early-media');
    expectTone(await page.waitForTone(phoneHz, 3_000, () => stage.gateway.log.slice(-3_000)), phoneHz);
    expect(await page.states()).not.toContain('connected');
    await page.waitForState('connected', 8_000);
    await page.hangUp();
    await phone.finished(10_000);
    expect(await stage.cdr()).toMatchObject({ disposition: 'completed' });
  });

  it('and every key of insertDTMF arrives exactly once, 100 ms long, ended by three packets 20 ms apart', async () => {
    const capture = await stage.capture('keys');
    const phone = await stage.phone('uas-answers');
    const page = await stage.callUntil('connected');
    await page.insertDtmf(keyboard, 100, 70);
    // The last end packets follow the browser's own event by up to a few packet times.
    await listenFor(300);
    await page.hangUp();
    await phone.finished(10_000);
    await capture.stop();

    const packets = stage.toPhone(capture);
    const keys = keysOf(packets);
    expect(keys.map((key) => key.digit).join('')).toBe(keyboard);
    for (const { digit, duration, endPackets, packets: own } of keys) {
      expect(duration, `duration of ${digit}`).toBeGreaterThanOrEqual(720);
      expect(duration, `duration of ${digit}`).toBeLessThanOrEqual(960);
      expect(endPackets.length, `end packets of ${digit}`).toBe(3);
      expect(new Set(endPackets.map((packet) => packet.event?.duration)).size, `end durations of ${digit}`).toBe(1);
      expect(own.filter((packet) => packet.marker).length, `markers of ${digit}`).toBe(1);
      expect(own[0]?.marker, `first packet of ${digit}`).toBe(true);
      const gapsMs = endPackets.slice(1).map((packet, index) => packet.atMs - (endPackets[index]?.atMs ?? 0));
      for (const gapMs of gapsMs) {
        expect(gapMs, `gap between end packets of ${digit}`).toBeGreaterThan(8);
        expect(gapMs, `gap between end packets of ${digit}`).toBeLessThan(60);
      }
    }
    expect(new Set(packets.map((packet) => packet.ssrc)).size, 'events and audio share one source').toBe(1);
    expect(await stage.cdr()).toMatchObject({ digits: { fromBrowser: keyboard.length, lost: 0 } });
  });

  it('and sendDigits of the button does the same', async () => {
    const capture = await stage.capture('button-keys');
    const phone = await stage.phone('uas-answers');
    const page = await stage.callUntil('connected');
    await page.page.evaluate(() =>
      document.querySelector<HTMLElement & { sendDigits(digits: string): boolean }>('call-button')?.sendDigits('11#'),
    );
    await eventually(async () => ((await page.events()).filter((event) => event.type === 'dtmf-sent').length === 3 ? true : undefined), {
      what: 'the button says that three digits are sent',
      withinMs: 8_000,
    });
    await listenFor(300);
    await page.hangUp();
    await phone.finished(10_000);
    await capture.stop();
    expect(
      keysOf(stage.toPhone(capture))
        .map((key) => key.digit)
        .join(''),
    ).toBe('11#');
  });

  /** Scenario steps that play the files one after another. */
  const presses = (files: readonly string[], pauseMs: number): Record<string, string> => ({
    keys: files
      .map((file) => `<nop><action><exec play_pcap_audio="${file}" /></action></nop>\n<pause milliseconds="${pauseMs}" />\n`)
      .join(''),
  });

  it.each([
    // The recordings keep the clock and sequence of the device they were made with. "0" is from
    // another run of it than the rest, so it gets a call of its own; the rest is in its own order.
    ['123456789*#', ['1', '2', '3', '4', '5', '6', '7', '8', '9', 'star', 'pound']],
    ['0', ['0']],
  ])('and the keys %s of SIPp’s own recordings arrive in the page exactly', async (digits, names) => {
    const phone = await stage.phone(
      'uas-presses-keys',
      presses(
        names.map((name) => `${shippedKeys}${name}.pcap`),
        350,
      ),
    );
    const page = await stage.callUntil('connected');
    await eventually(async () => ((await page.digits()).length >= digits.length ? true : undefined), {
      what: `the page got ${digits.length} digits`,
      withinMs: 500 + digits.length * 350 + 5_000,
      explain: () => stage.gateway.log.slice(-3_000),
    });
    await listenFor(500);
    expect(await page.digits()).toBe(digits);
    await page.hangUp();
    await phone.finished(10_000);
    expect(await stage.cdr()).toMatchObject({ digits: { fromTrunk: digits.length, fromBrowser: 0, lost: 0 } });
  });

  it('and all sixteen keys of the phone arrive in the page, with their lengths', async () => {
    writePcap(stage.files.file('keys.pcap'), keyPressPackets(keyboard, { payloadType: 101, ssrc: 0x2e7, toneMs: 120, gapMs: 60 }));
    const phone = await stage.phone('uas-presses-keys', presses([stage.files.file('keys.pcap')], 2_900));
    const page = await stage.callUntil('connected');
    await eventually(async () => ((await page.digits()).length >= keyboard.length ? true : undefined), {
      what: 'the page got sixteen digits',
      withinMs: 10_000,
      explain: () => stage.gateway.log.slice(-3_000),
    });
    await listenFor(500);
    expect(await page.digits()).toBe(keyboard);
    const lengthsMs = (await page.events()).filter((event) => event.type === 'dtmf').map((event) => Number(event.detail['durationMs']));
    expect(
      lengthsMs.every((ms) => ms === 120),
      `lengths ${lengthsMs.join(' ')}`,
    ).toBe(true);
    await page.hangUp();
    await phone.finished(10_000);
  });
});

describeWithPeers('A browser calls a telephone over TCP (SIPp)', ['chromium', 'sipp', 'tshark', 'dumpcap'], () => {
  let stage: CallStage;
  beforeAll(async () => {
    stage = await CallStage.set({ toneHz: microphoneHz, levelDb }, {}, { transport: 'tcp', codecs: ['PCMA', 'PCMU'] });
    writePcap(stage.files.file('speech.pcap'), speechPackets(tone({ frequencyHz: phoneHz, seconds: 20, levelDb }), 0x1eaf));
  });
  afterEach(() => stage.clear());
  afterAll(() => stage?.dispose('wholly'));

  it('and each hears the other', async () => {
    const capture = await stage.capture('tcp');
    const phone = await stage.phone('uas-answers', { pcap: stage.files.file('speech.pcap') }, { transport: 't1' });
    const page = await stage.callUntil('connected');
    expectTone(await page.waitForTone(phoneHz, 10_000, () => stage.gateway.log.slice(-3_000)), phoneHz);
    await listenFor(2_500);
    await page.hangUp();
    await phone.finished(10_000);
    await capture.stop();
    expectTone(strongestTone(audioOf(stage.toPhone(capture))), microphoneHz);
    expect(phone.receivedMethods()).toEqual(['INVITE', 'ACK', 'BYE']);
  });
});
