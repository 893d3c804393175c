/**
 * What `npm run soak` runs: tests that prove more the longer they run, at the length that takes minutes.
 *
 *   node test/bench/soak.mjs dtmf          100,000 keys through the media plane over bad paths, three to six minutes
 *   node test/bench/soak.mjs dtmf 500000   as many as you like
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const [what = 'dtmf', digits = '100000'] = process.argv.slice(2);
if (what !== 'dtmf' || !/^[1-9]\d*$/.test(digits)) {
  console.error('usage: npm run soak -- dtmf [digits]');
  process.exit(2);
}
const vitest = fileURLToPath(new URL('../../node_modules/vitest/vitest.mjs', import.meta.url));
const run = spawnSync(process.execPath, [vitest, 'run', '--config', 'test/vitest.config.ts', 'test/fuzz/dtmf-gateway.test.ts'], {
  cwd: root,
  stdio: 'inherit',
  env: { ...process.env, SOAK_DIGITS: digits },
});
process.exit(run.status ?? 1);
