import { createSocket } from 'node:dgram';
import type { Page } from 'playwright-core';
import { afterEach, describe, expect, it } from 'vitest';
import { Baresip } from '../support/baresip.js';
import { Chromium } from '../support/chromium.js';
import { eventually } from '../support/eventually.js';
import { freePort, freePortRun } from '../support/free-ports.js';
import { LossyRelay } from '../support/lossy-relay.js';
import { PageServer } from '../support/page-server.js';
import { keyPressPackets, speechPackets, writePcap } from '../support/pcap.js';
import { describeWithPeers } from '../support/peers.js';
import { scratch } from '../support/scratch.js';
import { Sipp } from '../support/sipp.js';
import { type Sound, strongestTone, tone } from '../support/tones.js';
import { audioOf, Capture, keysOf } from '../support/tshark.js';

/** The instruments are checked against each other before the gateway is judged by them. */
describeWithPeers('The instruments', ['sipp', 'tshark', 'dumpcap', 'baresip', 'chromium'], () => {
  const files = scratch('rigs');
  const open: { dispose(): Promise<void> }[] = [];
  afterEach(async () => {
    for (const one of open.splice(0).reverse()) await one.dispose();
  });

  async function callBetweenTwoSipps(pcap: string) {
    const media = await freePortRun(8);
    const [phonePort, callerPort] = [await freePort(), await freePort()];
    const capture = await Capture.start(files.file(`${media}.pcap`), [[media, media + 7]]);
    open.push(capture);
    const phone = await Sipp.start({ scenario: 'uas-answers', port: phonePort, mediaPort: media + 4, fill: { pcap } });
    open.push(phone);
    const caller = await Sipp.start({
      scenario: 'uac-calls',
      port: callerPort,
      mediaPort: media,
      remote: `127.0.0.1:${phonePort}`,
      fill: { number: '100', holdMs: '2200' },
    });
    open.push(caller);
    await caller.finished(20_000);
    await phone.finished(20_000);
    await capture.stop();
    return { packets: capture.rtpTo([media, media], 101), phone };
  }

  it('play a tone that is measured at its own frequency and level', async () => {
    const pcap = files.file('tone.pcap');
    writePcap(pcap, speechPackets(tone({ frequencyHz: 440, seconds: 2, levelDb: -15 }), 0x1234));
    const { packets, phone } = await callBetweenTwoSipps(pcap);
    const heard = strongestTone(audioOf(packets));
    expect(heard.frequencyHz).toBeCloseTo(440, -0.5);
    expect(heard.levelDb).toBeCloseTo(-15, 0);
    expect(heard.purity).toBeGreaterThan(0.95);
    expect(phone.receivedMethods()).toEqual(['INVITE', 'ACK', 'BYE']);
    expect(phone.counts()).toEqual({ successful: 1, failed: 0 });
  });

  it('play key presses that are read back exactly', async () => {
    const pcap = files.file('keys.pcap');
    writePcap(pcap, keyPressPackets('15#', { payloadType: 101, ssrc: 7, toneMs: 100, gapMs: 40 }));
    const keys = keysOf((await callBetweenTwoSipps(pcap)).packets);
    expect(keys.map((key) => key.digit).join('')).toBe('15#');
    expect(keys.map((key) => key.endPackets.length)).toEqual([3, 3, 3]);
    expect(keys.map((key) => key.duration)).toEqual([800, 800, 800]);
  });

  it('let a phone hear a caller, name its keys and play its own tone', async () => {
    const phone = await Baresip.start({ number: '100', toneHz: 880 });
    open.push(phone);
    const pcap = files.file('speech-and-keys.pcap');
    writePcap(pcap, speechPackets(tone({ frequencyHz: 440, seconds: 3 }), 0x77));
    const media = await freePortRun(4);
    const capture = await Capture.start(files.file('phone.pcap'), [[media, media + 3]]);
    open.push(capture);
    const caller = await Sipp.start({
      scenario: 'uac-calls',
      port: await freePort(),
      mediaPort: media,
      remote: `127.0.0.1:${phone.port}`,
      fill: { number: '100', pcap, holdMs: '2500' },
    });
    open.push(caller);
    await caller.finished(15_000);
    await phone.waitForEvent('CALL_CLOSED', 5_000);
    await capture.stop();
    expect(strongestTone(phone.heard()).frequencyHz).toBeCloseTo(440, -0.5);
    expect(strongestTone(audioOf(capture.rtpTo([media, media], 101))).frequencyHz).toBeCloseTo(880, -0.5);
  });

  it('let a page hear the tone that the microphone file holds', async () => {
    const browser = await Chromium.start({ toneHz: 523, levelDb: -12 });
    open.push(browser);
    const page = await browser.newPage();
    const site = await PageServer.start();
    open.push(site);
    await page.goto(`${site.origin}/empty`);
    const heardHz = await eventually(
      async () => {
        const sound = await hearThroughTwoConnections(page);
        const found = sound.samples.length === 0 ? undefined : strongestTone(sound);
        return found !== undefined && found.purity > 0.9 ? found : undefined;
      },
      { what: 'the second connection hears the first', withinMs: 15_000 },
    );
    expect(heardHz.frequencyHz).toBeCloseTo(523, -0.5);
    expect(heardHz.levelDb).toBeGreaterThan(-15);
    expect(heardHz.levelDb).toBeLessThan(-9);
  });
});

