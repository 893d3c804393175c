/**
 * Writes one JSON file per run of vitest: counts, and for what was skipped its reason. A file that
 * could not be loaded and a fault outside any test count as failures, so that nothing passes by
 * not having run.
 */
import { writeFileSync } from 'node:fs';

/** @typedef {{ passed: number, failed: number, skipped: { name: string, reason: string }[] }} Summary */

// biome-ignore lint/style/noDefaultExport: vitest loads a reporter by its default export
export default class SummaryReporter {
  /**
   * @param {readonly import('vitest/node').TestModule[]} modules
   * @param {readonly unknown[]} unhandledErrors
   */
  onTestRunEnd(modules, unhandledErrors) {
    /** @type {Summary} */
    const summary = { passed: 0, failed: unhandledErrors.length, skipped: [] };
    for (const module of modules) {
      summary.failed += module.errors().length;
      for (const suite of module.children.allSuites()) summary.failed += suite.errors().length;
      for (const test of module.children.allTests()) {
        const result = test.result();
        if (result.state === 'passed') summary.passed += 1;
        else if (result.state === 'skipped') {
          const inName = /\[skipped: (.*?)\]/.exec(test.fullName)?.[1];
          summary.skipped.push({ name: test.fullName, reason: result.note ?? inName ?? 'no reason given' });
        } else summary.failed += 1;
      }
    }
    const file = process.env['TEST_SUMMARY_FILE'];
    if (file !== undefined) writeFileSync(file, JSON.stringify(summary));
  }
}
