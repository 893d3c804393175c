import { stringify } from 'yaml';
import { z } from 'zod';
import { docOf, elementOf, shapeOf, unwrap } from './key.js';
import { configSchema } from './schema.js';

/**
 * Makes the sample file and the JSON Schema out of the schema, so that neither can be behind it.
 * The sample is a loadable file: what is optional stands in it as a comment.
 */

const width = 100;

function wrap(text: string, indent: string): string[] {
  const lines: string[] = [];
  let line = `${indent}#`;
  for (const word of text.split(' ')) {
    if (line.length + word.length + 1 > width && line !== `${indent}#`) {
      lines.push(line);
      line = `${indent}#`;
    }
    line += ` ${word}`;
  }
  return [...lines, line];
}

const flow = (value: unknown): string => stringify(value, { collectionStyle: 'flow', flowCollectionPadding: false, lineWidth: 0 }).trim();

function rangeOf(schema: z.ZodType): string | undefined {
  const { inner } = unwrap(schema);
  if (inner instanceof z.ZodEnum) return inner.options.length > 1 ? `One of ${inner.options.join(', ')}.` : undefined;
  if (!(inner instanceof z.ZodNumber) || inner.minValue === null || inner.maxValue === null) return undefined;
  const bounded = Number.isFinite(inner.maxValue) && inner.maxValue < Number.MAX_SAFE_INTEGER;
  return bounded ? `${inner.minValue} to ${inner.maxValue}.` : `At least ${inner.minValue}.`;
}

function remarks(name: string, schema: z.ZodType): string {
  const doc = docOf(schema);
  const { fallback, optional } = unwrap(schema);
  const isGroup = shapeOf(schema) !== undefined && doc?.secret !== true && doc?.whole !== true;
  const parts = [doc?.description ?? name];
  if (doc?.unit !== undefined) parts.push(`In ${doc.unit}.`);
  const range = rangeOf(schema);
  if (range !== undefined) parts.push(range);
  if (fallback !== undefined && !isGroup) parts.push(`Default: ${flow(fallback)}`);
  else if (optional) parts.push('Optional.');
  else if (!isGroup && elementOf(schema) === undefined) parts.push('Required.');
  return parts.join(' ');
}

/** The value the sample shows for a key, or undefined when it shows its parts. */
function shown(schema: z.ZodType): unknown {
  const { fallback } = unwrap(schema);
  const example = docOf(schema)?.example;
  return example ?? fallback;
}

/** One key with its comment. `asComment` when the key is optional, so that the file loads without it. */
function renderKey(name: string, schema: z.ZodType, indent: string, asComment: boolean): string[] {
  const { optional, fallback } = unwrap(schema);
  const doc = docOf(schema);
  const shape = doc?.secret === true || doc?.whole === true ? undefined : shapeOf(schema);
  const element = elementOf(schema);
  const lines = wrap(remarks(name, schema), indent);
  const comment = asComment || (optional && fallback === undefined && doc?.live !== true);
  const mark = comment ? '# ' : '';
  if (shape !== undefined) {
    return [...lines, `${indent}${mark}${name}:`, ...renderShape(shape, `${indent}  `, comment)];
  }
  const elementShape = element === undefined ? undefined : shapeOf(element);
  if (elementShape !== undefined) {
    const inner = `${indent}    `;
    const entry = renderShape(elementShape, inner, comment);
    const first = linesBeforeFirstKey(elementShape, inner);
    const bare = `${inner}${mark}`;
    const marked = entry.map((line, at) => (at === first ? line.replace(bare, `${indent}  ${mark}- `) : line));
    return [...lines, `${indent}${mark}${name}:`, ...marked];
  }
  return [...lines, `${indent}${mark}${name}: ${flow(shown(schema))}`];
}

/** The first key of a list's entry carries the dash; its comment stands before it. */
function linesBeforeFirstKey(shape: Readonly<Record<string, z.ZodType>>, indent: string): number {
  const [first] = Object.entries(shape);
  return first === undefined ? 0 : wrap(remarks(...first), indent).length;
}

function renderShape(shape: Readonly<Record<string, z.ZodType>>, indent: string, asComment: boolean): string[] {
  return Object.entries(shape).flatMap(([name, schema]) => renderKey(name, schema, indent, asComment));
}

const head = `# Configuration of webrtc-pstn-gateway, every key with its meaning. Made from the schema by
# "npm run render": change src/config/, not this file.
#
# Check a file of yours:  webrtc-pstn-gateway check-config FILE
# Any key can be set by the environment: GATEWAY_ and the path in capitals, two underscores between
# its steps, one where the key has a capital letter: GATEWAY_HTTP__PORT=8081,
# GATEWAY_HTTP__PUBLIC_URL=https://…, GATEWAY_TRUNKS__0__CALLER_ID=+44…; lists with commas.
# Secrets never stand in the file: { env: NAME } takes a variable, { file: PATH } a file's text.
`;

/** The annotated sample file. */
export function renderSample(): string {
  const sections = Object.entries(configSchema.shape).map(([name, schema]) => renderKey(name, schema as z.ZodType, '', false).join('\n'));
  return `${head}\n${sections.join('\n\n')}\n`;
}

/** The JSON Schema of the file, for editors. */
export function renderJsonSchema(): string {
  const schema = z.toJSONSchema(configSchema, {
    io: 'input',
    override: ({ jsonSchema }) => {
      const loose = jsonSchema as Record<string, unknown>;
      if (loose['secret'] === true) Object.assign(loose, { minProperties: 1, maxProperties: 1 });
      delete loose['secret'];
      delete loose['live'];
      delete loose['whole'];
      if ('example' in loose) {
        loose['examples'] = [loose['example']];
        delete loose['example'];
      }
      if (typeof loose['unit'] === 'string') {
        loose['description'] = `${String(loose['description'])} In ${loose['unit']}.`;
        delete loose['unit'];
      }
      if (loose['maximum'] === Number.MAX_SAFE_INTEGER) delete loose['maximum'];
    },
  });
  return `${JSON.stringify({ $id: 'webrtc-pstn-gateway', title: 'webrtc-pstn-gateway configuration', ...schema }, null, 2)}\n`;
}
