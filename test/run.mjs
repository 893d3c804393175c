/**
 * What `npm test` runs: the programs the interop suites talk to, build, lint, types, every suite.
 * Ends with one line, `N passed, N failed, N skipped`, and a matching exit code.
 *
 *   node test/run.mjs            everything
 *   node test/run.mjs unit fuzz  these suites only, after the build
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const bin = (/** @type {string} */ name) => join(root, 'node_modules/.bin', name);
const suites = ['unit', 'contract', 'fuzz', 'integration', 'interop'];
const chosen = process.argv.slice(2);
const unknown = chosen.filter((name) => !suites.includes(name));
if (unknown.length > 0) {
  console.error(`unknown suite: ${unknown.join(', ')}; there are ${suites.join(', ')}`);
  process.exit(2);
}

const total = { passed: 0, failed: 0, skipped: 0 };
/** @type {string[]} */
const skippedLines = [];
/** @type {string[]} */
const failedSteps = [];

/** Runs a program with our terminal and says whether it succeeded. */
function run(/** @type {string} */ command, /** @type {string[]} */ args, env = {}) {
  const result = spawnSync(command, args, { cwd: root, stdio: 'inherit', env: { ...process.env, ...env } });
  return result.status === 0;
}

/** A step that counts as one failure when it fails and as nothing when it passes. */
function step(/** @type {string} */ title, /** @type {string} */ command, /** @type {string[]} */ args) {
  console.log(`\n== ${title}`);
  if (run(command, args)) return true;
  total.failed += 1;
  failedSteps.push(title);
  return false;
}

function runSuite(/** @type {string} */ name, /** @type {string} */ folder) {
  console.log(`\n== Suite: ${name}`);
  const file = join(folder, `${name}.json`);
  const succeeded = run(
    process.execPath,
    [
      join(root, 'node_modules/vitest/vitest.mjs'),
      'run',
      '--config',
      'test/vitest.config.ts',
      '--project',
      name,
      '--passWithNoTests',
      '--reporter=default',
      '--reporter=./test/run-reporter.mjs',
    ],
    { TEST_SUMMARY_FILE: file },
  );
  /** @type {import('./run-reporter.mjs').Summary} */
  const summary = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : { passed: 0, failed: 1, skipped: [] };
  const failed = succeeded ? summary.failed : Math.max(1, summary.failed);
  total.passed += summary.passed;
  total.failed += failed;
  total.skipped += summary.skipped.length;
  if (failed > 0) failedSteps.push(`suite ${name}`);
  for (const { name: test, reason } of summary.skipped) skippedLines.push(`${name}: ${test} (${reason})`);
}

const everything = chosen.length === 0;
if (everything || chosen.includes('interop')) run('bash', [join(root, 'test/support/install-peers.sh')]);
const built = step('Build', 'npm', ['run', '--silent', 'build']);
if (everything) {
  step('Lint', bin('biome'), ['check']);
  step('Types', 'npm', ['run', '--silent', 'check']);
}
const folder = mkdtempSync(join(tmpdir(), 'gateway-test-run-'));
try {
  for (const name of everything ? suites : chosen) {
    if (!built && (name === 'integration' || name === 'interop')) {
      console.log(`\n== Suite: ${name}: not run, the build failed`);
      total.failed += 1;
      failedSteps.push(`suite ${name}`);
    } else runSuite(name, folder);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}

if (skippedLines.length > 0) console.log(`\nSkipped:\n${skippedLines.map((line) => `  ${line}`).join('\n')}`);
if (failedSteps.length > 0) console.log(`\nFailed: ${failedSteps.join('; ')}`);
if (total.passed === 0) {
  console.log('\nNo test has passed; that is a failure in itself.');
  total.failed = Math.max(1, total.failed);
}
console.log(`\n${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
process.exitCode = total.failed === 0 ? 0 : 1;
