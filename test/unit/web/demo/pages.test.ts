import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { demoNumbers } from '../../../../src/web/demo/numbers.js';
import { storyOf } from '../../../../src/web/demo/story.js';
import { readDigitText } from '../../../../src/web/widget/digit-text.js';
import { readMenu } from '../../../../src/web/widget/ivr-menu.js';

const page = readFileSync(new URL('../../../../src/web/demo/index.html', import.meta.url), 'utf8');

describe('the demo page', () => {
  it('offers each number once, the voice menu first, each with a sentence', () => {
    const numbers = demoNumbers.map(({ number }) => number);
    expect(numbers[0]).toBe('1001');
    expect([...numbers].sort()).toEqual(['1001', '1002', '1003', '1004', '1005', '1006', '1007']);
    for (const { about } of demoNumbers) expect(about).toMatch(/^[A-Z].+\.$/);
  });

  it('starts with the number that is chosen in its list', () => {
    expect(page).toContain(`to="${demoNumbers[0]?.number}" label="${demoNumbers[0]?.label}"`);
  });

  it('loads nothing from elsewhere and needs no inline script or style', () => {
    expect(page).not.toMatch(/(?:src|href)="(?:https?:)?\/\//);
    expect(page).not.toMatch(/<style|\sstyle=|\son[a-z]+=/);
    // A block of data is no script to a browser, nor to its Content Security Policy.
    expect(page.replace(/<script type="application\/json"/g, '')).not.toMatch(/<script(?![^>]*\ssrc=)/);
    expect(page).toContain("default-src 'self'");
    expect(page).not.toContain('unsafe');
  });

  it('shows shortcuts that can be pressed, as they stand in its source', () => {
    const shortcuts = [...page.matchAll(/ data-ivr="([^"]*)"/g)].map(([, digits]) => digits ?? '');
    expect(shortcuts.length).toBeGreaterThanOrEqual(2);
    for (const digits of shortcuts) expect(readDigitText(digits).ok, digits).toBe(true);
    const menu = /<script type="application\/json" slot="menu">([^<]*)<\/script>/.exec(page)?.[1];
    expect(readMenu(menu)).toMatchObject({ ok: true });
  });

  it('tells why a call failed, and that a call is over when it did not', () => {
    expect(storyOf('ended', '1004', 'The line is busy.')).toEqual({ kind: 'bad', text: 'The line is busy.' });
    expect(storyOf('ended', '1001', undefined)?.kind).toBe('plain');
    expect(storyOf('idle', '', undefined)).toBeUndefined();
  });
});
