import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { extname } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

/** A file as it is served, held in memory. */
export interface StaticFile {
  readonly contentType: string;
  readonly body: Buffer;
  /** The same, smaller; absent where that is not worth it. */
  readonly gzip?: Buffer;
  readonly brotli?: Buffer;
  readonly etag: string;
  /** For `integrity` of a script element (Subresource Integrity §3.3). */
  readonly integrity: string;
}

/** What goes over the line. */
export interface Representation {
  readonly body: Buffer;
  readonly encoding?: 'gzip' | 'br';
  readonly etag: string;
}

const contentTypes: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.txt': 'text/plain; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.map': 'application/json; charset=utf-8',
};

const compressible = /^(?:text\/|application\/json|image\/svg)/;
const worthBytes = 1024;

function compressed(contentType: string, body: Buffer): Pick<StaticFile, 'gzip' | 'brotli'> {
  if (!compressible.test(contentType) || body.length < worthBytes) return {};
  return {
    gzip: gzipSync(body, { level: 9 }),
    brotli: brotliCompressSync(body, { params: { [constants.BROTLI_PARAM_QUALITY]: 9, [constants.BROTLI_PARAM_SIZE_HINT]: body.length } }),
  };
}

/** The smallest form the client takes (RFC 9110 §12.5.3); a coding given the weight 0 is one it does not. */
export function representationFor(file: StaticFile, acceptEncoding: string | undefined): Representation {
  const takes = (coding: string): boolean =>
    (acceptEncoding ?? '').split(',').some((part) => {
      const [name = '', ...parameters] = part.split(';').map((piece) => piece.trim().toLowerCase());
      return name === coding && !parameters.some((parameter) => /^q=0(?:\.0{0,3})?$/.test(parameter));
    });
  const etagOf = (coding: string): string => file.etag.replace(/"$/, `-${coding}"`);
  if (file.brotli !== undefined && takes('br')) return { body: file.brotli, encoding: 'br', etag: etagOf('br') };
  if (file.gzip !== undefined && takes('gzip')) return { body: file.gzip, encoding: 'gzip', etag: etagOf('gzip') };
  return { body: file.body, etag: file.etag };
}

/**
 * Reads every file of `folder` whose type is known, by name. They are few and small, so that reading
 * them once leaves no path for a request to wander on.
 */
export function readStaticFiles(folder: URL): ReadonlyMap<string, StaticFile> {
  const files = new Map<string, StaticFile>();
  if (!existsSync(folder)) return files;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const contentType = contentTypes[extname(entry.name)];
    if (!entry.isFile() || contentType === undefined) continue;
    const body = readFileSync(new URL(entry.name, folder));
    const etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`;
    const integrity = `sha384-${createHash('sha384').update(body).digest('base64')}`;
    files.set(entry.name, { contentType, body, ...compressed(contentType, body), etag, integrity });
  }
  return files;
}
