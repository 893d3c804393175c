import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { Chromium } from '../support/chromium.js';
import { eventually } from '../support/eventually.js';
import { GatewayProcess } from '../support/gateway-process.js';
import { CallPage } from '../support/page.js';
import { describeWithPeers } from '../support/peers.js';

const microphoneHz = 830;
const firstSoundWithinMs = 2_000;

/** Best Pearson correlation of two loudness curves, one moved against the other by up to 0.4 s. */
function likeness(left: readonly number[], right: readonly number[]): number {
  let best = -1;
  for (let shift = -20; shift <= 20; shift += 1) {
    const pairs: [number, number][] = [];
    for (const [index, value] of left.entries()) {
      const other = right[index + shift];
      if (other !== undefined) pairs.push([value, other]);
    }
    best = Math.max(best, pearson(pairs));
  }
  return best;
}

function pearson(pairs: readonly (readonly [number, number])[]): number {
  const mean = (pick: 0 | 1): number => pairs.reduce((sum, pair) => sum + pair[pick], 0) / pairs.length;
  const [meanLeft, meanRight] = [mean(0), mean(1)];
  let [both, left, right] = [0, 0, 0];
  for (const [one, other] of pairs) {
    both += (one - meanLeft) * (other - meanRight);
    left += (one - meanLeft) ** 2;
    right += (other - meanRight) ** 2;
  }
  return both / Math.sqrt(Math.max(left * right, 1e-12));
}

describeWithPeers('The demo, started without a configuration', ['chromium'], () => {
  let gateway: GatewayProcess;
  let browser: Chromium;
  let page: CallPage;

  beforeAll(async () => {
    gateway = await GatewayProcess.startDemo();
    browser = await Chromium.start({ toneHz: microphoneHz });
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

  const recentLog = (): string => gateway.log.slice(-3_000);

  async function call(number: string): Promise<void> {
    page = await CallPage.open(browser, { url: `${gateway.http}/` });
    await page.page.locator(`input[value="${number}"]`).check({ force: true });
    await page.call();
  }

  const firstSoundMs = (): Promise<number> =>
    eventually(async () => (await page.timings()).soundMs, {
      what: 'something is heard',
      withinMs: 8_000,
      everyMs: 20,
      explain: recentLog,
    });

  it('says in the terminal what to open', () => {
    expect(gateway.log).toContain(`http://127.0.0.1:${gateway.httpPort}`);
  });

  it('lets a person hear the voice menu within two seconds of the press, and hear the key that was pressed', async () => {
    await call('1001');
    expect(await firstSoundMs()).toBeLessThan(firstSoundWithinMs);
    await page.waitForState('connected', 5_000, recentLog);
    const heardAfter = async (digit: string): Promise<number[]> => {
      await page.insertDtmf(digit, 120, 70);
      return page.loudness(2_000);
    };
    // What the menu says to "1" is the same each time and not what it says to "2".
    const one = await heardAfter('1');
    const two = await heardAfter('2');
    const oneAgain = await heardAfter('1');
    expect(Math.max(...one), 'loudness after pressing 1').toBeGreaterThan(0.02);
    expect(likeness(one, oneAgain)).toBeGreaterThan(0.85);
    expect(likeness(one, two)).toBeLessThan(likeness(one, oneAgain) - 0.1);
    await page.hangUp();
  });

  it('plays a caller his own voice at the echo number', async () => {
    await call('1002');
    await page.waitForState('connected', 5_000, recentLog);
    const heard = await page.waitForTone(microphoneHz, 10_000, recentLog);
    expect(heard.levelDb).toBeGreaterThan(-16);
    await page.hangUp();
  });

  it('lets the announcement be heard before anybody answers', async () => {
    await call('1007');
    await page.waitForState('early-media', 5_000, recentLog);
    expect(await firstSoundMs()).toBeLessThan(firstSoundWithinMs);
    expect(await page.states()).not.toContain('connected');
    await page.hangUp();
  });

  it.each([
    ['1004', 'busy'],
    ['1005', 'rejected'],
  ])('shows at number %s that the line is %s', async (number, code) => {
    await call(number);
    await page.waitForState('ended', 8_000, recentLog);
    expect(await page.errorCode()).toBe(code);
  });

  it('rings at a phone nobody picks up until the caller gives up', async () => {
    await call('1003');
    await page.waitForState('ringing', 5_000, recentLog);
    await page.hangUp();
    await page.waitForState('ended', 3_000);
    expect(await page.errorCode()).toBeUndefined();
  });

  it('calls the browser back', async () => {
    await call('1006');
    await page.waitForState('connected', 5_000, recentLog);
    await eventually(async () => ((await page.states()).at(-1) === 'ended' ? true : undefined), {
      what: 'the announcement has ended, or the page hangs up',
      withinMs: 12_000,
    }).catch(() => page.hangUp());
    await page.waitForState('incoming', 20_000, recentLog);
    await page.page.evaluate(() => document.querySelector<HTMLElement & { answer(): void }>('call-button')?.answer());
    await eventually(async () => ((await page.states()).at(-1) === 'connected' ? true : undefined), {
      what: 'the call back is connected',
      withinMs: 8_000,
      explain: recentLog,
    });
    const loud = await page.loudness(3_000);
    expect(Math.max(...loud), 'loudness of the call back').toBeGreaterThan(0.02);
    await page.hangUp();
  });
});
