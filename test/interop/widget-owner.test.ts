import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { Chromium } from '../support/chromium.js';
import { eventuallyTrue } from '../support/eventually.js';
import { GatewayProcess } from '../support/gateway-process.js';
import { CallPage } from '../support/page.js';
import { describeWithPeers } from '../support/peers.js';

interface Button extends HTMLElement {
  to: unknown;
  call(): void;
}

describeWithPeers('A call button in the hands of the owner of a website', ['chromium'], () => {
  let gateway: GatewayProcess;
  let browser: Chromium;
  let page: CallPage;

  beforeAll(async () => {
    gateway = await GatewayProcess.startDemo();
    browser = await Chromium.start({ toneHz: 830 });
  });
  afterEach(async () => {
    await gateway.endCalls();
    await page?.close();
    await gateway.waitUntilCallsAreGone();
  });
  afterAll(async () => {
    await browser?.dispose();
    await gateway?.dispose();
  });

  it('calls with whatever name a caller has', async () => {
    page = await CallPage.open(browser, { url: `${gateway.http}/` });
    await page.page.evaluate(() => document.querySelector('call-button')?.setAttribute('display', ' Conan "O\\Brien"\n Doyle'));
    await page.page.evaluate(() => document.querySelector<Button>('call-button')?.call());
    await page.waitForState('connected', 10_000);
    expect(page.faults).toEqual([]);
  });

  it.each([1002, ' 1002 '])('calls %j, as a script or a template may write a number', async (to) => {
    page = await CallPage.open(browser, { url: `${gateway.http}/` });
    await page.page.evaluate((number) => {
      const button = document.querySelector<Button>('call-button');
      if (button !== null) button.to = number;
      button?.call();
    }, to);
    await page.waitForState('connected', 10_000);
    expect((await gateway.calls()).map((call) => call['to'])).toEqual(['1002']);
    expect(page.faults).toEqual([]);
  });

  /** Beginnings of what the page says to the gateway from now on. */
  const listen = (): Promise<void> =>
    page.page.evaluate(() => {
      const { send } = WebSocket.prototype;
      WebSocket.prototype.send = function (data) {
        document.body.append(`${String(data).split(' ', 3).slice(0, 2).join(' ')}\n`);
        send.call(this, data);
      };
    });
  const said = (): Promise<readonly string[]> =>
    page.page.evaluate(() =>
      [...document.body.childNodes].flatMap(({ nodeType, data = '' }: { nodeType: number; data?: string }) =>
        nodeType === 3 && data.trim() !== '' ? [data.trim()] : [],
      ),
    );

  it('takes a hang-up of the far end without another word, and throws nothing into the page', async () => {
    page = await CallPage.open(browser, { url: `${gateway.http}/` });
    await page.page.evaluate(() => document.querySelector<Button>('call-button')?.call());
    await page.waitForState('connected', 10_000);
    await listen();
    await gateway.endCalls();
    await page.waitForState('ended', 5_000);
    expect([await said(), page.faults]).toEqual([['SIP/2.0 200'], []]);
  });

  it('takes it as lightly when a caller gives up', async () => {
    page = await CallPage.open(browser, { url: `${gateway.http}/` });
    await page.page.evaluate(() => {
      const button = document.querySelector<Button>('call-button');
      if (button !== null) button.to = '1006';
      button?.call();
    });
    await page.waitForState('connected', 10_000);
    await page.hangUp();
    await page.waitForState('incoming', 10_000);
    await listen();
    await gateway.endCalls();
    await eventuallyTrue(async () => (await page.states()).at(-1) === 'ended', {
      what: 'the page says that the call is over',
      withinMs: 5_000,
      explain: () => gateway.log.slice(-2_000),
    });
    expect([await said(), page.faults]).toEqual([['SIP/2.0 200', 'SIP/2.0 487'], []]);
  });

  it('says on one page that a call was answered on the other', async () => {
    page = await CallPage.open(browser, { url: `${gateway.http}/` });
    const other = await CallPage.open(browser, { url: `${gateway.http}/` });
    try {
      await page.page.evaluate(() => {
        const button = document.querySelector<Button>('call-button');
        if (button !== null) button.to = '1006';
        button?.call();
      });
      await page.waitForState('connected', 10_000);
      await page.hangUp();
      for (const one of [page, other]) await one.waitForState('incoming', 10_000);
      await other.page.evaluate(() => document.querySelector<Button & { answer(): void }>('call-button')?.answer());
      await page.page.locator('#phone [part~=card]', { hasText: 'Answered elsewhere.' }).waitFor({ timeout: 5_000 });
    } finally {
      await other.close();
    }
  });

  it('has the menu of the script that stands in it, and none when that is taken out', async () => {
    page = await CallPage.open(browser, { url: `${gateway.http}/` });
    const button = page.page.locator('#phone');
    const tune = button.getByRole('button', { name: 'Play a tune' });
    await tune.waitFor();
    await button.evaluate((element) => element.replaceChildren());
    await tune.waitFor({ state: 'detached' });
    await button.evaluate((element) => {
      Object.assign(element, { menu: { 'Of a script': '1' } });
    });
    await button.getByRole('button', { name: 'Of a script' }).waitFor();
    expect(page.faults).toEqual([]);
  });

  it('takes keys of the keyboard for the newest of two calls, and for the other one when that is over', async () => {
    page = await CallPage.open(browser, { url: `${gateway.http}/` });
    const call = async (calls: number): Promise<void> => {
      await eventuallyTrue(async () => (await gateway.calls()).filter(({ state }) => state === 'connected').length === calls, {
        what: `${calls} calls are up`,
        withinMs: 10_000,
        explain: () => gateway.log.slice(-2_000),
      });
    };
    const keys = async (count: number): Promise<readonly unknown[]> => {
      await eventuallyTrue(async () => (await page.page.evaluate(() => document.body.dataset['keys'] ?? '')).length === count, {
        what: `${count} keys have left`,
        withinMs: 5_000,
        explain: () => gateway.log.slice(-2_000),
      });
      return [...(await page.page.evaluate(() => document.body.dataset['keys'] ?? ''))];
    };
    await page.page.evaluate(() => {
      document.body.insertAdjacentHTML('beforeend', '<call-button id="other" to="1002"></call-button>');
      document.addEventListener('dtmf-sent', ({ target }) => {
        document.body.dataset['keys'] = (document.body.dataset['keys'] ?? '') + ((target as Element).id === 'other' ? 'o' : 'p');
      });
      document.querySelector<Button>('#phone')?.call();
    });
    await call(1);
    await page.page.evaluate(() => document.querySelector<Button>('#other')?.call());
    await call(2);
    await page.page.keyboard.press('5');
    expect(await keys(1)).toEqual(['o']);
    await page.page.evaluate(() => document.querySelector<Button & { hangup(): void }>('#other')?.hangup());
    await call(1);
    await page.page.keyboard.press('5');
    expect(await keys(2)).toEqual(['o', 'p']);
  });
});
