import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import type { Page } from 'playwright-core';
import type { StageBrowser } from './call-stage.js';
import { eventually } from './eventually.js';
import { keepConnections, toneHeardBy } from './page-sound.js';
import type { Account, StockPhone } from './stock-clients/stock-phone.js';
import type { MeasuredTone } from './tones.js';

/** A user agent for web pages that was not written with this gateway in mind. */
export type StockClient = 'SIP.js' | 'JsSIP';

type Deed = Exclude<keyof StockPhone, 'start'>;

/** A website with the stock clients on it. */
export class StockSite {
  private constructor(private readonly server: Server) {}

  static async start(): Promise<StockSite> {
    const { outputFiles } = await build({
      entryPoints: [fileURLToPath(new URL('./stock-clients/page.ts', import.meta.url))],
      bundle: true,
      write: false,
      format: 'iife',
      target: 'es2022',
      define: { global: 'globalThis' },
      logLevel: 'error',
    });
    const script = outputFiles[0]?.text ?? '';
    const server = createServer((request, response) => {
      const wantsScript = request.url === '/clients.js';
      response.setHeader('content-type', wantsScript ? 'text/javascript; charset=utf-8' : 'text/html; charset=utf-8');
      response.end(wantsScript ? script : '<!doctype html><title>Stock clients</title><script src="/clients.js"></script>');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new StockSite(server);
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async dispose(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise<void>((resolve) => {
      this.server.close(() => resolve());
    });
  }
}

/** A page with one stock client on it, driven and listened to. */
export class StockPage {
  private constructor(
    readonly page: Page,
    /** What a failed expectation is explained with, beside what the page saw. */
    private readonly explain: () => string,
    private readonly faults: readonly string[],
  ) {}

  /** Opens the page and waits until its client is registered, or connected where it is a guest. */
  static async open(
    browser: StageBrowser,
    { url, client, account, explain }: { url: string; client: StockClient; account: Account; explain: () => string },
  ): Promise<StockPage> {
    const page = await browser.newPage();
    const faults: string[] = [];
    page.on('pageerror', (error) => faults.push(error.stack ?? error.message));
    page.on('console', (message) => {
      if (message.type() === 'error') faults.push(message.text());
    });
    await page.addInitScript(keepConnections);
    await page.goto(url);
    await page.evaluate((name) => window.useClient(name), client);
    await page.evaluate((one) => window.phone.start(one), account);
    const opened = new StockPage(page, explain, faults);
    await opened.waitFor(account.guest === true ? 'connected' : 'registered', 5_000);
    return opened;
  }

  /** What happened, in the words of `Note`. */
  notes(): Promise<string[]> {
    return this.page.evaluate(() => window.notes);
  }

  /** Waits until `what` is noted, and answers with all that is. */
  async waitFor(what: string, withinMs: number): Promise<string[]> {
    let notes: string[] = [];
    return eventually(
      async () => {
        notes = await this.notes();
        return notes.includes(what) ? notes : undefined;
      },
      {
        what: `the client notes "${what}"`,
        withinMs,
        explain: () => `noted: ${notes.join(', ')}\n${this.faults.join('\n')}\n${this.explain()}`,
      },
    );
  }

  /** Has the client do something by its own interface. */
  async do(deed: Deed, ...[text = '']: readonly string[]): Promise<void> {
    await this.page.evaluate(([name, value]) => window.phone[name](value), [deed, text] as const);
  }

  waitForTone(frequencyHz: number, withinMs: number): Promise<MeasuredTone> {
    return toneHeardBy(this.page, frequencyHz, withinMs, this.explain);
  }

  async dispose(): Promise<void> {
    await this.page.close();
  }
}
