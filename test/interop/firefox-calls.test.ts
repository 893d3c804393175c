import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { Baresip } from '../support/baresip.js';
import { CallStage, phoneNumber } from '../support/call-stage.js';
import { eventually, eventuallyTrue, listenFor } from '../support/eventually.js';
import { Firefox, ownAddress } from '../support/firefox.js';
import { freePort } from '../support/free-ports.js';
import { CallPage } from '../support/page.js';
import { speechPackets, writePcap } from '../support/pcap.js';
import { describeWithPeers } from '../support/peers.js';
import { Sipp } from '../support/sipp.js';
import { strongestTone, tone } from '../support/tones.js';
import { audioOf, keysOf } from '../support/tshark.js';

const microphoneHz = 620;
const phoneHz = 1_130;
const levelDb = -14;
const keyboard = '0123456789*#ABCD';

// Firefox takes no media from 127.0.0.1; without another address of this machine there is nothing to test it on.
const mediaAddress = ownAddress();

describeWithPeers(
  'Firefox calls a telephone',
  ['firefox-esr', 'sipp', 'baresip', 'tshark', 'dumpcap'],
  () => {
    let stage: CallStage;
    beforeAll(async () => {
      stage = await CallStage.set(
        { toneHz: microphoneHz },
        { mediaAddress: mediaAddress ?? '', config: { users: [{ name: 'alice' }], inbound: [{ number: '*', to: { user: 'alice' } }] } },
        { mediaAllow: ['127.0.0.0/8', `${mediaAddress}/32`] },
        Firefox.start,
      );
      writePcap(stage.files.file('speech.pcap'), speechPackets(tone({ frequencyHz: phoneHz, seconds: 20, levelDb }), 0x1eaf));
    }, 60_000);
    afterEach(() => stage.clear());
    afterAll(() => stage?.dispose('wholly'));

    const log = (): string => stage.gateway.log.slice(-3_000);

    it('and each hears the other, until the page hangs up', async () => {
      const capture = await stage.capture('both-ways');
      const phone = await stage.phone('uas-answers', { pcap: stage.files.file('speech.pcap') });
      const page = await stage.callUntil('connected', 15_000);
      const heard = await page.waitForTone(phoneHz, 10_000, log);
      expect(Math.abs(heard.levelDb - levelDb), `${heard.levelDb} dB heard in the page`).toBeLessThanOrEqual(2);
      await listenFor(2_000);
      await page.hangUp();
      await phone.finished(10_000);
      await capture.stop();
      const atPhone = strongestTone(audioOf(stage.toPhone(capture)));
      expect(Math.abs(atPhone.frequencyHz - microphoneHz), `${atPhone.frequencyHz} Hz heard at the phone`).toBeLessThanOrEqual(2);
      expect(atPhone.purity).toBeGreaterThan(0.9);
      expect(page.faults).toEqual([]);
      expect(await stage.cdr()).toMatchObject({ disposition: 'completed', endedBy: 'caller', q850: 16 });
    });

    it('and every key of insertDTMF arrives exactly once, 100 ms long, ended by three packets', async () => {
      const capture = await stage.capture('keys');
      const phone = await stage.phone('uas-answers');
      const page = await stage.callUntil('connected', 15_000);
      await page.insertDtmf(keyboard, 100, 70);
      await listenFor(300);
      await page.hangUp();
      await phone.finished(10_000);
      await capture.stop();
      const keys = keysOf(stage.toPhone(capture));
      expect(keys.map((key) => key.digit).join('')).toBe(keyboard);
      for (const { digit, duration, endPackets, packets } of keys) {
        expect(duration, `duration of ${digit}`).toBeGreaterThanOrEqual(720);
        expect(duration, `duration of ${digit}`).toBeLessThanOrEqual(960);
        expect(endPackets.length, `end packets of ${digit}`).toBe(3);
        expect(packets.filter((packet) => packet.marker).length, `markers of ${digit}`).toBe(1);
      }
      expect(await stage.cdr()).toMatchObject({ digits: { fromBrowser: keyboard.length, lost: 0 } });
    });

    it('and the keypad of the button presses keys, one after another, and hears what became of each', async () => {
      const capture = await stage.capture('button-keys');
      const phone = await stage.phone('uas-answers');
      const page = await stage.callUntil('connected', 15_000);
      await page.page.evaluate(() =>
        document.querySelector<HTMLElement & { sendDigits(digits: string): boolean }>('call-button')?.sendDigits('11w 42#'),
      );
      await eventually(
        async () => {
          const receipts = (await page.events()).filter((event) => event.type === 'dtmf-receipt' && event.detail['state'] === 'sent');
          return receipts.map((event) => event.detail['digit']).join('') === '1142#' ? true : undefined;
        },
        { what: 'the page is told that five digits were sent', withinMs: 10_000, explain: () => stage.gateway.log.slice(-2_000) },
      );
      await listenFor(300);
      await page.hangUp();
      await phone.finished(10_000);
      await capture.stop();
      const digits = keysOf(stage.toPhone(capture)).map((key) => key.digit);
      expect(digits.join('')).toBe('1142#');
    });

    it('and a phone program is heard, holds its keys against the page, and hangs up', async () => {
      const phone = stage.keep(await Baresip.start({ number: phoneNumber, port: stage.trunkPort, toneHz: phoneHz, levelDb }));
      const page = await stage.callUntil('connected', 15_000);
      await page.waitForTone(phoneHz, 10_000, log);
      phone.press('19*#');
      await eventually(async () => ((await page.digits()) === '19*#' ? true : undefined), {
        what: 'the page is told of four keys, each once',
        withinMs: 5_000,
        explain: () => phone.log.slice(-2_000),
      });
      phone.hangUp();
      await page.waitForState('ended', 5_000);
      expect(await page.digits()).toBe('19*#');
      expect(await stage.cdr()).toMatchObject({ disposition: 'completed', endedBy: 'callee' });
    });

    it('and is called by one, holds it, takes it back, and hears that it hung up', async () => {
      const capture = await stage.capture('called');
      const button = { gateway: stage.gateway.webSocket, to: phoneNumber, user: 'alice' };
      const page = await CallPage.open(stage.browser, { url: stage.site.origin, button });
      stage.keep(Object.assign(page, { dispose: () => page.close() }));
      await eventuallyTrue(async () => (await stage.gateway.live())['registration'] === 1, {
        what: 'the page is registered',
        withinMs: 5_000,
        explain: log,
      });
      const caller = stage.keep(
        await Sipp.start({
          scenario: 'uac-is-held',
          port: await freePort(),
          mediaPort: stage.phoneMedia,
          remote: `127.0.0.1:${stage.gateway.sipPort}`,
          fill: { number: '442079460001', seen: 'sendonly', answer: 'recvonly' },
        }),
      );
      await page.waitForState('incoming', 5_000, log);
      await page.ask('answer');
      await page.waitForState('connected', 10_000, log);
      await listenFor(2_500);
      await page.ask('hold', true);
      await eventuallyTrue(async () => /hold/.test(await page.statusText()), { what: 'the page says so', withinMs: 5_000, explain: log });
      await page.ask('hold', false);
      await caller.finished(10_000);
      await page.waitForState('ended', 3_000, log);
      await capture.stop();
      const atPhone = strongestTone(audioOf(stage.toPhone(capture)));
      expect(Math.abs(atPhone.frequencyHz - microphoneHz), `${atPhone.frequencyHz} Hz heard at the phone`).toBeLessThanOrEqual(2);
      expect(await stage.cdr()).toMatchObject({ direction: 'trunk-to-browser', disposition: 'completed', endedBy: 'caller' });
    });
  },
  mediaAddress === undefined ? 'this machine has no address beside loopback' : undefined,
);
