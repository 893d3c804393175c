import { Chromium } from '../support/chromium.js';
import { eventually } from '../support/eventually.js';
import { GatewayProcess } from '../support/gateway-process.js';
import { CallPage } from '../support/page.js';
import { percentile } from './percentile.js';

export interface SetupResult {
  readonly calls: number;
  readonly ringing: { readonly p50Ms: number; readonly p95Ms: number };
  readonly sound: { readonly p50Ms: number; readonly p95Ms: number };
}

/** Calls of a real browser to the demo carrier's menu, one after another, from the press of the button. */
export async function measureCallSetup(calls: number): Promise<SetupResult> {
  const gateway = await GatewayProcess.startDemo();
  const browser = await Chromium.start({ toneHz: 500 });
  try {
    const page = await CallPage.open(browser, { url: `${gateway.http}/` });
    const ringingMs: number[] = [];
    const soundMs: number[] = [];
    for (let call = 0; call <= calls; call += 1) {
      await page.call();
      const timings = await eventually(
        async () => {
          const { ringingMs: ringing, soundMs: sound } = await page.timings();
          return ringing !== undefined && sound !== undefined ? { ringing, sound } : undefined;
        },
        { what: `call ${call} rings and is heard`, withinMs: 10_000, explain: () => gateway.log.slice(-2_000) },
      );
      // The first call also warms up both programs; what a person meets every other time is measured.
      if (call > 0) {
        ringingMs.push(timings.ringing);
        soundMs.push(timings.sound);
      }
      await page.hangUp();
      await eventually(async () => ((await gateway.live())['call'] === 0 ? true : undefined), {
        what: 'the call is over',
        withinMs: 10_000,
      });
    }
    const summary = (values: number[]) => ({ p50Ms: percentile(values, 50), p95Ms: percentile(values, 95) });
    return { calls, ringing: summary(ringingMs), sound: summary(soundMs) };
  } finally {
    await browser.dispose();
    await gateway.dispose();
  }
}
