import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { Baresip } from './baresip.js';
import { CallStage, phoneNumber, type StageBrowser } from './call-stage.js';
import type { ChromiumOptions } from './chromium.js';
import { eventually, eventuallyTrue, listenFor } from './eventually.js';
import type { GatewayOptions } from './gateway-process.js';
import type { CallPage } from './page.js';
import { type Sound, strongestTone } from './tones.js';
import { audioOf } from './tshark.js';

const microphoneHz = 660;
const phoneHz = 1_210;
const phoneDb = -14;

export interface JourneyOptions {
  readonly start: (microphone: ChromiumOptions) => Promise<StageBrowser>;
  /** Where media goes, for a browser that takes none from loopback. */
  readonly mediaAddress?: string;
}

/** A website in the gateway's configuration whose pages ask for their tickets themselves. */
export function siteOf(origin: string, more: Readonly<Record<string, unknown>> = {}): Readonly<Record<string, unknown>> {
  return {
    key: 'pk_shop',
    origins: [origin],
    destinations: [{ name: 'sales', number: phoneNumber }],
    anonymous: { ticketsPerHour: 500 },
    ...more,
  };
}

/** The tests of a whole call by a website's button, for one make of browser. To be called within a suite. */
export function widgetJourney({ start, mediaAddress }: JourneyOptions): void {
  let stage: CallStage;
  beforeAll(async () => {
    const gateway = (origin: string): GatewayOptions => ({
      ...(mediaAddress === undefined ? {} : { mediaAddress }),
      config: { sites: [siteOf(origin), siteOf(origin, { key: 'pk_small', anonymous: { ticketsPerHour: 1 } })] },
    });
    const mediaAllow = ['127.0.0.0/8', ...(mediaAddress === undefined ? [] : [`${mediaAddress}/32`])];
    stage = await CallStage.set({ toneHz: microphoneHz, levelDb: phoneDb }, gateway, { mediaAllow }, start);
  }, 60_000);
  afterEach(() => stage.clear());
  afterAll(() => stage?.dispose());

  const log = (): string => stage.gateway.log.slice(-4_000);
  const answeringPhone = async (): Promise<Baresip> =>
    stage.keep(await Baresip.start({ number: phoneNumber, port: stage.trunkPort, toneHz: phoneHz, levelDb: phoneDb }));
  const callSales = async (): Promise<CallPage> => {
    const page = await stage.pageWith({ site: 'pk_shop', to: 'sales' });
    await page.call();
    await page.waitForState('connected', 15_000, log);
    return page;
  };
  /** Lets the call be for a while, and gives back when that was, the moments of change left out. */
  const forAWhile = async (): Promise<readonly [fromMs: number, toMs: number]> => {
    await listenFor(400);
    const fromMs = Date.now();
    await listenFor(1_000);
    return [fromMs, Date.now()];
  };
  const held = async (page: CallPage): Promise<unknown> =>
    (await page.events()).filter(({ type }) => type === 'call-state').at(-1)?.detail['held'];
  const isHeld = (page: CallPage, what: string): Promise<void> =>
    eventuallyTrue(async () => (await held(page)) === what, {
      what: `the page says that the hold is ${what}`,
      withinMs: 5_000,
      explain: log,
    });

  it('is placed by name with a ticket that the page got itself, is heard both ways, held, talked on and rated', async () => {
    const phone = await answeringPhone();
    const capture = await stage.capture('journey', phone.mediaPorts);
    const page = await callSales();
    const heard = await page.waitForTone(phoneHz, 10_000, log);
    expect(Math.abs(heard.levelDb - phoneDb), `${heard.levelDb} dB heard in the page`).toBeLessThanOrEqual(2);
    const talking = await forAWhile();

    await page.ask('hold', true);
    await isHeld(page, 'local');
    const holding = await forAWhile();
    await page.ask('hold', false);
    await isHeld(page, 'none');
    const talkingAgain = await forAWhile();
    await page.waitForTone(phoneHz, 8_000, log);

    await page.ask('mute', true);
    const muted = await forAWhile();
    await page.ask('mute', false);
    const unmuted = await forAWhile();

    const quality = await eventually(async () => (await page.events()).find(({ type }) => type === 'quality'), {
      what: 'the page says how well the call is heard',
      withinMs: 8_000,
      explain: log,
    });
    expect(quality.detail).toMatchObject({ score: 5, lostPercent: 0 });
    await page.ask('sendDigits', '42#');
    await eventuallyTrue(() => phone.digits === '42#', { what: 'the phone heard three keys', withinMs: 5_000, explain: log });

    await page.hangUp();
    await phone.waitForEvent('CALL_CLOSED', 5_000);
    await capture.stop();
    const packets = capture.rtpTo(phone.mediaPorts, 101);
    const atPhone = ([fromMs, toMs]: readonly [number, number]): Sound =>
      audioOf(packets.filter(({ atMs }) => atMs >= fromMs && atMs <= toMs));
    for (const span of [talking, talkingAgain, unmuted]) {
      const tone = strongestTone(atPhone(span));
      expect(Math.abs(tone.frequencyHz - microphoneHz), `${tone.frequencyHz} Hz at the phone`).toBeLessThanOrEqual(2);
      expect(tone.purity).toBeGreaterThan(0.9);
    }
    // No packets leave no samples.
    for (const span of [holding, muted]) expect(Math.max(0, ...atPhone(span).samples.map(Math.abs)), 'loudest sample').toBeLessThan(40);
    expect(page.faults).toEqual([]);
    expect(await page.page.evaluate(() => JSON.stringify((window as unknown as { __seen: unknown }).__seen))).not.toContain(
      phoneNumber.slice(-6),
    );
    const record = await stage.cdr();
    expect(record).toMatchObject({ disposition: 'completed', endedBy: 'caller', to: expect.stringContaining('0018') as unknown });
    expect(await page.ask('rate', 4, 'Clear as a bell')).toBe(true);
    expect(await stage.cdr()).toMatchObject({ type: 'rating', callId: record['callId'], stars: 4, comment: 'Clear as a bell' });
    expect(await page.ask('rate', 5), 'a second time').toBe(false);
  });

  it('rings within 400 ms of the press, in half of ten calls and more', async () => {
    const ringing: number[] = [];
    for (let round = 0; round < 10; round += 1) {
      const phone = await stage.phone('uas-rings-until-cancelled');
      const page = await stage.pageWith({ site: 'pk_shop', to: 'sales' });
      await page.call();
      await page.waitForState('ringing', 10_000, log);
      ringing.push((await page.timings()).ringingMs ?? Number.POSITIVE_INFINITY);
      await page.hangUp();
      await phone.finished(10_000);
      await stage.clear();
    }
    ringing.sort((a, b) => a - b);
    expect(ringing[5], `all, in ms: ${ringing.map(Math.round).join(' ')}`).toBeLessThan(400);
  });

  it.each([
    { attributes: { site: 'pk_nobody', to: 'sales' }, code: 'ticket-invalid', words: /not allowed to call/ },
    { attributes: { site: 'pk_shop', to: 'somebody' }, code: 'wrong-destination', words: /may not call this number/ },
    { attributes: { ticket: 'no.ticket.atall', to: 'sales' }, code: 'ticket-invalid', words: /not allowed to call/ },
    { attributes: { to: 'sales' }, code: 'ticket-required', words: /not allowed to call/ },
  ])('is refused in words when it is placed with $attributes', async ({ attributes, code, words }) => {
    const page = await stage.pageWith(attributes);
    await page.call();
    await page.waitForState('ended', 10_000, log);
    expect(await page.errorCode()).toBe(code);
    expect(await page.statusText()).toMatch(words);
  });

  it('is refused in words when its visitor called too often', async () => {
    const page = await stage.pageWith({ site: 'pk_small', to: 'sales' });
    for (const code of ['trunk-unreachable', 'over-limit']) {
      await page.call();
      await eventually(async () => ((await page.errorCode()) === code ? true : undefined), { what: code, withinMs: 40_000, explain: log });
    }
    expect(await page.statusText()).toMatch(/Too many calls/);
  });
}
