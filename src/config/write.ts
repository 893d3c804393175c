import { mkdirSync, writeFileSync } from 'node:fs';
import { renderJsonSchema, renderSample } from './render.js';

/** `npm run render`: writes the sample file and the JSON Schema into `config/`. */
const folder = new URL('../../config/', import.meta.url);
mkdirSync(folder, { recursive: true });
writeFileSync(new URL('gateway.example.yaml', folder), renderSample());
writeFileSync(new URL('gateway.schema.json', folder), renderJsonSchema());
