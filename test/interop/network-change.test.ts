import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { Baresip } from '../support/baresip.js';
import { CallStage, phoneNumber } from '../support/call-stage.js';
import { Chromium } from '../support/chromium.js';
import { eventually, eventuallyTrue, listenFor } from '../support/eventually.js';
import { CallPage } from '../support/page.js';
import { describeWithPeers } from '../support/peers.js';
import { strongestTone } from '../support/tones.js';
import { audioOf, type CapturedRtp } from '../support/tshark.js';
import { type NetworkName, networksLacking, TwoNetworks } from '../support/two-networks.js';

const microphoneHz = 820;
const phoneHz = 1_390;
const levelDb = -14;
/** Chromium looks for networks every two seconds, and sends its first check over a new one only then. */
const knownWithinMs = 4_000;

interface Talk {
  readonly page: CallPage;
  readonly phone: Baresip;
  /** When the call began to be listened to. */
  readonly fromMs: number;
  /** Moments at which the page heard something, counted from then; to be asked for when enough has happened. */
  readonly heardAtMs: Promise<readonly number[]>;
  /** What the phone has got until now. */
  readonly atPhone: () => Promise<readonly CapturedRtp[]>;
}

describeWithPeers(
  'A page that talks and comes to another network',
  ['chromium', 'baresip', 'tshark', 'dumpcap'],
  () => {
    let networks: TwoNetworks;
    let stage: CallStage;
    let site: string;
    beforeAll(async () => {
      networks = TwoNetworks.make();
      const { address } = networks;
      stage = await CallStage.set(
        { toneHz: microphoneHz, levelDb },
        (origin) => {
          site = origin.replace('127.0.0.1', address);
          return { mediaAddress: address, allowedOrigins: [site] };
        },
        { mediaAllow: ['127.0.0.0/8', `${address}/32`] },
        (microphone) => Chromium.start({ ...microphone, program: networks.program('chromium'), trustedOrigin: site }),
      );
      await networks.open(Number(new URL(site).port));
      await networks.open(stage.gateway.httpPort);
    }, 60_000);
    beforeEach(() => networks.only('first'));
    afterEach(async () => {
      networks.breakConnections();
      await stage.clear();
    });
    afterAll(async () => {
      await stage?.dispose();
      await networks?.dispose();
    });

    const log = (): string => stage.gateway.log.slice(-4_000);
    const talk = async (listensForMs: number): Promise<Talk> => {
      const phone = stage.keep(await Baresip.start({ number: phoneNumber, port: stage.trunkPort, toneHz: phoneHz, levelDb }));
      const button = { gateway: `ws://${networks.address}:${stage.gateway.httpPort}/sip`, to: phoneNumber };
      const page = await CallPage.open(stage.browser, { url: site, button });
      stage.keep(Object.assign(page, { dispose: () => page.close() }));
      await page.call();
      await page.waitForState('connected', 10_000, log);
      await page.waitForTone(phoneHz, 10_000, log);
      const capture = await stage.capture('moved', phone.mediaPorts);
      const fromMs = Date.now();
      const heardAtMs = page
        .loudness(listensForMs)
        .then((levels) => levels.flatMap((level, at) => (level > 0.05 ? [fromMs + at * 20] : [])));
      heardAtMs.catch(() => {});
      await listenFor(500);
      const atPhone = async (): Promise<readonly CapturedRtp[]> => {
        await capture.stop();
        return capture.rtpTo(phone.mediaPorts, 101);
      };
      return { page, phone, fromMs, heardAtMs, atPhone };
    };
    /** The page's end of the path that is in use. */
    const pageAddress = (page: CallPage): Promise<string | undefined> =>
      page.page.evaluate(async () => {
        const connection = (window as unknown as { __connections: RTCPeerConnection[] }).__connections.at(-1);
        const all = [...((await connection?.getStats()) ?? new Map()).values()] as Record<string, unknown>[];
        const transport = all.find(({ type }) => type === 'transport');
        const pair = all.find(({ id }) => id === transport?.['selectedCandidatePairId']);
        const address = all.find(({ id }) => id === pair?.['localCandidateId'])?.['address'];
        return typeof address === 'string' ? address : undefined;
      });
    const isOn = (page: CallPage, network: NetworkName): Promise<void> =>
      eventuallyTrue(async () => (await pageAddress(page)) === networks.addressOn(network), {
        what: `the media runs over the ${network} network`,
        withinMs: 10_000,
        explain: log,
      });
    /** Keys, a clean end, one record, and one stream to the phone without a hole in its numbers. */
    const isWhole = async ({ page, phone, atPhone }: Talk): Promise<void> => {
      await page.ask('sendDigits', '5#');
      await eventuallyTrue(() => phone.digits === '5#', { what: 'the phone heard two keys', withinMs: 5_000, explain: log });
      await page.hangUp();
      await phone.waitForEvent('CALL_CLOSED', 5_000);
      const packets = await atPhone();
      expect(new Set(packets.map(({ ssrc }) => ssrc)).size).toBe(1);
      const steps = packets.slice(1).map(({ sequence }, at) => (sequence - (packets[at]?.sequence ?? 0)) & 0xffff);
      expect(steps.filter((step) => step !== 1)).toEqual([]);
      expect(await stage.cdr()).toMatchObject({ disposition: 'completed', endedBy: 'caller' });
      expect(page.faults.filter((fault) => !/WebSocket|ERR_/.test(fault))).toEqual([]);
    };
    /** When the phone heard the page for the first time after `atMs`. */
    const phoneHeardAt = (packets: readonly CapturedRtp[], atMs: number): number => {
      const span = packets.filter((packet) => packet.atMs >= atMs);
      const found = span.findIndex((_, at) => {
        const { frequencyHz, purity } = strongestTone(audioOf(span.slice(at, at + 10)));
        return Math.abs(frequencyHz - microphoneHz) < 30 && purity > 0.9;
      });
      return span[found]?.atMs ?? Number.POSITIVE_INFINITY;
    };

    it('is heard and hears soon after the new one is there, when the old one went first', async () => {
      const talking = await talk(8_000);
      await isOn(talking.page, 'first');
      networks.down('first');
      await listenFor(1_200);
      networks.up('second');
      const upAtMs = Date.now();
      const heard = (await talking.heardAtMs).filter((atMs) => atMs > upAtMs);
      await isOn(talking.page, 'second');
      const packets = await talking.atPhone();
      expect(heard[0], 'sound in the page').toBeLessThan(upAtMs + knownWithinMs);
      expect(phoneHeardAt(packets, upAtMs), 'sound at the phone').toBeLessThan(upAtMs + knownWithinMs);
      await isWhole(talking);
    });

    it('is heard and hears again when the old one swallows everything and nobody says a word', async () => {
      const talking = await talk(11_000);
      networks.swallow('first');
      const lostAtMs = Date.now();
      networks.up('second');
      const heard = (await talking.heardAtMs).filter((atMs) => atMs > lostAtMs + 500);
      await isOn(talking.page, 'second');
      expect(heard[0], 'sound in the page').toBeLessThan(lostAtMs + 9_000);
      const again = await eventually(() => talking.phone.heard(), { what: 'what the phone heard', withinMs: 1_000 });
      const tone = strongestTone({ ...again, samples: again.samples.slice(-4_000) });
      expect(Math.abs(tone.frequencyHz - microphoneHz), `${tone.frequencyHz} Hz at the phone`).toBeLessThanOrEqual(3);
      await isWhole(talking);
    });
  },
  networksLacking(),
);
