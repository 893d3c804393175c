import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { CallStage, phoneNumber } from '../support/call-stage.js';
import { eventually, listenFor } from '../support/eventually.js';
import type { CallPage } from '../support/page.js';
import { describeWithPeers } from '../support/peers.js';
import { type CapturedKey, type CapturedRtp, keysOf } from '../support/tshark.js';

interface Button extends HTMLElement {
  menu: unknown;
  sendDigits(digits: string): boolean;
}

const eventClockHz = 8_000;
/** A pause is timed by the page, and an event begins at a packet's time: one packet each way, and the timers of a busy machine. */
const toleranceMs = 60;

const digitsOf = (keys: readonly CapturedKey[]): string => keys.map((key) => key.digit).join('');

/** Milliseconds from the end of each key to the beginning of the next, on the clock of the stream. */
function pausesOf(keys: readonly CapturedKey[]): readonly number[] {
  return keys.slice(1).map((key, index) => {
    const before = keys[index];
    const units = (key.timestamp - (before?.timestamp ?? 0)) >>> 0;
    return ((units - (before?.duration ?? 0)) * 1_000) / eventClockHz;
  });
}

function expectPauses(keys: readonly CapturedKey[], pausesMs: readonly number[]): void {
  const measured = pausesOf(keys);
  expect(measured).toHaveLength(pausesMs.length);
  pausesMs.forEach((pauseMs, index) => {
    const off = Math.abs((measured[index] ?? 0) - pauseMs);
    expect(off, `pause ${index + 1}: ${measured[index]} ms instead of ${pauseMs} ms`).toBeLessThan(toleranceMs);
  });
}

/** What browsers are that have no DTMF sender, or one that never says it can insert. */
const browsers = {
  'has no DTMF sender': () => Object.defineProperty(RTCRtpSender.prototype, 'dtmf', { get: () => null }) && undefined,
  'never says that it can insert': () => Object.defineProperty(RTCDTMFSender.prototype, 'canInsertDTMF', { get: () => false }) && undefined,
};

