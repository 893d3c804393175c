import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { Baresip } from '../support/baresip.js';
import { CallStage, phoneNumber } from '../support/call-stage.js';
import { eventually } from '../support/eventually.js';
import { describeWithPeers } from '../support/peers.js';
import { strongestTone } from '../support/tones.js';

const microphoneHz = 740;
const phoneHz = 1_470;
const levelDb = -14;

describeWithPeers('A browser calls a phone program (baresip)', ['chromium', 'baresip'], () => {
  let stage: CallStage;
  beforeAll(async () => {
    stage = await CallStage.set({ toneHz: microphoneHz, levelDb });
  });
  afterEach(() => stage.clear());
  afterAll(() => stage?.dispose());

  it.each(['PCMU', 'PCMA'] as const)('and each hears the other in %s, until the phone hangs up', async (codec) => {
    const phone = stage.keep(await Baresip.start({ number: phoneNumber, port: stage.trunkPort, toneHz: phoneHz, levelDb, codec }));
    const page = await stage.callUntil('connected');
    const inPage = await page.waitForTone(phoneHz, 10_000, () => `${stage.gateway.log.slice(-3_000)}\n${phone.log.slice(-3_000)}`);
    expect(Math.abs(inPage.levelDb - levelDb), `${inPage.levelDb} dB heard in the page`).toBeLessThanOrEqual(2);
    const atPhone = await eventually(
      () => {
        const heard = strongestTone(phone.heard());
        return Math.abs(heard.frequencyHz - microphoneHz) < 3 && heard.purity > 0.9 ? heard : undefined;
      },
      { what: `the phone hears ${microphoneHz} Hz`, withinMs: 10_000, explain: () => JSON.stringify(strongestTone(phone.heard())) },
    );
    expect(Math.abs(atPhone.levelDb - levelDb), `${atPhone.levelDb} dB heard at the phone`).toBeLessThanOrEqual(2);

    phone.hangUp();
    await page.waitForState('ended', 5_000);
    expect(await page.errorCode()).toBeUndefined();
    expect(await stage.cdr()).toMatchObject({ disposition: 'completed', endedBy: 'callee', q850: 16, mediaB: { codec } });
  });

  it('and the phone names every key the page presses', async () => {
    const phone = stage.keep(await Baresip.start({ number: phoneNumber, port: stage.trunkPort, toneHz: phoneHz }));
    const page = await stage.callUntil('connected');
    await page.insertDtmf('0123456789*#ABCD', 100, 70);
    await eventually(() => (phone.digits.length >= 16 ? true : undefined), {
      what: 'the phone named sixteen keys',
      withinMs: 3_000,
      explain: () => `it named "${phone.digits}"`,
    });
    expect(phone.digits).toBe('0123456789*#ABCD');
    await page.hangUp();
    await phone.waitForEvent('CALL_CLOSED', 5_000);
  });
});

const vector = (name: string): string => fileURLToPath(new URL(`../vectors/tls/${name}`, import.meta.url));

describeWithPeers('A browser calls a phone program over TLS (baresip)', ['chromium', 'baresip'], () => {
  const trusted = { cert: vector('loopback.crt'), key: { file: vector('loopback.key') }, ca: vector('loopback.crt') };
  const calls = (tls: Record<string, unknown>): Promise<CallStage> =>
    CallStage.set({ toneHz: microphoneHz, levelDb }, { config: { sip: { listen: ['udp:127.0.0.1:0'], tls } } }, { transport: 'tls' });
  const answers = async (stage: CallStage): Promise<Baresip> => {
    const tlsFile = stage.files.file('phone.pem');
    writeFileSync(tlsFile, `${readFileSync(trusted.cert, 'utf8')}${readFileSync(vector('loopback.key'), 'utf8')}`);
    return stage.keep(await Baresip.start({ number: phoneNumber, port: stage.trunkPort - 1, toneHz: phoneHz, levelDb, tlsFile }));
  };
  let stage: CallStage | undefined;
  afterEach(async () => {
    await stage?.clear();
    await stage?.dispose();
    stage = undefined;
  });

  it('and is heard, and the phone hangs up over the connection the call was made on', async () => {
    stage = await calls(trusted);
    const phone = await answers(stage);
    const page = await stage.callUntil('connected');
    await page.waitForTone(phoneHz, 10_000, () => phone.log.slice(-3_000));
    phone.hangUp();
    await page.waitForState('ended', 5_000);
    expect(await stage.cdr()).toMatchObject({ disposition: 'completed', endedBy: 'callee', q850: 16 });
  });

  it('and is told that the line is out of reach when the phone’s certificate is not trusted', async () => {
    const { cert, key } = trusted;
    stage = await calls({ cert, key });
    await answers(stage);
    const page = await stage.callUntil('ended');
    expect(await page.errorCode()).toBe('trunk-unreachable');
    expect(await stage.cdr()).toMatchObject({ failure: 'trunk-unreachable' });
  });
});
