import { pathToFileURL } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import type { AdminServer } from '../../../src/admin/admin-server.js';
import { LoginTries } from '../../../src/admin/login-tries.js';
import type { AdminOptions } from '../../../src/admin/ports.js';
import { Sessions } from '../../../src/admin/sessions.js';
import { makeAdmin } from '../../support/admin-rig.js';
import { FakeClock } from '../../support/fake-clock.js';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;

describe('a session', () => {
  it('lives as long as it is used, up to twelve hours', () => {
    const clock = new FakeClock();
    const sessions = new Sessions({ clock });
    const token = sessions.open('full');
    for (let at = 0; at < 12 * 60 - 30; at += 30) {
      expect(sessions.find(token)).toBe('full');
      clock.advance(30 * minuteMs);
      if (clock.nowMs() >= 11.5 * hourMs) break;
    }
    clock.advance(29 * minuteMs);
    expect(sessions.find(token)).toBe('full');
    clock.advance(minuteMs);
    expect(sessions.find(token)).toBeUndefined();
    expect(sessions.size).toBe(0);
  });

  it('ends after an hour without a request', () => {
    const clock = new FakeClock();
    const sessions = new Sessions({ clock });
    const token = sessions.open('view');
    clock.advance(hourMs - 1);
    expect(sessions.find(token)).toBe('view');
    clock.advance(hourMs);
    expect(sessions.find(token)).toBeUndefined();
  });

  it('gives way to new ones when there are too many, the idle ones first', () => {
    const sessions = new Sessions({ clock: new FakeClock() });
    const [first, second] = [sessions.open('full'), sessions.open('full')];
    sessions.find(first);
    for (let count = 0; count < 199; count += 1) sessions.open('view');
    expect([sessions.find(first), sessions.find(second), sessions.size]).toEqual(['full', undefined, 200]);
  });

  it('has a token that says nothing and is not given twice', () => {
    const sessions = new Sessions({ clock: new FakeClock() });
    const tokens = new Set(Array.from({ length: 50 }, () => sessions.open('full')));
    expect(tokens.size).toBe(50);
    for (const token of tokens) expect(token).toMatch(/^[\w-]{43}$/);
  });
});

describe('tries to log in', () => {
  it('have to wait a minute after five wrong ones of one address', () => {
    const clock = new FakeClock();
    const tries = new LoginTries({ clock });
    for (let count = 0; count < 5; count += 1) {
      expect(tries.waitMs('192.0.2.1')).toBeUndefined();
      tries.failed('192.0.2.1');
    }
    expect([tries.waitMs('192.0.2.1'), tries.waitMs('192.0.2.2')]).toEqual([minuteMs, undefined]);
    clock.advance(minuteMs);
    expect(tries.waitMs('192.0.2.1')).toBeUndefined();
    tries.failed('192.0.2.1');
    expect(tries.waitMs('192.0.2.1')).toBeUndefined();
  });

  it('have to wait for everybody when a hundred addresses guess together', () => {
    const tries = new LoginTries({ clock: new FakeClock() });
    for (let count = 0; count < 100; count += 1) tries.failed(`192.0.2.${count}`);
    expect(tries.waitMs('203.0.113.9')).toBe(minuteMs);
  });
});

const local = { host: '127.0.0.1:8080' };
const ownPage = { ...local, origin: 'http://127.0.0.1:8080', 'sec-fetch-site': 'same-origin' };
const tokens = { token: 'sesame', viewToken: 'look' };
const servers: AdminServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.stop();
});

function make(options: Partial<AdminOptions> = tokens) {
  const rig = makeAdmin({ webFolder: pathToFileURL('/none/'), ...options });
  servers.push(rig.server);
  const logIn = (token: unknown, headers: Record<string, string> = ownPage) =>
    rig.server.inject({ method: 'POST', url: '/dashboard/session', headers, payload: { token } });
  return { ...rig, logIn };
}

const cookieOf = (reply: { readonly headers: Readonly<Record<string, unknown>> }): string =>
  String(reply.headers['set-cookie'] ?? '').split(';')[0] ?? '';

