import type { BuildOptions } from 'esbuild';

export const browserBundle: BuildOptions;
