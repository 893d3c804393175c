import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { AdminOptions } from './ports.js';
import { readStaticFiles, type StaticFile } from './static-files.js';

/** The widget, which pages of other origins load, and its licence texts. */
const widgetFiles = ['call-button.js', 'call-button.js.LEGAL.txt'];

/** Nothing but our own scripts and styles, and connections to our own host (CSP 3). */
function contentSecurityPolicy(host: string | undefined): string {
  const sockets = host !== undefined && /^[A-Za-z0-9.:[\]-]+$/.test(host) ? ` ws://${host} wss://${host}` : '';
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "font-src 'self'",
    `connect-src 'self'${sockets}`,
    "media-src 'self' blob: mediastream:",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}

function send(file: StaticFile, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  reply.header('etag', file.etag).header('cache-control', 'no-cache').type(file.contentType);
  return request.headers['if-none-match'] === file.etag ? reply.code(304).send() : reply.send(file.body);
}

/** `/call-button.js` always; the demo page and what it needs in demo mode. */
export function addPages(app: FastifyInstance, options: Pick<AdminOptions, 'webFolder' | 'demoPage'>): void {
  const files = readStaticFiles(options.webFolder);
  for (const [name, file] of files) {
    const isWidget = widgetFiles.includes(name);
    if (!isWidget && !options.demoPage) continue;
    app.get(name === 'index.html' ? '/' : `/${name}`, async (request, reply) => {
      if (isWidget) {
        // A module script of another origin is fetched with CORS.
        reply.header('access-control-allow-origin', '*').header('cross-origin-resource-policy', 'cross-origin');
      }
      if (file.contentType.startsWith('text/html')) {
        reply
          .header('content-security-policy', contentSecurityPolicy(request.headers.host))
          .header('permissions-policy', 'microphone=(self), camera=(), geolocation=()');
      }
      return send(file, request, reply);
    });
  }
}