describe('the login', () => {
  it('gives for the token a cookie that no script and no other site can use, and whole numbers with it', async () => {
    const { server, logIn } = make();
    const reply = await logIn('sesame');
    expect([reply.statusCode, reply.json()]).toEqual([200, { access: 'full' }]);
    expect(reply.headers['set-cookie']).toMatch(/^gateway-session=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict$/);
    const calls = await server.inject({ url: '/api/v1/calls', headers: { ...ownPage, cookie: cookieOf(reply) } });
    expect(calls.body).toContain('+15550123456');
  });

  it('pins the cookie to the host under TLS, also under that of a proxy', async () => {
    const { logIn } = make({ ...tokens, publicUrl: 'https://call.example/' });
    const headers = { host: 'call.example', 'sec-fetch-site': 'same-origin' };
    expect((await logIn('sesame', headers)).headers['set-cookie']).toMatch(/^__Host-gateway-session=[^;]+; Path=\/; .*; Secure$/);
    expect((await logIn('sesame')).headers['set-cookie']).not.toContain('Secure');
  });

  it.each([
    ['a wrong token', 'sesam', 401, 'wrong-token'],
    ['no text', 5, 400, 'invalid-body'],
    ['nothing', '', 400, 'invalid-body'],
  ])('refuses %s, and sets no cookie', async (_, token, status, code) => {
    const reply = await make().logIn(token);
    expect([reply.statusCode, reply.json().error.code, reply.headers['set-cookie']]).toEqual([status, code, undefined]);
  });

  it('refuses even the right token after five wrong ones, and takes it a minute later', async () => {
    const { logIn, clock } = make();
    for (let count = 0; count < 5; count += 1) expect((await logIn('wrong')).statusCode).toBe(401);
    const limited = await logIn('sesame');
    expect([limited.statusCode, limited.headers['retry-after'], limited.json().error.code]).toEqual([429, '60', 'too-many-tries']);
    clock.advance(minuteMs);
    expect((await logIn('sesame')).statusCode).toBe(200);
  });

  it('is not to be had from the page of another site', async () => {
    const { logIn } = make();
    for (const headers of [
      { ...local, origin: 'https://evil.example' },
      { ...local, origin: 'http://127.0.0.1:8080', 'sec-fetch-site': 'cross-site' },
      { ...local, 'sec-fetch-site': 'same-site' },
      local,
    ])
      expect((await logIn('sesame', headers)).statusCode).toBe(403);
  });

  it('says there is nothing to log in with where no token is set', async () => {
    const { server, logIn } = make({});
    expect((await logIn('x')).statusCode).toBe(409);
    const who = (await server.inject({ url: '/dashboard/session', headers: local })).json();
    expect(who).toEqual({ access: 'masked', tokenNeeded: false, version: '0.0.0', state: 'ready' });
  });

  it('tells nothing about the gateway to whoever is not logged in', async () => {
    const who = (await make().server.inject({ url: '/dashboard/session', headers: local })).json();
    expect(who).toEqual({ access: 'refused', tokenNeeded: true });
  });

  it('ends with a logout', async () => {
    const { server, logIn } = make();
    const cookie = cookieOf(await logIn('sesame'));
    const bye = await server.inject({ method: 'DELETE', url: '/dashboard/session', headers: { ...ownPage, cookie } });
    expect([bye.statusCode, String(bye.headers['set-cookie'])]).toEqual([204, expect.stringContaining('Max-Age=0')]);
    expect((await server.inject({ url: '/api/v1/calls', headers: { ...ownPage, cookie } })).statusCode).toBe(401);
  });
});

describe('a session on the API', () => {
  it.each([
    ['a write of our own page', 'DELETE', ownPage, 204],
    ['a write of our own page in a browser without Sec-Fetch-Site', 'DELETE', { ...local, origin: 'http://127.0.0.1:8080' }, 204],
    ['a write that another site caused', 'DELETE', { ...local, origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }, 401],
    ['a write of another origin of this site', 'DELETE', { ...local, 'sec-fetch-site': 'same-site' }, 401],
    ['a write without a word of where it comes from', 'DELETE', local, 401],
    ['a write out of the address bar', 'DELETE', { ...local, 'sec-fetch-site': 'none' }, 401],
    ['a read that was typed into the address bar', 'GET', { ...local, 'sec-fetch-site': 'none' }, 200],
    ['a read that another site caused', 'GET', { ...local, 'sec-fetch-site': 'cross-site' }, 401],
  ] as const)('decides on %s', async (_, method, headers, status) => {
    const { server, logIn } = make();
    const cookie = cookieOf(await logIn('sesame'));
    expect((await server.inject({ method, url: '/api/v1/calls/c-1', headers: { ...headers, cookie } })).statusCode).toBe(status);
  });

  it('with the token for looking shows masked numbers and changes nothing', async () => {
    const { server, logIn, steps } = make();
    const reply = await logIn('look');
    expect(reply.json()).toEqual({ access: 'view' });
    const headers = { ...ownPage, cookie: cookieOf(reply) };
    const calls = await server.inject({ url: '/api/v1/calls', headers });
    expect([calls.statusCode, calls.body.includes('5550123456')]).toEqual([200, false]);
    const writes = [
      ['DELETE', '/api/v1/calls/c-1', undefined],
      ['POST', '/api/v1/drain', {}],
      ['POST', '/api/v1/calls/c-1/dtmf', { digits: '1' }],
    ] as const;
    for (const [method, url, payload] of writes) {
      const refused = await server.inject({ method, url, headers, ...(payload === undefined ? {} : { payload }) });
      expect([refused.statusCode, refused.json().error.code]).toEqual([403, 'view-only']);
    }
    expect(steps.did).toEqual([]);
  });

  it('is over where its cookie is made up', async () => {
    const { server } = make();
    const headers = { ...ownPage, cookie: 'gateway-session=AAAA; other=1' };
    expect((await server.inject({ url: '/api/v1/calls', headers })).statusCode).toBe(401);
  });
});
