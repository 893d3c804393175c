import { afterAll, beforeAll, expect, it } from 'vitest';
import type { StageBrowser } from '../support/call-stage.js';
import { Chromium, type ChromiumOptions } from '../support/chromium.js';
import { Firefox } from '../support/firefox.js';
import { GatewayProcess } from '../support/gateway-process.js';
import { CallPage } from '../support/page.js';
import { describeWithPeers } from '../support/peers.js';

const makes = [
  { make: 'Chromium', start: Chromium.start },
  { make: 'Firefox', start: Firefox.start },
] as const;
const lacks = [
  { microphone: 'denied', code: 'microphone-denied', words: /blocking the microphone/ },
  { microphone: 'missing', code: 'microphone-missing', words: /No microphone was found/ },
] as const;

describeWithPeers('A page without a microphone', ['chromium', 'firefox-esr'], () => {
  let gateway: GatewayProcess;
  beforeAll(async () => {
    gateway = await GatewayProcess.startDemo();
  });
  afterAll(() => gateway?.dispose());

  const inPage = async (
    start: (options: ChromiumOptions) => Promise<StageBrowser>,
    options: ChromiumOptions,
    run: (page: CallPage) => Promise<void>,
  ) => {
    const browser = await start(options);
    try {
      await run(await CallPage.open(browser, { url: `${gateway.http}/` }));
    } finally {
      await browser.dispose();
    }
  };

  it.each(makes.flatMap((make) => lacks.map((lack) => ({ ...make, ...lack }))))(
    'is told so in $make when it is $microphone, and nothing is dialled',
    async ({ start, microphone, code, words }) => {
      await inPage(start, { toneHz: 500, microphone }, async (page) => {
        await page.ask('call');
        await page.waitForState('ended', 10_000);
        expect(await page.errorCode()).toBe(code);
        expect(await page.statusText()).toMatch(words);
        const check = await page.ask<Record<string, { readonly state: string; readonly reason?: string }>>('check');
        expect(check['microphone']).toEqual({ state: 'bad', reason: code });
        expect(check['gateway']).toEqual({ state: 'good' });
        expect(page.faults).toEqual([]);
      });
      expect(gateway.log).not.toContain('call received');
    },
  );

  it.each(makes)('finds one with the check before the call in $make, when it has one', async ({ make, start }) => {
    await inPage(start, { toneHz: 500 }, async (page) => {
      const check = await page.ask<Record<string, { readonly state: string }>>('check');
      // An audio context of a Firefox that nobody hears never runs.
      expect(check['microphone']?.state).toBe(make === 'Firefox' ? 'unknown' : 'good');
      expect(check['gateway']?.state).toBe('good');
      expect((await page.events()).filter(({ type }) => type === 'check')).toHaveLength(1);
    });
  });
});
