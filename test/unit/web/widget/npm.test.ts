import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { CallButton } from '../../../../src/web/widget/call-button.js';
import type { CallButtonElement } from '../../../../src/web/widget/npm.js';

const root = new URL('../../../../', import.meta.url);
const manifest = JSON.parse(readFileSync(new URL('package.json', root), 'utf8')) as {
  readonly exports: Readonly<Record<string, Readonly<Record<string, string>>>>;
};

/** Listeners are declared anew for the button's own events; all else must be as it is. */
type Fits = CallButton extends Omit<CallButtonElement, 'addEventListener'> ? true : false;

describe('the button as an npm import', () => {
  it('has the types of the element there is', () => {
    const fits: Fits = true;
    expect(fits).toBe(true);
  });

  it('names files that the build makes, and that the package has', () => {
    const { types = '', default: script = '' } = manifest.exports['./call-button'] ?? {};
    expect([types, script]).toEqual([expect.stringMatching(/^\.\/dist\/.*\.d\.ts$/), './dist/web/call-button.js']);
    const source = types.replace('./dist/web/types/', 'src/').replace('.d.ts', '.ts');
    expect(existsSync(fileURLToPath(new URL(source, root)))).toBe(true);
  });
});
