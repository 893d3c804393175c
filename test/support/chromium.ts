import { type BrowserContext, chromium, type Page } from 'playwright-core';
import { peerPath } from './programs.js';
import { scratch } from './scratch.js';
import { testKeyHash } from './tls-material.js';
import { tone, writeWav } from './tones.js';

export interface ChromiumOptions {
  /** What the microphone hears, for ever. */
  readonly toneHz: number;
  readonly levelDb?: number;
  /** What a page gets that asks for it; by default a microphone. */
  readonly microphone?: 'denied' | 'missing';
  /** What starts it, instead of the program itself. */
  readonly program?: string;
  /** Origin whose pages get a microphone although it is neither HTTPS nor loopback. */
  readonly trustedOrigin?: string;
}

/** Debian's Chromium with a microphone that hears a tone, a profile of its own, and loopback allowed for media. */
export class Chromium {
  private constructor(
    private readonly files: ReturnType<typeof scratch>,
    private readonly context: BrowserContext,
  ) {}

  static async start({ toneHz, levelDb = -12, microphone, program, trustedOrigin }: ChromiumOptions): Promise<Chromium> {
    const files = scratch('chromium');
    writeWav(files.file('microphone.wav'), tone({ frequencyHz: toneHz, seconds: 20, rateHz: 48_000, levelDb }));
    const context = await chromium.launchPersistentContext(files.file('profile'), {
      executablePath: program ?? peerPath('chromium'),
      headless: true,
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-dev-shm-usage',
        // Without it a browser nobody sees denies what it would ask a person for.
        ...(microphone === 'denied' ? [] : ['--use-fake-ui-for-media-stream']),
        ...(microphone === 'missing' ? [] : ['--use-fake-device-for-media-stream']),
        `--use-file-for-fake-audio-capture=${files.file('microphone.wav')}`,
        ...(trustedOrigin === undefined ? [] : [`--unsafely-treat-insecure-origin-as-secure=${trustedOrigin}`]),
        '--autoplay-policy=no-user-gesture-required',
        '--allow-loopback-in-peer-connection',
        '--disable-features=WebRtcHideLocalIpsWithMdns',
        // TURN servers of the tests show a certificate that no authority has signed.
        `--ignore-certificate-errors-spki-list=${testKeyHash}`,
      ],
    });
    return new Chromium(files, context);
  }

  newPage(): Promise<Page> {
    return this.context.newPage();
  }

  async dispose(): Promise<void> {
    await this.context.close();
    this.files.dispose();
  }
}
