import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { Baresip } from '../support/baresip.js';
import { CallStage, phoneNumber } from '../support/call-stage.js';
import { CuttablePath } from '../support/cuttable-path.js';
import { eventually, eventuallyTrue } from '../support/eventually.js';
import { CallPage } from '../support/page.js';
import { describeWithPeers } from '../support/peers.js';
import { strongestTone } from '../support/tones.js';

const microphoneHz = 740;
const phoneHz = 1_470;
const levelDb = -14;

describeWithPeers('A page whose WebSocket is cut while it talks', ['chromium', 'baresip'], () => {
  let stage: CallStage;
  beforeAll(async () => {
    stage = await CallStage.set({ toneHz: microphoneHz, levelDb });
  });
  afterEach(() => stage.clear());
  afterAll(() => stage?.dispose());

  const talk = async (): Promise<{ page: CallPage; phone: Baresip; path: CuttablePath }> => {
    const phone = stage.keep(await Baresip.start({ number: phoneNumber, port: stage.trunkPort, toneHz: phoneHz, levelDb }));
    const path = stage.keep(await CuttablePath.start({ host: '127.0.0.1', port: stage.gateway.httpPort }));
    const button = { gateway: `ws://127.0.0.1:${path.port}/sip`, to: phoneNumber };
    const page = await CallPage.open(stage.browser, { url: stage.site.origin, button });
    stage.keep(Object.assign(page, { dispose: () => page.close() }));
    await page.call();
    await page.waitForState('connected', 10_000, () => stage.gateway.log.slice(-3_000));
    await page.waitForTone(phoneHz, 10_000);
    return { page, phone, path };
  };
  const says = (page: CallPage, text: RegExp, withinMs: number) =>
    eventuallyTrue(async () => text.test(await page.statusText()), {
      what: `the button says ${text}`,
      withinMs,
      explain: () => stage.gateway.log.slice(-4_000),
    });

  it('keeps its call, comes back over a new connection and a new path, and hangs up over it', async () => {
    const { page, phone, path } = await talk();
    path.sever();
    await says(page, /trying again/, 5_000);
    const meanwhile = await page.waitForTone(phoneHz, 5_000);
    expect(Math.abs(meanwhile.levelDb - levelDb), 'sound goes on meanwhile').toBeLessThanOrEqual(2);
    const before = path.made;
    path.mend();
    await says(page, /Connected/, 10_000);
    expect(path.made).toBe(before + 1);
    await page.waitForTone(phoneHz, 5_000);
    await eventually(() => (Math.abs(strongestTone(phone.heard()).frequencyHz - microphoneHz) < 3 ? true : undefined), {
      what: 'the phone hears the page still',
      withinMs: 5_000,
    });
    await page.hangUp();
    await phone.waitForEvent('CALL_CLOSED', 5_000);
    expect(await stage.cdr()).toMatchObject({ disposition: 'completed', endedBy: 'caller' });
    expect(stage.gateway.log).toMatch(/the browser is back/);
  });

  it('makes connection and path anew when the browser says that the network is another one', async () => {
    const { page, phone, path } = await talk();
    const before = path.made;
    const candidates = (): Promise<string> =>
      page.page.evaluate(() => {
        const connections = (window as unknown as { __connections: RTCPeerConnection[] }).__connections;
        return /a=ice-ufrag:(\S+)/.exec(connections.at(-1)?.localDescription?.sdp ?? '')?.[1] ?? '';
      });
    const old = await candidates();
    await page.page.evaluate(() => window.dispatchEvent(new Event('online')));
    await eventuallyTrue(async () => path.made > before && (await candidates()) !== old, { what: 'both are new', withinMs: 5_000 });
    await says(page, /Connected/, 5_000);
    await page.waitForTone(phoneHz, 5_000);
    await page.hangUp();
    await phone.waitForEvent('CALL_CLOSED', 5_000);
    expect(await stage.cdr()).toMatchObject({ disposition: 'completed', endedBy: 'caller' });
  });

  it('learns that the phone hung up while it was away', async () => {
    const { page, phone, path } = await talk();
    path.sever();
    await says(page, /trying again/, 5_000);
    phone.hangUp();
    await phone.waitForEvent('CALL_CLOSED', 5_000);
    path.mend();
    await page.waitForState('ended', 15_000, () => stage.gateway.log.slice(-4_000));
    expect(await stage.cdr()).toMatchObject({ endedBy: 'callee' });
  });
});
