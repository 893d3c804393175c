import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { SystemClock } from '../../src/base/clock.js';
import { newSessionId } from '../../src/base/ids.js';
import { silentLog } from '../../src/base/log.js';
import { EmbeddedMediaPlane } from '../../src/media/embedded/embedded-media-plane.js';
import type { MediaEvent } from '../../src/media/plane.js';
import { makeCredentials } from '../../src/turn/credentials.js';
import { EmbeddedTurn } from '../../src/turn/embedded-turn.js';
import { urlOf } from '../../src/turn/listener.js';
import { Chromium } from '../support/chromium.js';
import { Coturn } from '../support/coturn.js';
import { eventuallyTrue } from '../support/eventually.js';
import { MediaPhone } from '../support/fake-media-phone.js';
import { type BuiltWorker, buildMediaWorker } from '../support/fake-media-worker.js';
import { freePortRun } from '../support/free-ports.js';
import { LossyRelay } from '../support/lossy-relay.js';
import { PageServer } from '../support/page-server.js';
import { keepConnections, toneHeardBy } from '../support/page-sound.js';
import { describeWithPeers } from '../support/peers.js';
import { pathOf } from '../support/relayed-page.js';
import { testTls } from '../support/tls-material.js';

const secret = 'shared by gateway and relays';
const microphoneHz = 1000;
const phoneHz = 440;
const levelDb = -12;
/** What the peak of a sine is above its power; the phone of the tests counts peaks. */
const peakDb = 3;

interface CallPage {
  connection: RTCPeerConnection;
}

async function begin(configuration: RTCConfiguration): Promise<void> {
  const page = window as unknown as CallPage;
  page.connection = new RTCPeerConnection(configuration);
  page.connection.ontrack = ({ track }) => {
    // Chromium hands the sound of a call on only while something plays it.
    const element = new Audio();
    element.srcObject = new MediaStream([track]);
    void element.play();
  };
  const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
  for (const track of stream.getTracks()) page.connection.addTrack(track, stream);
}

/** A whole offer, with a new path if `policy` says which kind it may be. */
async function offer(policy: RTCIceTransportPolicy | undefined): Promise<string> {
  const { connection } = window as unknown as CallPage;
  if (policy !== undefined) {
    connection.setConfiguration({ ...connection.getConfiguration(), iceTransportPolicy: policy });
    connection.restartIce();
  }
  await connection.setLocalDescription();
  await new Promise<void>((resolve) => {
    const look = (): void => {
      if (connection.iceGatheringState === 'complete') resolve();
    };
    connection.addEventListener('icegatheringstatechange', look);
    look();
  });
  return connection.localDescription?.sdp ?? '';
}

async function take(sdp: string): Promise<void> {
  await (window as unknown as CallPage).connection.setRemoteDescription({ type: 'answer', sdp });
}

