import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { describe, expect, it } from 'vitest';
import { browserBundle, squeezed } from '../../../src/web/browser-bundle.mjs';

const inProject = (path: string): string => fileURLToPath(new URL(`../../../${path}`, import.meta.url));

async function bundled(entry: string): Promise<string> {
  const result = await build({ ...browserBundle, entryPoints: [entry], outdir: inProject('dist'), write: false });
  return await squeezed(result.outputFiles.find(({ path }) => path.endsWith('.js'))?.text ?? '');
}

describe('the bundle for websites', () => {
  it('is under 60 KB as a website sends it', async () => {
    const code = await bundled(inProject('src/web/widget/call-button.ts'));
    expect(code).toContain('call-button');
    expect(gzipSync(code, { level: 9 }).length).toBeLessThan(60_000);
  });

  it('evaluates no text as code, which a strict policy of a website would forbid', async () => {
    const code = await bundled(inProject('src/web/widget/call-button.ts'));
    expect(code).toContain('customElements.define');
    expect(code.match(/\beval\(|new Function\(|\.innerHTML\s*=(?!=)\s*"/g)).toBeNull();
  });
});
