import { parse } from 'yaml';
import { z } from 'zod';
import type { ConfigFault } from './fault.js';
import { elementOf, shapeOf, unwrap } from './key.js';
import { nearest } from './suggest.js';

/**
 * Overrides by environment. `GATEWAY_` and the path, two underscores between its steps, single
 * underscores where the key has a capital: `GATEWAY_HTTP__PORT=8081`,
 * `GATEWAY_HTTP__PUBLIC_URL=https://…`, `GATEWAY_TRUNKS__0__CALLER_ID=+44…`. A list may be given
 * with commas. Variables without two underscores are left alone: they may hold secrets.
 */
const prefix = 'GATEWAY_';

export type Environment = Readonly<Record<string, string | undefined>>;

interface Found {
  readonly path: readonly (string | number)[];
  readonly schema: z.ZodType;
}

type Tree = Record<string | number, unknown>;

const plain = (name: string): string => name.replaceAll('_', '').toLowerCase();

function resolvePath(root: z.ZodType, steps: readonly string[]): Found | { readonly wrong: string; readonly known: readonly string[] } {
  const path: (string | number)[] = [];
  let schema = root;
  for (const step of steps) {
    const element = elementOf(schema);
    const shape = shapeOf(schema) ?? {};
    if (element !== undefined && /^\d{1,3}$/.test(step)) {
      path.push(Number(step));
      schema = element;
      continue;
    }
    const name = Object.keys(shape).find((candidate) => plain(candidate) === plain(step));
    const inner = name === undefined ? undefined : shape[name];
    if (name === undefined || inner === undefined) return { wrong: step, known: Object.keys(shape) };
    path.push(name);
    schema = inner;
  }
  return { path, schema };
}

function read(schema: z.ZodType, text: string): unknown {
  const { inner } = unwrap(schema);
  if (inner instanceof z.ZodString || inner instanceof z.ZodEnum) return text;
  if (inner instanceof z.ZodArray && !text.trimStart().startsWith('[')) {
    return text.trim() === '' ? [] : text.split(',').map((entry) => read(inner.element as z.ZodType, entry.trim()));
  }
  try {
    return parse(text);
  } catch {
    return text;
  }
}

const isTree = (value: unknown): value is Tree => typeof value === 'object' && value !== null;

/** Sets `value` in `tree`, making the groups on the way; false where something else stands in the way. */
function put(tree: Tree, path: readonly (string | number)[], value: unknown): boolean {
  const [step, next, ...rest] = path;
  if (step === undefined) return false;
  if (next === undefined) {
    tree[step] = value;
    return true;
  }
  tree[step] ??= typeof next === 'number' ? [] : {};
  const inner = tree[step];
  return isTree(inner) && put(inner, [next, ...rest], value);
}

/** Lays the environment over `document`, which it changes, and returns what is wrong with it. */
export function applyEnvironment(document: Tree, environment: Environment, root: z.ZodType): ConfigFault[] {
  const faults: ConfigFault[] = [];
  for (const [variable, text] of Object.entries(environment).sort(([a], [b]) => a.localeCompare(b))) {
    if (text === undefined || !variable.startsWith(prefix) || !variable.includes('__')) continue;
    const found = resolvePath(root, variable.slice(prefix.length).split('__'));
    if ('wrong' in found) {
      const guess = nearest(found.wrong, found.known);
      const remedy = guess === undefined ? `unset it; known there are ${found.known.join(', ')}` : `did you mean "${guess}"?`;
      faults.push({ path: variable, problem: `names an unknown key, "${found.wrong.toLowerCase()}"`, remedy });
    } else if (!put(document, found.path, read(found.schema, text))) {
      faults.push({ path: variable, problem: 'does not fit what the file has there', remedy: 'correct the file or unset the variable' });
    }
  }
  return faults;
}
