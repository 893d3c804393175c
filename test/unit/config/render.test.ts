import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { z } from 'zod';
import { docOf, elementOf, shapeOf } from '../../../src/config/key.js';
import { loadConfig } from '../../../src/config/load.js';
import { renderJsonSchema, renderSample } from '../../../src/config/render.js';
import { configSchema } from '../../../src/config/schema.js';

const committed = (name: string): string => readFileSync(new URL(`../../../config/${name}`, import.meta.url), 'utf8');

/** Every key of the schema, as a path, with its own schema. */
function allKeys(schema: z.ZodType, path = ''): ReadonlyArray<readonly [string, z.ZodType]> {
  const shape = shapeOf(schema) ?? (elementOf(schema) === undefined ? undefined : shapeOf(elementOf(schema) as z.ZodType));
  return Object.entries(shape ?? {}).flatMap(([name, inner]) => {
    const full = path === '' ? name : `${path}.${name}`;
    const deeper = docOf(inner)?.secret === true || docOf(inner)?.whole === true ? [] : allKeys(inner, full);
    return [[full, inner] as const, ...deeper];
  });
}

describe('what is made out of the schema', () => {
  it('is what is committed (npm run render)', () => {
    expect(committed('gateway.example.yaml')).toBe(renderSample());
    expect(committed('gateway.schema.json')).toBe(renderJsonSchema());
  });

  it('documents every key', () => {
    const keys = allKeys(configSchema);
    expect(keys.length).toBeGreaterThan(50);
    expect(keys.filter(([, schema]) => (docOf(schema)?.description ?? '') === '').map(([path]) => path)).toEqual([]);
  });

  it('shows every key in the sample', () => {
    const names = new Set([...renderSample().matchAll(/^[ #-]*([A-Za-z]+):/gm)].map((match) => match[1]));
    const missing = allKeys(configSchema)
      .map(([path]) => path.split('.').at(-1) ?? '')
      .filter((name) => !names.has(name));
    expect(missing).toEqual([]);
  });

  it('makes a sample that loads as it stands', () => {
    expect(loadConfig(renderSample(), {})).toMatchObject({ ok: true });
  });

  it('makes a sample that loads with every commented key switched on', () => {
    const uncommented = renderSample().replace(/^( *)# ((?:- )?[a-z][A-Za-z]+:(?: .*)?)$/gm, '$1$2');
    expect(uncommented).toMatch(/^ {2}publicUrl:/m);
    const result = loadConfig(uncommented, {});
    expect(result.ok ? [] : result.faults).toEqual([]);
  });
});
