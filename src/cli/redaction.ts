import type { LogFields } from '../base/log.js';

/** What stands in the place of a value that is not shown. */
const blank = '***';

/** Never written, whoever gives them to a log line: by name, at the top of the fields or one level below. */
const secretNames: ReadonlySet<string> = new Set(['password', 'token', 'secret', 'authorization', 'digits', 'key']);

type Fields = Readonly<Record<string, unknown>>;

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Error);

/** One more level of dotted paths; `*` stands for any name. */
interface Paths {
  readonly here: ReadonlySet<string>;
  readonly below: ReadonlyMap<string, Paths>;
}

function pathsOf(paths: readonly (readonly string[])[]): Paths {
  const here = new Set<string>();
  const deeper = new Map<string, (readonly string[])[]>();
  for (const [first = '', ...rest] of paths) {
    if (rest.length === 0) here.add(first);
    else deeper.set(first, [...(deeper.get(first) ?? []), rest]);
  }
  return { here, below: new Map([...deeper].map(([name, rest]) => [name, pathsOf(rest)])) };
}

function blanked(fields: Fields, paths: Paths): Fields {
  let copy: Record<string, unknown> | undefined;
  const anywhere = paths.below.get('*');
  for (const name of Object.keys(fields)) {
    const value = fields[name];
    let shown: unknown = paths.here.has(name) || paths.here.has('*') ? blank : value;
    if (shown === value && isFields(value)) {
      const named = paths.below.get(name);
      if (anywhere !== undefined) shown = blanked(value, anywhere);
      if (named !== undefined) shown = blanked(shown as Fields, named);
    }
    if (shown === value) continue;
    copy ??= { ...fields };
    copy[name] = shown;
  }
  return copy ?? fields;
}

/**
 * Takes secrets, digits and what the operator names out of the fields of a log line. `further` are
 * dotted paths, `*` for any name (`peer.host`, `*.origin`). Fields without any come back as they are.
 */
export function redaction(further: readonly string[]): (fields: LogFields) => LogFields {
  const names = [...secretNames];
  const paths = pathsOf([...names.map((name) => [name]), ...names.map((name) => ['*', name]), ...further.map((path) => path.split('.'))]);
  return (fields) => blanked(fields, paths);
}
