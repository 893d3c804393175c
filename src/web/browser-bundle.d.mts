import type { BuildOptions } from 'esbuild';

export const browserBundle: BuildOptions;
export const dashboardBundle: BuildOptions;
export function squeezed(code: string): Promise<string>;
export const languages: readonly { readonly lang: string; readonly json: string; readonly integrity: string }[];
