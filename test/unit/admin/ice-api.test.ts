import fastify, { type FastifyInstance } from 'fastify';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { addIceApi } from '../../../src/admin/ice-api.js';
import { addressReader } from '../../../src/base/client-address.js';
import { bank, Office, shop, shopOrigin } from '../../support/ticket-office.js';

const path = '/api/v1/ice-servers';
const gatewayOrigin = 'https://call.example';

let app: FastifyInstance;
let office: Office;
let subjects: string[];
beforeEach(() => {
  app = fastify();
  office = new Office();
  subjects = [];
  addIceApi(
    app,
    {
      clock: office.clock,
      iceServersFor: (subject) => {
        subjects.push(subject);
        return { iceServers: [{ urls: ['turn:turn.example'], username: 'u', credential: 'c' }], ttlSeconds: 3600 };
      },
      verify: (ticket, origin) => office.verifier.verify(ticket, origin),
      sites: office.sites,
      origins: () => [gatewayOrigin, 'https://agents.example'],
    },
    addressReader([]),
  );
});
afterEach(() => app.close());

const ask = (headers: Record<string, string> = {}, url = path, remoteAddress = '198.51.100.7') =>
  app.inject({ url, headers, remoteAddress });

async function ticketOf(site: typeof shop, origins: readonly string[] = site.origins): Promise<string> {
  return (await office.issuer.issue({ site, to: site.destinations[0]?.name ?? '', origins, subject: 'visitor' })).ticket;
}

const answer = { iceServers: [{ urls: ['turn:turn.example'], username: 'u', credential: 'c' }], ttlSeconds: 3600 };

describe('a page with a ticket', () => {
  it('gets servers for its site, as often as it asks, and the ticket is still good for its call', async () => {
    const ticket = await ticketOf(bank);
    const headers = { authorization: `Bearer ${ticket}`, origin: 'https://bank.example' };
    const [first, second] = [await ask(headers), await ask(headers)];
    expect([first.statusCode, first.json(), second.statusCode]).toEqual([200, answer, 200]);
    expect(first.headers).toMatchObject({
      'cache-control': 'no-store',
      'access-control-allow-origin': 'https://bank.example',
      vary: 'origin',
    });
    expect(subjects).toEqual(['pk_bank', 'pk_bank']);
    const verdict = await office.verifier.verify(ticket, 'https://bank.example');
    expect(verdict.kind === 'good' && office.verifier.use(verdict)).toBe(true);
  });

  it.each([
    ['forged', async () => 'a.b.c', shopOrigin, 'ticket-invalid'],
    ['of another origin', () => ticketOf(shop), 'https://evil.example', 'wrong-origin'],
    ['sent by no page', () => ticketOf(shop), undefined, 'wrong-origin'],
  ] satisfies [string, () => Promise<string>, string | undefined, string][])(
    'gets none when it is %s',
    async (_what, ticket, origin, code) => {
      const shown: string = await ticket();
      const reply = await ask({ authorization: `Bearer ${shown}`, ...(origin === undefined ? {} : { origin }) });
      expect([reply.statusCode, reply.json().error.code, reply.headers['www-authenticate']]).toEqual([401, code, 'Bearer']);
      expect(subjects).toEqual([]);
    },
  );

  it('gets none when it has expired', async () => {
    const ticket = await ticketOf(shop);
    office.clock.advance(3_600_000);
    const reply = await ask({ authorization: `Bearer ${ticket}`, origin: shopOrigin });
    expect([reply.statusCode, reply.json().error.code]).toEqual([401, 'ticket-expired']);
  });
});

describe('a page with the public key of a site', () => {
  it.each([
    ['of a site whose pages ask themselves', 'pk_shop', shopOrigin, 200, undefined],
    ['of such a site, from elsewhere', 'pk_shop', 'https://evil.example', 403, 'wrong-origin'],
    ['of such a site, without an origin', 'pk_shop', undefined, 403, 'wrong-origin'],
    ['of a site whose back end asks', 'pk_bank', 'https://bank.example', 401, 'ticket-required'],
    ['of no site', 'pk_none', shopOrigin, 403, 'unknown-site'],
  ])('%s', async (_what, key, origin, status, code) => {
    const reply = await ask(origin === undefined ? {} : { origin }, `${path}?site=${key}`);
    expect([reply.statusCode, reply.json().error?.code]).toEqual([status, code]);
    expect(subjects).toEqual(status === 200 ? [key] : []);
  });
});

describe('a page with neither', () => {
  it('gets servers when its origin may call without', async () => {
    expect((await ask({ origin: 'https://agents.example' })).json()).toEqual(answer);
    expect(subjects).toEqual(['page']);
  });

  it("gets them as the gateway's own page, for which browsers send no Origin", async () => {
    const same = { host: 'call.example', 'sec-fetch-site': 'same-origin' };
    expect((await ask(same)).statusCode).toBe(200);
    for (const other of [{ ...same, host: 'rebound.example' }, { ...same, 'sec-fetch-site': 'cross-site' }, { host: 'call.example' }]) {
      const reply = await ask(other);
      expect([reply.statusCode, reply.json().error.code]).toEqual([401, 'ticket-required']);
    }
  });

  it('gets none from elsewhere, and may not read why', async () => {
    const reply = await ask({ origin: 'https://evil.example' });
    expect([reply.statusCode, reply.json().error.code, reply.headers['access-control-allow-origin']]).toEqual([
      403,
      'wrong-origin',
      undefined,
    ]);
  });
});

describe('asking before asking (CORS)', () => {
  it.each([
    ['a site', shopOrigin, 204, shopOrigin],
    ['an origin that may call', 'https://agents.example', 204, 'https://agents.example'],
    ['anybody else', 'https://evil.example', 403, undefined],
  ])('%s', async (_who, origin, status, allowed) => {
    const reply = await app.inject({ method: 'OPTIONS', url: path, headers: { origin, 'access-control-request-method': 'GET' } });
    expect([reply.statusCode, reply.headers['access-control-allow-origin']]).toEqual([status, allowed]);
  });
});

it('answers one address so often in an hour, good or bad, and another still', async () => {
  const headers = { origin: gatewayOrigin };
  for (let times = 0; times < 600; times += 1) expect((await ask(times % 2 === 0 ? headers : {})).statusCode).not.toBe(429);
  const reply = await ask(headers);
  expect([reply.statusCode, reply.json().error.code, reply.headers['retry-after']]).toEqual([429, 'over-limit', '6']);
  expect((await ask(headers, path, '198.51.100.8')).statusCode).toBe(200);
  office.clock.advance(6_001);
  expect((await ask(headers)).statusCode).toBe(200);
});
