import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { transform } from 'esbuild';
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
 * Style sheets stand in template literals, which no minifier of scripts looks into.
 *
 * @type {import('esbuild').Plugin}
 */
const minifyStyles = {
  name: 'minify-styles',
  setup(build) {
    build.onLoad({ filter: /[\\/]styles\.ts$/ }, async ({ path }) => {
      const code = readFileSync(path, 'utf8');
      const sheet = /(?<=css`)[^`$\\]*(?=`)/.exec(code)?.[0];
      if (sheet === undefined) throw new Error(`${path} holds no style sheet between css and a backtick`);
      const { code: small } = await transform(sheet, { loader: 'css', minify: true, charset: 'utf8' });
      if (/[`$\\]/.test(small)) throw new Error(`${path}: the style sheet holds what a template literal would read otherwise`);
      return { contents: code.replace(sheet, () => small.trim()), loader: 'ts' };
    });
  },
};

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
  plugins: [trimSipJs, minifyStyles],
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
