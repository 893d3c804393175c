import type { FastifyInstance } from 'fastify';
import { send } from './pages.js';
import type { AdminOptions } from './ports.js';
import { readStaticFiles } from './static-files.js';

/** Our own script and style, and requests to our own host; what they say is never written into the page as markup (CSP 3). */
const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** `/dashboard/` and what it is made of. The page says nothing about the gateway; the API does, to those who may ask. */
export function addDashboard(app: FastifyInstance, { webFolder }: Pick<AdminOptions, 'webFolder'>): void {
  const files = readStaticFiles(new URL('dashboard/', webFolder));
  if (!files.has('index.html')) return;
  // Relative, so that it holds under whatever path a proxy puts it.
  app.get('/dashboard', async (_request, reply) => reply.code(302).header('location', 'dashboard/').send());
  for (const [name, file] of files) {
    app.get(name === 'index.html' ? '/dashboard/' : `/dashboard/${name}`, async (request, reply) => {
      reply
        .header('content-security-policy', contentSecurityPolicy)
        .header('permissions-policy', 'microphone=(), camera=(), geolocation=()')
        .header('cross-origin-opener-policy', 'same-origin');
      return send(file, request, reply);
    });
  }
}
