import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AdminServer } from '../../../src/admin/admin-server.js';
import type { AdminOptions } from '../../../src/admin/ports.js';
import { makeAdmin } from '../../support/admin-rig.js';
import { beganAtMs, completedCall } from '../../support/call-facts.js';

let folder: string;
const servers: AdminServer[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'web-'));
  writeFileSync(join(folder, 'index.html'), '<!doctype html>');
  writeFileSync(join(folder, 'call-button.js'), 'export {}');
  writeFileSync(join(folder, 'demo.css'), 'body{}');
  writeFileSync(join(folder, 'notes.unknown'), 'no');
});
afterEach(async () => {
  for (const server of servers.splice(0)) await server.stop();
  rmSync(folder, { recursive: true });
});

function make(options: Partial<AdminOptions> = {}) {
  const rig = makeAdmin({ webFolder: pathToFileURL(`${folder}/`), ...options });
  servers.push(rig.server);
  return rig;
}

const local = { host: '127.0.0.1:8080' };

describe('health', () => {
  it('is alive in every state and ready only when calls are taken', async () => {
    const { server, steps } = make();
    const seen: unknown[] = [];
    for (const state of ['starting', 'ready', 'draining'] as const) {
      steps.state = state;
      const [alive, ready] = [await server.inject('/healthz'), await server.inject('/readyz')];
      seen.push([state, alive.statusCode, ready.statusCode, ready.json()]);
    }
    expect(seen).toEqual([
      ['starting', 200, 503, { status: 'starting' }],
      ['ready', 200, 200, { status: 'ready' }],
      ['draining', 200, 503, { status: 'draining' }],
    ]);
  });

  it('shows metrics with the content type of their format', async () => {
    const reply = await make().server.inject('/metrics');
    expect([reply.headers['content-type'], reply.body]).toEqual(['text/plain; version=0.0.4', 'gateway_ready 1\n']);
  });
});

describe('access to the API', () => {
  const statusOf = async (options: Partial<AdminOptions>, headers: Record<string, string>, remoteAddress = '127.0.0.1') =>
    (await make(options).server.inject({ url: '/api/v1/calls', headers: { ...local, ...headers }, remoteAddress })).statusCode;

  it.each([
    ['without a token, from this machine', {}, {}, '127.0.0.1', 200],
    ['without a token, from our own page', {}, { origin: 'http://127.0.0.1:8080' }, '127.0.0.1', 200],
    ['without a token, from a page of another origin', {}, { origin: 'https://evil.example' }, '127.0.0.1', 403],
    ['without a token, by a name pointed at this machine', {}, { host: 'evil.example:8080' }, '127.0.0.1', 403],
    ['without a token, from another machine', {}, {}, '192.0.2.7', 403],
    ['with the token, from anywhere', { token: 'sesame' }, { authorization: 'Bearer sesame', host: 'call.example.com' }, '192.0.2.7', 200],
    ['with a wrong token', { token: 'sesame' }, { authorization: 'Bearer sesam' }, '127.0.0.1', 401],
    ['with none where one is set', { token: 'sesame' }, {}, '127.0.0.1', 401],
    ['with the token under another scheme', { token: 'sesame' }, { authorization: 'Basic sesame' }, '127.0.0.1', 401],
  ] as const)('is decided %s', async (_, options, headers, address, status) => {
    expect(await statusOf(options, headers, address)).toBe(status);
  });

  it('guards every route', async () => {
    const { server, steps } = make({ token: 'sesame' });
    const routes = [
      ['GET', '/api/v1/calls'],
      ['GET', '/api/v1/calls/c-1'],
      ['DELETE', '/api/v1/calls/c-1'],
      ['POST', '/api/v1/calls/c-1/dtmf'],
      ['POST', '/api/v1/drain'],
      ['GET', '/api/v1/cdrs'],
      ['GET', '/api/v1/trunks'],
    ] as const;
    for (const [method, url] of routes) expect((await server.inject({ method, url, headers: local })).statusCode).toBe(401);
    expect(steps.did).toEqual([]);
  });
});

