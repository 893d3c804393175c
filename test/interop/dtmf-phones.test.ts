import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { Baresip } from '../support/baresip.js';
import { CallStage, phoneNumber } from '../support/call-stage.js';
import { type DissectedPress, dissectEvents, dissectPresses } from '../support/dtmf-dissection.js';
import { eventually, listenFor } from '../support/eventually.js';
import type { CallPage } from '../support/page.js';
import { describeWithPeers } from '../support/peers.js';
import { Capture } from '../support/tshark.js';

const keyboard = '0123456789*#ABCD';
const everyPort = [1, 65_535] as const;
const recording = (name: string): string => `/usr/share/sip-tester/dtmf_2833_${name}.pcap`;

/** Keys that the page was told of. */
async function toldTo(page: CallPage): Promise<readonly DissectedPress[]> {
  const events = (await page.events()).filter((event) => event.type === 'dtmf');
  return events.map(({ detail }) => ({ digit: String(detail['digit']), durationMs: Number(detail['durationMs']) }));
}

/** Waits for so many keys, and as long again as a further one would take. */
async function waitForKeys(page: CallPage, count: number, withinMs: number): Promise<readonly DissectedPress[]> {
  await eventually(async () => ((await toldTo(page)).length >= count ? true : undefined), {
    what: `the page is told of ${count} keys`,
    withinMs,
    explain: () => page.faults.join('\n'),
  });
  await listenFor(500);
  return toldTo(page);
}

describeWithPeers('Keys of telephones that others wrote', ['chromium', 'sipp', 'baresip', 'tshark', 'dumpcap'], () => {
  let stage: CallStage;
  beforeAll(async () => {
    stage = await CallStage.set({ toneHz: 620, levelDb: -14 });
  });
  afterEach(() => stage.clear());
  afterAll(() => stage?.dispose());

  /** What telephones send to the gateway, read by Wireshark once `stop` has been called. */
  async function captureOfTrunk(): Promise<{ read(eventType: number): Promise<readonly DissectedPress[]> }> {
    const file = stage.files.file(`trunk-${Date.now()}.pcap`);
    const capture = stage.keep(await Capture.start(file, [stage.gateway.trunkPorts]));
    return {
      async read(eventType) {
        await capture.stop();
        return dissectPresses(dissectEvents(file, stage.gateway.trunkPorts, eventType));
      },
    };
  }

  it('are told to the page, each as long as SIPp’s own play_dtmf says, in a payload type of its choice', async () => {
    const capture = await captureOfTrunk();
    const keys = `<nop><action><exec play_dtmf="${keyboard}" /></action></nop>`;
    const phone = await stage.phone('dtmf-uas-dials', { eventType: '96', keys });
    const page = await stage.callUntil('connected');
    const told = await waitForKeys(page, keyboard.length, 12_000);
    const sent = await capture.read(96);
    await page.hangUp();
    await phone.finished(10_000);
    expect(sent.map(({ digit }) => digit).join('')).toBe(keyboard);
    expect(told).toEqual(sent);
    expect(await stage.cdr()).toMatchObject({ digits: { fromTrunk: keyboard.length, fromBrowser: 0, lost: 0 } });
  });

  it.each([
    // Recorded from one device in its own order, "0" in another run of it.
    [['1', '2', '3', '4', '5', '6', '7', '8', '9', 'star', 'pound']],
    [['0']],
  ])('are told as long as in SIPp’s recordings %j', async (names) => {
    const recorded = names.flatMap((name) => dissectPresses(dissectEvents(recording(name), everyPort, 101)));
    const play = (name: string): string =>
      `<nop><action><exec play_pcap_audio="${recording(name)}" /></action></nop>\n<pause milliseconds="350" />\n`;
    const phone = await stage.phone('dtmf-uas-dials', { eventType: '101', keys: names.map(play).join('') });
    const page = await stage.callUntil('connected');
    const told = await waitForKeys(page, names.length, 10_000);
    await page.hangUp();
    await phone.finished(10_000);
    expect(recorded.length).toBe(names.length);
    expect(told).toEqual(recorded);
  });

  it('are told as long as baresip held them, and twice when it pressed twice', async () => {
    const capture = await captureOfTrunk();
    const phone = stage.keep(await Baresip.start({ number: phoneNumber, port: stage.trunkPort, toneHz: 1_000 }));
    const page = await stage.callUntil('connected');
    await phone.waitForEvent('CALL_RTPESTAB', 5_000);
    const pressed = `${keyboard}11##`;
    phone.press(pressed.toLowerCase());
    const told = await waitForKeys(page, pressed.length, 15_000);
    const sent = await capture.read(101);
    await page.hangUp();
    await phone.waitForEvent('CALL_CLOSED', 5_000);
    expect(sent.map(({ digit }) => digit).join('')).toBe(pressed);
    expect(told).toEqual(sent);
    expect(await stage.cdr()).toMatchObject({ digits: { fromTrunk: pressed.length, lost: 0 } });
  });

  it('are each begun and ended once at baresip when the page presses, for as long as left the gateway', async () => {
    const phone = stage.keep(await Baresip.start({ number: phoneNumber, port: stage.trunkPort, toneHz: 1_000 }));
    const file = stage.files.file('to-baresip.pcap');
    const capture = stage.keep(await Capture.start(file, [phone.mediaPorts]));
    const page = await stage.callUntil('connected');
    for (const [keys, toneMs] of [
      ['0123', 70],
      ['4567', 100],
      ['89*#', 180],
      ['ABCD', 400],
    ] as const)
      await page.insertDtmf(keys, toneMs, 70);
    const marks = () => phone.events.filter(({ type }) => type === 'CALL_DTMF_START' || type === 'CALL_DTMF_END');
    await eventually(() => (marks().length >= 2 * keyboard.length ? true : undefined), {
      what: 'baresip began and ended sixteen keys',
      withinMs: 5_000,
      explain: () => JSON.stringify(marks()),
    });
    await listenFor(300);
    await capture.stop();
    await page.hangUp();
    await phone.waitForEvent('CALL_CLOSED', 5_000);
    expect(phone.digits).toBe(keyboard);
    expect(marks().map(({ type }) => type)).toEqual(Array.from(keyboard).flatMap(() => ['CALL_DTMF_START', 'CALL_DTMF_END']));
    const left = dissectPresses(dissectEvents(file, phone.mediaPorts, 101));
    expect(left.map(({ digit }) => digit).join('')).toBe(keyboard);
    for (const [index, { digit, durationMs }] of left.entries()) {
      // Chromium's own tone is what was asked for, to its next packet.
      const askedMs = [70, 100, 180, 400][Math.floor(index / 4)] ?? 0;
      expect(durationMs, `length of ${digit}`).toBeGreaterThanOrEqual(askedMs - 10);
      expect(durationMs, `length of ${digit}`).toBeLessThanOrEqual(askedMs + 20);
    }
  });
});
