import { LineCounter, parseDocument } from 'yaml';
import { crossCheck } from './checks.js';
import { applyEnvironment, type Environment } from './environment.js';
import { explain } from './explain.js';
import type { ConfigFault } from './fault.js';
import { isPlannedKey } from './planned.js';
import { applyProfiles } from './profiles.js';
import { configSchema, type GatewayConfig } from './schema.js';
import { nearest } from './suggest.js';

export type LoadResult =
  | { readonly ok: true; readonly config: GatewayConfig }
  | { readonly ok: false; readonly faults: readonly ConfigFault[] };

function readYaml(text: string): { readonly document: Record<string, unknown>; readonly faults: ConfigFault[] } {
  const lines = new LineCounter();
  const parsed = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true });
  const faults = parsed.errors.map((error) => {
    const { line, col } = lines.linePos(error.pos[0]);
    return { path: `line ${line}, column ${col}`, problem: `is not valid YAML (${error.code})`, remedy: error.message };
  });
  if (faults.length > 0) return { document: {}, faults };
  const value: unknown = parsed.toJS();
  if (value === null || value === undefined) return { document: {}, faults };
  if (typeof value !== 'object' || Array.isArray(value)) {
    return { document: {}, faults: [{ path: '', problem: 'is not a group of keys', remedy: 'begin with keys such as http: and trunks:' }] };
  }
  return { document: value as Record<string, unknown>, faults };
}

function unknownSection(name: string): ConfigFault {
  if (isPlannedKey([name])) return { path: name, problem: 'not available in this version', remedy: 'remove it' };
  const known = Object.keys(configSchema.shape);
  const guess = nearest(name, known);
  const remedy = guess === undefined ? `remove it; known here are ${known.join(', ')}` : `did you mean "${guess}"?`;
  return { path: name, problem: 'unknown key', remedy };
}

/**
 * Reads a configuration: YAML, then the environment over it, then the schema, then what must hold
 * between keys. Every fault is reported at once; sections without faults are still checked against
 * each other when others have some.
 */
export function loadConfig(yaml: string, environment: Environment): LoadResult {
  const { document, faults } = readYaml(yaml);
  if (faults.length > 0) return { ok: false, faults };
  faults.push(...applyEnvironment(document, environment, configSchema), ...applyProfiles(document));
  const sound: Record<string, unknown> = {};
  for (const [name, section] of Object.entries(configSchema.shape)) {
    // An empty section (`http:` with nothing below) is the same as none.
    const result = section.safeParse(document[name] ?? undefined);
    if (result.success) sound[name] = result.data;
    else {
      const issues = result.error.issues.map((issue) => ({ ...issue, path: [name, ...issue.path] }));
      faults.push(...explain(issues, configSchema, document));
    }
  }
  faults.push(
    ...Object.keys(document)
      .filter((name) => !(name in configSchema.shape))
      .map(unknownSection),
  );
  faults.push(...crossCheck(sound as Partial<GatewayConfig>));
  return faults.length > 0 ? { ok: false, faults } : { ok: true, config: sound as GatewayConfig };
}