describeWithPeers('Digits of the call button at the telephone (SIPp)', ['chromium', 'sipp', 'tshark', 'dumpcap'], () => {
  let stage: CallStage;
  beforeAll(async () => {
    stage = await CallStage.set({ toneHz: 620, levelDb: -20 });
  });
  afterEach(() => stage.clear());
  afterAll(() => stage?.dispose());

  const send = (page: CallPage, digits: string): Promise<boolean | undefined> =>
    page.page.evaluate((text) => document.querySelector<Button>('call-button')?.sendDigits(text), digits);

  /** Waits until the page is done with so many digits, and their last end packets are through. */
  async function sent(page: CallPage, count: number): Promise<void> {
    await eventually(async () => ((await page.events()).filter(({ type }) => type === 'dtmf-sent').length >= count ? true : undefined), {
      what: `the button says that ${count} digits have left`,
      withinMs: 20_000,
      explain: () => stage.gateway.log.slice(-3_000),
    });
    await listenFor(400);
  }

  /** Runs a call and gives the keys that reached the phone. */
  async function keysOfCall(name: string, during: (page: CallPage) => Promise<void>, ringMs = '400'): Promise<readonly CapturedKey[]> {
    const capture = await stage.capture(name);
    const phone = await stage.phone('uas-rings-and-answers', { ringMs });
    const page = await stage.page();
    await during(page);
    await page.hangUp();
    await phone.finished(10_000);
    await capture.stop();
    const packets: readonly CapturedRtp[] = stage.toPhone(capture);
    return keysOf(packets);
  }

  it('come from an element with data-ivr: one press calls, and presses the keys with their pauses once answered', async () => {
    const keys = await keysOfCall('data-ivr', async (page) => {
      await page.page.evaluate(() => {
        document.body.insertAdjacentHTML('beforeend', '<a href="tel:+44" data-ivr="1,w2000,3w700*,#">Ask for opening hours</a>');
      });
      await page.page.click('[data-ivr]');
      await sent(page, 4);
      expect(await page.states()).toEqual(['microphone', 'dialling', 'ringing', 'connected']);
      expect(page.page.url()).toMatch(/^http/);
    });
    expect(digitsOf(keys)).toBe('13*#');
    expectPauses(keys, [2_000, 700, 2_000]);
    expect((await stage.cdr())['to']).toBe(phoneNumber);
  });

  it('come from the website’s menu with the keyboard alone, level by level', async () => {
    const keys = await keysOfCall('menu', async (page) => {
      await page.page.evaluate(() => {
        const menu = { 'Opening hours': '9', Sales: { digits: '2', menu: { Returns: '5', 'New orders': 'w1000 1' } } };
        const script = document.createElement('script');
        script.type = 'application/json';
        script.slot = 'menu';
        script.textContent = JSON.stringify(menu);
        document.querySelector('call-button')?.append(script);
      });
      const { page: browser } = page;
      await browser.getByRole('button', { name: 'Sales' }).focus();
      await browser.keyboard.press('Enter');
      await page.waitForState('connected', 10_000);
      await sent(page, 1);
      expect(await browser.getByRole('group', { name: 'Sales' }).count()).toBe(1);
      expect(await browser.evaluate(() => document.querySelector('call-button')?.shadowRoot?.activeElement?.getAttribute('part'))).toBe(
        'menu',
      );
      // Past the way back and the first entry to the second.
      for (const key of ['Tab', 'Tab', 'Tab', 'Enter']) await browser.keyboard.press(key);
      await sent(page, 2);
      await browser.keyboard.press('Escape');
      await browser.getByRole('button', { name: 'Opening hours' }).click();
      await sent(page, 3);
    });
    expect(digitsOf(keys)).toBe('219');
    expect(await stage.cdr()).toMatchObject({ disposition: 'completed' });
  });

  it('wait while the phone rings, and arrive in order when it is answered', async () => {
    const keys = await keysOfCall(
      'while-ringing',
      async (page) => {
        await page.call();
        await page.waitForState('ringing', 10_000);
        expect(await send(page, '12')).toBe(true);
        await listenFor(600);
        expect(await page.states()).not.toContain('connected');
        expect((await page.events()).filter(({ type }) => type === 'dtmf-sent')).toEqual([]);
        await page.waitForState('connected', 10_000);
        expect(await send(page, 'w3')).toBe(false);
        expect(await send(page, 'w,3')).toBe(true);
        await sent(page, 3);
      },
      '2500',
    );
    expect(digitsOf(keys)).toBe('123');
  });

  it.each(Object.entries(browsers))('arrive in order and once from a browser that %s', async (_what, cripple) => {
    const keys = await keysOfCall('no-sender', async (page) => {
      await page.page.evaluate(cripple);
      await page.call();
      await page.waitForState('connected', 10_000);
      expect(await send(page, '1122,3*#D')).toBe(true);
      await sent(page, 8);
      expect(await page.errorCode()).toBeUndefined();
    });
    expect(digitsOf(keys)).toBe('11223*#D');
    expect(Math.abs((pausesOf(keys)[3] ?? 0) - 2_000)).toBeLessThan(toleranceMs);
  });

  it('are never pressed by a button that is set up wrongly; the page is told what, where and what to do', async () => {
    const page = await stage.page();
    await page.page.evaluate(() => {
      document.body.insertAdjacentHTML('beforeend', '<button data-ivr="1,x">Wrong</button>');
      const button = document.querySelector<Button>('call-button');
      if (button !== null) button.menu = '{ "Sales": { "digits": 2 } }';
    });
    await eventually(async () => ((await page.errorCode()) === undefined ? undefined : true), {
      what: 'the menu is refused',
      withinMs: 3_000,
    });
    await page.page.click('[data-ivr]');
    const details = (await page.events())
      .filter(({ type }) => type === 'error')
      .map(({ detail }) => `${detail['code']} ${detail['detail']}`);
    expect(details).toEqual([
      expect.stringMatching(/^ivr-invalid The entry “Sales” has digits that are no text\. Put them in double quotes/),
      expect.stringMatching(/^ivr-invalid .*data-ivr="1,x".*“x” at place 3 is no digit\. Write 0-9/),
    ]);
    expect(page.faults).toHaveLength(2);
    expect(await page.states()).toEqual([]);
  });
});