describe('The lossy relay', () => {
  it('loses the share it was told to, the same datagrams for the same seed', async () => {
    const echo = createSocket('udp4');
    await new Promise<void>((resolve) => echo.bind(0, '127.0.0.1', resolve));
    echo.on('message', (datagram, from) => echo.send(datagram, from.port, from.address));
    const run = async (): Promise<number[]> => {
      const relay = await LossyRelay.start({ target: { host: '127.0.0.1', port: echo.address().port }, loss: 0.2, seed: 5 });
      const client = createSocket('udp4');
      const back: number[] = [];
      client.on('message', (datagram) => back.push(datagram.readUInt16BE(0)));
      for (let index = 0; index < 500; index += 1) {
        const datagram = Buffer.alloc(2);
        datagram.writeUInt16BE(index);
        const before = handled(relay);
        client.send(datagram, relay.port, '127.0.0.1');
        await eventually(() => (handled(relay) > before ? true : undefined), { what: 'the relay judged it', withinMs: 2_000, everyMs: 0 });
      }
      client.close();
      await relay.dispose();
      return back;
    };
    const [first, second] = [await run(), await run()];
    echo.close();
    expect(first.length).toBeGreaterThan(280);
    expect(first.length).toBeLessThan(360);
    expect(second).toEqual(first);
  });
});

/** Datagrams whose fate is known both ways. */
function handled({ counts }: LossyRelay): number {
  return counts.lostForward + counts.back + counts.lostBack;
}

/** Two connections of one page, the first fed by the microphone; what the second one hears. */
async function hearThroughTwoConnections(page: Page): Promise<Sound> {
  const sound = await page.evaluate(async () => {
    const page = window as unknown as { __analyser?: AnalyserNode };
    if (page.__analyser === undefined) {
      const [from, to] = [new RTCPeerConnection(), new RTCPeerConnection()];
      from.onicecandidate = ({ candidate }) => void to.addIceCandidate(candidate ?? undefined);
      to.onicecandidate = ({ candidate }) => void from.addIceCandidate(candidate ?? undefined);
      const microphone = await navigator.mediaDevices.getUserMedia({
        audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: false },
      });
      for (const track of microphone.getTracks()) from.addTrack(track, microphone);
      const arrived = new Promise<MediaStream>((resolve) => {
        to.ontrack = ({ track }) => resolve(new MediaStream([track]));
      });
      await from.setLocalDescription(await from.createOffer());
      await to.setRemoteDescription(from.localDescription as RTCSessionDescription);
      await to.setLocalDescription(await to.createAnswer());
      await from.setRemoteDescription(to.localDescription as RTCSessionDescription);
      const stream = await arrived;
      const player = new Audio();
      player.srcObject = stream;
      await player.play();
      const context = new AudioContext();
      const analyser = context.createAnalyser();
      analyser.fftSize = 32_768;
      context.createMediaStreamSource(stream).connect(analyser);
      page.__analyser = analyser;
    }
    const samples = new Float32Array(page.__analyser.fftSize);
    page.__analyser.getFloatTimeDomainData(samples);
    return { rateHz: page.__analyser.context.sampleRate, samples: Array.from(samples, (sample) => Math.round(sample * 32_767)) };
  });
  return { rateHz: sound.rateHz, samples: Int16Array.from(sound.samples) };
}
