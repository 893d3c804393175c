import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Baresip } from '../support/baresip.js';
import { CallStage, phoneNumber } from '../support/call-stage.js';
import { eventually, eventuallyTrue, listenFor } from '../support/eventually.js';
import { freePort, freePortRun } from '../support/free-ports.js';
import { keyPressPackets, speechPackets, writePcap } from '../support/pcap.js';
import { describeWithPeers } from '../support/peers.js';
import { Sipp } from '../support/sipp.js';
import { type StockClient, StockPage, StockSite } from '../support/stock-page.js';
import { type MeasuredTone, strongestTone, tone } from '../support/tones.js';
import { audioOf, type CapturedRtp, keysOf } from '../support/tshark.js';

const microphoneHz = 560;
const phoneHz = 1_210;
const secondPhoneHz = 1_730;
const levelDb = -14;
const secondNumber = '+442079460099';
const digitsOf = (number: string): string => number.replace('+', '');

interface User {
  readonly client: StockClient;
  readonly name: string;
  readonly password: string;
  readonly number: string;
}
const users: readonly User[] = [
  { client: 'SIP.js', name: 'alice', password: 'down the hole', number: '442079460101' },
  { client: 'JsSIP', name: 'bob', password: 'can we fix it', number: '442079460102' },
];

function expectTone(heard: MeasuredTone, frequencyHz: number): void {
  expect(Math.abs(heard.frequencyHz - frequencyHz), `${heard.frequencyHz} Hz heard, ${frequencyHz} Hz played`).toBeLessThanOrEqual(2);
  expect(Math.abs(heard.levelDb - levelDb), `${heard.levelDb} dB heard, ${levelDb} dB played`).toBeLessThanOrEqual(2);
  expect(heard.purity).toBeGreaterThan(0.9);
}

const pressedIn = (packets: readonly CapturedRtp[]): string =>
  keysOf(packets)
    .map((key) => key.digit)
    .join('');

