/**
 * What `npm run bench` runs: builds, bundles the benchmark beside the build and starts it.
 *
 *   node test/bench/run.mjs          everything, about eight minutes
 *   node test/bench/run.mjs setup    call set-up with Chromium only
 *   node test/bench/run.mjs media    media latency and CPU only
 *   node test/bench/run.mjs sip      call set-ups per second and CPU per call only, about five minutes
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('../..', import.meta.url));
const built = spawnSync('npm', ['run', '--silent', 'build'], { cwd: root, stdio: 'inherit' });
if (built.status !== 0) process.exit(built.status ?? 1);
await build({
  // One folder below the build, as deep as the sources are, so that relative places stay true.
  entryPoints: {
    main: `${root}/test/bench/main.ts`,
    'media-process': `${root}/test/bench/media-process.ts`,
    'sip-process': `${root}/test/bench/sip-process.ts`,
  },
  outdir: `${root}/dist/bench`,
  bundle: true,
  splitting: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  packages: 'external',
  logLevel: 'warning',
});
const run = spawnSync(process.execPath, [`${root}/dist/bench/main.js`, ...process.argv.slice(2)], { cwd: root, stdio: 'inherit' });
process.exit(run.status ?? 1);
