/** Short words for JSON Schema (2020-12), in which the API is described. */

export type Schema = Readonly<Record<string, unknown>>;

export const text = (description: string, more: Schema = {}): Schema => ({ type: 'string', description, ...more });
export const oneOf = (values: readonly string[], description: string): Schema => ({ type: 'string', enum: values, description });
export const time = (description: string): Schema => text(description, { format: 'date-time' });
export const whole = (description: string, more: Schema = {}): Schema => ({ type: 'integer', description, ...more });
export const real = (description: string): Schema => ({ type: 'number', description });
export const truth = (description: string): Schema => ({ type: 'boolean', description });
export const list = (items: Schema, description: string): Schema => ({ type: 'array', items, description });
export const named = (name: string): Schema => ({ $ref: `#/components/schemas/${name}` });

/** An object with these fields; those whose name ends in `?` may be absent. */
export function fields(properties: Readonly<Record<string, Schema>>, more: Schema = {}): Schema {
  const entries = Object.entries(properties);
  return {
    type: 'object',
    properties: Object.fromEntries(entries.map(([name, schema]) => [name.replace(/\?$/, ''), schema])),
    required: entries.map(([name]) => name).filter((name) => !name.endsWith('?')),
    ...more,
  };
}
