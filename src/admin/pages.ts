import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { AdminOptions } from './ports.js';
import { readStaticFiles, representationFor, type StaticFile } from './static-files.js';

/** The widget, which pages of other origins load, its languages and its licence texts. */
const widgetFile = /^call-button\.(?:js|js\.LEGAL\.txt|[a-z]{2}\.json)$/;

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

/** Answers with a file in the smallest form the client takes, or that it has it already. */
export function send(file: StaticFile, request: FastifyRequest, reply: FastifyReply, cacheControl = 'no-cache'): FastifyReply {
  const { body, encoding, etag } = representationFor(file, request.headers['accept-encoding']);
  reply.header('etag', etag).header('cache-control', cacheControl).header('vary', 'accept-encoding').type(file.contentType);
  if (encoding !== undefined) reply.header('content-encoding', encoding);
  return request.headers['if-none-match'] === etag ? reply.code(304).send() : reply.send(body);
}

/** A module script of another origin is fetched with CORS. */
function forEveryOrigin(reply: FastifyReply): FastifyReply {
  return reply.header('access-control-allow-origin', '*').header('cross-origin-resource-policy', 'cross-origin');
}

/**
 * The widget under a name that changes with its content, and what a website writes into its page to
 * take this content and no other.
 */
function addPinnedWidget(app: FastifyInstance, widget: StaticFile): void {
  const url = `/call-button.${widget.etag.slice(1, 13)}.js`;
  app.get(url, async (request, reply) => send(widget, request, forEveryOrigin(reply), 'public, max-age=31536000, immutable'));
  app.get('/call-button.json', async (_request, reply) => {
    const { integrity, body, gzip = body } = widget;
    return forEveryOrigin(reply)
      .header('cache-control', 'no-cache')
      .send({ url, integrity, bytes: body.length, gzippedBytes: gzip.length });
  });
}

/** `/call-button.js` always, also under a pinned name; the demo page and what it needs in demo mode. */
export function addPages(app: FastifyInstance, options: Pick<AdminOptions, 'webFolder' | 'demoPage'>): void {
  const files = readStaticFiles(options.webFolder);
  const widget = files.get('call-button.js');
  if (widget !== undefined) addPinnedWidget(app, widget);
  for (const [name, file] of files) {
    const isWidget = widgetFile.test(name);
    if (!isWidget && !options.demoPage) continue;
    app.get(name === 'index.html' ? '/' : `/${name}`, async (request, reply) => {
      if (isWidget) forEveryOrigin(reply);
      if (file.contentType.startsWith('text/html')) {
        reply
          .header('content-security-policy', contentSecurityPolicy(request.headers.host))
          .header('permissions-policy', 'microphone=(self), camera=(), geolocation=()');
      }
      return send(file, request, reply);
    });
  }
}
