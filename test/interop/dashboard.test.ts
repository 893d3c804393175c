import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { CallStage, phoneNumber } from '../support/call-stage.js';
import { DashboardPage } from '../support/dashboard-page.js';
import { eventually } from '../support/eventually.js';
import { GatewayProcess } from '../support/gateway-process.js';
import type { CallPage } from '../support/page.js';
import { keyPressPackets, writePcap } from '../support/pcap.js';
import { describeWithPeers } from '../support/peers.js';
import { peerPath } from '../support/programs.js';

const [token, viewToken] = ['token-of-the-operator', 'token-of-who-looks'];
const env = { TEST_ADMIN: token, TEST_VIEW: viewToken };
const admin = { token: { env: 'TEST_ADMIN' }, viewToken: { env: 'TEST_VIEW' } };
/** Digits by which a number would be known, of the telephone and of the caller. */
const telltale = ['2079460018', '2079460001'];

interface Button extends HTMLElement {
  sendDigits(digits: string): boolean;
}

describeWithPeers('The dashboard in Chromium', ['chromium', 'sipp', 'tshark'], () => {
  let stage: CallStage;
  let dashboard: DashboardPage;
  beforeAll(async () => {
    stage = await CallStage.set({ toneHz: 620, levelDb: -20 }, { env, config: { admin } });
  });
  afterEach(() => stage.clear());
  afterAll(() => stage?.dispose());

  async function open(as: string): Promise<void> {
    const opened = await DashboardPage.open(stage.browser, stage.gateway.http);
    dashboard = opened;
    stage.keep({ dispose: () => opened.close() });
    await dashboard.logOut();
    await dashboard.logIn(as);
    await dashboard.page.locator('calls-page h1').waitFor();
  }

  /** A call with a phone that presses 0987, and a page that presses 112. */
  async function call(): Promise<CallPage> {
    writePcap(stage.files.file('keys.pcap'), keyPressPackets('0987', { payloadType: 101, ssrc: 0x2e7, toneMs: 120, gapMs: 60 }));
    const keys = `<nop><action><exec play_pcap_audio="${stage.files.file('keys.pcap')}" /></action></nop>\n<pause milliseconds="900" />\n`;
    await stage.phone('uas-presses-keys', { keys });
    const page = await stage.callUntil('connected');
    await page.page.evaluate(() => document.querySelector<Button>('call-button')?.sendDigits('112'));
    return page;
  }

  const rows = () => dashboard.page.locator('tr[data-call]');
  const untilGone = () =>
    eventually(async () => ((await rows().count()) === 0 ? true : undefined), { what: 'no call is shown', withinMs: 8_000 });

  it('shows a call with both its legs while it is up, lets it be hung up, and keeps its record', async () => {
    await open(token);
    await dashboard.page.getByText('No call is up').waitFor();
    const page = await call();
    await rows().filter({ hasText: phoneNumber }).waitFor();
    const row = rows().first();
    await eventually(async () => (/7, all delivered/.test(await row.innerText()) ? true : undefined), {
      what: 'seven keys',
      withinMs: 10_000,
    });
    await eventually(async () => ((await row.innerText()).match(/\d\.\d good/g)?.length === 2 ? true : undefined), {
      what: 'the quality of both legs',
      withinMs: 15_000,
      explain: () => stage.gateway.log.slice(-2_000),
    });
    expect(await row.innerText()).toMatch(/connected/);
    expect((await row.innerText()).match(/PCM[AU]|opus|G722/gi)).toHaveLength(2);
    expect(await dashboard.faults()).toEqual([]);

    await dashboard.page.getByRole('searchbox').fill('no such words');
    await dashboard.page.getByText('None of the 1 calls').waitFor();
    await dashboard.page.getByRole('searchbox').fill('carrier connected');
    await row.getByRole('button', { name: 'Hang up' }).click();
    await dashboard.page.getByRole('button', { name: 'Cancel' }).click();
    expect(await rows().count()).toBe(1);
    await row.getByRole('button', { name: 'Hang up' }).click();
    await dashboard.page.locator('dialog').getByRole('button', { name: 'Hang up' }).click();
    await page.waitForState('ended', 5_000);
    await untilGone();

    await dashboard.goTo('#/records');
    const record = dashboard.page.locator('records-page tbody tr');
    await record.filter({ hasText: phoneNumber }).waitFor();
    expect(await dashboard.faults()).toEqual([]);
    await dashboard.page.locator('input[name=number]').fill('000111');
    await dashboard.page.getByRole('button', { name: 'Search' }).click();
    await dashboard.page.getByText('No record fits this search.').waitFor();
    await dashboard.page.getByRole('link', { name: 'Show all' }).click();
    await record.first().waitFor();
    const download = dashboard.page.waitForEvent('download');
    await dashboard.page.getByRole('link', { name: 'Export CSV' }).click();
    expect(readFileSync(await (await download).path(), 'utf8')).toContain(phoneNumber);
    expect(await dashboard.troubles()).toEqual([]);
  });

  it('tells the story of a call while it is up and after: ladder, plots, keys, and a capture that tshark reads', async () => {
    await open(token);
    const page = await call();
    await rows().first().getByRole('link', { name: 'Story' }).click();
    const { page: shown } = dashboard;
    await shown.locator('story-page .chip', { hasText: 'live' }).waitFor();
    const isDrawn = (dots: readonly number[]): boolean => dots.length >= 3 && dots.every((count) => count > 20);
    await eventually(async () => (isDrawn(await dashboard.linesDrawn()) ? true : undefined), {
      what: 'lines on all plots',
      withinMs: 20_000,
    });
    await eventually(async () => ((await shown.locator('.receipts tbody tr').count()) === 7 ? true : undefined), {
      what: 'receipts',
      withinMs: 8_000,
    });
    await page.hangUp();
    await shown.locator('story-page .cause', { hasText: 'The caller hung up' }).waitFor();
    expect(await shown.locator('.chip', { hasText: 'live' }).count()).toBe(0);

    const receipts = await shown.locator('.receipts tbody tr').allInnerTexts();
    expect(receipts.map((text) => /\s([\d*#])\s/.exec(text.replace(/^\s*\d+/, ''))?.[1]).sort()).toEqual([
      '0',
      '1',
      '1',
      '2',
      '7',
      '8',
      '9',
    ]);
    expect(receipts.filter((text) => !/sent as|acknowledged/.test(text))).toEqual([]);
    expect(isDrawn(await dashboard.linesDrawn())).toBe(true);

    expect(await shown.locator('.lanes strong').allInnerTexts()).toEqual([expect.stringMatching(/^Page/), 'Gateway', 'Trunk carrier']);
    const titles = (await shown.locator('button.message .what').allInnerTexts()).map((text) => text.split(/\s+SDP|\s+from |\n/)[0]?.trim());
    expect(titles.filter((title) => title === 'INVITE')).toHaveLength(2);
    expect(titles.filter((title) => title === 'BYE')).toHaveLength(2);
    await shown.locator('button.message.right', { hasText: 'INVITE' }).click();
    expect(await shown.locator('.reading pre').innerText()).toContain(`INVITE sip:${phoneNumber}`);
    expect(await shown.locator('.reading .sdp').innerText()).toMatch(/offers .*G\.711/);
    expect(await dashboard.faults()).toEqual([]);

    const download = shown.waitForEvent('download');
    await shown.getByRole('link', { name: 'Export pcap' }).click();
    const args = ['-r', await (await download).path(), '-T', 'fields', '-e', 'sip.Method'];
    const methods = execFileSync(peerPath('tshark'), args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).split('\n');
    expect(methods.filter((method) => method.trim() === 'INVITE')).toHaveLength(2);
    expect(await dashboard.troubles()).toEqual([]);
  });

  it('draws a figure that is known only once, as the round trip of a short call is', async () => {
    await open(token);
    const page = await call();
    await rows().first().getByRole('link', { name: 'Story' }).click();
    const { page: shown } = dashboard;
    await shown.locator('plot-view').first().waitFor();
    await page.hangUp();
    await shown.locator('story-page .cause', { hasText: 'The caller hung up' }).waitFor();
    await shown.route(/\/story$/, async (route) => {
      const response = await route.fetch();
      const story = (await response.json()) as { readonly media: readonly { samples: readonly object[] }[] };
      for (const leg of story.media) {
        const { roundTripMs: _none, ...sample } = { roundTripMs: 0, ...leg.samples[0] };
        const times = [5_000, 10_000, 15_000, 20_000];
        leg.samples = times.map((atMs) => ({ ...sample, atMs, ...(atMs === 20_000 ? { roundTripMs: 40 } : {}) }));
      }
      await route.fulfill({ response, json: story });
    });
    await shown.reload();
    await eventually(async () => ((await dashboard.linesDrawn()).length === 4 ? true : undefined), { what: 'four plots', withinMs: 8_000 });
    await eventually(async () => ((await dashboard.linesDrawn()).every((count) => count > 20) ? true : undefined), {
      what: 'something on each of them',
      withinMs: 4_000,
    });
  });

  it('shows no number and no key anywhere to who may only look, and no button that changes anything', async () => {
    await open(viewToken);
    const page = await call();
    await rows().first().waitFor();
    const seen: string[] = [await dashboard.everything()];
    await rows().first().getByRole('link', { name: 'Story' }).click();
    const { page: shown } = dashboard;
    await eventually(async () => ((await shown.locator('.receipts tbody tr').count()) === 7 ? true : undefined), {
      what: 'receipts',
      withinMs: 10_000,
    });
    await page.hangUp();
    await shown.locator('story-page .cause', { hasText: 'The caller hung up' }).waitFor();
    for (const message of await shown.locator('button.message').all()) {
      await message.dispatchEvent('click');
      seen.push(await dashboard.everything());
    }
    expect(seen.length).toBeGreaterThan(8);
    expect(new Set(await shown.locator('.receipts kbd').allInnerTexts())).toEqual(new Set(['•']));
    await dashboard.goTo('#/records');
    await shown.locator('records-page tbody tr').first().waitFor();
    seen.push(await dashboard.everything());
    for (const text of seen) {
      expect(text).toContain('masked');
      for (const digits of telltale) expect(text).not.toContain(digits);
    }
    for (const name of ['Hang up', 'Drain']) expect(await shown.getByRole('button', { name }).count()).toBe(0);
    expect(await dashboard.troubles()).toEqual([]);
  });

  it('says how trunks and limits are, on pages that axe finds nothing wrong with, in light and in dark', async () => {
    await open(token);
    for (const [address, words] of [
      ['#/trunks', 'carrier'],
      ['#/guard', 'Calls that a rule refused or ended'],
    ] as const) {
      await dashboard.goTo(address);
      await dashboard.page.locator('main h2', { hasText: words }).waitFor();
      for (const colorScheme of ['light', 'dark'] as const) {
        await dashboard.page.emulateMedia({ colorScheme });
        expect(await dashboard.faults()).toEqual([]);
      }
    }
    await dashboard.page.getByRole('button', { name: 'Log out' }).click();
    await dashboard.page.locator('input[name=token]').waitFor();
    expect(await dashboard.faults()).toEqual([]);
    expect(await dashboard.troubles()).toEqual([]);
  });

  it('refuses wrong tokens, and after five of them every one for a minute', async () => {
    const gateway = await GatewayProcess.start({ env, config: { admin } });
    stage.keep(gateway);
    const guest = await DashboardPage.open(stage.browser, gateway.http);
    stage.keep({ dispose: () => guest.close() });
    const fault = guest.page.locator('login-page .fault');
    for (let count = 0; count < 5; count += 1) {
      await guest.logIn(`wrong ${count}`);
      await fault.filter({ hasText: 'This is not the token of this gateway' }).waitFor();
      await eventually(async () => ((await guest.page.locator('input[name=token]').inputValue()) === '' ? true : undefined), {
        what: 'the token is taken out of the field',
        withinMs: 3_000,
      });
    }
    await guest.logIn(token);
    await fault.filter({ hasText: 'Too many wrong tokens came from here' }).waitFor();
    expect(await guest.page.locator('header.bar').count()).toBe(0);
    expect(await guest.troubles()).toEqual([]);
  });
});