describe('the API', () => {
  const auth = { ...local, authorization: 'Bearer sesame' };

  it('lists live calls, with what is silent and why', async () => {
    const reply = await make({ token: 'sesame' }).server.inject({ url: '/api/v1/calls', headers: auth });
    expect(reply.json()).toEqual({
      calls: [
        {
          id: 'c-1',
          direction: 'browser-to-trunk',
          state: 'connected',
          from: 'demo',
          to: '+15550123456',
          trunk: 'carrier',
          source: '127.0.0.1:50000',
          startedAt: '2026-01-02T03:04:05.000Z',
          ringingAt: '2026-01-02T03:04:05.500Z',
          answeredAt: '2026-01-02T03:04:07.000Z',
          silent: [{ leg: 'trunk', cause: 'source-mismatch', since: '2026-01-02T03:04:13.000Z' }],
          digits: expect.objectContaining({ fromBrowser: 2, fromTrunk: 1, lost: 1 }),
          legs: [
            { leg: 'a', kind: 'browser', codec: 'PCMU', lostPercent: 0.4, jitterMs: 1.2, score: 4.37 },
            { leg: 'b', kind: 'trunk', codec: 'PCMU', lostPercent: 0.4, jitterMs: 1.2, score: 4.37 },
          ],
        },
      ],
    });
  });

  it('masks numbers, of live calls and of records, for a caller without the token', async () => {
    const { server } = make();
    for (const url of ['/api/v1/calls', '/api/v1/calls/c-1', '/api/v1/cdrs']) {
      const { body } = await server.inject({ url, headers: local });
      expect(body).toContain('+15*******56');
      expect(body).not.toContain('5550123456');
    }
  });

  it('shows one call, and 404 for none', async () => {
    const { server } = make();
    expect((await server.inject({ url: '/api/v1/calls/c-1', headers: local })).json()).toMatchObject({ id: 'c-1' });
    expect((await server.inject({ url: '/api/v1/calls/c-9', headers: local })).statusCode).toBe(404);
  });

  it('hangs a call up', async () => {
    const { server, steps } = make();
    expect((await server.inject({ method: 'DELETE', url: '/api/v1/calls/c-1', headers: local })).statusCode).toBe(204);
    expect((await server.inject({ method: 'DELETE', url: '/api/v1/calls/c-9', headers: local })).statusCode).toBe(404);
    expect(steps.did).toEqual(['hang up c-1', 'hang up c-9']);
  });

  it('sends digits, in upper case', async () => {
    const { server, steps } = make();
    const send = (payload: object) => server.inject({ method: 'POST', url: '/api/v1/calls/c-1/dtmf', headers: local, payload });
    expect((await send({ digits: '12#d' })).json()).toEqual({ accepted: 4, ids: [1, 2, 3, 4] });
    await send({ digits: '1', durationMs: 250, gapMs: 90, to: 'page' });
    expect(steps.did).toEqual(['12#D to c-1 {}', '1 to c-1 {"durationMs":250,"gapMs":90,"to":"page"}']);
  });

  it.each([
    [{ digits: '1', durationMs: 39 }, 'invalid-duration'],
    [{ digits: '1', durationMs: '100' }, 'invalid-duration'],
    [{ digits: '1', durationMs: 6001 }, 'invalid-duration'],
    [{ digits: '1', gapMs: 29 }, 'invalid-gap'],
    [{ digits: '1', to: 'both' }, 'invalid-side'],
  ])('refuses %j as %s', async (payload, code) => {
    const { server, steps } = make();
    const reply = await server.inject({ method: 'POST', url: '/api/v1/calls/c-1/dtmf', headers: local, payload });
    expect([reply.statusCode, reply.json().error.code, steps.did]).toEqual([400, code, []]);
  });

  it('opens and closes a secure window', async () => {
    const { server, steps } = make();
    const send = (payload: object, id = 'c-1') =>
      server.inject({ method: 'POST', url: `/api/v1/calls/${id}/secure-digits`, headers: local, payload });
    expect((await send({ open: true, seconds: 60 })).json()).toEqual({ open: true, seconds: 60 });
    expect((await send({ open: true })).json()).toEqual({ open: true, seconds: 120 });
    expect((await send({ open: false })).json()).toEqual({ open: false });
    expect((await send({ open: true }, 'c-9')).statusCode).toBe(404);
    for (const payload of [{}, { open: 'yes' }, { open: true, seconds: 0 }, { open: true, seconds: 901 }, { open: true, seconds: 1.5 }])
      expect((await send(payload)).json().error.code).toBe('invalid-window');
    expect(steps.did).toEqual(['secure c-1 60', 'secure c-1 120', 'open c-1 120', 'secure c-9 120']);
  });

  it('streams the events of a call to those who may see it, and of no other', async () => {
    const { server, events } = make();
    await server.start();
    const at = server.bound();
    const url = `http://127.0.0.1:${at?.port}/api/v1/calls`;
    expect((await fetch(`${url}/c-9/events`)).status).toBe(404);
    expect((await fetch(`${url}/c-1/events`, { headers: { origin: 'https://evil.example' } })).status).toBe(403);
    const stream = await fetch(`${url}/c-1/events`);
    expect([stream.status, stream.headers.get('content-type')]).toEqual([200, 'text/event-stream; charset=utf-8']);
    for (const fact of completedCall) events.take(fact);
    const text = await stream.text();
    expect(text).toMatch(/^event: call\ndata: {"id":"c-1"/);
    expect(text).toMatch(/event: ended\ndata: .*\n\n$/);
  });

  it('masks digits, of live calls and of records, for a caller without the token', async () => {
    for (const url of ['/api/v1/calls', '/api/v1/calls/c-1', '/api/v1/cdrs']) {
      const { body } = await make().server.inject({ url, headers: local });
      expect(body).toContain('"digit":"•"');
      expect(body).not.toMatch(/"digit":"[0-9*#A-D]"/);
    }
    const bearer = { ...local, authorization: 'Bearer secret-token' };
    const { body } = await make({ token: 'secret-token' }).server.inject({ url: '/api/v1/cdrs', headers: bearer });
    expect(body).toContain('"digit":"5"');
  });

  it.each([[{}], [{ digits: '' }], [{ digits: '12x' }], [{ digits: 12 }], [{ digits: '1'.repeat(65) }], [[]]])(
    'refuses digits given as %j',
    async (payload) => {
      const { server, steps } = make();
      const reply = await server.inject({ method: 'POST', url: '/api/v1/calls/c-1/dtmf', headers: local, payload });
      expect([reply.statusCode, reply.json().error.code, steps.did]).toEqual([400, 'invalid-digits', []]);
    },
  );

  it('says why digits could not be sent', async () => {
    const { server, steps } = make();
    const send = () => server.inject({ method: 'POST', url: '/api/v1/calls/c-1/dtmf', headers: local, payload: { digits: '1' } });
    steps.digits = { kind: 'unknown-call' };
    expect((await send()).statusCode).toBe(404);
    steps.digits = { kind: 'refused', why: 'the trunk takes no telephone-events' };
    expect([(await send()).statusCode, (await send()).json()]).toEqual([
      409,
      { error: { code: 'digits-refused', message: 'the trunk takes no telephone-events' } },
    ]);
  });

  it('lists recent records up to a limit, and refuses a limit that is none', async () => {
    const { server } = make();
    expect((await server.inject({ url: '/api/v1/cdrs?limit=1', headers: local })).json().cdrs).toHaveLength(1);
    for (const limit of ['0', 'x', '1001', '-1']) {
      expect((await server.inject({ url: `/api/v1/cdrs?limit=${limit}`, headers: local })).statusCode).toBe(400);
    }
  });

  it('shows the trunks: calls in use, peers, and the registration with its last failure', async () => {
    const { server } = make();
    expect((await server.inject({ url: '/api/v1/trunks', headers: local })).json()).toEqual({
      trunks: [
        {
          id: 'carrier',
          callsInUse: 3,
          maxCalls: 30,
          peers: [
            { uri: 'sip:a.example', health: 'up' },
            { uri: 'sip:b.example', health: 'resting', until: new Date(beganAtMs + 60_000).toISOString() },
          ],
          registration: { registered: false, lastFailure: '403 Forbidden', lastFailureAt: new Date(beganAtMs).toISOString() },
        },
      ],
    });
  });

  it('starts draining', async () => {
    const { server, steps } = make();
    const reply = await server.inject({ method: 'POST', url: '/api/v1/drain', headers: local });
    expect([reply.statusCode, reply.json(), steps.did]).toEqual([202, { state: 'draining' }, ['drain']]);
  });

  it('answers what is no JSON and what is nowhere in its own form', async () => {
    const { server } = make();
    const broken = await server.inject({
      method: 'POST',
      url: '/api/v1/calls/c-1/dtmf',
      headers: { ...local, 'content-type': 'application/json' },
      payload: '{',
    });
    expect([broken.statusCode, broken.json().error.code]).toEqual([400, 'bad-request']);
    expect((await server.inject('/nowhere')).json()).toEqual({ error: { code: 'not-found', message: 'there is nothing here' } });
  });
});

describe('pages', () => {
  it('are served with their types and a strict content security policy', async () => {
    const reply = await make().server.inject({ url: '/', headers: local });
    expect(reply.headers['content-type']).toBe('text/html; charset=utf-8');
    expect(reply.headers['content-security-policy']).toContain("default-src 'none'; script-src 'self'");
    expect(reply.headers['content-security-policy']).not.toContain('unsafe');
    expect(reply.headers).toMatchObject({
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'referrer-policy': 'no-referrer',
    });
  });

  it('never take a host name into the policy that is none', async () => {
    const reply = await make().server.inject({ url: '/', headers: { host: 'a; script-src *' } });
    expect(reply.headers['content-security-policy']).not.toContain('script-src *');
  });

  it('leave the widget to pages of every origin, and nothing else', async () => {
    const { server } = make();
    expect((await server.inject('/call-button.js')).headers).toMatchObject({
      'access-control-allow-origin': '*',
      'cross-origin-resource-policy': 'cross-origin',
      'content-type': 'text/javascript; charset=utf-8',
    });
    expect((await server.inject('/demo.css')).headers).toMatchObject({ 'cross-origin-resource-policy': 'same-origin' });
  });

  it('are only the widget without demo mode', async () => {
    const { server } = make({ demoPage: false });
    const statuses = await Promise.all(['/', '/demo.css', '/call-button.js'].map(async (url) => (await server.inject(url)).statusCode));
    expect(statuses).toEqual([404, 404, 200]);
  });

  it('never leave their folder, nor serve unknown types', async () => {
    const { server } = make();
    for (const url of ['/../package.json', '/%2e%2e/package.json', '/notes.unknown', '/index.html']) {
      expect((await server.inject(url)).statusCode).toBe(404);
    }
  });

  it('are not sent again while they are the same', async () => {
    const { server } = make();
    const { etag } = (await server.inject('/demo.css')).headers;
    expect((await server.inject({ url: '/demo.css', headers: { 'if-none-match': String(etag) } })).statusCode).toBe(304);
  });
});

describe('the listener', () => {
  /** Asks for a WebSocket on `path` and resolves with the status line. */
  const handshake = (port: number, path: string): Promise<string> =>
    new Promise((resolve, reject) => {
      const socket = connect(port, '127.0.0.1');
      let text = '';
      socket.on('data', (data) => {
        text += data.toString();
      });
      socket.on('error', reject);
      socket.on('close', () => resolve(text.split('\r\n')[0] ?? ''));
      socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`);
    });

  it('hands handshakes on /sip to the SIP side and refuses all others', async () => {
    const { server, steps } = make();
    await server.start();
    const port = server.bound()?.port ?? 0;
    expect(await handshake(port, '/sip?x=1')).toBe('HTTP/1.1 101 Switching Protocols');
    expect(await handshake(port, '/other')).toBe('HTTP/1.1 404 Not Found');
    steps.state = 'starting';
    expect(await handshake(port, '/sip')).toBe('HTTP/1.1 503 Service Unavailable');
    expect(steps.did).toEqual(['upgrade /sip?x=1']);
  });

  it('says which port is taken and how to choose another', async () => {
    const { server } = make();
    await server.start();
    const port = server.bound()?.port ?? 0;
    await expect(make({ port }).server.start()).rejects.toThrow(
      `port ${port} on 127.0.0.1 is taken by another program; choose another, e.g. GATEWAY_HTTP__PORT=${port + 1} npm start`,
    );
  });

  it('can be stopped twice, and listens no more', async () => {
    const { server } = make();
    await server.start();
    const port = server.bound()?.port ?? 0;
    await server.stop();
    await server.stop();
    expect(server.bound()).toBeUndefined();
    await expect(handshake(port, '/sip')).rejects.toThrow('ECONNREFUSED');
  });

  it('go over the line as small as the browser takes them, and whole to others', async () => {
    const text = '/* a long widget */'.repeat(500);
    writeFileSync(join(folder, 'call-button.js'), text);
    const { server } = make();
    const get = (encodings?: string) =>
      server.inject({ url: '/call-button.js', headers: encodings === undefined ? {} : { 'accept-encoding': encodings } });
    const [plain, gzip, brotli, refused] = await Promise.all([get(), get('gzip, deflate'), get('gzip, br'), get('gzip;q=0')]);
    expect([plain.headers['content-encoding'], plain.body]).toEqual([undefined, text]);
    expect([gzip.headers['content-encoding'], gunzipSync(gzip.rawPayload).toString()]).toEqual(['gzip', text]);
    expect([brotli.headers['content-encoding'], brotliDecompressSync(brotli.rawPayload).toString()]).toEqual(['br', text]);
    expect(refused.headers['content-encoding']).toBeUndefined();
    expect(gzip.headers['vary']).toBe('accept-encoding');
    expect(new Set([plain, gzip, brotli].map(({ headers }) => headers['etag'])).size).toBe(3);
  });

  it('say by what name and hash a website takes exactly this widget', async () => {
    const { server } = make();
    const { url, integrity } = (await server.inject('/call-button.json')).json();
    const pinned = await server.inject(url);
    expect(pinned.headers).toMatchObject({ 'cache-control': expect.stringContaining('immutable'), 'access-control-allow-origin': '*' });
    expect(integrity).toBe(`sha384-${createHash('sha384').update(pinned.rawPayload).digest('base64')}`);
  });
});
