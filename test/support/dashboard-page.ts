import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Page } from 'playwright-core';

const axeFile = createRequire(import.meta.url).resolve('axe-core/axe.min.js');

interface Watched {
  __violations?: string[];
}

interface Axe {
  run(
    options: object,
  ): Promise<{ readonly violations: readonly { readonly id: string; readonly nodes: readonly { readonly html: string }[] }[] }>;
}

/** Runs before the page's own scripts: keeps what the policy of the page forbade. */
function keepViolations(): void {
  const page = window as unknown as Watched;
  page.__violations = [];
  document.addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) => {
    page.__violations?.push(`${violatedDirective} ${blockedURI}`);
  });
}

/** The dashboard as somebody before it sees it. */
export class DashboardPage {
  private constructor(
    readonly page: Page,
    private readonly errors: string[],
  ) {}

  static async open(browser: { newPage(): Promise<Page> }, http: string): Promise<DashboardPage> {
    const page = await browser.newPage();
    const errors: string[] = [];
    page.on('pageerror', (error) => errors.push(String(error)));
    await page.addInitScript(keepViolations);
    await page.emulateMedia({ reducedMotion: 'reduce' });
    await page.setViewportSize({ width: 1280, height: 900 });
    await page.goto(`${http}/dashboard`);
    return new DashboardPage(page, errors);
  }

  async logIn(token: string): Promise<void> {
    await this.page.locator('input[name=token]').fill(token);
    await this.page.locator('login-page button').click();
  }

  /** Logs out if one is in. */
  async logOut(): Promise<void> {
    await this.page.locator('input[name=token], header.bar').first().waitFor();
    const button = this.page.getByRole('button', { name: 'Log out' });
    if ((await button.count()) > 0) await button.click();
    await this.page.locator('input[name=token]').waitFor();
  }

  async goTo(hash: string): Promise<void> {
    await this.page.evaluate((text) => {
      location.hash = text;
    }, hash);
  }

  /** Everything that stands in the document, values of fields too. */
  everything(): Promise<string> {
    return this.page.evaluate(() => {
      const values = [...document.querySelectorAll('input')].map(({ value }) => value);
      return [document.documentElement.outerHTML, document.documentElement.innerText, document.title, location.href, ...values].join('\n');
    });
  }

  /** What axe finds wrong, and on which element. */
  async faults(): Promise<readonly string[]> {
    await this.page.evaluate(readFileSync(axeFile, 'utf8'));
    return this.page.evaluate(async () => {
      const { violations } = await (window as unknown as { readonly axe: Axe }).axe.run({
        runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
      });
      return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html.slice(0, 160)}`));
    });
  }

  /** Errors of scripts, and what the policy of the page forbade. */
  async troubles(): Promise<readonly string[]> {
    const violations = await this.page.evaluate(() => (window as unknown as Watched).__violations ?? ['the page was not watched']);
    return [...this.errors, ...violations];
  }

  /** How many dots of each canvas have the colour of a line, within a little. Lines may lie upon one another. */
  linesDrawn(): Promise<readonly number[]> {
    return this.page.evaluate(() => {
      const colours = [
        [0x12, 0x80, 0x5c],
        [0x2b, 0x62, 0xb0],
      ];
      return [...document.querySelectorAll('canvas')].map((canvas) => {
        const { data } = canvas.getContext('2d')?.getImageData(0, 0, canvas.width, canvas.height) ?? { data: new Uint8ClampedArray() };
        let count = 0;
        for (let at = 0; at < data.length; at += 4) {
          if (colours.some((colour) => colour.every((wanted, part) => Math.abs((data[at + part] ?? 0) - wanted) < 24))) count += 1;
        }
        return count;
      });
    });
  }

  close(): Promise<void> {
    return this.page.close();
  }
}
