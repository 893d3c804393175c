import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeAdmin } from '../../support/admin-rig.js';
import { shopOrigin, shopSecret } from '../../support/ticket-office.js';

let rig: ReturnType<typeof makeAdmin>;
beforeEach(() => {
  rig = makeAdmin({ webFolder: pathToFileURL('/none/') });
});
afterEach(() => rig.server.stop());

const post = (payload: object | string, headers: Readonly<Record<string, string>> = {}, remoteAddress = '198.51.100.7') =>
  rig.server.inject({
    method: 'POST',
    url: '/api/v1/tickets',
    headers: { 'content-type': 'application/json', ...headers },
    payload,
    remoteAddress,
  });

describe('POST /api/v1/tickets', () => {
  it('gives the page of a site a ticket, which nothing may keep', async () => {
    const answer = await post({ site: 'pk_shop', to: 'sales' }, { origin: shopOrigin });
    expect(answer.statusCode).toBe(201);
    expect(answer.headers).toMatchObject({ 'cache-control': 'no-store', 'access-control-allow-origin': shopOrigin, vary: 'origin' });
    expect(answer.json()).toEqual({
      ticket: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/),
      expiresAt: expect.stringMatching(/^\d{4}-.*Z$/),
      to: 'sales',
      iceServers: [],
    });
  });

  it('gives the back end of a site a ticket for its secret', async () => {
    expect((await post({ to: 'sales' }, { authorization: `Bearer ${shopSecret}` })).statusCode).toBe(201);
  });

  type Refusal = readonly [what: string, status: number, code: string, payload: object | string, headers: Record<string, string>];
  const refusals: readonly Refusal[] = [
    ['a page without a key', 401, 'ticket-required', { to: 'sales' }, {}],
    ['a secret that is none', 401, 'unknown-site', { to: 'sales' }, { authorization: 'Bearer guessed' }],
    ['a page of another website', 403, 'wrong-origin', { site: 'pk_shop' }, { origin: 'https://evil.example' }],
    ['a destination that is none', 403, 'wrong-destination', { site: 'pk_shop', to: 'nobody' }, { origin: shopOrigin }],
    ['text that is no JSON', 400, 'invalid-body', '{"site"', { origin: shopOrigin }],
    ['a body of another kind', 415, 'invalid-body', 'site=pk_shop', { 'content-type': 'application/x-www-form-urlencoded' }],
    ['a body that is too long', 413, 'invalid-body', { site: 'x'.repeat(20_000) }, { origin: shopOrigin }],
  ];

  it.each(refusals)('refuses %s with %i', async (_what, status, code, payload, headers) => {
    const answer = await post(payload, headers);
    expect([answer.statusCode, answer.json()]).toEqual([status, { error: { code, message: expect.stringMatching(/\w/) } }]);
    expect(answer.headers['www-authenticate']).toBe(status === 401 ? 'Bearer' : undefined);
    // The owner of a website learns in his page's console what is wrong.
    if (headers['origin'] !== undefined) expect(answer.headers['access-control-allow-origin']).toBe(headers['origin']);
  });

  it('answers the question a browser asks before', async () => {
    const answer = await rig.server.inject({ method: 'OPTIONS', url: '/api/v1/tickets', headers: { origin: shopOrigin } });
    expect([answer.statusCode, answer.headers]).toEqual([
      204,
      expect.objectContaining({
        'access-control-allow-origin': shopOrigin,
        'access-control-allow-methods': 'POST',
        'access-control-allow-headers': 'content-type',
      }),
    ]);
  });

  it('counts visitors by what a proxy of ours says, and by nothing a stranger says', async () => {
    const ask = async (peer: string, told: string) =>
      (await post({ site: 'pk_shop', to: 'sales' }, { origin: shopOrigin, 'x-forwarded-for': told }, peer)).statusCode;
    const behindProxy: number[] = [];
    for (let visitor = 1; visitor <= 6; visitor += 1) behindProxy.push(await ask('10.0.0.1', `203.0.113.${visitor}`));
    expect(behindProxy).toEqual([201, 201, 201, 201, 201, 201]);
    const stranger: number[] = [];
    for (let visitor = 1; visitor <= 4; visitor += 1) stranger.push(await ask('192.0.2.1', `203.0.113.${visitor}`));
    expect(stranger).toEqual([201, 201, 201, 429]);
    const last = await post({ site: 'pk_shop' }, { origin: shopOrigin }, '192.0.2.1');
    expect(Number(last.headers['retry-after'])).toBeGreaterThan(0);
    expect(last.headers['access-control-expose-headers']).toBe('retry-after');
  });
});

describe('the keys of the gateway', () => {
  it('are published for everybody', async () => {
    const answer = await rig.server.inject({ url: '/.well-known/jwks.json' });
    expect(answer.headers['access-control-allow-origin']).toBe('*');
    expect(answer.json()).toEqual({
      keys: [{ kty: 'OKP', crv: 'Ed25519', x: expect.any(String), kid: expect.any(String), use: 'sig', alg: 'EdDSA' }],
    });
  });
});
