import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { minify } from 'terser';
import { trimSipJs } from './sip-js-trim.mjs';

const textsFolder = new URL('./widget/texts/', import.meta.url);

/**
 * What the widget says in languages other than English: the file that goes beside its script, and the
 * hash that is compiled into it, so that nothing else is taken for it (Subresource Integrity §3.3).
 *
 * @type {readonly { readonly lang: string; readonly json: string; readonly integrity: string }[]}
 */
export const languages = readdirSync(textsFolder).map((name) => {
  const json = JSON.stringify(JSON.parse(readFileSync(new URL(name, textsFolder), 'utf8')));
  return { lang: name.replace('.json', ''), json, integrity: `sha384-${createHash('sha384').update(json).digest('base64')}` };
});

/**
 * How browser code is bundled. Names that begin with `_` are private in all of it, and shortened.
 *
 * @satisfies {import('esbuild').BuildOptions}
 */
export const browserBundle = {
  bundle: true,
  format: /** @type {const} */ ('esm'),
  target: 'es2022',
  minify: true,
  mangleProps: /^_[a-z]/,
  legalComments: /** @type {const} */ ('linked'),
  charset: /** @type {const} */ ('utf8'),
  logLevel: /** @type {const} */ ('warning'),
  define: { __languages__: JSON.stringify(Object.fromEntries(languages.map(({ lang, integrity }) => [lang, integrity]))) },
  plugins: [trimSipJs],
};

/**
 * How the dashboard is bundled: its plotting library has names of its own that begin with `_`.
 *
 * @satisfies {import('esbuild').BuildOptions}
 */
export const dashboardBundle = {
  bundle: true,
  format: /** @type {const} */ ('esm'),
  target: 'es2022',
  minify: true,
  legalComments: /** @type {const} */ ('linked'),
  charset: /** @type {const} */ ('utf8'),
  logLevel: /** @type {const} */ ('warning'),
};

/**
 * Looks at the whole bundle once more, for what is never used or said twice. Getters of sip.js and Lit
 * have effects, so they are left where they are.
 *
 * @param {string} code
 * @returns {Promise<string>}
 */
export async function squeezed(code) {
  const result = await minify(code, {
    module: true,
    ecma: 2020,
    compress: { passes: 3, ecma: 2020, module: true },
    format: { comments: /For license information/ },
  });
  return result.code ?? code;
}
