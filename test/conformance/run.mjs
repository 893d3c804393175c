/** Builds, bundles the comparison beside the build and starts it: `node test/conformance/run.mjs`, about four minutes. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('../..', import.meta.url));
const built = spawnSync('npm', ['run', '--silent', 'build'], { cwd: root, stdio: 'inherit' });
if (built.status !== 0) process.exit(built.status ?? 1);
await build({
  // One folder below the build, as deep as the sources are, so that relative places stay true.
  entryPoints: { main: `${root}/test/conformance/main.ts` },
  outdir: `${root}/dist/peers`,
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  packages: 'external',
  logLevel: 'warning',
});
const run = spawnSync(process.execPath, [`${root}/dist/peers/main.js`], { cwd: root, stdio: 'inherit' });
process.exit(run.status ?? 1);
