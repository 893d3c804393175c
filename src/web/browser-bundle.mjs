import { minify } from 'terser';
import { trimSipJs } from './sip-js-trim.mjs';

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
