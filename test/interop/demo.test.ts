import { readFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { Chromium } from '../support/chromium.js';
import { eventually } from '../support/eventually.js';
import { GatewayProcess } from '../support/gateway-process.js';
import { CallPage } from '../support/page.js';
import { describeWithPeers } from '../support/peers.js';
import { decodeG711, levelDb } from '../support/tones.js';

const microphoneHz = 830;
const firstSoundWithinMs = 2_000;

/** Best Pearson correlation of two loudness curves, one moved against the other by up to 0.6 s. */
function likeness(left: readonly number[], right: readonly number[]): number {
  let best = -1;
  for (let shift = -30; shift <= 30; shift += 1) {
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

const prompts = new URL('../../src/demo/prompts/', import.meta.url);
/** What the voice may say, prompt after prompt. */
const phrases = [
  ['welcome', 'menu'],
  ['menu'],
  ['about', 'more'],
  ['tune-next', 'tune', 'more'],
  ['type-digits'],
  ['no-digits', 'more'],
  ['still-there', 'menu'],
  ['goodbye'],
  ['echo'],
];

/** Loudness of a phrase, once each 20 ms, two seconds of it. */
function loudnessOf(phrase: readonly string[]): number[] {
  const samples = decodeG711(Buffer.concat(phrase.map((name) => readFileSync(new URL(`${name}.ulaw`, prompts)))), 0);
  return Array.from({ length: 100 }, (_, index) => {
    const frame = samples.subarray(index * 160, (index + 1) * 160);
    return frame.length === 0 ? 0 : 10 ** (levelDb(frame) / 20);
  });
}

/** The phrase whose loudness goes up and down most like what was heard. */
function mostAlike(heard: readonly number[]): string {
  const ranked = phrases.map((phrase) => ({ phrase: phrase[0] ?? '', likeness: likeness(heard, loudnessOf(phrase)) }));
  ranked.sort((one, other) => other.likeness - one.likeness);
  const [first] = ranked;
  if (first === undefined || first.likeness < 0.6) return `nothing known: ${JSON.stringify(ranked.slice(0, 3))}`;
  return first.phrase;
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

  it('lets a person hear the voice menu within two seconds of the press, and hear the right answer to each key', async () => {
    await call('1001');
    expect(await firstSoundMs()).toBeLessThan(firstSoundWithinMs);
    await page.waitForState('connected', 5_000, recentLog);
    const saidTo = async (key: string): Promise<string> => {
      await page.insertDtmf(key, 120, 70);
      const heard = await page.loudness(2_000);
      expect(Math.max(...heard), `loudness after pressing ${key}`).toBeGreaterThan(0.02);
      return mostAlike(heard);
    };
    expect(await saidTo('1')).toBe('about');
    expect(await saidTo('2')).toBe('tune-next');
    expect(await saidTo('0')).toBe('menu');
    expect(await saidTo('3')).toBe('type-digits');
    expect(await saidTo('#')).toBe('no-digits');
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

  it('says of a gateway that the policy of its page forbids that it cannot be reached', async () => {
    page = await CallPage.open(browser, { url: `${gateway.http}/` });
    await page.page.evaluate(() => document.querySelector('call-button')?.setAttribute('gateway', 'wss://call.example.com/sip'));
    await page.call();
    await page.waitForState('ended', 15_000);
    expect(await page.errorCode()).toBe('gateway-unreachable');
  });
});
