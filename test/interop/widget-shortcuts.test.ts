import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { Chromium } from '../support/chromium.js';
import { eventuallyTrue } from '../support/eventually.js';
import { GatewayProcess } from '../support/gateway-process.js';
import { CallPage } from '../support/page.js';
import { describeWithPeers } from '../support/peers.js';

describeWithPeers('The shortcuts of the demo page, with the voice menu it brings', ['chromium'], () => {
  let gateway: GatewayProcess;
  let browser: Chromium;
  let page: CallPage;

  beforeAll(async () => {
    gateway = await GatewayProcess.startDemo();
    browser = await Chromium.start({ toneHz: 830 });
  });
  afterEach(async () => {
    await page?.close();
    await gateway.waitUntilCallsAreGone();
  });
  afterAll(async () => {
    try {
      await gateway?.waitUntilNothingIsLeft();
    } finally {
      await browser?.dispose();
      await gateway?.dispose();
    }
  });

  /** Waits until the voice menu says in the terminal what was chosen. */
  const chosen = (what: string): Promise<void> =>
    eventuallyTrue(() => gateway.log.includes(what), {
      what: `the voice menu says “${what}”`,
      withinMs: 15_000,
      explain: () => gateway.log.slice(-2_000),
    });

  it('call the voice menu, whatever number was chosen, and lead through it', async () => {
    page = await CallPage.open(browser, { url: `${gateway.http}/` });
    await page.page.locator('input[value="1002"]').check({ force: true });
    await page.page.getByRole('button', { name: 'Have 42 read back' }).click();
    await chosen('chose to type digits');
    await chosen('typed 2 digit(s), read back');
    expect(await page.page.locator('kbd').allTextContents()).toEqual(['3', '4', '2', '#']);
    expect(page.faults).toEqual([]);
    await page.hangUp();
  });

  it('stand under the button as a menu while it is the voice menu that is called', async () => {
    page = await CallPage.open(browser, { url: `${gateway.http}/` });
    const tune = page.page.getByRole('button', { name: 'Play a tune' });
    await page.page.locator('input[value="1003"]').check({ force: true });
    await eventuallyTrue(async () => (await tune.count()) === 0, { what: 'the menu is gone', withinMs: 3_000 });
    await page.page.locator('input[value="1001"]').check({ force: true });
    await tune.click();
    await chosen('chose the tune');
    await page.hangUp();
  });
});
