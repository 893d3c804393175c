import type { Page } from 'playwright-core';
import { eventually } from './eventually.js';
import { heardBy, keepConnections, toneHeardBy } from './page-sound.js';
import type { MeasuredTone, Sound } from './tones.js';

/** An event of the call button as the page saw it. */
export interface SeenEvent {
  readonly type: string;
  readonly atMs: number;
  readonly detail: Readonly<Record<string, unknown>>;
}

/** What the script below leaves in the page. */
interface Instrumented {
  __seen: SeenEvent[];
  __connections: RTCPeerConnection[];
  __ears?: { context: AudioContext; analyser: AnalyserNode; track: MediaStreamTrack };
  __pressedAtMs?: number;
  __firstSoundAtMs?: number;
}

export interface CallPageOptions {
  /** Page that holds, or will be given, a call button. */
  readonly url: string;
  /** Adds a button of our own to the page. */
  readonly button?: { readonly gateway: string; readonly to: string; readonly user?: string };
}

/** Runs before the page's own scripts: keeps every event of the button. */
function keepEvents(): void {
  const page = window as unknown as Instrumented;
  page.__seen = [];
  for (const type of ['call-state', 'dtmf', 'dtmf-sent', 'dtmf-receipt', 'error', 'quality', 'check', 'rating']) {
    document.addEventListener(type, (event) => {
      const detail = (event as CustomEvent<Record<string, unknown> | undefined>).detail;
      if (detail !== undefined) page.__seen.push({ type, atMs: performance.now(), detail });
    });
  }
}

/** Starts timing: press the button, then note the first moment anything is heard. */
function pressAndListen(): void {
  const page = window as unknown as Instrumented;
  page.__pressedAtMs = performance.now();
  delete page.__firstSoundAtMs;
  delete page.__ears;
  page.__connections.length = 0;
  document.querySelector<HTMLElement & { call(): void }>('call-button')?.call();
  const context = new AudioContext();
  const samples = new Float32Array(256);
  let analyser: AnalyserNode | undefined;
  const watch = setInterval(() => {
    const track = page.__connections
      .at(-1)
      ?.getReceivers()
      .find((receiver) => receiver.track.kind === 'audio')?.track;
    if (track !== undefined && analyser === undefined) {
      analyser = context.createAnalyser();
      analyser.fftSize = 256;
      context.createMediaStreamSource(new MediaStream([track])).connect(analyser);
    }
    analyser?.getFloatTimeDomainData(samples);
    if (analyser === undefined || !samples.some((sample) => Math.abs(sample) > 0.01)) return;
    page.__firstSoundAtMs = performance.now();
    clearInterval(watch);
    void context.close();
  }, 5);
  setTimeout(() => clearInterval(watch), 20_000);
}

/** Loudness of what the page hears, once each 20 ms for a while. */
async function loudness(durationMs: number): Promise<number[]> {
  const page = window as unknown as Instrumented;
  const track = page.__connections
    .at(-1)
    ?.getReceivers()
    .find((receiver) => receiver.track.kind === 'audio')?.track;
  if (track === undefined) return [];
  const context = new AudioContext();
  const analyser = context.createAnalyser();
  analyser.fftSize = 1024;
  context.createMediaStreamSource(new MediaStream([track])).connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  const levels: number[] = [];
  const startMs = performance.now();
  await new Promise<void>((resolve) => {
    const timer = setInterval(() => {
      const elapsedMs = performance.now() - startMs;
      analyser.getFloatTimeDomainData(samples);
      const rms = Math.sqrt(samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length);
      // A late timer fills the places it missed, so that the index stays the time.
      while (levels.length < Math.floor(elapsedMs / 20)) levels.push(rms);
      if (elapsedMs < durationMs) return;
      clearInterval(timer);
      resolve();
    }, 10);
  });
  await context.close();
  return levels.slice(0, durationMs / 20);
}

/** A page with the call button, driven and listened to. */
export class CallPage {
  private constructor(
    readonly page: Page,
    /** What the page threw or logged as an error. */
    readonly faults: readonly string[],
  ) {}

  static async open(browser: { newPage(): Promise<Page> }, { url, button }: CallPageOptions): Promise<CallPage> {
    const page = await browser.newPage();
    const faults: string[] = [];
    page.on('pageerror', (error) => faults.push(error.stack ?? error.message));
    page.on('console', (message) => {
      if (message.type() === 'error') faults.push(message.text());
    });
    await page.addInitScript(keepConnections);
    await page.addInitScript(keepEvents);
    await page.goto(url);
    await page.waitForFunction(() => customElements.get('call-button') !== undefined);
    if (button !== undefined) {
      await page.evaluate(({ gateway, to, user }) => {
        const element = document.createElement('call-button');
        element.setAttribute('gateway', gateway);
        element.setAttribute('to', to);
        if (user !== undefined) element.setAttribute('user', user);
        document.body.append(element);
      }, button);
    }
    return new CallPage(page, faults);
  }

