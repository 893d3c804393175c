/**
 * Writes one JSON file per run of vitest: counts, what was skipped and why, and what failed and how. A file that
 * could not be loaded and a fault outside any test count as failures, so that nothing passes by
 * not having run.
 */
import { writeFileSync } from 'node:fs';
import { stripVTControlCharacters } from 'node:util';

/** @typedef {{ passed: number, failed: number, skipped: { name: string, reason: string }[], failures: { name: string, message: string }[] }} Summary */

const longestMessage = 400;

/** The first lines of each fault, which say what was expected; what the test printed to explain it comes after. */
const firstLinesOf = (/** @type {readonly unknown[]} */ faults) =>
  faults
    .map((fault) => (fault instanceof Object && 'message' in fault ? String(fault.message) : String(fault)))
    .map((message) => stripVTControlCharacters(message).slice(0, longestMessage).trimEnd())
    .join('\n');

/** Faults of a file itself and of its hooks. */
function* brokenIn(/** @type {import('vitest/node').TestModule} */ module) {
  for (const error of module.errors()) yield { name: module.relativeModuleId, message: firstLinesOf([error]) };
  for (const suite of module.children.allSuites()) {
    for (const error of suite.errors()) yield { name: suite.fullName, message: firstLinesOf([error]) };
  }
}

// biome-ignore lint/style/noDefaultExport: vitest loads a reporter by its default export
export default class SummaryReporter {
  /**
   * @param {readonly import('vitest/node').TestModule[]} modules
   * @param {readonly unknown[]} unhandledErrors
   */
  onTestRunEnd(modules, unhandledErrors) {
    const outside = unhandledErrors.map((error) => ({ name: 'outside any test', message: firstLinesOf([error]) }));
    /** @type {Summary} */
    const summary = { passed: 0, failed: 0, skipped: [], failures: outside };
    for (const module of modules) {
      summary.failures.push(...brokenIn(module));
      for (const test of module.children.allTests()) {
        const result = test.result();
        if (result.state === 'passed') summary.passed += 1;
        else if (result.state === 'skipped') {
          const inName = /\[skipped: (.*?)\]/.exec(test.fullName)?.[1];
          summary.skipped.push({ name: test.fullName, reason: result.note ?? inName ?? 'no reason given' });
        } else summary.failures.push({ name: `${module.relativeModuleId}: ${test.fullName}`, message: firstLinesOf(result.errors ?? []) });
      }
    }
    summary.failed = summary.failures.length;
    const file = process.env['TEST_SUMMARY_FILE'];
    if (file !== undefined) writeFileSync(file, JSON.stringify(summary));
  }
}
