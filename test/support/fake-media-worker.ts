import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('../..', import.meta.url));

export interface BuiltWorker {
  readonly url: URL;
  remove(): void;
}

/** The media worker. */
export const buildMediaWorker = (): Promise<BuiltWorker> => buildWorker('src/media/embedded/worker.ts');

/**
 * The entry of a thread as one JavaScript file made from the source of this moment: a thread cannot load
 * TypeScript, and a build that lies about may be old. It stands inside the tree, so that packages resolve.
 */
export async function buildWorker(entry: string): Promise<BuiltWorker> {
  const folder = mkdtempSync(join(root, 'node_modules', '.worker-'));
  const outfile = join(folder, 'worker.mjs');
  await build({
    entryPoints: [join(root, entry)],
    outfile,
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    target: 'node20',
    sourcemap: 'inline',
    logLevel: 'error',
  });
  return { url: pathToFileURL(outfile), remove: () => rmSync(folder, { recursive: true, force: true }) };
}
