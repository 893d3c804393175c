import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { eventually } from '../support/eventually.js';
import { Firefox } from '../support/firefox.js';
import { GatewayProcess } from '../support/gateway-process.js';
import { CallPage } from '../support/page.js';
import { describeWithPeers } from '../support/peers.js';

/** A website with a policy that allows nothing but the gateway: no inline style, no inline script, no eval, no string as HTML. */
function strictWebsite(gateway: string): Promise<Server> {
  const policy = [
    "default-src 'none'",
    `script-src ${gateway}`,
    `connect-src ${gateway} ${gateway.replace('http', 'ws')}`,
    "style-src 'none'",
    "img-src 'self'",
    "media-src 'self' blob: mediastream:",
    "base-uri 'none'",
    "require-trusted-types-for 'script'",
  ].join('; ');
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8', 'content-security-policy': policy });
    response.end(`<!doctype html><html lang="de-AT"><title>Shop</title>
      <script type="module" src="${gateway}/call-button.js"></script>
      <call-button to="1001" check></call-button></html>`);
  });
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve(server));
  });
}

describeWithPeers('The button on a website of another origin in Firefox', ['firefox-esr'], () => {
  let gateway: GatewayProcess;
  let website: Server;
  let firefox: Firefox;

  beforeAll(async () => {
    gateway = await GatewayProcess.startDemo();
    website = await strictWebsite(`http://127.0.0.1:${gateway.httpPort}`);
    firefox = await Firefox.start({ toneHz: 620 });
  }, 60_000);
  afterAll(async () => {
    await firefox?.dispose();
    website?.close();
    await gateway?.dispose();
  });

  it('has its looks and the language of the page under a policy that allows nothing inline', async () => {
    const page = await CallPage.open(firefox, { url: `http://127.0.0.1:${(website.address() as AddressInfo).port}/` });
    const words = (): Promise<string> =>
      page.page.evaluate(() => document.querySelector('call-button')?.shadowRoot?.querySelector('.root')?.textContent?.trim() ?? '');
    await eventually(async () => ((await words()).includes('Anrufen') ? true : undefined), {
      what: 'the button speaks German',
      withinMs: 10_000,
      explain: () => page.faults.join('\n'),
    });
    const looks = await page.page.evaluate(() => {
      const press = document.querySelector('call-button')?.shadowRoot?.querySelector('.press') as HTMLElement;
      const { backgroundColor, display } = getComputedStyle(press);
      return { backgroundColor, display, heightPx: press.getBoundingClientRect().height };
    });
    expect(looks).toMatchObject({ backgroundColor: 'rgb(18, 128, 92)', display: 'inline-flex' });
    expect(looks.heightPx).toBeGreaterThanOrEqual(44);
    expect(page.faults).toEqual([]);
    await page.close();
  });
});