describeWithPeers('Stock clients in Chromium', ['chromium', 'sipp', 'baresip', 'tshark', 'dumpcap'], () => {
  let site: StockSite;
  let stage: CallStage;
  let secondPort: number;
  let secondMedia: number;

  beforeAll(async () => {
    site = await StockSite.start();
    [secondPort, secondMedia] = [await freePort(), await freePortRun(8)];
    stage = await CallStage.set(
      { toneHz: microphoneHz, levelDb },
      {
        allowedOrigins: [site.origin],
        env: { ALICE: users[0]?.password ?? '', BOB: users[1]?.password ?? '' },
        config: {
          users: users.map(({ name }) => ({ name, password: { env: name.toUpperCase() } })),
          inbound: users.map(({ name, number }) => ({ number, to: { user: name } })),
        },
      },
      { secondPort },
    );
    for (const [name, frequencyHz] of [
      ['phone', phoneHz],
      ['second', secondPhoneHz],
    ] as const) {
      writePcap(stage.files.file(`${name}.pcap`), speechPackets(tone({ frequencyHz, seconds: 30, levelDb }), frequencyHz));
    }
  });
  afterEach(() => stage.clear());
  afterAll(async () => {
    await stage?.dispose();
    await site?.dispose();
  });

  describe.each(users)('$client', ({ client, name, password, number }) => {
    const registered = async (): Promise<StockPage> =>
      stage.keep(
        await StockPage.open(stage.browser, {
          url: site.origin,
          client,
          account: { gateway: stage.gateway.webSocket, user: name, password },
          explain: () => stage.gateway.log.slice(-6_000),
        }),
      );

    const inCall = async (): Promise<StockPage> => {
      const page = await registered();
      await page.do('call', phoneNumber);
      await page.waitFor('answered', 8_000);
      return page;
    };

    const hungUp = async (page: StockPage, phone: Sipp): Promise<void> => {
      await page.do('hangUp');
      await phone.finished(10_000);
    };

    /** SIPp calls the client's user. */
    const ring = async (scenario: string, fill: Readonly<Record<string, string>> = {}): Promise<Sipp> =>
      stage.keep(
        await Sipp.start({
          scenario,
          port: await freePort(),
          mediaPort: stage.phoneMedia,
          remote: `127.0.0.1:${stage.gateway.sipPort}`,
          fill: { number, ...fill },
        }),
      );

    const secondPhone = (): Promise<Sipp> =>
      stage.phone('uas-answers', { pcap: stage.files.file('second.pcap') }, { port: secondPort, mediaPort: secondMedia });

    it('calls a telephone, and each hears the other until the client hangs up', async () => {
      const capture = await stage.capture(`${name}-calls`);
      const phone = await stage.phone('uas-answers', { pcap: stage.files.file('phone.pcap') });
      const page = await inCall();
      expectTone(await page.waitForTone(phoneHz, 10_000), phoneHz);
      await listenFor(2_500);
      await hungUp(page, phone);
      await capture.stop();

      expectTone(strongestTone(audioOf(stage.toPhone(capture))), microphoneHz);
      expect(await page.waitFor('over', 3_000)).toEqual(expect.arrayContaining(['registered', 'progress 180', 'answered', 'over']));
      expect(await stage.cdr()).toMatchObject({ from: name, to: phoneNumber, disposition: 'completed', endedBy: 'caller', q850: 16 });
    });

    it('calls a phone program (baresip), and each hears the other until the phone hangs up', async () => {
      const phone = stage.keep(await Baresip.start({ number: phoneNumber, port: stage.trunkPort, toneHz: phoneHz, levelDb }));
      const page = await inCall();
      expectTone(await page.waitForTone(phoneHz, 10_000), phoneHz);
      await eventually(
        () => {
          const heard = strongestTone(phone.heard());
          return Math.abs(heard.frequencyHz - microphoneHz) < 3 && heard.purity > 0.9 ? heard : undefined;
        },
        { what: `the phone hears ${microphoneHz} Hz`, withinMs: 10_000, explain: () => JSON.stringify(strongestTone(phone.heard())) },
      );
      phone.hangUp();
      await page.waitFor('over', 5_000);
      expect(await stage.cdr()).toMatchObject({ disposition: 'completed', endedBy: 'callee' });
    });

    it('is told that the number is busy', async () => {
      await stage.phone('uas-refuses', { status: '486', reason: 'Busy Here' });
      const page = await registered();
      await page.do('call', phoneNumber);
      expect(await page.waitFor('over', 5_000)).toContain('refused 486');
      expect(await stage.cdr()).toMatchObject({ failure: 'busy' });
    });

    it('holds the telephone and takes it back', async () => {
      const capture = await stage.capture(`${name}-holds`);
      const phone = await stage.phone('uas-is-held', { seen: 'sendonly', answer: 'recvonly' });
      const page = await inCall();
      await listenFor(1_000);
      await page.do('hold');
      await page.waitFor('held', 5_000);
      await listenFor(2_000);
      await page.do('resume');
      await page.waitFor('resumed', 5_000);
      await listenFor(2_500);
      await hungUp(page, phone);
      await capture.stop();

      // Two seconds of tone after the resumption are what the phone heard last.
      expectTone(strongestTone(audioOf(stage.toPhone(capture))), microphoneHz);
      expect(await stage.cdr()).toMatchObject({ disposition: 'completed', endedBy: 'caller' });
    });

    it('is told by its own event that the telephone holds it', async () => {
      const phone = await stage.phone('uas-holds', { hold: 'sendonly', heldMs: '1500' });
      const page = await inCall();
      await page.waitFor('held by the far end', 5_000);
      await page.waitFor('resumed by the far end', 5_000);
      await hungUp(page, phone);
      expect(await stage.cdr()).toMatchObject({ disposition: 'completed' });
    });

    it(`presses keys ${client === 'SIP.js' ? 'in the media (RTCDTMFSender)' : 'by INFO'}, and the telephone gets each as one event`, async () => {
      const capture = await stage.capture(`${name}-keys`);
      const phone = await stage.phone('uas-answers', { pcap: stage.files.file('phone.pcap') });
      const page = await inCall();
      await page.waitForTone(phoneHz, 10_000);
      await page.do('pressKeys', '159#*0');
      await listenFor(4_000);
      await hungUp(page, phone);
      await capture.stop();
      expect(pressedIn(stage.toPhone(capture))).toBe('159#*0');
      expect(await stage.cdr()).toMatchObject({ digits: { fromBrowser: 6, lost: 0 } });
    });

    it('is told of the keys of the telephone', async () => {
      writePcap(stage.files.file('keys.pcap'), keyPressPackets('2580#', { payloadType: 101, ssrc: 0x2e7, toneMs: 120, gapMs: 80 }));
      const phone = await stage.phone('uas-presses-keys', {
        keys: `<nop><action><exec play_pcap_audio="${stage.files.file('keys.pcap')}" /></action></nop>\n<pause milliseconds="1200" />\n`,
      });
      const page = await inCall();
      const notes = await page.waitFor('key #', 6_000);
      expect(notes.filter((note) => note.startsWith('key '))).toEqual(['key 2', 'key 5', 'key 8', 'key 0', 'key #']);
      await listenFor(500);
      await hungUp(page, phone);
    });

    it('hands the telephone over to another one, which then hears it and is heard by it', async () => {
      const capture = await stage.capture(`${name}-transfers`, [stage.phoneMedia, stage.phoneMedia + 7]);
      const second = await secondPhone();
      const phone = await stage.phone(
        'uas-has-one-line',
        { pcap: stage.files.file('phone.pcap'), elsewhere: digitsOf(secondNumber) },
        { calls: 2 },
      );
      const atSecond = await stage.capture(`${name}-second`, [secondMedia, secondMedia + 7]);
      const page = await inCall();
      await page.waitForTone(phoneHz, 10_000);
      await page.do('transfer', secondNumber);
      await page.waitFor('transfer 200', 8_000);
      await listenFor(3_000);
      await page.dispose();
      const [call] = await stage.gateway.calls();
      const ended = await fetch(`${stage.gateway.http}/api/v1/calls/${String(call?.['id'])}`, { method: 'DELETE' });
      expect(ended.status).toBe(204);
      await Promise.all([phone.finished(10_000), second.finished(10_000)]);
      await Promise.all([capture.stop(), atSecond.stop()]);
      expectTone(strongestTone(audioOf(stage.toPhone(capture))), secondPhoneHz);
      expectTone(strongestTone(audioOf(atSecond.rtpTo([secondMedia, secondMedia], 101))), phoneHz);
      expect(await stage.cdr()).toMatchObject({ from: name, disposition: 'completed', endedBy: 'gateway' });
    });

    it('is called by a telephone, and each hears the other until the telephone hangs up', async () => {
      const capture = await stage.capture(`${name}-is-called`);
      const page = await registered();
      const caller = await ring('uac-calls', { pcap: stage.files.file('phone.pcap'), holdMs: '5000' });
      await page.waitFor('incoming Caller', 5_000);
      await page.do('answer');
      await page.waitFor('answered', 5_000);
      expectTone(await page.waitForTone(phoneHz, 5_000), phoneHz);
      await caller.finished(10_000);
      await page.waitFor('over', 3_000);
      await capture.stop();
      expectTone(strongestTone(audioOf(stage.toPhone(capture))), microphoneHz);
      expect(await stage.cdr()).toMatchObject({ direction: 'trunk-to-browser', user: name, disposition: 'completed', endedBy: 'caller' });
    });

    it('holds a telephone that called it and takes it back', async () => {
      const page = await registered();
      const caller = await ring('uac-is-held', { seen: 'sendonly', answer: 'recvonly' });
      await page.waitFor('incoming Caller', 5_000);
      await page.do('answer');
      await page.waitFor('answered', 5_000);
      // SIP.js says "answered" with its 200, and hangs up on whoever asks it to hold before the ACK is there.
      await eventuallyTrue(async () => (await stage.gateway.calls())[0]?.['state'] === 'connected', {
        what: 'the telephone and the page have each had their ACK',
        withinMs: 5_000,
        explain: () => stage.gateway.log.slice(-6_000),
      });
      await page.do('hold');
      await page.waitFor('held', 5_000);
      await page.do('resume');
      await page.waitFor('resumed', 5_000);
      await caller.finished(10_000);
      await page.waitFor('over', 3_000);
      expect(await stage.cdr()).toMatchObject({ direction: 'trunk-to-browser', disposition: 'completed', endedBy: 'caller' });
    });

    it('hands a telephone that called it over to another one', async () => {
      const capture = await stage.capture(`${name}-hands-over`);
      // The number leads to the trunk, whose first peer is where the caller is not.
      const target = await stage.phone('uas-answers', { pcap: stage.files.file('second.pcap') }, { mediaPort: secondMedia });
      const atTarget = await stage.capture(`${name}-target`, [secondMedia, secondMedia + 7]);
      const page = await registered();
      const caller = await ring('uac-calls', { pcap: stage.files.file('phone.pcap'), holdMs: '6000' });
      await page.waitFor('incoming Caller', 5_000);
      await page.do('answer');
      await page.waitForTone(phoneHz, 5_000);
      await page.do('transfer', secondNumber);
      await page.waitFor('transfer 200', 5_000);
      await page.dispose();
      await Promise.all([caller.finished(12_000), target.finished(12_000)]);
      await Promise.all([capture.stop(), atTarget.stop()]);
      expectTone(strongestTone(audioOf(stage.toPhone(capture))), secondPhoneHz);
      expectTone(strongestTone(audioOf(atTarget.rtpTo([secondMedia, secondMedia], 101))), phoneHz);
      expect(await stage.cdr()).toMatchObject({ direction: 'trunk-to-browser', disposition: 'completed', endedBy: 'caller' });
    });

    it('declines a call, and the telephone is told', async () => {
      const page = await registered();
      const caller = await ring('uac-calls');
      await page.waitFor('incoming Caller', 5_000);
      await page.do('reject');
      await caller.ended(8_000);
      expect(caller.received().at(-1)).toMatch(client === 'SIP.js' ? /^SIP\/2\.0 480 / : /^SIP\/2\.0 486 /);
      expect(await stage.cdr()).toMatchObject({
        direction: 'trunk-to-browser',
        user: name,
        failure: client === 'SIP.js' ? 'no-answer' : 'busy',
      });
    });
  });
});
