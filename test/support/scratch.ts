import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A directory of its own for one test, gone with `dispose`; kept when KEEP_TEST_FILES is set. */
export interface Scratch {
  readonly path: string;
  file(name: string): string;
  dispose(): void;
}

export function scratch(name: string): Scratch {
  const path = mkdtempSync(join(tmpdir(), `gateway-${name}-`));
  return {
    path,
    file: (leaf) => join(path, leaf),
    dispose: () => {
      if (process.env['KEEP_TEST_FILES'] === undefined) rmSync(path, { recursive: true, force: true });
    },
  };
}
