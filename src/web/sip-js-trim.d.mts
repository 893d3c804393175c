import type { Plugin } from 'esbuild';

export function withoutLogging(code: string): string;
export function withoutComplaints(code: string): string;
export const trimSipJs: Plugin;
