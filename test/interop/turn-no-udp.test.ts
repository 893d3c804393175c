import { writeFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { Baresip } from '../support/baresip.js';
import { CallStage, phoneNumber } from '../support/call-stage.js';
import { Chromium } from '../support/chromium.js';
import { Coturn } from '../support/coturn.js';
import { eventually } from '../support/eventually.js';
import { freePort, freePortRun } from '../support/free-ports.js';
import { CallPage } from '../support/page.js';
import { describeWithPeers } from '../support/peers.js';
import { narrowTo, pathOf, relayOnly } from '../support/relayed-page.js';
import { scratch } from '../support/scratch.js';
import { testTls } from '../support/tls-material.js';
import { strongestTone } from '../support/tones.js';
import { networksLacking, TwoNetworks } from '../support/two-networks.js';

const microphoneHz = 870;
const phoneHz = 1_310;
const levelDb = -14;
const secret = 'shared by gateway and coturn';

describeWithPeers(
  'Chromium in a network whose firewall drops every datagram',
  ['chromium', 'baresip', 'turnserver', 'iptables'],
  () => {
    let networks: TwoNetworks;
    let coturn: Coturn;
    let stage: CallStage;
    let site: string;
    let urls: Readonly<Record<'coturn by TLS' | 'coturn by TCP' | 'the embedded server by TLS', string>>;
    beforeAll(async () => {
      networks = TwoNetworks.make();
      networks.only('first');
      networks.dropUdp();
      const { address } = networks;
      coturn = await Coturn.start({ secret, address });
      const files = scratch('turn');
      const [secure, relays] = [await freePort(), await freePortRun(20)];
      writeFileSync(files.file('cert.pem'), testTls.cert);
      writeFileSync(files.file('key.pem'), testTls.key);
      urls = {
        'coturn by TLS': coturn.url('tls'),
        'coturn by TCP': coturn.url('tcp'),
        'the embedded server by TLS': `turns:${address}:${secure}?transport=tcp`,
      };
      const turn = {
        urls: [coturn.url('udp'), ...Object.values(urls)],
        secret: { env: 'TURN_SECRET' },
        embedded: {
          listen: [`tls:${address}:${secure}`],
          tls: { cert: files.file('cert.pem'), key: { file: files.file('key.pem') } },
          relayPorts: { min: relays, max: relays + 19 },
        },
      };
      stage = await CallStage.set(
        { toneHz: microphoneHz, levelDb },
        (origin) => {
          site = origin.replace('127.0.0.1', address);
          return { mediaAddress: address, allowedOrigins: [site], media: { turn }, env: { TURN_SECRET: secret } };
        },
        { mediaAllow: ['127.0.0.0/8', `${address}/32`] },
        (microphone) => Chromium.start({ ...microphone, program: networks.program('chromium'), trustedOrigin: site }),
      );
      files.dispose();
      await networks.open(Number(new URL(site).port));
      await networks.open(stage.gateway.httpPort);
    }, 60_000);
    afterEach(() => stage.clear());
    afterAll(async () => {
      await stage?.dispose();
      await coturn?.dispose();
      await networks?.dispose();
    });

    const explain = (): string => `${stage.gateway.log.slice(-2_000)}\n${coturn.log.slice(-3_000)}`;
    const openPage = async (): Promise<CallPage> => {
      const button = { gateway: `ws://${networks.address}:${stage.gateway.httpPort}/sip`, to: phoneNumber };
      const page = await CallPage.open(stage.browser, { url: site, button });
      return stage.keep(Object.assign(page, { dispose: () => page.close() }));
    };
    const ringingPhone = async (): Promise<Baresip> =>
      stage.keep(await Baresip.start({ number: phoneNumber, port: stage.trunkPort, toneHz: phoneHz, levelDb }));
    /** Each hears the other by a relay that the page reaches without UDP; then the page hangs up. */
    const talks = async (page: CallPage, phone: Baresip): Promise<void> => {
      await page.call();
      await page.waitForState('connected', 20_000, explain);
      expect(['tcp', 'tls']).toContain((await pathOf(page.page, 'relay')).relayProtocol);
      const heard = await page.waitForTone(phoneHz, 10_000, explain);
      expect(Math.abs(heard.levelDb - levelDb), `${heard.levelDb} dB heard in the page`).toBeLessThanOrEqual(2);
      await eventually(
        () => {
          const { frequencyHz, purity } = strongestTone(phone.heard());
          return Math.abs(frequencyHz - microphoneHz) <= 2 && purity > 0.9 ? frequencyHz : undefined;
        },
        { what: `the phone hears ${microphoneHz} Hz`, withinMs: 10_000, explain },
      );
      await page.hangUp();
      expect(await stage.cdr()).toMatchObject({ disposition: 'completed', endedBy: 'caller' });
    };

    it('finds its way by itself, when every way there is is offered', async () => {
      const before = networks.droppedUdp;
      await talks(await openPage(), await ringingPhone());
      expect(networks.droppedUdp, 'datagrams that the firewall swallowed').toBeGreaterThan(before);
    });

    it.each(['coturn by TLS', 'coturn by TCP', 'the embedded server by TLS'] as const)('calls over %s alone', async (way) => {
      const phone = await ringingPhone();
      const page = await openPage();
      await narrowTo(page.page, urls[way]);
      await relayOnly(page.page);
      await talks(page, phone);
    });
  },
  networksLacking(),
);
