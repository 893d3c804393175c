import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const root = fileURLToPath(new URL('..', import.meta.url));

interface Suite {
  readonly name: string;
  readonly include: readonly string[];
  readonly testTimeoutMs: number;
  /** Suites with real sockets and third-party peers run one file at a time. */
  readonly parallel: boolean;
}

/** In the order `test/run.mjs` runs them: cheap and telling first. */
const suites: readonly Suite[] = [
  { name: 'unit', include: ['test/unit/**/*.test.ts', 'test/*.test.ts'], testTimeoutMs: 10_000, parallel: true },
  { name: 'contract', include: ['test/contract/**/*.test.ts'], testTimeoutMs: 20_000, parallel: true },
  { name: 'fuzz', include: ['test/fuzz/**/*.test.ts'], testTimeoutMs: 120_000, parallel: true },
  { name: 'integration', include: ['test/integration/**/*.test.ts'], testTimeoutMs: 60_000, parallel: false },
  { name: 'interop', include: ['test/interop/**/*.test.ts'], testTimeoutMs: 90_000, parallel: false },
];

/** Code that decides and can be tested without I/O. Measured over the unit suite alone: `npm test` fails below these. */
const covered = {
  'src/media/{rtp,sdp,dtmf,relay}/**/*.ts': { lines: 99, branches: 95 },
  'src/policy/**/*.ts': { lines: 100, branches: 95 },
  'src/call/machine*.ts': { lines: 95, branches: 94 },
  'src/config/**/*.ts': { lines: 95, branches: 88 },
};

export default defineConfig({
  root,
  test: {
    coverage: {
      include: Object.keys(covered),
      reporter: ['text-summary'],
      reportsDirectory: 'coverage',
      thresholds: covered,
    },
    projects: suites.map(({ name, include, testTimeoutMs, parallel }) => ({
      root,
      test: {
        name,
        include: [...include],
        pool: 'forks' as const,
        retry: 0,
        testTimeout: testTimeoutMs,
        hookTimeout: testTimeoutMs,
        teardownTimeout: 20_000,
        fileParallelism: parallel,
        ...(parallel ? { maxWorkers: 2 } : { maxWorkers: 1 }),
      },
    })),
  },
});
