import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { CallStage } from '../support/call-stage.js';
import { eventually, listenFor } from '../support/eventually.js';
import type { CallPage } from '../support/page.js';
import { keyPressPackets, writePcap } from '../support/pcap.js';
import { describeWithPeers } from '../support/peers.js';

interface Button extends HTMLElement {
  sendDigits(digits: string): boolean;
}

type Receipt = Readonly<Record<string, unknown>>;

const chromiumEars = { toneHz: 620, levelDb: -20 };

async function receiptsOf(page: CallPage): Promise<readonly Receipt[]> {
  return (await page.events()).filter(({ type }) => type === 'dtmf-receipt').map(({ detail }) => detail);
}

/** The steps in the life of each press, in the order they were told; without `left`, which the gateway’s word may overtake. */
async function livesOf(page: CallPage): Promise<Readonly<Record<number, string>>> {
  const lives: Record<number, string> = {};
  for (const { press, state } of (await receiptsOf(page)).filter((one) => one['state'] !== 'left'))
    lives[Number(press)] = `${lives[Number(press)] ?? ''} ${state}`.trim();
  return lives;
}

const send = (page: CallPage, digits: string): Promise<boolean | undefined> =>
  page.page.evaluate((text) => document.querySelector<Button>('call-button')?.sendDigits(text), digits);

async function receipts(stage: CallStage, page: CallPage, state: string, count: number): Promise<void> {
  await eventually(async () => ((await receiptsOf(page)).filter((one) => one['state'] === state).length >= count ? true : undefined), {
    what: `${count} digits are ${state}`,
    withinMs: 10_000,
    explain: () => stage.gateway.log.slice(-3_000),
  });
}

/** What the button shows of its digits: each with its state, and the word below. */
const shown = (page: CallPage): Promise<string> =>
  page.page.evaluate(() => {
    const root = document.querySelector('call-button')?.shadowRoot;
    const digits = [...(root?.querySelectorAll('.strip span') ?? [])].map((one) => `${one.textContent}:${one.className}`);
    return [...digits, root?.querySelector('.fate')?.textContent].join(' ');
  });

