import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { CallStage } from '../support/call-stage.js';
import { Coturn } from '../support/coturn.js';
import { listenFor } from '../support/eventually.js';
import { Firefox, ownAddress } from '../support/firefox.js';
import { freePort, freePortRun } from '../support/free-ports.js';
import { speechPackets, writePcap } from '../support/pcap.js';
import { describeWithPeers } from '../support/peers.js';
import { narrowTo, pathOf, relayOnly } from '../support/relayed-page.js';
import { strongestTone, tone } from '../support/tones.js';
import { audioOf } from '../support/tshark.js';

const microphoneHz = 620;
const phoneHz = 1_130;
const levelDb = -14;
const secret = 'shared by gateway and coturn';

// Firefox takes no media from 127.0.0.1; without another address of this machine there is nothing to test it on.
const mediaAddress = ownAddress();

describeWithPeers(
  'Firefox calls through a relay',
  ['firefox-esr', 'sipp', 'tshark', 'dumpcap', 'turnserver'],
  () => {
    let stage: CallStage;
    let coturn: Coturn;
    let urls: Readonly<Record<'coturn' | 'the embedded server', string>>;
    beforeAll(async () => {
      const address = mediaAddress ?? '';
      coturn = await Coturn.start({ secret, address });
      const [port, relays] = [await freePort(), await freePortRun(20)];
      // Media is at every address of the machine and told as one of them: relays reach it within the machine.
      const embedded = { listen: [`tcp:0.0.0.0:${port}`], relayPorts: { min: relays, max: relays + 19 } };
      urls = { coturn: coturn.url('tcp'), 'the embedded server': `turn:${address}:${port}?transport=tcp` };
      const turn = { urls: Object.values(urls), secret: { env: 'TURN_SECRET' }, embedded };
      stage = await CallStage.set(
        { toneHz: microphoneHz },
        { mediaAddress: address, media: { turn }, env: { TURN_SECRET: secret } },
        { transport: 'tcp', mediaAllow: ['127.0.0.0/8', `${address}/32`] },
        Firefox.start,
      );
      writePcap(stage.files.file('speech.pcap'), speechPackets(tone({ frequencyHz: phoneHz, seconds: 20, levelDb }), 0x1eaf));
    }, 60_000);
    afterEach(() => stage.clear());
    afterAll(async () => {
      await stage?.dispose();
      await coturn?.dispose();
    });

    const explain = (): string => `${stage.gateway.log.slice(-2_000)}\n${coturn.log.slice(-3_000)}`;

    it.each(['coturn', 'the embedded server'] as const)('of %s, over TCP, and each hears the other', async (server) => {
      const capture = await stage.capture(server.replaceAll(' ', '-'));
      const phone = await stage.phone('uas-answers', { pcap: stage.files.file('speech.pcap') }, { transport: 't1' });
      const page = await stage.page();
      await narrowTo(page.page, urls[server]);
      await relayOnly(page.page);
      await page.call();
      await page.waitForState('connected', 20_000, explain);
      expect(await pathOf(page.page, 'relay')).toEqual({ type: 'relay', relayProtocol: 'tcp' });
      const heard = await page.waitForTone(phoneHz, 10_000, explain);
      expect(Math.abs(heard.levelDb - levelDb), `${heard.levelDb} dB heard in the page`).toBeLessThanOrEqual(2);
      await listenFor(600);
      await page.hangUp();
      await phone.finished(10_000);
      await capture.stop();
      const atPhone = strongestTone(audioOf(stage.toPhone(capture)));
      expect(Math.abs(atPhone.frequencyHz - microphoneHz), `${atPhone.frequencyHz} Hz heard at the phone`).toBeLessThanOrEqual(2);
      expect(atPhone.purity).toBeGreaterThan(0.9);
      expect(page.faults).toEqual([]);
      expect(await stage.cdr()).toMatchObject({ disposition: 'completed', endedBy: 'caller' });
    });
  },
  mediaAddress === undefined ? 'this machine has no address beside loopback' : undefined,
);
