import type { FastifyInstance } from 'fastify';
import { paths } from './paths.js';
import { schemas } from './schemas.js';

/** The API in words that programs read (OpenAPI 3.1). */
export function openApiDocument(version: string): object {
  return {
    openapi: '3.1.0',
    info: { title: 'WebRTC-to-PSTN gateway', version, license: { name: 'MIT', identifier: 'MIT' } },
    servers: [{ url: '/api/v1' }],
    paths,
    components: {
      schemas,
      securitySchemes: {
        adminToken: { type: 'http', scheme: 'bearer', description: 'admin.token of the configuration.' },
        siteSecret: { type: 'http', scheme: 'bearer', description: 'secret of an entry of sites.' },
        ticket: { type: 'http', scheme: 'bearer', description: 'A ticket for a call; it is not used up.' },
      },
    },
  };
}

/** `GET /api/v1/openapi.json`, for everybody: it says nothing about this gateway but its version. */
export function addOpenApi(app: FastifyInstance, version: string): void {
  const document = openApiDocument(version);
  app.get('/api/v1/openapi.json', async (_request, reply) => reply.header('access-control-allow-origin', '*').send(document));
}
