/**
 * Bundles the browser code: the widget as one file that a website can include with one script tag,
 * the demo page beside it, and the dashboard. Types are checked separately with `tsc -p src/web`.
 */
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { browserBundle, dashboardBundle, languages, squeezed } from './browser-bundle.mjs';

const source = fileURLToPath(new URL('.', import.meta.url));
const target = fileURLToPath(new URL('../../dist/web/', import.meta.url));
const pageAssets = ['index.html', 'demo.css', 'favicon.svg'];

mkdirSync(target, { recursive: true });
await build({
  ...browserBundle,
  entryPoints: { 'call-button': `${source}widget/call-button.ts`, demo: `${source}demo/demo.ts` },
  outdir: target,
});
for (const { lang, json } of languages) writeFileSync(`${target}call-button.${lang}.json`, json);
for (const name of pageAssets) copyFileSync(`${source}demo/${name}`, target + name);

const dashboard = `${target}dashboard/`;
mkdirSync(dashboard, { recursive: true });
await build({
  ...dashboardBundle,
  entryPoints: { dashboard: `${source}dashboard/dashboard.ts`, style: `${source}dashboard/dashboard.css` },
  outdir: dashboard,
});
copyFileSync(`${source}dashboard/index.html`, `${dashboard}index.html`);
copyFileSync(`${source}demo/favicon.svg`, `${dashboard}favicon.svg`);

writeFileSync(`${target}call-button.js`, await squeezed(readFileSync(`${target}call-button.js`, 'utf8')));
const bundle = readFileSync(`${target}call-button.js`);
const kilobytes = (/** @type {Uint8Array} */ bytes) => (bytes.length / 1024).toFixed(1);
console.log(`call-button.js: ${kilobytes(bundle)} KB, ${kilobytes(gzipSync(bundle, { level: 9 }))} KB gzipped`);
const script = readFileSync(`${dashboard}dashboard.js`);
console.log(`dashboard.js: ${kilobytes(script)} KB, ${kilobytes(gzipSync(script, { level: 9 }))} KB gzipped`);
