import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { type BrowserContext, chromium, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { CuttablePath } from '../support/cuttable-path.js';
import { eventuallyTrue } from '../support/eventually.js';
import { GatewayProcess } from '../support/gateway-process.js';
import { describeWithPeers } from '../support/peers.js';
import { peerPath } from '../support/programs.js';
import { scratch } from '../support/scratch.js';

const frenchCheck = 'Vérifier ma connexion';
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

interface Look {
  readonly lang: string;
  readonly theme: 'light' | 'dark';
  readonly width: number;
}

interface AxeResult {
  readonly violations: readonly {
    readonly id: string;
    readonly nodes: readonly { readonly html: string; readonly failureSummary: string }[];
  }[];
  readonly passes: readonly unknown[];
}

/** The widget's own part of what axe looks at; the page around it is the website's. */
const look = (): Promise<AxeResult> =>
  (window as unknown as { axe: { run(at: object, options: object): Promise<AxeResult> } }).axe.run(
    { include: ['call-button'] },
    { resultTypes: ['violations'] },
  );

describeWithPeers('The button', ['chromium'], () => {
  const files = scratch('face');
  let gateway: GatewayProcess;
  let context: BrowserContext;
  let page: Page | undefined;

  beforeAll(async () => {
    gateway = await GatewayProcess.startDemo();
    context = await chromium.launchPersistentContext(files.file('profile'), {
      executablePath: peerPath('chromium'),
      headless: true,
      bypassCSP: true,
      args: [
        ...['--no-sandbox', '--disable-gpu', '--use-fake-ui-for-media-stream', '--use-fake-device-for-media-stream'],
        ...['--autoplay-policy=no-user-gesture-required', '--allow-loopback-in-peer-connection'],
      ],
    });
  }, 60_000);
  afterEach(async () => {
    await ask('hangup');
    await page?.close();
  });
  afterAll(async () => {
    await context?.close();
    await gateway?.dispose();
    files.dispose();
  });

  async function open({ lang, theme, width }: Look): Promise<Page> {
    page = await context.newPage();
    await page.emulateMedia({ colorScheme: theme, reducedMotion: 'reduce' });
    await page.setViewportSize({ width, height: 900 });
    await page.goto(`http://127.0.0.1:${gateway.httpPort}/`);
    await page.waitForFunction(() => customElements.get('call-button') !== undefined);
    await page.evaluate((name) => {
      for (const button of document.querySelectorAll('call-button'))
        Object.assign(button, { lang: name, tel: '+44 1632 960000', offersCheck: true });
    }, lang);
    await page.evaluate(axe);
    return page;
  }

  const inside = (selector: string, at = page): Promise<number> =>
    at?.evaluate((one) => document.querySelector('call-button')?.shadowRoot?.querySelectorAll(one).length ?? 0, selector) ??
    Promise.resolve(0);
  const shows = (selector: string): Promise<void> =>
    eventuallyTrue(async () => (await inside(selector)) > 0, {
      what: `the button shows ${selector}`,
      withinMs: 10_000,
      explain: () => gateway.log.slice(-1_500),
    });
  const press = (selector: string): Promise<void> | undefined =>
    page?.evaluate((one) => document.querySelector('call-button')?.shadowRoot?.querySelector<HTMLElement>(one)?.click(), selector);
  const ask = (method: string, to?: string): Promise<void> | undefined =>
    page?.evaluate(
      ([name, number]) => {
        const button = document.querySelector('call-button') as unknown as Record<string, () => unknown> & { to?: string };
        if (number !== undefined) button.to = number;
        void button[name as string]?.();
      },
      [method, to],
    );

  /** Where the end of the number stands, seen from its beginning. */
  const numberReads = (): Promise<string> | undefined =>
    page?.evaluate(() => {
      const text = document.querySelector('call-button')?.shadowRoot?.querySelector('[part~=telephone] bdi')?.firstChild?.nextSibling;
      const range = document.createRange();
      const leftOf = (at: number): number => {
        range.setStart(text as Text, at);
        range.setEnd(text as Text, at + 1);
        return range.getBoundingClientRect().left;
      };
      return leftOf(0) < leftOf(2) ? 'from left to right' : 'from right to left';
    });

  const status = (): Promise<string> =>
    page?.evaluate(() => document.querySelector('call-button')?.shadowRoot?.querySelector('[part~=status]')?.textContent ?? '') ??
    Promise.resolve('');

  async function expectAccessible(state: string): Promise<void> {
    const result = await page?.evaluate(look);
    const found = (result?.violations ?? []).map(
      ({ id, nodes }) => `${state}: ${id}: ${nodes.map((node) => `${node.html} ${node.failureSummary}`).join('; ')}`,
    );
    expect(found).toEqual([]);
    const wide = await page?.evaluate(() => {
      const button = document.querySelector('call-button') as HTMLElement;
      const parts = [
        ...(button.shadowRoot?.querySelectorAll<HTMLElement>('button:not(.hidden-text), .card, select, input, textarea') ?? []),
      ];
      const over = parts.filter(
        (part) => part.getBoundingClientRect().right > window.innerWidth + 1 || part.getBoundingClientRect().left < -1,
      );
      const card = button.shadowRoot?.querySelector('.card')?.getBoundingClientRect();
      const out = parts.filter((part) => {
        const { left, right } = part.getBoundingClientRect();
        return card !== undefined && (left < card.left - 1 || right > card.right + 1);
      });
      const cut = parts.filter((part) => part.matches('button') && part.scrollWidth > part.clientWidth + 1);
      const small = parts.filter((part) => part.matches('button') && part.getBoundingClientRect().height < 44);
      return [
        ...[...over, ...out, ...cut].map((part) => `${part.className} is cut off`),
        ...small.map((part) => `${part.className} is hard to touch`),
      ];
    });
    expect(wide, state).toEqual([]);
  }

  it.each([
    { lang: 'en', theme: 'light', width: 320 },
    { lang: 'de', theme: 'dark', width: 320 },
    { lang: 'ar', theme: 'light', width: 320 },
    { lang: 'ar', theme: 'dark', width: 1280 },
  ] as const)('is there for everybody in $lang, $theme, at $width pixels, in every state', async (wish) => {
    await open(wish);
    await shows('.press');
    await ask('check');
    await shows('.checks .good');
    await expectAccessible('before a call');
    await ask('call', '1001');
    await shows('.timer');
    await press('[part~=keypad-toggle]');
    await press('[part~=settings-toggle]');
    await shows('.key');
    await shows('meter');
    await shows('[part~=quality]');
    await expectAccessible('in a call');
    await press('[part~=hold]');
    await shows('[part~=hold][aria-pressed=true]');
    await press('[part~=mute]');
    await expectAccessible('on hold and muted');
    await ask('hangup');
    await shows('.star');
    await press('.star:nth-child(2)');
    await shows('textarea');
    await expectAccessible('after a call');
    await ask('call', '1004');
    await shows('.disc.bad');
    await shows('[part~=telephone]');
    expect(await numberReads()).toBe('from left to right');
    await expectAccessible('after a problem');
    expect(await page?.evaluate(() => document.querySelector('call-button')?.shadowRoot?.querySelector<HTMLElement>('.root')?.dir)).toBe(
      wish.lang === 'ar' ? 'rtl' : 'ltr',
    );
  });

  it.each([
    { lang: 'en', theme: 'light', width: 320 },
    { lang: 'ar', theme: 'dark', width: 640, fontSize: '200%' },
  ] as const)('is there for everybody while one waits, in $lang, $theme, at $width pixels', async ({ fontSize = '100%', ...wish }) => {
    const path = await CuttablePath.start({ host: '127.0.0.1', port: gateway.httpPort });
    try {
      const there = await open(wish);
      await there.evaluate(
        ([size, port]) => {
          document.documentElement.style.fontSize = size;
          document.querySelector('call-button')?.setAttribute('gateway', `ws://127.0.0.1:${port}/sip`);
          const { mediaDevices } = navigator;
          const ask = mediaDevices.getUserMedia.bind(mediaDevices);
          // The person takes the time to read what the browser asks.
          const read = new Promise<void>((resolve) => window.addEventListener('allowed', () => resolve(), { once: true }));
          mediaDevices.getUserMedia = async (wanted) => {
            await read;
            return ask(wanted);
          };
        },
        [fontSize, path.port] as const,
      );
      await ask('call', '1003');
      await shows('.card > .hint');
      await expectAccessible('while the browser asks for the microphone');
      const asking = await status();
      await there.evaluate(() => window.dispatchEvent(new Event('allowed')));
      await eventuallyTrue(async () => (await inside('.card > .hint')) === 0 && (await status()) !== asking, {
        what: 'the button says that it calls',
        withinMs: 10_000,
      });
      await expectAccessible('while it rings');
      await ask('hangup');
      await eventuallyTrue(async () => (await inside('.disc.waiting')) === 0, { what: 'that call is over', withinMs: 5_000 });
      await ask('call', '1001');
      await shows('.timer');
      const talking = await status();
      path.sever();
      await eventuallyTrue(async () => (await status()) !== talking, { what: 'the button says that it tries again', withinMs: 10_000 });
      await expectAccessible('while the connection is away');
      path.mend();
    } finally {
      await path.dispose();
    }
  });

  it('leaves the padding free of a row of flex items, which are as wide as what stands in them', async () => {
    const narrow = await open({ lang: 'en', theme: 'light', width: 320 });
    await narrow.evaluate(() => {
      const button = document.querySelector('call-button') as HTMLElement;
      const row = document.body.appendChild(document.createElement('div'));
      row.style.cssText = 'position: absolute; inset: 0 0 auto; display: flex; padding: 1rem';
      row.appendChild(document.createElement('div')).append(button);
    });
    await ask('call', '1001');
    await shows('.timer');
    const edges = await narrow.evaluate(() => {
      const card = document.querySelector('call-button')?.shadowRoot?.querySelector('.card')?.getBoundingClientRect();
      return [card?.left, card?.right];
    });
    expect(edges[0]).toBe(16);
    expect(edges[1]).toBeGreaterThan(250);
    expect(edges[1]).toBeLessThanOrEqual(304);
  });

  it('shows an incoming call whole, and takes it', async () => {
    await open({ lang: 'pt', theme: 'light', width: 320 });
    await ask('call', '1006');
    await shows('.timer');
    await ask('hangup');
    await shows('[part~=answer]');
    await expectAccessible('before an answer');
    await press('[part~=answer]');
    await shows('.timer');
  });

  it('can be used by the keyboard alone, and its focus is always to be seen', async () => {
    const open_ = await open({ lang: 'en', theme: 'light', width: 768 });
    await ask('call', '1001');
    await shows('.timer');
    const focused = (): Promise<string> =>
      open_.evaluate(
        () =>
          document.querySelector('call-button')?.shadowRoot?.activeElement?.getAttribute('aria-label') ??
          document.activeElement?.tagName ??
          '',
      );
    await open_.evaluate(() => document.querySelector('call-button')?.shadowRoot?.querySelector<HTMLElement>('.card')?.focus());
    const walked: string[] = [];
    for (let step = 0; step < 4; step += 1) {
      await open_.keyboard.press('Tab');
      walked.push(await focused());
      expect(
        await open_.evaluate(
          () => getComputedStyle(document.querySelector('call-button')?.shadowRoot?.activeElement as Element).outlineStyle,
        ),
      ).toBe('solid');
    }
    expect(walked).toEqual(['Mute', 'Keypad', 'Hold', 'Sound settings']);
    await open_.keyboard.press('Enter');
    await shows('meter');
    await open_.keyboard.press('Tab');
    await open_.keyboard.press('Tab');
    await open_.keyboard.press('Escape');
    await eventuallyTrue(async () => (await inside('meter')) === 0, { what: 'Escape closes the settings', withinMs: 2_000 });
    expect(await focused()).toBe('Sound settings');
    await open_.keyboard.press('Shift+Tab');
    await open_.keyboard.press('Space');
    await shows('[part~=hold][aria-pressed=true]');
  });

  it('is light or dark as the page around it, whatever the system is', async () => {
    const there = await open({ lang: 'en', theme: 'light', width: 768 });
    await ask('call', '1001');
    await shows('.timer');
    const brightness = (): Promise<number> =>
      there.evaluate(() => {
        const card = document.querySelector('call-button')?.shadowRoot?.querySelector('.card') as Element;
        const probe = document.createElement('canvas').getContext('2d') as CanvasRenderingContext2D;
        probe.fillStyle = getComputedStyle(card).color;
        probe.fillRect(0, 0, 1, 1);
        return probe.getImageData(0, 0, 1, 1).data[0] ?? -1;
      });
    expect(await brightness()).toBeLessThan(60);
    await there.evaluate(() => document.documentElement.style.setProperty('color-scheme', 'dark'));
    expect(await brightness()).toBeGreaterThan(200);
    await expectAccessible('dark in a light system');
  });

  it('shows in forced colours which controls are on', async () => {
    const there = await open({ lang: 'en', theme: 'dark', width: 768 });
    await there.emulateMedia({ forcedColors: 'active', colorScheme: 'dark' });
    await ask('call', '1001');
    await shows('.timer');
    await press('[part~=mute]');
    await shows('[part~=mute][aria-pressed=true]');
    const fill = (part: string): Promise<string> =>
      there.evaluate(
        (one) => getComputedStyle(document.querySelector('call-button')?.shadowRoot?.querySelector(one) as Element).backgroundColor,
        `[part~=${part}]`,
      );
    expect(await fill('mute')).not.toBe(await fill('settings-toggle'));
  });

  it('moves nothing for those who asked for that', async () => {
    const still = await open({ lang: 'en', theme: 'light', width: 768 });
    await ask('call', '1003');
    await shows('.disc.waiting');
    const moving = await still.evaluate(() => document.querySelector('call-button')?.shadowRoot?.getAnimations().length ?? -1);
    expect(moving).toBe(0);
    await ask('hangup');
  });

  it('speaks the language of the page around it, and another one as soon as it is wished', async () => {
    const there = await open({ lang: '', theme: 'light', width: 768 });
    const label = (): Promise<string> =>
      there.evaluate(() => document.querySelector('call-button')?.shadowRoot?.querySelector('[part~=check-button]')?.textContent ?? '');
    expect(await label()).toBe('Check my connection');
    await there.evaluate(() => document.documentElement.setAttribute('lang', 'fr'));
    await eventuallyTrue(async () => (await label()) === frenchCheck, { what: 'it follows the page into French', withinMs: 5_000 });
    await there.evaluate(() => document.querySelector('call-button')?.setAttribute('lang', 'es-MX'));
    await eventuallyTrue(async () => (await label()) === 'Comprobar mi conexión', { what: 'it speaks Spanish', withinMs: 5_000 });
    await there.evaluate(() => Object.assign(document.querySelector('call-button') as object, { words: { check: '¿Todo bien?' } }));
    await eventuallyTrue(async () => (await label()) === '¿Todo bien?', { what: 'it takes words of the website', withinMs: 5_000 });
  });
});
