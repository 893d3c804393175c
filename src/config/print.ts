import { stringify } from 'yaml';
import type { z } from 'zod';
import { docOf, elementOf, shapeOf } from './key.js';
import { configSchema, type GatewayConfig } from './schema.js';

function blank(schema: z.ZodType | undefined, value: unknown): unknown {
  if (schema === undefined || value === undefined) return value;
  if (docOf(schema)?.secret === true) return '***';
  if (Array.isArray(value)) return value.map((entry) => blank(elementOf(schema), entry));
  const shape = shapeOf(schema);
  if (shape === undefined || typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, blank(shape[name], inner)]));
}

/** The configuration as it is in force, defaults and overrides included, as YAML; secrets, and where they come from, as `***`. */
export function printConfig(config: GatewayConfig): string {
  return stringify(blank(configSchema, config));
}
