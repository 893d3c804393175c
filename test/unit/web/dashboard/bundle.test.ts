import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { describe, expect, it } from 'vitest';
import { dashboardBundle } from '../../../../src/web/browser-bundle.mjs';

const inProject = (path: string): string => fileURLToPath(new URL(`../../../../${path}`, import.meta.url));

describe('the script of the dashboard', () => {
  it('is under 90 KB as it is sent, and evaluates no text as code', async () => {
    const entry = inProject('src/web/dashboard/dashboard.ts');
    const { outputFiles } = await build({ ...dashboardBundle, entryPoints: [entry], outdir: inProject('dist'), write: false });
    const code = outputFiles.find(({ path }) => path.endsWith('.js'))?.text ?? '';
    expect(code).toContain('gateway-dashboard');
    expect(gzipSync(code, { level: 9 }).length).toBeLessThan(90 * 1024);
    expect(code.match(/\beval\(|new Function\(/g)).toBeNull();
  });
});
