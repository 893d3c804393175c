import { writeFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { makeCredentials } from '../../src/turn/credentials.js';
import { CallStage } from '../support/call-stage.js';
import { Coturn } from '../support/coturn.js';
import { listenFor } from '../support/eventually.js';
import { freePort, freePortRun } from '../support/free-ports.js';
import { speechPackets, writePcap } from '../support/pcap.js';
import { describeWithPeers } from '../support/peers.js';
import { narrowTo, pathOf, relayOnly } from '../support/relayed-page.js';
import { scratch } from '../support/scratch.js';
import { testTls } from '../support/tls-material.js';
import { strongestTone, tone } from '../support/tones.js';
import { audioOf } from '../support/tshark.js';

const microphoneHz = 620;
const phoneHz = 1_130;
const levelDb = -14;
const secret = 'shared by gateway and coturn';
const transports = ['udp', 'tcp', 'tls'] as const;

describeWithPeers('Chromium calls through a relay', ['chromium', 'sipp', 'tshark', 'dumpcap', 'turnserver'], () => {
  let stage: CallStage;
  let coturn: Coturn;
  let urls: Readonly<Record<'coturn' | 'embedded', Readonly<Record<(typeof transports)[number], string>>>>;
  beforeAll(async () => {
    coturn = await Coturn.start({ secret });
    const files = scratch('turn');
    const [plain, secure, relays] = [await freePort(), await freePort(), await freePortRun(40)];
    writeFileSync(files.file('cert.pem'), testTls.cert);
    writeFileSync(files.file('key.pem'), testTls.key);
    const embedded = {
      listen: [`udp:127.0.0.1:${plain}`, `tcp:127.0.0.1:${plain}`, `tls:127.0.0.1:${secure}`],
      tls: { cert: files.file('cert.pem'), key: { file: files.file('key.pem') } },
      relayPorts: { min: relays, max: relays + 39 },
    };
    urls = {
      coturn: { udp: coturn.url('udp'), tcp: coturn.url('tcp'), tls: coturn.url('tls') },
      embedded: {
        udp: `turn:127.0.0.1:${plain}?transport=udp`,
        tcp: `turn:127.0.0.1:${plain}?transport=tcp`,
        tls: `turns:127.0.0.1:${secure}?transport=tcp`,
      },
    };
    const turn = { urls: Object.values(urls).flatMap((one) => Object.values(one)), secret: { env: 'TURN_SECRET' }, embedded };
    stage = await CallStage.set({ toneHz: microphoneHz }, { media: { turn }, env: { TURN_SECRET: secret } }, { transport: 'tcp' });
    files.dispose();
    writePcap(stage.files.file('speech.pcap'), speechPackets(tone({ frequencyHz: phoneHz, seconds: 20, levelDb }), 0x1eaf));
  }, 60_000);
  afterEach(() => stage.clear());
  afterAll(async () => {
    await stage?.dispose();
    await coturn?.dispose();
  });

  const explain = (): string => `${stage.gateway.log.slice(-2_000)}\n${coturn.log.slice(-3_000)}`;

  it.each([
    ['coturn', 'udp'],
    ['coturn', 'tcp'],
    ['coturn', 'tls'],
    ['embedded', 'udp'],
    ['embedded', 'tls'],
  ] as const)('of %s, over %s, and each hears the other', async (server, transport) => {
    const capture = await stage.capture(`${server}-${transport}`);
    const phone = await stage.phone('uas-answers', { pcap: stage.files.file('speech.pcap') }, { transport: 't1' });
    const page = await stage.page();
    await narrowTo(page.page, urls[server][transport]);
    await relayOnly(page.page);
    await page.call();
    await page.waitForState('connected', 15_000, explain);
    expect(await pathOf(page.page, 'relay')).toEqual({ type: 'relay', relayProtocol: transport });
    const heard = await page.waitForTone(phoneHz, 10_000, explain);
    expect(Math.abs(heard.levelDb - levelDb), `${heard.levelDb} dB heard in the page`).toBeLessThanOrEqual(2);
    if (server === 'embedded') expect((await stage.gateway.live())['turn_allocation']).toBeGreaterThan(0);
    await listenFor(600);
    await page.hangUp();
    await phone.finished(10_000);
    await capture.stop();
    const atPhone = strongestTone(audioOf(stage.toPhone(capture)));
    expect(Math.abs(atPhone.frequencyHz - microphoneHz), `${atPhone.frequencyHz} Hz heard at the phone`).toBeLessThanOrEqual(2);
    expect(atPhone.purity).toBeGreaterThan(0.9);
    expect(Math.abs(atPhone.levelDb + 12), `${atPhone.levelDb} dB heard at the phone`).toBeLessThanOrEqual(2);
    expect(page.faults).toEqual([]);
    expect(await stage.cdr()).toMatchObject({ disposition: 'completed', endedBy: 'caller' });
  });

  it('and no further when the credentials have expired, or are of another secret', async () => {
    const page = await stage.page();
    const tryWith = (username: string, credential: string): Promise<string> =>
      page.page.evaluate(
        async ([urls, name, password]) => {
          const connection = new RTCPeerConnection({
            iceServers: [{ urls: [urls], username: name, credential: password }],
            iceTransportPolicy: 'relay',
          });
          let outcome = 'nothing';
          connection.addEventListener('icecandidate', ({ candidate }) => {
            if (candidate?.type === 'relay') outcome = 'relay';
          });
          connection.addEventListener('icecandidateerror', (event) => {
            if (outcome === 'nothing') outcome = String(event.errorCode);
          });
          connection.addTransceiver('audio');
          await connection.setLocalDescription();
          await new Promise<void>((resolve) => {
            connection.addEventListener('icegatheringstatechange', () => {
              if (connection.iceGatheringState === 'complete') resolve();
            });
          });
          connection.close();
          return outcome;
        },
        [coturn.url('tcp'), username, credential] as const,
      );
    const good = makeCredentials(secret, 'page', Date.now() + 60_000);
    const expired = makeCredentials(secret, 'page', Date.now() - 60_000);
    const foreign = makeCredentials('another secret', 'page', Date.now() + 60_000);
    expect([
      await tryWith(good.username, good.credential),
      await tryWith(expired.username, expired.credential),
      await tryWith(foreign.username, foreign.credential),
    ]).toEqual(['relay', '401', '401']);
  });

  it('and a page that may not call gets no credentials', async () => {
    const answers = await Promise.all(
      [{}, { origin: 'https://evil.example' }, { authorization: 'Bearer a.b.c' }].map(async (headers) => {
        const answer = await fetch(`${stage.gateway.http}/api/v1/ice-servers`, { headers: headers as Record<string, string> });
        return [answer.status, Object.keys((await answer.json()) as object)];
      }),
    );
    expect(answers).toEqual([
      [401, ['error']],
      [403, ['error']],
      [401, ['error']],
    ]);
  });
});