describeWithPeers('The life of a digit in the page (SIPp)', ['chromium', 'sipp', 'tshark', 'dumpcap'], () => {
  let stage: CallStage;
  beforeAll(async () => {
    stage = await CallStage.set(chromiumEars);
  });
  afterEach(() => stage.clear());
  afterAll(() => stage?.dispose());

  it('goes to “sent” with mode, length and packets, matched with the gateway’s numbers while the phone presses too', async () => {
    writePcap(stage.files.file('keys.pcap'), keyPressPackets('0987', { payloadType: 101, ssrc: 0x2e7, toneMs: 120, gapMs: 60 }));
    const keys = `<nop><action><exec play_pcap_audio="${stage.files.file('keys.pcap')}" /></action></nop>\n<pause milliseconds="900" />\n`;
    const phone = await stage.phone('uas-presses-keys', { keys });
    const page = await stage.callUntil('connected');
    await send(page, '112');
    await receipts(stage, page, 'sent', 3);
    await eventually(async () => ((await page.digits()).length >= 4 ? true : undefined), {
      what: 'four digits of the phone',
      withinMs: 8_000,
    });
    await listenFor(300);
    expect(await page.digits()).toBe('0987');
    const sent = (await receiptsOf(page)).filter(({ state }) => state === 'sent');
    expect(sent.map(({ digit }) => digit).join('')).toBe('112');
    for (const receipt of sent) {
      expect(receipt['as']).toBe('rfc4733');
      expect(Math.abs(Number(receipt['durationMs']) - 100)).toBeLessThanOrEqual(20);
      expect(receipt['packets']).toBeGreaterThanOrEqual(6);
    }
    expect(new Set(sent.map(({ id }) => id)).size).toBe(3);
    expect(await livesOf(page)).toEqual({ 1: 'pressed seen sent', 2: 'pressed seen sent', 3: 'pressed seen sent' });
    expect(await shown(page)).toBe('1:sent 1:sent 2:sent Sent');
    await page.hangUp();
    await phone.finished(10_000);
  });

  it('tells each digit of the phone once, though INFO and the data channel both bring it', async () => {
    writePcap(stage.files.file('keys.pcap'), keyPressPackets('55#', { payloadType: 101, ssrc: 0x2e8, toneMs: 120, gapMs: 60 }));
    const keys = `<nop><action><exec play_pcap_audio="${stage.files.file('keys.pcap')}" /></action></nop>\n<pause milliseconds="700" />\n`;
    const phone = await stage.phone('uas-presses-keys', { keys });
    const page = await stage.page();
    await page.page.evaluate(() => {
      const seen: string[] = [];
      Object.assign(window, { seenMessages: seen, seenInfos: 0 });
      const create = RTCPeerConnection.prototype.createDataChannel;
      RTCPeerConnection.prototype.createDataChannel = function (label, options) {
        const channel = create.call(this, label, options);
        channel.addEventListener('message', ({ data }) => seen.push(`${label}: ${data}`));
        return channel;
      };
    });
    const infos: string[] = [];
    page.page.on('websocket', (socket) => {
      socket.on('framereceived', ({ payload }) => {
        if (String(payload).startsWith('INFO ')) infos.push(/^X-Digit-Id: (\d+)/im.exec(String(payload))?.[1] ?? 'none');
      });
    });
    await page.call();
    await page.waitForState('connected', 10_000);
    await eventually(async () => (infos.length >= 3 && (await page.digits()).length >= 3 ? true : undefined), {
      what: 'three digits came both ways',
      withinMs: 8_000,
      explain: () => stage.gateway.log.slice(-3_000),
    });
    await listenFor(500);
    expect(await page.digits()).toBe('55#');
    expect(infos).toEqual(['1', '2', '3']);
    const messages = await page.page.evaluate(() => (window as unknown as { seenMessages: string[] }).seenMessages);
    expect(messages.map((message) => JSON.parse(message.replace('call: ', '')) as unknown)).toEqual(
      [...'55#'].map((digit, index) => ({ type: 'dtmf', id: index + 1, digit, durationMs: 120 })),
    );
    await page.hangUp();
    await phone.finished(10_000);
  });

  it('is masked in a secure window, for the page’s own keys and the display', async () => {
    const phone = await stage.phone('uas-rings-and-answers');
    const page = await stage.callUntil('connected');
    await send(page, '1');
    await receipts(stage, page, 'sent', 1);
    const [call] = await stage.gateway.calls();
    const opened = await fetch(`${stage.gateway.http}/api/v1/calls/${call?.['id']}/secure-digits`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ open: true, seconds: 60 }),
    });
    expect(opened.status).toBe(200);
    await send(page, '234');
    await receipts(stage, page, 'sent', 4);
    await send(page, '5');
    await receipts(stage, page, 'sent', 5);
    const told = (await receiptsOf(page)).map(({ digit }) => digit);
    // The page learns of the window with the first receipt out of it.
    expect(new Set(told.slice(told.indexOf('•')))).toEqual(new Set(['•']));
    const gateways = (await receiptsOf(page)).filter(({ press, id }) => press !== 1 && id !== undefined);
    expect(new Set(gateways.map(({ digit }) => digit))).toEqual(new Set(['•']));
    expect(await shown(page)).toBe('1:sent •:sent •:sent •:sent •:sent Sent');
    await page.hangUp();
    await phone.finished(10_000);
  });

  it('ends as “failed”, without a complaint, when the caller hangs up before a digit could be sent', async () => {
    const phone = await stage.phone('uas-rings-and-answers', { ringMs: '300' });
    const page = await stage.callUntil('connected');
    await send(page, '1w5000 2');
    await receipts(stage, page, 'sent', 1);
    await page.hangUp();
    await phone.finished(10_000);
    expect((await receiptsOf(page)).at(-1)).toMatchObject({ press: 2, state: 'failed', why: 'call-ended' });
    expect(await page.errorCode()).toBeUndefined();
  });
});

describeWithPeers('The life of a digit on a trunk that takes INFO (SIPp)', ['chromium', 'sipp'], () => {
  let stage: CallStage;
  beforeAll(async () => {
    stage = await CallStage.set(chromiumEars, {}, { dtmf: 'info' });
  });
  afterEach(() => stage.clear());
  afterAll(() => stage?.dispose());

  it('goes on to “acknowledged”', async () => {
    const phone = await stage.phone('uas-takes-info', { infoStatus: '200 OK' });
    const page = await stage.callUntil('connected');
    await send(page, '7*');
    await receipts(stage, page, 'acknowledged', 2);
    const last = (await receiptsOf(page)).filter(({ state }) => state === 'acknowledged');
    expect(last).toMatchObject([
      { press: 1, digit: '7', as: 'info' },
      { press: 2, digit: '*', as: 'info' },
    ]);
    expect(await shown(page)).toBe('7:acknowledged *:acknowledged Received');
    await page.hangUp();
    await phone.finished(10_000);
    expect(phone.messages().match(/^INFO /gm)?.length).toBeGreaterThanOrEqual(2);
    expect([...phone.messages().matchAll(/Signal=(.)/g)].map((match) => match[1]).join('')).toBe('7*');
  });

  it('ends in “failed”, said in words and to screen readers, when the phone refuses it', async () => {
    const phone = await stage.phone('uas-takes-info', { infoStatus: '488 Not Acceptable Here' });
    const page = await stage.callUntil('connected');
    await send(page, '4');
    await receipts(stage, page, 'failed', 1);
    expect(await page.errorCode()).toBe('digits-not-sent');
    expect(await shown(page)).toBe('4:failed “4” was not sent. The phone line refused it.');
    expect(await page.statusText()).toBe('Connected “4” was not sent. The phone line refused it.');
    await page.hangUp();
    await phone.finished(10_000);
  });
});
