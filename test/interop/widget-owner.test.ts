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