describeWithPeers('a call that moves from a relay to no relay and back', ['chromium', 'turnserver'], () => {
  const clock = new SystemClock();
  let worker: BuiltWorker;
  let chromium: Chromium;
  let site: PageServer;
  let coturn: Coturn;
  let turn: EmbeddedTurn;
  let plane: EmbeddedMediaPlane;
  const events: MediaEvent[] = [];

  beforeAll(async () => {
    [worker, chromium, site, coturn] = await Promise.all([
      buildMediaWorker(),
      Chromium.start({ toneHz: microphoneHz, levelDb }),
      PageServer.start(),
      Coturn.start({ secret }),
    ]);
    const [browser, trunk, relays] = [await freePortRun(8), await freePortRun(8), await freePortRun(20)];
    const browserPorts = { min: browser, max: browser + 7 };
    const media = { workers: 1, bindAddress: '127.0.0.1', browserPorts, trunkPorts: { min: trunk, max: trunk + 7 } };
    const times = { portQuarantineMs: 0, setupTimeoutMs: 8000, silenceAfterMs: 3000, learnWindowMs: 1000, learnPackets: 3 };
    plane = new EmbeddedMediaPlane({ ...media, ...times }, { clock, log: silentLog, workerUrl: worker.url });
    plane.onEvent((event) => events.push(event));
    turn = new EmbeddedTurn(
      {
        listen: (['udp', 'tcp', 'tls'] as const).map((transport) => ({ transport, host: '127.0.0.1', port: 0 })),
        tls: testTls,
        ...{ realm: 'gateway.test', secret, relayPorts: { min: relays, max: relays + 19 } },
        peer: { address: '127.0.0.1', bindAddress: '127.0.0.1', ports: browserPorts },
        quotas: { allocations: 20, allocationsPerUser: 12, allocationsPerAddress: 20, bytesPerSecond: 64_000 },
      },
      { clock },
    );
    await Promise.all([plane.start(), turn.start()]);
  }, 60_000);
  afterAll(async () => {
    await Promise.all([chromium?.dispose(), site?.dispose(), plane?.stop(), turn?.stop(), coturn?.dispose()]);
    worker?.remove();
  });

  const urlsOf = {
    coturn: () => [coturn.url('tcp')],
    'the embedded server over UDP': () =>
      turn
        .bound()
        .map((one) => urlOf(one, undefined))
        .filter((url) => url.includes('udp')),
    'the embedded server over TLS': () =>
      turn
        .bound()
        .map((one) => urlOf(one, undefined))
        .filter((url) => url.startsWith('turns:')),
  };

  it.each(Object.entries(urlsOf))('by %s: the telephone hears one stream all along, and the page the telephone', async (_by, urls) => {
    events.length = 0;
    const explain = (): string => JSON.stringify(events);
    const phone = await MediaPhone.open({ law: 'PCMA', eventPayloadType: 101, toneHz: phoneHz, levelDbfs: levelDb + peakDb });
    const page: Page = await chromium.newPage();
    await page.addInitScript(keepConnections);
    await page.goto(site.origin);
    const session = newSessionId();
    await plane.open(session);
    phone.keepPackets();
    const login = makeCredentials(secret, 'page', Date.now() + 60_000);
    await page.evaluate(begin, { iceServers: [{ urls: urls(), ...login }], iceTransportPolicy: 'relay' } as RTCConfiguration);

    const move = async (policy?: RTCIceTransportPolicy): Promise<number> => {
      const sdp = await page.evaluate(offer, policy);
      const answer = await plane.answer(session, 'a', sdp, { kind: 'webrtc', codecs: ['PCMU', 'PCMA'] });
      const mediaPort = Number(/ UDP \d+ 127\.0\.0\.1 (\d+) typ host/i.exec(answer)?.[1]);
      await page.evaluate(take, policy === 'all' ? answer.replaceAll(`127.0.0.1 ${mediaPort} `, `127.0.0.1 ${direct.port} `) : answer);
      return mediaPort;
    };
    const bothHear = async (path: 'relay' | 'prflx'): Promise<void> => {
      await pathOf(page, path);
      const before = phone.framesHeard;
      await eventuallyTrue(() => phone.framesHeard > before + 40, { what: 'the telephone hears the page', withinMs: 8_000, explain });
      const heard = phone.hearTone(25);
      expect(heard.frequencyHz).toBeCloseTo(microphoneHz, -1);
      expect(Math.abs(heard.levelDbfs - peakDb - levelDb), `${heard.levelDbfs} dB at the telephone`).toBeLessThanOrEqual(2);
      const inPage = await toneHeardBy(page, phoneHz, 8_000, explain);
      expect(Math.abs(inPage.levelDb - levelDb), `${inPage.levelDb} dB in the page`).toBeLessThanOrEqual(2);
    };

    const mediaPort = await move();
    // The way without a relay can be cut, so that there is a reason to go back.
    const direct = await LossyRelay.start({ target: { host: '127.0.0.1', port: mediaPort }, loss: 0, seed: 1 });
    const trunkSdp = await plane.offer(session, 'b', { kind: 'udp', codecs: ['PCMA'], learnFrom: [] });
    await plane.accept(session, 'b', phone.sdp());
    phone.talkTo(trunkSdp);
    await bothHear('relay');
    await move('all');
    await bothHear('prflx');
    direct.cut();
    await move('relay');
    await bothHear('relay');

    expect(new Set(phone.packets.map(({ ssrc }) => ssrc)).size).toBe(1);
    const jumps = phone.packets.slice(1).map(({ sequence }, at) => (sequence - (phone.packets[at]?.sequence ?? 0) + 0x1_0000) % 0x1_0000);
    // Only what was under way when the path was cut is missing, and nothing comes twice or late.
    expect(Math.max(...jumps)).toBeLessThan(500);
    expect(jumps.filter((jump) => jump !== 1).length).toBeLessThan(10);
    expect(events.filter(({ type }) => type === 'leg-failed' || type === 'leg-gone')).toEqual([]);
    await plane.close(session);
    await page.evaluate(() => (window as unknown as CallPage).connection.close());
    await eventuallyTrue(() => turn.liveObjects()['turn_connection'] === 0 && turn.liveObjects()['turn_allocation'] === 0, {
      what: 'no relay is left',
      withinMs: 5_000,
      explain: () => JSON.stringify(turn.liveObjects()),
    });
    await Promise.all([page.close(), phone.close(), direct.dispose()]);
  });
});