  /** Presses the button and begins to listen for the first sound. */
  async call(): Promise<void> {
    await this.page.evaluate(pressAndListen);
  }

  async hangUp(): Promise<void> {
    await this.page.evaluate(() => {
      document.querySelector<HTMLElement & { hangup(): void }>('call-button')?.hangup();
    });
  }

  /** Calls a method of the button. */
  ask<T>(method: string, ...given: readonly unknown[]): Promise<T> {
    return this.page.evaluate(
      ([name, values]) => {
        const button = document.querySelector('call-button') as unknown as Record<string, ((...all: readonly unknown[]) => T) | undefined>;
        return button[name]?.(...values) as T;
      },
      [method, given] as const,
    );
  }

  events(): Promise<SeenEvent[]> {
    return this.page.evaluate(() => (window as unknown as Instrumented).__seen);
  }

  async states(): Promise<string[]> {
    return (await this.events()).filter((event) => event.type === 'call-state').map((event) => String(event.detail['state']));
  }

  /** Code of the newest error the button reported. */
  async errorCode(): Promise<string | undefined> {
    const error = (await this.events()).filter((event) => event.type === 'error').at(-1);
    return error === undefined ? undefined : String(error.detail['code']);
  }

  /** Keys the far end pressed, in order. */
  async digits(): Promise<string> {
    return (await this.events())
      .filter((event) => event.type === 'dtmf')
      .map((event) => String(event.detail['digit']))
      .join('');
  }

  async waitForState(state: string, withinMs: number, explain: () => string = () => ''): Promise<void> {
    let seen: SeenEvent[] = [];
    await eventually(
      async () => {
        seen = await this.events();
        const states = seen.filter((event) => event.type === 'call-state');
        return states.some((event) => event.detail['state'] === state) ? true : undefined;
      },
      { what: `the button shows "${state}"`, withinMs, explain: () => `${JSON.stringify(seen)}\n${this.faults.join('\n')}\n${explain()}` },
    );
  }

  /** Text that the page shows of the call, across shadow roots. */
  statusText(): Promise<string> {
    return this.page.evaluate(
      () =>
        document.querySelector('call-button')?.shadowRoot?.querySelector('[role=status]')?.textContent?.replace(/\s+/g, ' ').trim() ?? '',
    );
  }

  heard(): Promise<Sound | undefined> {
    return heardBy(this.page);
  }

  /** Waits until a tone of `frequencyHz` is what is heard, and measures it. */
  waitForTone(frequencyHz: number, withinMs: number, explain: () => string = () => ''): Promise<MeasuredTone> {
    return toneHeardBy(this.page, frequencyHz, withinMs, explain);
  }

  /** How loud what is heard is, from 0 to 1, once each 20 ms from now on. */
  loudness(durationMs: number): Promise<number[]> {
    return this.page.evaluate(loudness, durationMs);
  }

  /** `RTCDTMFSender.insertDTMF` of the browser itself, as stock user agents call it, once its media is connected. */
  async insertDtmf(digits: string, toneMs: number, gapMs: number): Promise<void> {
    await this.page.waitForFunction(
      () =>
        (window as unknown as Instrumented).__connections
          .at(-1)
          ?.getSenders()
          .some((one) => one.track?.kind === 'audio' && one.dtmf?.canInsertDTMF === true),
      undefined,
      { timeout: 10_000 },
    );
    await this.page.evaluate(
      async ([text, duration, gap]) => {
        const connection = (window as unknown as Instrumented).__connections.at(-1);
        const sender = connection?.getSenders().find((one) => one.track?.kind === 'audio')?.dtmf;
        if (sender === null || sender === undefined) throw new Error('the connection has no DTMF sender');
        const done = new Promise<void>((resolve) => {
          sender.addEventListener('tonechange', (event) => {
            if (event.tone === '') resolve();
          });
        });
        sender.insertDTMF(text, duration, gap);
        await done;
      },
      [digits, toneMs, gapMs] as const,
    );
  }

  /** Milliseconds from press to the state and to the first sound. */
  async timings(): Promise<{ readonly ringingMs: number | undefined; readonly soundMs: number | undefined }> {
    return this.page.evaluate(() => {
      const page = window as unknown as Instrumented;
      const pressed = page.__pressedAtMs ?? 0;
      const ringing = page.__seen.find(
        (event) => event.atMs >= pressed && ['ringing', 'early-media', 'connected'].includes(String(event.detail['state'])),
      );
      return {
        ringingMs: ringing === undefined ? undefined : ringing.atMs - pressed,
        soundMs: page.__firstSoundAtMs === undefined ? undefined : page.__firstSoundAtMs - pressed,
      };
    });
  }

  /** The person closes the tab. */
  close(): Promise<void> {
    return this.page.close();
  }
}
