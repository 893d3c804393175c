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

export default defineConfig({
  root,
  test: {
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
