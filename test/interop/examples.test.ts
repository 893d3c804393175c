import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { Child } from '../support/child.js';
import { Chromium } from '../support/chromium.js';
import { eventuallyTrue } from '../support/eventually.js';
import { freePort, freePortRun } from '../support/free-ports.js';
import { GatewayProcess } from '../support/gateway-process.js';
import { describeWithPeers } from '../support/peers.js';
import { Sipp } from '../support/sipp.js';

const examples = fileURLToPath(new URL('../../config/examples/', import.meta.url));
const number = '+441632960001';
const secret = 'a-secret-of-the-shop-back-end';
const types: Readonly<Record<string, string>> = { '.html': 'text/html; charset=utf-8', '.css': 'text/css', '.js': 'text/javascript' };

/** A web server for one example, with the test's gateway in place of the one in the text. */
class Website {
  private constructor(private readonly server: Server) {}

  static async start(port: number, fileOf: (path: string) => string | undefined): Promise<Website> {
    const server = createServer((request, response) => {
      const path = request.url === '/' ? '/index.html' : (request.url ?? '');
      const text = fileOf(path);
      if (text === undefined) response.statusCode = 404;
      response.setHeader('content-type', types[extname(path)] ?? 'text/plain');
      response.end(text);
    });
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    return new Website(server);
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async dispose(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise<void>((resolve) => this.server.close(() => resolve()));
  }
}

describeWithPeers('An example website', ['chromium', 'sipp'], () => {
  let gateway: GatewayProcess;
  let chromium: Chromium;
  let trunkPort: number;
  let sitePort: number;
  const started: { dispose(): Promise<void> }[] = [];

  beforeAll(async () => {
    trunkPort = (await freePortRun(2)) + 1;
    sitePort = await freePort();
    chromium = await Chromium.start({ toneHz: 700 });
    gateway = await GatewayProcess.start({
      trunks: [{ id: 'carrier', callerId: '+15550100', peers: [{ uri: `sip:127.0.0.1:${trunkPort}` }] }],
      env: { SHOP_SECRET: secret },
      config: {
        sites: [
          {
            key: 'pk_shop',
            secret: { env: 'SHOP_SECRET' },
            origins: [`http://127.0.0.1:${sitePort}`],
            anonymous: { ticketsPerHour: 10 },
            destinations: [{ name: 'sales', number }],
          },
        ],
      },
    });
  });
  afterEach(async () => {
    for (const one of started.splice(0).reverse()) await one.dispose();
    await gateway.waitUntilCallsAreGone();
  });
  afterAll(async () => {
    await chromium?.dispose();
    await gateway?.dispose();
  });

  const hosted = (text: string): string => {
    const here = new URL(gateway.webSocket);
    return text.replaceAll('wss://call.example.com', `ws://${here.host}`).replaceAll('https://call.example.com', `http://${here.host}`);
  };

  async function open(url: string): Promise<{ readonly page: Page; readonly faults: string[] }> {
    const page = await chromium.newPage();
    started.push({ dispose: () => page.close() });
    const faults: string[] = [];
    page.on('pageerror', ({ message }) => faults.push(message));
    page.on('console', (message) => {
      if (message.type() === 'error' && !message.text().includes('favicon')) faults.push(message.text());
    });
    await page.addInitScript(() => {
      document.addEventListener('call-state', (event) => {
        document.documentElement.dataset['call'] = (event as CustomEvent<{ readonly state: string }>).detail.state;
      });
    });
    await page.goto(url);
    return { page, faults };
  }

  /** Presses the button, talks to the phone, and hangs up. */
  async function expectCall(url: string): Promise<void> {
    const phone = await Sipp.start({ scenario: 'uas-answers', port: trunkPort, mediaPort: await freePortRun(8) });
    started.push(phone);
    const { page, faults } = await open(url);
    await page.getByRole('button', { name: 'Call the shop' }).click();
    const state = (): Promise<string | undefined> => page.evaluate(() => document.documentElement.dataset['call']);
    const isConnected = async (): Promise<boolean> => (await state()) === 'connected';
    await eventuallyTrue(isConnected, {
      what: 'the call is up',
      withinMs: 10_000,
      explain: () => `${faults.join('\n')}\n${gateway.log.slice(-2_000)}`,
    });
    await page.getByRole('button', { name: 'Hang up' }).click();
    await phone.finished(10_000);
    const record = await gateway.cdr(gateway.cdrs().length, 5_000);
    expect(record).toMatchObject({ to: number, disposition: 'completed' });
    expect(faults).toEqual([]);
    expect(await page.content()).not.toContain(number);
  }

  it('without a back end calls by its public key, under a policy that lets nothing else in', async () => {
    const site = await Website.start(sitePort, (path) => {
      const known = path === '/index.html' || path === '/style.css';
      return known ? hosted(readFileSync(`${examples}static-page${path}`, 'utf8')) : undefined;
    });
    started.push(site);
    await expectCall(`${site.origin}/`);
  });

  it('with a back end calls by the tickets that the back end asks for', async () => {
    const here = new URL(gateway.webSocket);
    const server = new Child({
      command: process.execPath,
      args: [`${examples}express-backend/server.mjs`],
      env: { SITE_SECRET: secret, GATEWAY: `http://${here.host}`, PORT: String(sitePort) },
    });
    started.push({ dispose: async () => void (await server.stop()) });
    await server.waitForOutput(/open http/, 10_000);
    await expectCall(`http://127.0.0.1:${sitePort}/`);
  });

  it('made with React calls, and hears what becomes of it', async () => {
    const widget = fileURLToPath(new URL('../../dist/web/call-button.js', import.meta.url));
    const bundle = await build({
      ...{ entryPoints: [`${examples}react/app.tsx`], bundle: true, write: false, format: 'esm', jsx: 'automatic' },
      alias: { 'webrtc-pstn-gateway/call-button': widget },
      define: { 'process.env.NODE_ENV': '"production"' },
    });
    const code = hosted(bundle.outputFiles[0]?.text ?? '');
    const page =
      '<!doctype html><html lang="en"><title>Shop</title><link rel="icon" href="data:,"><script type="module" src="/app.js"></script>';
    const site = await Website.start(sitePort, (path) => (path === '/app.js' ? code : path === '/index.html' ? page : undefined));
    started.push(site);
    await expectCall(`${site.origin}/`);
  });
});
