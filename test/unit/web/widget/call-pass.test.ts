import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { apiUrl, getIceServers, getPass, type PassOutcome, postRating } from '../../../../src/web/widget/call-pass.js';
import { settle } from '../../../support/fake-clock.js';

const gateway = 'wss://phone.example/sip';
const servers = [{ urls: ['turn:phone.example:3478'], username: 'u', credential: 'c' }];

describe('what a call needs before it is placed', () => {
  let asked: { readonly url: string; readonly init: RequestInit }[];
  let answers: Readonly<Record<string, { readonly status: number; readonly body: unknown } | 'nothing'>>;

  beforeEach(() => {
    asked = [];
    answers = {};
    vi.stubGlobal('fetch', async (url: string, init: RequestInit = {}) => {
      asked.push({ url, init });
      const answer = answers[url.replace('https://phone.example/api/v1/', '')];
      if (answer === undefined || answer === 'nothing') throw new TypeError('Failed to fetch');
      return new Response(typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body), { status: answer.status });
    });
  });
  afterEach(() => vi.unstubAllGlobals());

  const passed = async (outcome: PassOutcome): Promise<unknown> =>
    outcome.ok ? { ticket: outcome.pass.ticket, iceServers: await outcome.pass.iceServers } : outcome.problem;
  const askedUrls = (): string[] => asked.map(({ url }) => url);

  it('is asked of the gateway by the public key of the website, for what the button calls', async () => {
    answers = { tickets: { status: 201, body: { ticket: 'T', iceServers: servers, to: 'sales' } } };
    expect(await passed(await getPass({ gateway, site: 'site-key', to: 'sales' }))).toEqual({ ticket: 'T', iceServers: servers });
    expect(asked).toHaveLength(1);
    expect(asked[0]?.init).toMatchObject({ method: 'POST', credentials: 'same-origin', cache: 'no-store' });
    expect(JSON.parse(String(asked[0]?.init.body))).toEqual({ site: 'site-key', to: 'sales' });
  });

  it('is asked of the website’s own back end, and only servers that it does not give of the gateway', async () => {
    answers = {
      '/ticket': { status: 200, body: { ticket: 'T' } },
      'ice-servers': { status: 200, body: { iceServers: servers, ttlSeconds: 3600 } },
    };
    expect(await passed(await getPass({ gateway, ticketUrl: '/ticket', to: 'sales' }))).toEqual({ ticket: 'T', iceServers: servers });
    expect(askedUrls()).toEqual(['/ticket', 'https://phone.example/api/v1/ice-servers']);
    expect(asked[1]?.init.headers).toEqual({ authorization: 'Bearer T' });
    answers = { '/ticket': { status: 200, body: { ticket: 'T', iceServers: [] } } };
    expect(await passed(await getPass({ gateway, ticketUrl: '/ticket' }))).toEqual({ ticket: 'T', iceServers: [] });
    expect(asked).toHaveLength(3);
  });

  it('is there already when the ticket stood in the page; a gateway without servers is no fault', async () => {
    expect(await passed(await getPass({ gateway, ticket: 'T', site: 'unused' }))).toEqual({ ticket: 'T', iceServers: [] });
  });

  it('is nothing but servers for a page that needs no ticket', async () => {
    answers = { 'ice-servers': { status: 200, body: { iceServers: servers } } };
    expect(await passed(await getPass({ gateway, to: '1001' }))).toEqual({ ticket: undefined, iceServers: servers });
    expect(asked[0]?.init.headers).toEqual({});
  });

  it('does not wait for servers before it gives the ticket', async () => {
    answers = { '/ticket': { status: 200, body: { ticket: 'T' } } };
    vi.stubGlobal('fetch', (url: string) => (url === '/ticket' ? Promise.resolve(Response.json({ ticket: 'T' })) : new Promise(() => {})));
    expect(await getPass({ gateway, ticketUrl: '/ticket' })).toMatchObject({ ok: true, pass: { ticket: 'T' } });
  });

  it.each([
    [403, { error: { code: 'wrong-origin', message: 'x' } }, 'wrong-origin'],
    [429, { error: { code: 'over-limit', message: 'x' } }, 'over-limit'],
    [404, { error: { code: 'unknown-site', message: 'x' } }, 'ticket-invalid'],
    [400, { error: { code: 'invalid-body', message: 'x' } }, 'ticket-invalid'],
    [502, '<html>', 'ticket-invalid'],
    [200, { ticket: '' }, 'ticket-invalid'],
    [200, 'null', 'ticket-invalid'],
    [200, { ticket: 7, error: null }, 'ticket-invalid'],
  ])('that is refused with %i %j is the problem %s', async (status, body, problem) => {
    answers = { tickets: { status, body } };
    expect(await passed(await getPass({ gateway, site: 'k', to: 'sales' }))).toBe(problem);
  });

  it('that nobody answers is a gateway out of reach, or a back end that gives no ticket', async () => {
    expect(await passed(await getPass({ gateway, site: 'k' }))).toBe('gateway-unreachable');
    expect(await passed(await getPass({ gateway, ticketUrl: '/ticket' }))).toBe('ticket-required');
  });

  it('gets servers for a call that has no ticket any more by the key of the website', async () => {
    answers = { 'ice-servers?site=a%20b': { status: 200, body: { iceServers: servers } } };
    expect(await getIceServers({ gateway, site: 'a b' })).toEqual(servers);
    answers = { 'ice-servers?site=a%20b': { status: 403, body: { error: { code: 'wrong-origin' } } } };
    expect(await getIceServers({ gateway, site: 'a b' })).toEqual([]);
  });

  it('reaches the API on the host of the WebSocket, with or without TLS', () => {
    expect(apiUrl({ gateway: 'ws://127.0.0.1:8080/sip' }, 'tickets')).toBe('http://127.0.0.1:8080/api/v1/tickets');
    expect(apiUrl({ gateway: 'wss://phone.example/some/sip' }, 'tickets')).toBe('https://phone.example/api/v1/tickets');
  });

  it('tells how a call was by its token, even while the page is left', async () => {
    postRating({ gateway }, 'token', { stars: 4, comment: 'fine' });
    await settle();
    expect(asked[0]).toMatchObject({ url: 'https://phone.example/api/v1/ratings', init: { method: 'POST', keepalive: true } });
    expect(JSON.parse(String(asked[0]?.init.body))).toEqual({ callToken: 'token', stars: 4, comment: 'fine' });
  });
});
