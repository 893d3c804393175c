import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { CallStage } from '../support/call-stage.js';
import { eventually, eventuallyTrue } from '../support/eventually.js';
import { freePort } from '../support/free-ports.js';
import { CallPage } from '../support/page.js';
import { speechPackets, writePcap } from '../support/pcap.js';
import { describeWithPeers } from '../support/peers.js';
import { Sipp } from '../support/sipp.js';
import { strongestTone, tone } from '../support/tones.js';
import { audioOf } from '../support/tshark.js';

const microphoneHz = 910;
const phoneHz = 1_310;
const number = '442079460001';

describeWithPeers('A telephone (SIPp) calls a registered browser', ['chromium', 'sipp', 'tshark', 'dumpcap'], () => {
  let stage: CallStage;
  let page: CallPage;
  beforeAll(async () => {
    stage = await CallStage.set(
      { toneHz: microphoneHz, levelDb: -14 },
      { config: { users: [{ name: 'alice' }], inbound: [{ number: '*', to: { user: 'alice' } }] } },
    );
    writePcap(stage.files.file('speech.pcap'), speechPackets(tone({ frequencyHz: phoneHz, seconds: 20, levelDb: -14 }), 0xca11));
  });
  afterEach(async () => {
    await page?.close();
    await stage.clear();
  });
  afterAll(() => stage?.dispose('wholly'));

  async function alice(): Promise<CallPage> {
    page = await CallPage.open(stage.browser, {
      url: stage.site.origin,
      button: { gateway: stage.gateway.webSocket, to: number, user: 'alice' },
    });
    await eventuallyTrue(async () => (await stage.gateway.live())['registration'] === 1, {
      what: 'the browser is registered',
      withinMs: 5_000,
      explain: () => stage.gateway.log.slice(-2_000),
    });
    return page;
  }

  /** SIPp on any port: a carrier calls from where it likes, its address is what counts. */
  const ring = async (holdMs: number): Promise<Sipp> =>
    stage.keep(
      await Sipp.start({
        scenario: 'uac-calls',
        port: await freePort(),
        mediaPort: stage.phoneMedia,
        remote: `127.0.0.1:${stage.gateway.sipPort}`,
        fill: { number, pcap: stage.files.file('speech.pcap'), holdMs: String(holdMs) },
      }),
    );

  it('and each hears the other once it is answered, until the telephone hangs up', async () => {
    const capture = await stage.capture('inbound');
    const shown = await alice();
    const caller = await ring(4_000);
    await shown.waitForState('incoming', 5_000, () => stage.gateway.log.slice(-3_000));
    await shown.page.evaluate(() => document.querySelector<HTMLElement & { answer(): void }>('call-button')?.answer());
    await shown.waitForState('connected', 5_000, () => stage.gateway.log.slice(-3_000));
    const heard = await shown.waitForTone(phoneHz, 4_000, () => stage.gateway.log.slice(-3_000));
    expect(Math.abs(heard.levelDb + 14)).toBeLessThanOrEqual(2);
    await caller.finished(10_000);
    await shown.waitForState('ended', 3_000);
    await capture.stop();
    const atPhone = strongestTone(audioOf(stage.toPhone(capture)));
    expect(Math.abs(atPhone.frequencyHz - microphoneHz)).toBeLessThanOrEqual(2);
    expect(Math.abs(atPhone.levelDb + 14)).toBeLessThanOrEqual(2);
    expect(await stage.cdr()).toMatchObject({ direction: 'trunk-to-browser', user: 'alice', disposition: 'completed', endedBy: 'caller' });
  });

  it('and the page presses a key and is told what became of it, over the data channel of our offer', async () => {
    const shown = await alice();
    const caller = await ring(6_000);
    await shown.waitForState('incoming', 5_000);
    await shown.page.evaluate(() => document.querySelector<HTMLElement & { answer(): void }>('call-button')?.answer());
    await shown.waitForState('connected', 5_000);
    await shown.page.evaluate(() => {
      document.querySelector<HTMLElement & { sendDigits(digits: string): boolean }>('call-button')?.sendDigits('5');
    });
    await eventuallyTrue(
      async () =>
        (await shown.events()).some(({ type, detail }) => type === 'dtmf-receipt' && detail['digit'] === '5' && detail['state'] === 'sent'),
      { what: 'the page is told that its 5 was sent', withinMs: 5_000, explain: () => stage.gateway.log.slice(-3_000) },
    );
    await caller.finished(10_000);
    expect(await stage.cdr()).toMatchObject({ digits: { fromBrowser: 1, lost: 0 } });
  });

  it('and is told when the person declines', async () => {
    const shown = await alice();
    const caller = await ring(500);
    await shown.waitForState('incoming', 5_000);
    await shown.page.evaluate(() => document.querySelector<HTMLElement & { reject(): void }>('call-button')?.reject());
    await caller.ended(8_000);
    expect(caller.received().at(-1)).toMatch(/^SIP\/2\.0 603 /);
    expect(await stage.cdr()).toMatchObject({ failure: 'rejected', disposition: 'rejected', q850: 21 });
  });

  it('and finds nobody once the button is taken out of the page, until it is put back', async () => {
    const shown = await alice();
    const registered = (count: number): Promise<void> =>
      eventuallyTrue(async () => (await stage.gateway.live())['registration'] === count, {
        what: `${count} registered`,
        withinMs: 5_000,
        explain: () => stage.gateway.log.slice(-2_000),
      });
    const button = await shown.page.evaluateHandle(() => document.querySelector('call-button'));
    await button.evaluate((one) => one?.remove());
    await registered(0);
    const inVain = await ring(500);
    await inVain.ended(8_000);
    expect(inVain.received().at(-1)).toMatch(/^SIP\/2\.0 480 /);
    await stage.cdr();
    await button.evaluate((one) => one && document.body.append(one));
    await registered(1);
    const caller = await ring(500);
    await shown.waitForState('incoming', 5_000);
    await shown.ask('reject');
    await caller.ended(8_000);
    expect(await stage.cdr()).toMatchObject({ failure: 'rejected' });
  });

  it('and is told when nobody is there', async () => {
    const caller = await ring(500);
    await caller.ended(8_000);
    const final = await eventually(() => caller.received().find((line) => /^SIP\/2\.0 [3-6]/.test(line)), {
      what: 'a refusal',
      withinMs: 1_000,
    });
    expect(final).toMatch(/^SIP\/2\.0 480 /);
    expect(await stage.cdr()).toMatchObject({ failure: 'user-not-registered' });
  });
});
