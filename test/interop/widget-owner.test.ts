import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { Chromium } from '../support/chromium.js';
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
});
