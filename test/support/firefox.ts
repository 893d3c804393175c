import { networkInterfaces } from 'node:os';
import type { Page } from 'playwright-core';
import { type Browser, launch, type Page as Tab } from 'puppeteer-core';
import { peerPath } from './programs.js';
import { type Scratch, scratch } from './scratch.js';

export interface FirefoxOptions {
  /** What the microphone hears, for ever, at full scale of Firefox' own generator. */
  readonly toneHz: number;
  /** What a page gets that asks for it; by default a microphone. */
  readonly microphone?: 'denied' | 'missing';
}

/**
 * The machine's own address beside loopback, on which its packets to itself travel all the same. Firefox offers
 * no candidate on 127.0.0.1, whatever `media.peerconnection.ice.loopback` says, and pairs no other one with it.
 */
export function ownAddress(): string | undefined {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  return all.find(({ family, internal }) => family === 'IPv4' && !internal)?.address;
}

/** A page of Firefox in the shape the suites know; what they do not use of it is not there. */
function asPage(tab: Tab): Page {
  const some = {
    goto: (url: string) => tab.goto(url),
    addInitScript: (script: () => void) => tab.evaluateOnNewDocument(script),
    evaluate: (run: (given: unknown) => unknown, given?: unknown) => tab.evaluate(run, given),
    waitForFunction: (run: (given: unknown) => unknown, given?: unknown, options: { readonly timeout?: number } = {}) =>
      tab.waitForFunction(run, { timeout: options.timeout ?? 30_000 }, given),
    reload: () => tab.reload(),
    click: (selector: string) => tab.click(selector),
    url: () => tab.url(),
    on: (event: 'pageerror' | 'console', told: (value: never) => void) => tab.on(event, told as (value: unknown) => void),
    close: () => tab.close(),
  };
  const page = some as unknown as Page;
  pages.add(page);
  return page;
}

const pages = new WeakSet<Page>();

/** Whether a page is one of Firefox. */
export function isFirefox(page: Page): boolean {
  return pages.has(page);
}

/**
 * Debian's Firefox, driven by WebDriver BiDi, with a microphone that hears a tone and a profile of its own.
 * Nothing of it looks for the internet.
 */
export class Firefox {
  private constructor(
    private readonly files: Scratch,
    private readonly browser: Browser,
  ) {}

  static async start({ toneHz, microphone }: FirefoxOptions): Promise<Firefox> {
    const files = scratch('firefox');
    const browser = await launch({
      browser: 'firefox',
      executablePath: peerPath('firefox-esr'),
      headless: true,
      userDataDir: files.file('profile'),
      env: { ...process.env, HOME: files.path, MOZ_CRASHREPORTER_DISABLE: '1' },
      extraPrefsFirefox: {
        'media.navigator.streams.fake': microphone !== 'missing',
        'media.navigator.audio.fake_frequency': toneHz,
        'media.navigator.permission.disabled': microphone !== 'denied',
        ...(microphone === 'denied' ? { 'permissions.default.microphone': 2 } : {}),
        'media.getusermedia.insecure.enabled': true,
        'media.devices.insecure.enabled': true,
        'media.peerconnection.ice.obfuscate_host_addresses': false,
        'media.autoplay.default': 0,
        'media.autoplay.blocking_policy': 0,
        'network.captive-portal-service.enabled': false,
        'network.connectivity-service.enabled': false,
        'app.update.enabled': false,
        'extensions.update.enabled': false,
        'browser.safebrowsing.malware.enabled': false,
        'browser.safebrowsing.phishing.enabled': false,
        'services.settings.server': 'data:,#remote-settings-dummy/v1',
        'toolkit.telemetry.enabled': false,
        'media.gmp-manager.updateEnabled': false,
      },
    });
    return new Firefox(files, browser);
  }

  async newPage(): Promise<Page> {
    return asPage(await this.browser.newPage());
  }

  async dispose(): Promise<void> {
    await this.browser.close();
    this.files.dispose();
  }
}
