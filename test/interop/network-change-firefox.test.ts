import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { Baresip } from '../support/baresip.js';
import { CallStage, phoneNumber } from '../support/call-stage.js';
import { CuttablePath } from '../support/cuttable-path.js';
import { eventually, eventuallyTrue } from '../support/eventually.js';
import { Firefox, ownAddress } from '../support/firefox.js';
import { CallPage } from '../support/page.js';
import { describeWithPeers } from '../support/peers.js';
import { strongestTone } from '../support/tones.js';

const microphoneHz = 640;
const phoneHz = 1_310;
const levelDb = -14;

// Firefox takes no media from 127.0.0.1; without another address of this machine there is nothing to test it on.
const mediaAddress = ownAddress();

describeWithPeers(
  'A page in Firefox that talks and is told of another network',
  ['firefox-esr', 'baresip'],
  () => {
    let stage: CallStage;
    beforeAll(async () => {
      stage = await CallStage.set(
        { toneHz: microphoneHz },
        { mediaAddress: mediaAddress ?? '' },
        { mediaAllow: ['127.0.0.0/8', `${mediaAddress}/32`] },
        Firefox.start,
      );
    }, 60_000);
    afterEach(() => stage.clear());
    afterAll(() => stage?.dispose());

    it('makes connection and path anew, and is heard and hears over them', async () => {
      const log = (): string => stage.gateway.log.slice(-4_000);
      const phone = stage.keep(await Baresip.start({ number: phoneNumber, port: stage.trunkPort, toneHz: phoneHz, levelDb }));
      const path = stage.keep(await CuttablePath.start({ host: '127.0.0.1', port: stage.gateway.httpPort }));
      const button = { gateway: `ws://127.0.0.1:${path.port}/sip`, to: phoneNumber };
      const page = await CallPage.open(stage.browser, { url: stage.site.origin, button });
      stage.keep(Object.assign(page, { dispose: () => page.close() }));
      await page.call();
      await page.waitForState('connected', 15_000, log);
      await page.waitForTone(phoneHz, 10_000, log);
      const fragment = (): Promise<string> =>
        page.page.evaluate(() => {
          const connections = (window as unknown as { __connections: RTCPeerConnection[] }).__connections;
          return /a=ice-ufrag:(\S+)/.exec(connections.at(-1)?.remoteDescription?.sdp ?? '')?.[1] ?? '';
        });
      const [before, old] = [path.made, await fragment()];
      path.sever();
      path.mend();
      await page.page.evaluate(() => window.dispatchEvent(new Event('online')));
      await eventuallyTrue(async () => path.made > before && (await fragment()) !== old, {
        what: 'connection and path are new',
        withinMs: 5_000,
        explain: log,
      });
      await page.waitForTone(phoneHz, 5_000, log);
      await eventually(() => (Math.abs(strongestTone(phone.heard()).frequencyHz - microphoneHz) < 3 ? true : undefined), {
        what: 'the phone hears the page still',
        withinMs: 5_000,
      });
      await page.ask('sendDigits', '9');
      await eventuallyTrue(() => phone.digits === '9', { what: 'the phone heard a key', withinMs: 5_000, explain: log });
      await page.hangUp();
      await phone.waitForEvent('CALL_CLOSED', 5_000);
      expect(await stage.cdr()).toMatchObject({ disposition: 'completed', endedBy: 'caller' });
    });
  },
  mediaAddress === undefined ? 'this machine has no address beside loopback' : undefined,
);
