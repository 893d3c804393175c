import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import type { PageQualityNote } from '../../src/cdr/record.js';
import { Baresip } from '../support/baresip.js';
import { CallStage, phoneNumber } from '../support/call-stage.js';
import { eventually, eventuallyTrue, listenFor } from '../support/eventually.js';
import { freePortRun } from '../support/free-ports.js';
import { LossyRelay } from '../support/lossy-relay.js';
import type { CallPage, SeenEvent } from '../support/page.js';
import { describeWithPeers } from '../support/peers.js';
import { strongestTone } from '../support/tones.js';
import { audioOf } from '../support/tshark.js';

const microphoneHz = 560;
const phoneHz = 1_330;
const levelDb = -14;

/** Leads the media of a page through other ports, until it is let go straight. */
function detour([first, ports]: readonly [first: number, ports: readonly number[]]): void {
  const page = window as unknown as { __straight?: boolean };
  const prototype = RTCPeerConnection.prototype;
  const original = prototype.setRemoteDescription as (description: RTCSessionDescriptionInit) => Promise<void>;
  prototype.setRemoteDescription = function (this: RTCPeerConnection, ...given: unknown[]) {
    const description = given[0] as RTCSessionDescriptionInit;
    const other = (all: string, before: string, port: string): string =>
      page.__straight === true ? all : `${before} ${ports[Number(port) - first]}`;
    const sdp = (description.sdp ?? '').replace(/(a=candidate:\S+ 1 udp \d+ \S+) (\d+)/gi, other);
    return original.call(this, { ...description, sdp });
  };
}

