/**
 * What `npm test` runs: the programs the interop suites talk to, build, lint, types, every suite.
 * Ends with one line, `N passed, N failed, N skipped`, and a matching exit code.
 *
 *   node test/run.mjs            everything
 *   node test/run.mjs unit fuzz  these suites only, after the build
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const bin = (/** @type {string} */ name) => join(root, 'node_modules/.bin', name);
/** Each suite and the minutes after which it is taken to hang. @type {Record<string, number>} */
const suites = { unit: 6, contract: 4, fuzz: 4, integration: 12, interop: 45 };
const chosen = process.argv.slice(2);
const unknown = chosen.filter((name) => !(name in suites));
if (unknown.length > 0) {
  console.error(`unknown suite: ${unknown.join(', ')}; there are ${Object.keys(suites).join(', ')}`);
  process.exit(2);
}

const total = { passed: 0, failed: 0, skipped: 0 };
/** @type {string[]} */
const skippedLines = [];
/** @type {string[]} */
const failedSteps = [];
/** @type {string[]} */
const failures = [];

/** The process group that runs now, so that nothing of it outlives us. */
let running = 0;
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => {
    if (running > 0) process.kill(-running, 'SIGKILL');
    process.exit(130);
  });
}

/**
 * Runs a program with our terminal and says whether it succeeded. What is not over in time is ended
 * with all it started: a test that loops without ever yielding cannot be ended from inside.
 */
async function run(/** @type {string} */ command, /** @type {string[]} */ args, { env = {}, minutes = 10 } = {}) {
  const child = spawn(command, args, {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, ...env },
    detached: true,
  });
  const group = child.pid ?? 0;
  running = group;
  const tooLong = setTimeout(() => {
    console.log(`\nNot over after ${minutes} minutes; ended.`);
    if (group > 0) process.kill(-group, 'SIGKILL');
  }, minutes * 60_000);
  const status = await new Promise((resolve) => {
    child.once('error', () => resolve(127));
    child.once('exit', (code) => resolve(code ?? 1));
  });
  clearTimeout(tooLong);
  running = 0;
  return status === 0;
}

/** A step that counts as one failure when it fails and as nothing when it passes. */
async function step(/** @type {string} */ title, /** @type {string} */ command, /** @type {string[]} */ args) {
  console.log(`\n== ${title}`);
  if (await run(command, args)) return true;
  total.failed += 1;
  failedSteps.push(title);
  return false;
}

async function runSuite(/** @type {string} */ name, /** @type {string} */ folder) {
  console.log(`\n== Suite: ${name}`);
  const file = join(folder, `${name}.json`);
  const succeeded = await run(
    process.execPath,
    [
      join(root, 'node_modules/vitest/vitest.mjs'),
      'run',
      '--config',
      'test/vitest.config.ts',
      '--project',
      name,
      '--passWithNoTests',
      ...(name === 'unit' ? ['--coverage'] : []),
      '--reporter=default',
      '--reporter=./test/run-reporter.mjs',
    ],
    { env: { TEST_SUMMARY_FILE: file }, minutes: suites[name] ?? 10 },
  );
  /** @type {import('./run-reporter.mjs').Summary} */
  const summary = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : { passed: 0, failed: 1, skipped: [], failures: [] };
  const failed = succeeded ? summary.failed : Math.max(1, summary.failed);
  total.passed += summary.passed;
  total.failed += failed;
  total.skipped += summary.skipped.length;
  if (failed > 0) failedSteps.push(`suite ${name}`);
  for (const { name: test, message } of summary.failures) failures.push(`${test}\n    ${message.replaceAll('\n', '\n    ')}`);
  for (const { name: test, reason } of summary.skipped) skippedLines.push(`${name}: ${test} (${reason})`);
}

const everything = chosen.length === 0;
if (everything || chosen.includes('interop')) await run('bash', [join(root, 'test/support/install-peers.sh')]);
const built = await step('Build', 'npm', ['run', '--silent', 'build']);
if (everything) {
  await step('Lint', bin('biome'), ['check']);
  await step('Types', 'npm', ['run', '--silent', 'check']);
}
const folder = mkdtempSync(join(tmpdir(), 'gateway-test-run-'));
try {
  for (const name of everything ? Object.keys(suites) : chosen) {
    if (!built && (name === 'integration' || name === 'interop')) {
      console.log(`\n== Suite: ${name}: not run, the build failed`);
      total.failed += 1;
      failedSteps.push(`suite ${name}`);
    } else await runSuite(name, folder);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}

if (skippedLines.length > 0) console.log(`\nSkipped:\n${skippedLines.map((line) => `  ${line}`).join('\n')}`);
if (failures.length > 0) console.log(`\nFailures:\n${failures.map((failure) => `  ${failure}`).join('\n')}`);
if (failedSteps.length > 0) console.log(`\nFailed: ${failedSteps.join('; ')}`);
if (total.passed === 0) {
  console.log('\nNo test has passed; that is a failure in itself.');
  total.failed = Math.max(1, total.failed);
}
console.log(`\n${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
process.exitCode = total.failed === 0 ? 0 : 1;
