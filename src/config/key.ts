import { z } from 'zod';

/** What the sample file and the JSON Schema say about one key. */
export interface KeyDoc {
  /** What it is for, in one or two sentences. */
  readonly description: string;
  readonly unit?: string;
  /** Shown in the sample where there is no default, and as an entry of a list that is empty by default. */
  readonly example?: unknown;
  /** Stands in the sample as a live key although it may be left out. */
  readonly live?: boolean;
  /** A group of keys that exclude each other: the sample shows it as one value, its example. */
  readonly whole?: boolean;
  /** The value is a secret: only `{ env }` or `{ file }` is taken. */
  readonly secret?: boolean;
}

/** Attaches its documentation to a key. Always the outermost call, so that it is found again. */
export function key<S extends z.ZodType>(schema: S, doc: KeyDoc): S {
  return schema.meta({ ...doc });
}

/** The documentation of a key, with what an enclosing optional or default hides. */
export function docOf(schema: z.ZodType): KeyDoc | undefined {
  const meta = schema.meta();
  return meta === undefined || typeof meta.description !== 'string' ? undefined : (meta as unknown as KeyDoc);
}

/** A rule on one value, with the remedy that goes into the fault when it does not hold. */
export function rule<S extends z.ZodType>(schema: S, holds: (value: z.output<S>) => boolean, problem: string, remedy: string): S {
  return schema.refine(holds as (value: unknown) => boolean, { error: problem, params: { remedy } }) as S;
}

/** The schema without its `optional`, `default` and `prefault` wrappers, and the default they carry. */
export function unwrap(schema: z.ZodType): { readonly inner: z.ZodType; readonly optional: boolean; readonly fallback: unknown } {
  let inner = schema;
  let optional = false;
  let fallback: unknown;
  for (;;) {
    if (inner instanceof z.ZodOptional) {
      optional = true;
      inner = inner.unwrap() as z.ZodType;
    } else if (inner instanceof z.ZodDefault || inner instanceof z.ZodPrefault) {
      fallback = inner.def.defaultValue;
      inner = inner.unwrap() as z.ZodType;
    } else {
      return { inner, optional, fallback };
    }
  }
}

/** The keys of an object schema; undefined for any other. */
export function shapeOf(schema: z.ZodType): Readonly<Record<string, z.ZodType>> | undefined {
  const { inner } = unwrap(schema);
  return inner instanceof z.ZodObject ? (inner.shape as Readonly<Record<string, z.ZodType>>) : undefined;
}

/** The schema of a list's entries; undefined for anything but a list. */
export function elementOf(schema: z.ZodType): z.ZodType | undefined {
  const { inner } = unwrap(schema);
  return inner instanceof z.ZodArray ? (inner.element as z.ZodType) : undefined;
}

/** The schema at a path inside `root`; undefined where the path leaves it. */
export function schemaAt(root: z.ZodType, path: readonly PropertyKey[]): z.ZodType | undefined {
  let schema: z.ZodType | undefined = root;
  for (const step of path) {
    if (schema === undefined) return undefined;
    schema = typeof step === 'number' ? elementOf(schema) : shapeOf(schema)?.[String(step)];
  }
  return schema;
}
