import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { Chromium } from '../support/chromium.js';
import { freePort, freePortRun } from '../support/free-ports.js';
import { GatewayProcess } from '../support/gateway-process.js';
import { CallPage } from '../support/page.js';
import { PageServer } from '../support/page-server.js';
import { describeWithPeers } from '../support/peers.js';

type Results = Readonly<Record<'microphone' | 'gateway' | 'udp' | 'turn', { readonly state: string; readonly reason?: string }>>;

describeWithPeers('The check before a call in Chromium', ['chromium'], () => {
  let browser: Chromium;
  let site: PageServer;
  let gateway: GatewayProcess | undefined;
  beforeAll(async () => {
    [browser, site] = await Promise.all([Chromium.start({ toneHz: 440 }), PageServer.start()]);
  });
  afterEach(() => gateway?.dispose());
  afterAll(async () => {
    await browser?.dispose();
    await site?.dispose();
  });

  /** What the check finds with such ICE servers in the gateway's configuration, and how long it takes. */
  async function check(media: Readonly<Record<string, unknown>>): Promise<Results & { readonly tookMs: number }> {
    const [browserPorts, trunkPorts] = [await freePortRun(4), await freePortRun(4)];
    gateway = await GatewayProcess.start({
      allowedOrigins: [site.origin],
      env: { RELAY_PASSWORD: 'page' },
      config: {
        media: {
          workers: 1,
          browserPorts: { min: browserPorts, max: browserPorts + 3 },
          trunkPorts: { min: trunkPorts, max: trunkPorts + 3 },
          ...media,
        },
      },
    });
    const page = await CallPage.open(browser, { url: site.pageWith({ gateway: gateway.webSocket, to: '1001' }) });
    const fromMs = performance.now();
    const results = await page.ask<Results>('check');
    const tookMs = performance.now() - fromMs;
    await page.close();
    return { ...results, tookMs };
  }

  it('finds all good with a gateway that brings its own relay', async () => {
    const relays = await freePortRun(10);
    const embedded = { listen: ['udp:127.0.0.1:0', 'tcp:127.0.0.1:0'], relayPorts: { min: relays, max: relays + 9 } };
    const found = await check({ turn: { embedded } });
    expect(found).toMatchObject({
      microphone: { state: 'good' },
      gateway: { state: 'good' },
      udp: { state: 'good' },
      turn: { state: 'good' },
    });
  });

  it('finds a network that lets neither UDP nor relays through, and is over in time', async () => {
    const nobody = await freePort();
    const urls = [`turn:127.0.0.1:${nobody}?transport=udp`, `turn:127.0.0.1:${nobody}?transport=tcp`];
    const found = await check({ iceServers: [{ urls, username: 'page', credential: { env: 'RELAY_PASSWORD' } }] });
    expect(found).toMatchObject({
      gateway: { state: 'good' },
      udp: { state: 'bad', reason: 'udp-blocked' },
      turn: { state: 'bad', reason: 'turn-blocked' },
    });
    expect(found.tookMs).toBeLessThan(7_500);
  });
});
