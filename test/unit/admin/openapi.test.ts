import { pathToFileURL } from 'node:url';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterEach, describe, expect, it } from 'vitest';
import type { AdminServer } from '../../../src/admin/admin-server.js';
import { makeAdmin } from '../../support/admin-rig.js';
import { shopOrigin, shopSecret } from '../../support/ticket-office.js';

interface Operation {
  readonly responses: Readonly<Record<string, { readonly content?: Readonly<Record<string, { readonly schema: object }>> }>>;
}

interface Document {
  readonly openapi: string;
  readonly info: { readonly version: string };
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, object>> };
}

interface Attempt {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly url: string;
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly payload?: object;
}

const local = { host: '127.0.0.1:8080' };
let server: AdminServer | undefined;
afterEach(async () => await server?.stop());

async function described(): Promise<{ readonly server: AdminServer; readonly document: Document }> {
  const rig = makeAdmin({ webFolder: pathToFileURL('/none/') });
  server = rig.server;
  return { server, document: (await server.inject('/api/v1/openapi.json')).json() as Document };
}

/** Routes of the API that pages' browsers ask for beforehand, and those fastify adds. */
const unspoken = new Set(['HEAD', 'OPTIONS']);

describe('the description of the API', () => {
  it('has every route there is, and none that is not', async () => {
    const { server: there, document } = await described();
    const routes = there.routes
      .filter(({ method, url }) => url.startsWith('/api/v1/') && !unspoken.has(method))
      .map(({ method, url }) => `${method} ${url.slice('/api/v1'.length).replace(/:(\w+)/g, '{$1}')}`);
    const told = Object.entries(document.paths).flatMap(([path, operations]) =>
      Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`),
    );
    expect(routes.length).toBeGreaterThan(10);
    expect(told.sort()).toEqual([...new Set(routes)].sort());
    expect(document).toMatchObject({ openapi: '3.1.0', info: { version: '0.0.0' } });
  });

  const page = { site: 'pk_shop', to: 'sales' };
  const requests: readonly Attempt[] = [
    { method: 'GET', path: '/calls', url: '/calls', status: 200 },
    { method: 'GET', path: '/calls/{id}', url: '/calls/c-1', status: 200 },
    { method: 'GET', path: '/calls/{id}', url: '/calls/c-9', status: 404 },
    { method: 'POST', path: '/calls/{id}/dtmf', url: '/calls/c-1/dtmf', status: 202, payload: { digits: '1' } },
    { method: 'POST', path: '/calls/{id}/dtmf', url: '/calls/c-1/dtmf', status: 400, payload: { digits: 'x' } },
    { method: 'POST', path: '/calls/{id}/secure-digits', url: '/calls/c-1/secure-digits', status: 200, payload: { open: true } },
    { method: 'GET', path: '/trunks', url: '/trunks', status: 200 },
    { method: 'GET', path: '/cdrs', url: '/cdrs', status: 200 },
    { method: 'GET', path: '/cdrs', url: '/cdrs?limit=0', status: 400 },
    { method: 'GET', path: '/guard', url: '/guard', status: 200 },
    { method: 'POST', path: '/guard/allow', url: '/guard/allow', status: 400, payload: { country: 'Cuba' } },
    { method: 'POST', path: '/drain', url: '/drain', status: 202 },
    { method: 'GET', path: '/ice-servers', url: '/ice-servers?site=pk_shop', status: 200, headers: { origin: shopOrigin } },
    { method: 'GET', path: '/ice-servers', url: '/ice-servers', status: 401 },
    { method: 'GET', path: '/ice-servers', url: '/ice-servers', status: 403, headers: { origin: 'https://evil.example' } },
    {
      method: 'POST',
      path: '/tickets',
      url: '/tickets',
      status: 201,
      headers: { authorization: `Bearer ${shopSecret}` },
      payload: { to: 'sales' },
    },
    { method: 'POST', path: '/tickets', url: '/tickets', status: 201, headers: { origin: shopOrigin }, payload: page },
    { method: 'POST', path: '/tickets', url: '/tickets', status: 401, headers: { origin: shopOrigin }, payload: {} },
    { method: 'POST', path: '/tickets', url: '/tickets', status: 403, headers: { origin: 'https://evil.example' }, payload: page },
  ];

  it.each(requests)('is true of $method $url, $status', async ({ method, path, url, status, headers, payload }) => {
    const { server: there, document } = await described();
    const body = payload === undefined ? {} : { payload };
    const reply = await there.inject({ method, url: `/api/v1${url}`, headers: { ...local, ...headers }, ...body });
    expect(reply.statusCode).toBe(status);
    const schema = document.paths[path]?.[method.toLowerCase()]?.responses[status]?.content?.['application/json']?.schema;
    expect(schema).toBeDefined();
    const ajv = new Ajv2020({ strict: false, validateFormats: false, allErrors: true });
    // Whatever stands in an answer stands in its description too.
    const text = JSON.stringify({ ...schema, components: document.components });
    const closed = JSON.parse(
      text.replaceAll('{"type":"object","properties"', '{"unevaluatedProperties":false,"type":"object","properties"'),
    ) as object;
    const validate = ajv.compile(closed);
    expect(validate(reply.json()), JSON.stringify(validate.errors)).toBe(true);
  });
});
