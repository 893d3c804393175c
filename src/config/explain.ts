import type { z } from 'zod';
import { type ConfigFault, formatPath } from './fault.js';
import { docOf, schemaAt, shapeOf } from './key.js';
import { isPlannedKey, isPlannedValue } from './planned.js';
import { nearest } from './suggest.js';

type Issue = z.core.$ZodIssue;

const later = { problem: 'not available in this version', remedy: 'remove it' };

function valueAt(document: unknown, path: readonly PropertyKey[]): unknown {
  let value = document;
  for (const step of path) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = (value as Record<PropertyKey, unknown>)[step];
  }
  return value;
}

const kindOf = (value: unknown): string => {
  if (value === null) return 'empty';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a group of keys';
  return typeof value === 'string' ? 'text' : `a ${typeof value}`;
};

const expectedKinds: Readonly<Record<string, string>> = {
  string: 'text, in quotes where it looks like a number',
  int: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
  array: 'a list: [one, two] or one entry a line, each after "- "',
  object: 'a group of keys',
};

function unknownKey(root: z.ZodType, path: readonly PropertyKey[], name: string): ConfigFault {
  const full = [...path, name];
  if (isPlannedKey(full)) return { path: formatPath(full), ...later };
  const known = Object.keys(shapeOf(schemaAt(root, path) ?? root) ?? {});
  const guess = nearest(name, known);
  return {
    path: formatPath(full),
    problem: 'unknown key',
    remedy: guess === undefined ? `remove it; known here are ${known.join(', ')}` : `did you mean "${guess}"?`,
  };
}

function wrongType(issue: Extract<Issue, { code: 'invalid_type' }>, value: unknown): Omit<ConfigFault, 'path'> {
  const expected = expectedKinds[issue.expected] ?? issue.expected;
  if (value === undefined) return { problem: 'is missing', remedy: `give ${expected}` };
  const found = issue.expected === 'int' && typeof value === 'number' ? 'is not a whole number' : `is ${kindOf(value)}`;
  return { problem: found, remedy: `give ${expected}` };
}

const oneOf = (values: readonly unknown[]): string => `use ${values.length === 1 ? '' : 'one of '}${values.map(String).join(', ')}`;

function outOfRange(issue: Extract<Issue, { code: 'too_small' | 'too_big' }>): Omit<ConfigFault, 'path'> {
  const small = issue.code === 'too_small';
  const bound = Number(small ? issue.minimum : issue.maximum);
  if (issue.origin === 'array') return { problem: 'is an empty list', remedy: 'give at least one entry' };
  if (issue.origin === 'string') {
    return small ? { problem: 'is empty', remedy: 'give a text' } : { problem: 'is too long', remedy: `give at most ${bound} characters` };
  }
  const edge = issue.inclusive === false ? (small ? 'more than' : 'less than') : small ? 'at least' : 'at most';
  return { problem: small ? 'is too small' : 'is too large', remedy: `give ${edge} ${bound}` };
}

function describe(issue: Issue, value: unknown): Omit<ConfigFault, 'path'> {
  switch (issue.code) {
    case 'invalid_type':
      return wrongType(issue, value);
    case 'too_small':
    case 'too_big':
      return outOfRange(issue);
    case 'invalid_value':
      return value === undefined
        ? { problem: 'is missing', remedy: oneOf(issue.values) }
        : { problem: 'is not a known value', remedy: oneOf(issue.values) };
    case 'custom':
      return { problem: issue.message, remedy: String(issue.params?.['remedy'] ?? 'correct it') };
    case 'invalid_union':
      return { problem: `is ${kindOf(value)}, or not a known value`, remedy: unionRemedy(issue) };
    default:
      return { problem: 'is not usable', remedy: issue.message };
  }
}

function unionRemedy(issue: Extract<Issue, { code: 'invalid_union' }>): string {
  const ways = issue.errors.flat().map((inner) => {
    if (inner.code === 'invalid_value') return inner.values.map(String).join(' or ');
    return inner.code === 'invalid_type' ? (expectedKinds[inner.expected] ?? inner.expected) : 'a value in range';
  });
  return `give ${ways.join(', or ')}`;
}

/** Turns what the schema found into faults with a remedy. `root` is the schema the paths start from. */
export function explain(issues: readonly Issue[], root: z.ZodType, document: unknown): ConfigFault[] {
  return issues.flatMap((issue): ConfigFault[] => {
    if (issue.code === 'unrecognized_keys') return issue.keys.map((name) => unknownKey(root, issue.path, name));
    const value = valueAt(document, issue.path);
    const path = formatPath(issue.path);
    const schema = schemaAt(root, issue.path);
    if (schema !== undefined && docOf(schema)?.secret === true && issue.code === 'invalid_type' && value !== undefined) {
      return [
        { path, problem: 'is a secret written into the file', remedy: 'put it in a variable or a file: { env: NAME } or { file: PATH }' },
      ];
    }
    if (isPlannedValue(issue.path, value)) {
      return [{ path, ...later, problem: `"${String(value)}" is not available in this version`, remedy: 'use embedded' }];
    }
    return [{ path, ...describe(issue, value) }];
  });
}
