import type { Page } from 'playwright-core';
import { Chromium, type ChromiumOptions } from './chromium.js';
import { freePortRun } from './free-ports.js';
import { type GatewayOptions, GatewayProcess } from './gateway-process.js';
import { CallPage } from './page.js';
import { PageServer } from './page-server.js';
import { type Scratch, scratch } from './scratch.js';
import { Sipp, type SippOptions } from './sipp.js';
import { Capture } from './tshark.js';

/** A number of the range kept for drama. */
export const phoneNumber = '+442079460018';

/** The trunk of the stage: its transport, and keys of its configuration. */
export interface TrunkOptions {
  readonly transport?: 'udp' | 'tcp' | 'tls';
  /** A second peer on this port, asked when the first one has no line left. */
  readonly secondPort?: number;
  readonly [key: string]: unknown;
}

/** A browser of the stage, whatever its make. */
export interface StageBrowser extends Disposable {
  newPage(): Promise<Page>;
}

interface Disposable {
  dispose(): Promise<void>;
}

/**
 * A browser with a page on one side, a trunk's address on the other, the gateway between. Whoever
 * is to answer on the trunk (SIPp, baresip, nobody) takes `trunkPort`.
 */
export class CallStage {
  private readonly perTest: Disposable[] = [];
  private cdrCount = 0;

  private constructor(
    readonly files: Scratch,
    readonly gateway: GatewayProcess,
    readonly browser: StageBrowser,
    readonly site: PageServer,
    readonly trunkPort: number,
    /** Eight ports for the phone's media. */
    readonly phoneMedia: number,
  ) {}

  static async set(
    microphone: ChromiumOptions,
    options: GatewayOptions | ((origin: string) => GatewayOptions) = {},
    { transport = 'udp', secondPort, ...trunk }: TrunkOptions = {},
    start: (microphone: ChromiumOptions) => Promise<StageBrowser> = Chromium.start,
  ): Promise<CallStage> {
    // Two, because baresip takes the port below the one it has TLS on.
    const [trunkPort, phoneMedia] = [(await freePortRun(2)) + 1, await freePortRun(8)];
    const site = await PageServer.start();
    const gateway = typeof options === 'function' ? options(site.origin) : options;
    const browser = await start(microphone);
    const started = await GatewayProcess.start({
      ...gateway,
      allowedOrigins: [site.origin, ...(gateway.allowedOrigins ?? [])],
      trunks: [
        {
          id: 'carrier',
          peers: [
            { uri: `sip:127.0.0.1:${trunkPort};transport=${transport}` },
            ...(secondPort === undefined ? [] : [{ uri: `sip:127.0.0.1:${secondPort};transport=${transport}`, priority: 1 }]),
          ],
          callerId: '+442079460001',
          mediaAllow: ['127.0.0.0/8'],
          ...trunk,
        },
      ],
    });
    return new CallStage(scratch('stage'), started, browser, site, trunkPort, phoneMedia);
  }

  /** Has `one` ended after the test, whatever happens. */
  keep<T extends Disposable>(one: T): T {
    this.perTest.push(one);
    return one;
  }

  /** SIPp on the trunk's address. */
  async phone(scenario: string, fill: Readonly<Record<string, string>> = {}, more: Partial<SippOptions> = {}): Promise<Sipp> {
    return this.keep(await Sipp.start({ scenario, fill, port: this.trunkPort, mediaPort: this.phoneMedia, ...more }));
  }

  /** Captures what reaches the phone's media ports. */
  async capture(name: string, ports: readonly [number, number] = [this.phoneMedia, this.phoneMedia + 7]): Promise<Capture> {
    return this.keep(await Capture.start(this.files.file(`${name}.pcap`), [ports]));
  }

  /** RTP to the phone SIPp stands for. */
  toPhone(capture: Capture): ReturnType<Capture['rtpTo']> {
    return capture.rtpTo([this.phoneMedia, this.phoneMedia], 101);
  }

  /** A page with a button that calls `to`. */
  async page(to: string = phoneNumber): Promise<CallPage> {
    const page = await CallPage.open(this.browser, { url: this.site.origin, button: { gateway: this.gateway.webSocket, to } });
    return this.keep(Object.assign(page, { dispose: () => page.close() }));
  }

  /** A page that brings a button of its own, with these attributes beside `gateway` and `to`. */
  async pageWith(attributes: Readonly<Record<string, string>>): Promise<CallPage> {
    const url = this.site.pageWith({ gateway: this.gateway.webSocket, to: phoneNumber, ...attributes });
    const page = await CallPage.open(this.browser, { url });
    return this.keep(Object.assign(page, { dispose: () => page.close() }));
  }

  /** A page that has pressed the button and reached the state. */
  async callUntil(state: string, withinMs = 10_000): Promise<CallPage> {
    const page = await this.page();
    await page.call();
    await page.waitForState(state, withinMs, () => this.gateway.log.slice(-3_000));
    return page;
  }

  /** The record of the call of this test. */
  async cdr(withinMs = 10_000): Promise<Record<string, unknown>> {
    this.cdrCount += 1;
    return this.gateway.cdr(this.cdrCount, withinMs);
  }

  /** For `afterEach`: closes what the test used and waits until its call is wholly gone. */
  async clear(): Promise<void> {
    for (const one of this.perTest.splice(0).reverse()) await one.dispose();
    this.cdrCount = this.gateway.cdrs().length;
    if (this.gateway.ended) return;
    try {
      await this.gateway.waitUntilCallsAreGone();
    } catch (thrown) {
      // What a failed test leaves behind must not make the next one fail.
      await this.gateway.endCalls();
      throw thrown;
    }
  }

  /**
   * For `afterAll`: ends everything and asserts a clean exit. `wholly` waits for the SIP timers of every
   * call too, half a minute in which nothing happens; the suites of plain calls do that for all.
   */
  async dispose(how: 'soon' | 'wholly' = 'soon'): Promise<void> {
    try {
      if (!this.gateway.ended && how === 'wholly') await this.gateway.waitUntilNothingIsLeft();
    } finally {
      await this.browser.dispose();
      await this.site.dispose();
      await this.gateway.dispose();
      this.files.dispose();
    }
  }
}
