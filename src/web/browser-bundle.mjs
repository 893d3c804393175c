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
