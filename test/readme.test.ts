import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../src/config/load.js';

const readText = (path: string): string => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8');
const readme = readText('README.md');
const scripts = (JSON.parse(readText('package.json')) as { readonly scripts: Readonly<Record<string, string>> }).scripts;

describe('the README', () => {
  it('shows a trunk configuration that check-config accepts', () => {
    const yaml = /```yaml\n([\s\S]*?)```/.exec(readme)?.[1] ?? '';
    expect(yaml).toContain('trunks:');
    const result = loadConfig(yaml, { TRUNK_PASSWORD: 'p', GATEWAY_ADMIN_TOKEN: 'a-token-of-some-length' });
    expect(result.ok ? [] : result.faults).toEqual([]);
  });

  it('names only npm scripts that exist', () => {
    const named = [...readme.matchAll(/\bnpm (?:run )?(build|start|test|bench|render|check|lint)\b/g)].map((match) => match[1] ?? '');
    expect(named.length).toBeGreaterThan(3);
    expect(named.filter((name) => scripts[name] === undefined)).toEqual([]);
  });

  it('names only metrics that the gateway has', () => {
    const table = readText('src/metrics/catalogue.ts');
    const named = [...readme.matchAll(/\bgateway_[a-z_]+\b/g)].map((match) => match[0]).filter((name) => !name.startsWith('gateway_http'));
    expect(named.length).toBeGreaterThan(0);
    expect(named.filter((name) => !new RegExp(`\\b${name}\\b`).test(table))).toEqual([]);
  });
});
