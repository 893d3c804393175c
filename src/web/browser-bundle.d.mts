import type { BuildOptions } from 'esbuild';

export const browserBundle: BuildOptions;
export const dashboardBundle: BuildOptions;
export function squeezed(code: string): Promise<string>;
