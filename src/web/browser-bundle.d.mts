import type { BuildOptions } from 'esbuild';

export const browserBundle: BuildOptions;
export function squeezed(code: string): Promise<string>;