describeWithPeers('A page in a call', ['chromium', 'baresip', 'tshark', 'dumpcap'], () => {
  let stage: CallStage;
  let browserPort: number;
  beforeAll(async () => {
    browserPort = await freePortRun(2);
    const trunkPorts = await freePortRun(20);
    const media = {
      workers: 1,
      browserPorts: { min: browserPort, max: browserPort + 1 },
      trunkPorts: { min: trunkPorts, max: trunkPorts + 19 },
    };
    stage = await CallStage.set({ toneHz: microphoneHz, levelDb }, { config: { media } });
  });
  afterEach(() => stage.clear());
  afterAll(() => stage?.dispose());

  const log = (): string => stage.gateway.log.slice(-3_000);
  const answeringPhone = async (): Promise<Baresip> =>
    stage.keep(await Baresip.start({ number: phoneNumber, port: stage.trunkPort, toneHz: phoneHz, levelDb }));

  const pageOnDetour = async (loss: number): Promise<{ readonly page: CallPage; readonly relays: readonly LossyRelay[] }> => {
    const relays = await Promise.all(
      [browserPort, browserPort + 1].map((port) => LossyRelay.start({ target: { host: '127.0.0.1', port }, loss, seed: 7 })),
    );
    for (const relay of relays) stage.keep(relay);
    const page = await stage.page();
    await page.page.evaluate(detour, [browserPort, relays.map(({ port }) => port)] as const);
    return { page, relays };
  };

  it('comes back over another path when the one it has breaks, while its connection stays', async () => {
    const phone = await answeringPhone();
    const { page, relays } = await pageOnDetour(0);
    await page.call();
    await page.waitForTone(phoneHz, 15_000, log);
    await page.page.evaluate(() => {
      (window as unknown as { __straight?: boolean }).__straight = true;
    });
    for (const relay of relays) relay.cut();
    await eventuallyTrue(async () => Math.max(...(await page.loudness(400))) < 0.01, { what: 'the page hears nothing', withinMs: 5_000 });
    await eventuallyTrue(async () => /trying again/.test(await page.statusText()), { what: 'the page says so', withinMs: 10_000 });
    await page.waitForTone(phoneHz, 20_000, log);
    expect(await page.statusText()).toMatch(/Connected/);
    await page.hangUp();
    await phone.waitForEvent('CALL_CLOSED', 5_000);
    expect(await stage.cdr()).toMatchObject({ disposition: 'completed', endedBy: 'caller' });
  });

  it('is told in a grade and a hint that packets are lost on its way', async () => {
    await answeringPhone();
    const { page, relays } = await pageOnDetour(0.12);
    await page.call();
    await page.waitForState('connected', 15_000, log);
    let seen: SeenEvent[] = [];
    const bad = await eventually(
      async () => {
        seen = (await page.events()).filter(({ type }) => type === 'quality');
        return seen.find(({ detail }) => detail['hint'] === 'network-loss');
      },
      { what: 'the page says that packets are lost', withinMs: 20_000, explain: () => `${JSON.stringify(seen)}\n${log()}` },
    );
    expect(Number(bad.detail['score'])).toBeLessThanOrEqual(3);
    expect(Number(bad.detail['lostPercent'])).toBeGreaterThan(3);
    // Its word to the gateway goes over the same bad path.
    const [live] = await stage.gateway.calls();
    const story = `${stage.gateway.http}/api/v1/calls/${String(live?.['id'])}/story`;
    let told = '';
    await eventuallyTrue(
      async () => {
        told = await (await fetch(story)).text();
        return /measures its sound at \d of 5: its network loses packets/.test(told);
      },
      { what: 'the story has the word of the page', withinMs: 15_000, explain: () => told.slice(0, 3_000) },
    );
    await page.hangUp();
    const { pageQuality } = (await stage.cdr()) as { readonly pageQuality?: PageQualityNote };
    expect(pageQuality?.hints).toContain('network-loss');
    expect(pageQuality?.lowestScore).toBeLessThanOrEqual(3);
    expect(Math.max(...relays.map(({ counts }) => counts.lostBack))).toBeGreaterThan(5);
  });

  it('is heard through the microphone and hears through the speaker that are chosen, in the same stream', async () => {
    const phone = await answeringPhone();
    const capture = await stage.capture('chosen', phone.mediaPorts);
    const page = await stage.page();
    await page.page.evaluate(() => {
      const { setSinkId } = HTMLMediaElement.prototype;
      HTMLMediaElement.prototype.setSinkId = async function (id) {
        await setSinkId.call(this, id);
        (window as unknown as { __speaker?: string }).__speaker = id;
      };
    });
    await page.call();
    await page.waitForTone(phoneHz, 15_000, log);
    const microphone = (): Promise<string> =>
      page.page.evaluate(() => {
        const connection = (window as unknown as { __connections: RTCPeerConnection[] }).__connections.at(-1);
        const sender = connection?.getSenders().find((one) => one.track?.kind === 'audio');
        return sender?.track?.getSettings().deviceId ?? '';
      });
    const speaker = (): Promise<string> => page.page.evaluate(() => (window as unknown as { __speaker?: string }).__speaker ?? '');
    await page.page.locator('call-button [part~=settings-toggle]').click();
    for (const [at, inUse] of [microphone, speaker].entries()) {
      const select = page.page.locator('call-button select').nth(at);
      const chosen = (await select.locator('option').nth(1).getAttribute('value')) ?? '';
      expect(await inUse()).not.toBe(chosen);
      await select.selectOption(chosen);
      await eventuallyTrue(async () => (await inUse()) === chosen, { what: 'the one chosen is in use', withinMs: 5_000, explain: log });
    }
    const fromMs = Date.now();
    await listenFor(1_500);
    await page.hangUp();
    await capture.stop();
    const packets = capture.rtpTo(phone.mediaPorts, 101);
    const tone = strongestTone(audioOf(packets.filter(({ atMs }) => atMs >= fromMs + 300)));
    expect(Math.abs(tone.frequencyHz - microphoneHz), `${tone.frequencyHz} Hz at the phone`).toBeLessThanOrEqual(2);
    expect(new Set(packets.map(({ ssrc }) => ssrc)).size, 'one stream to the phone').toBe(1);
  });

  it('is heard through another microphone when its own is unplugged', async () => {
    const phone = await answeringPhone();
    const capture = await stage.capture('unplugged', phone.mediaPorts);
    const page = await stage.callUntil('connected');
    await page.waitForTone(phoneHz, 8_000, log);
    await page.page.evaluate(() => {
      const sender = (window as unknown as { __connections: RTCPeerConnection[] }).__connections
        .at(-1)
        ?.getSenders()
        .find((one) => one.track?.kind === 'audio');
      sender?.track?.dispatchEvent(new Event('ended'));
    });
    await listenFor(1_500);
    const fromMs = Date.now();
    await listenFor(1_000);
    await page.hangUp();
    await capture.stop();
    const packets = capture.rtpTo(phone.mediaPorts, 101).filter(({ atMs }) => atMs >= fromMs);
    const tone = strongestTone(audioOf(packets));
    expect(Math.abs(tone.frequencyHz - microphoneHz), `${tone.frequencyHz} Hz at the phone`).toBeLessThanOrEqual(2);
    expect(tone.purity).toBeGreaterThan(0.9);
    expect(new Set(capture.rtpTo(phone.mediaPorts, 101).map(({ ssrc }) => ssrc)).size, 'one stream to the phone').toBe(1);
  });
});
