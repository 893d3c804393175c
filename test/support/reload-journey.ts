import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { Baresip } from './baresip.js';
import { CallStage, phoneNumber, type StageBrowser } from './call-stage.js';
import type { ChromiumOptions } from './chromium.js';
import { eventuallyTrue, listenFor } from './eventually.js';
import type { GatewayOptions } from './gateway-process.js';
import type { CallPage } from './page.js';
import { strongestTone } from './tones.js';
import { audioOf } from './tshark.js';
import { siteOf } from './widget-journey.js';

const microphoneHz = 660;
const phoneHz = 1_210;
const levelDb = -14;
const graceSeconds = 6;

export interface ReloadOptions {
  readonly start: (microphone: ChromiumOptions) => Promise<StageBrowser>;
  /** Where media goes, for a browser that takes none from loopback. */
  readonly mediaAddress?: string;
}

/** What must hold of a call when its page is loaded anew, for one make of browser. To be called within a suite. */
export function reloadJourney({ start, mediaAddress }: ReloadOptions): void {
  let stage: CallStage;
  beforeAll(async () => {
    const gateway = (origin: string): GatewayOptions => ({
      ...(mediaAddress === undefined ? {} : { mediaAddress }),
      config: { sites: [siteOf(origin)], browser: { graceSeconds } },
    });
    const mediaAllow = ['127.0.0.0/8', ...(mediaAddress === undefined ? [] : [`${mediaAddress}/32`])];
    stage = await CallStage.set({ toneHz: microphoneHz, levelDb }, gateway, { mediaAllow }, start);
  }, 60_000);
  afterEach(() => stage.clear());
  afterAll(() => stage?.dispose());

  const log = (): string => stage.gateway.log.slice(-4_000);
  const connected = async (): Promise<{ readonly page: CallPage; readonly phone: Baresip }> => {
    const phone = stage.keep(await Baresip.start({ number: phoneNumber, port: stage.trunkPort, toneHz: phoneHz, levelDb }));
    const page = await stage.pageWith({ site: 'pk_shop', to: 'sales' });
    await page.call();
    await page.waitForState('connected', 15_000, log);
    await page.waitForTone(phoneHz, 10_000, log);
    return { page, phone };
  };

  it('goes on: sound both ways, keys, and a telephone that noticed nothing', async () => {
    const { page, phone } = await connected();
    const capture = await stage.capture('reload', phone.mediaPorts);
    await page.page.reload();
    await page.waitForState('connected', 10_000, log);
    await page.waitForTone(phoneHz, 10_000, log);
    const backAtMs = Date.now();
    await listenFor(1_500);
    await page.ask('sendDigits', '7#');
    await eventuallyTrue(() => phone.digits === '7#', { what: 'the phone heard two keys', withinMs: 5_000, explain: log });
    await page.hangUp();
    await phone.waitForEvent('CALL_CLOSED', 5_000);
    await capture.stop();

    const packets = capture.rtpTo(phone.mediaPorts, 101);
    const tone = strongestTone(audioOf(packets.filter(({ atMs }) => atMs >= backAtMs && atMs <= backAtMs + 1_400)));
    expect(Math.abs(tone.frequencyHz - microphoneHz), `${tone.frequencyHz} Hz at the phone`).toBeLessThanOrEqual(2);
    expect(new Set(packets.map(({ ssrc }) => ssrc)).size).toBe(1);
    const steps = packets.slice(1).map(({ sequence }, at) => (sequence - (packets[at]?.sequence ?? 0)) & 0xffff);
    expect(steps.every((step) => step === 1)).toBe(true);
    const pauses = packets.slice(1).map(({ atMs }, at) => atMs - (packets[at]?.atMs ?? 0));
    expect(Math.max(...pauses), 'the phone is sent silence while the page is away').toBeLessThan(1_500);
    expect(await stage.cdr()).toMatchObject({ disposition: 'completed', endedBy: 'caller', reattached: 1 });
    expect(stage.gateway.cdrs()).toHaveLength(1);
  });

  it('misses no key of the telephone, and is on hold still when it was', async () => {
    const { page, phone } = await connected();
    const url = page.page.url();
    await page.page.goto('about:blank');
    phone.press('42');
    await listenFor(800);
    await page.page.goto(url);
    await page.waitForState('connected', 10_000, log);
    await eventuallyTrue(async () => (await page.digits()) === '42', { what: 'the page heard two keys', withinMs: 5_000, explain: log });
    await page.waitForTone(phoneHz, 10_000, log);

    const shown = async (): Promise<unknown> => (await page.events()).filter(({ type }) => type === 'call-state').at(-1)?.detail['held'];
    const shows = (held: string): Promise<void> =>
      eventuallyTrue(async () => (await shown()) === held, { what: `the page shows "${held}"`, withinMs: 8_000, explain: log });
    await page.ask('hold', true);
    await shows('local');
    // What is offered just before a reload is not acknowledged, and its dialog then lives as long as timers do.
    await listenFor(500);
    await page.page.reload();
    await page.waitForState('connected', 10_000, log);
    await shows('local');
    await listenFor(500);
    await page.ask('hold', false);
    await shows('none');
    await page.waitForTone(phoneHz, 10_000, log);
    await page.hangUp();
    await phone.waitForEvent('CALL_CLOSED', 5_000);
    expect(await stage.cdr()).toMatchObject({ disposition: 'completed', reattached: 2 });
  });

  it('is over for the telephone too when the page is closed for good, once the grace is', async () => {
    const { page, phone } = await connected();
    const closedAtMs = performance.now();
    await page.close();
    await phone.waitForEvent('CALL_CLOSED', (graceSeconds + 6) * 1_000);
    expect(performance.now() - closedAtMs).toBeGreaterThan((graceSeconds - 1) * 1_000);
    expect(await stage.cdr()).toMatchObject({ failure: 'browser-gone', endedBy: 'caller' });
  });

  it('that ended meanwhile is shown as ended', async () => {
    const { page, phone } = await connected();
    await page.page.goto('about:blank');
    await phone.hangUp();
    await stage.cdr();
    await page.page.goto(stage.site.pageWith({ gateway: stage.gateway.webSocket, to: 'sales', site: 'pk_shop' }));
    await page.waitForState('ended', 10_000, log);
    expect(await page.errorCode()).toBeUndefined();
  });
}
