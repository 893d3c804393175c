import type { Plugin } from 'esbuild';

export function withoutLogging(code: string): string;
export function withoutErrorTexts(code: string): string;
export function withoutMethods(code: string, methods: Readonly<Record<string, string>>): string;
export function withoutPassages(code: string, replacements: readonly (readonly [RegExp, string])[]): string;
export const trimSipJs: Plugin;
