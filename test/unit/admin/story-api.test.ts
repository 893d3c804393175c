import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { AdminServer } from '../../../src/admin/admin-server.js';
import type { CallRecord } from '../../../src/cdr/record.js';
import type { CallStory } from '../../../src/story/call-story.js';
import { makeAdmin } from '../../support/admin-rig.js';

const local = { host: '127.0.0.1:8080' };
const token = { ...local, authorization: 'Bearer sesame' };

const make = (options: { readonly token?: string } = {}): AdminServer =>
  makeAdmin({ webFolder: pathToFileURL('/nowhere/'), ...options }).server;

describe('stories over the API', () => {
  it('are whole for the bearer of the token, with the record of the call', async () => {
    const story = (await make({ token: 'sesame' }).inject({ url: '/api/v1/calls/c-1/story', headers: token })).json<
      CallStory<CallRecord>
    >();
    expect(story).toMatchObject({ callId: 'c-1', summary: { callId: 'c-1', to: '+15550123456' }, cause: { title: 'Completed' } });
    expect(JSON.stringify(story)).toContain('Key 5');
  });

  it('are masked for this machine without a token, and closed to everybody else', async () => {
    const reply = await make().inject({ url: '/api/v1/calls/c-1/story', headers: local });
    expect(reply.body).toContain('+15*******56');
    expect(reply.body).not.toMatch(/5550123456|Key 5/);
    for (const url of ['/api/v1/calls/c-1/story', '/api/v1/calls/c-1/story.pcap', '/api/v1/events']) {
      expect((await make({ token: 'sesame' }).inject({ url, headers: local })).statusCode).toBe(401);
    }
  });

  it('come as a file too, and not of calls nobody knows', async () => {
    const server = make();
    const file = await server.inject({ url: '/api/v1/calls/c-1/story.pcap', headers: local });
    expect([file.statusCode, file.headers['content-type'], file.headers['content-disposition']]).toEqual([
      200,
      'application/vnd.tcpdump.pcap',
      'attachment; filename="call-c-1.pcap"',
    ]);
    expect(file.rawPayload).toHaveLength(24);
    for (const url of ['/api/v1/calls/c-9/story', '/api/v1/calls/c-9/story.pcap']) {
      const missing = await server.inject({ url, headers: local });
      expect([missing.statusCode, missing.json<{ error: { code: string } }>().error.code]).toEqual([404, 'unknown-call']);
    }
  });
});

describe('records over the API', () => {
  const cdrs = async (query: string, headers: Readonly<Record<string, string>> = local) =>
    (await make().inject({ url: `/api/v1/cdrs${query}`, headers })).json<{ cdrs: CallRecord[]; next?: string }>();

  it.each([
    ['', 1],
    ['?from=2026-01-02&to=2026-01-03', 1],
    ['?from=2026-01-02T03:04:06Z', 0],
    ['?to=2026-01-02T05:04:05%2B02:00', 0],
    ['?number=56', 1],
    ['?number=5550123', 0],
    ['?trunk=carrier&disposition=completed&site=', 1],
    ['?trunk=other', 0],
    ['?disposition=over-limit', 0],
    ['?before=c-1', 0],
  ])('are searched by %s', async (query, count) => {
    expect((await cdrs(query)).cdrs).toHaveLength(count);
  });

  it.each([
    ['?limit=0', 'invalid-limit'],
    ['?limit=1001', 'invalid-limit'],
    ['?from=yesterday', 'invalid-from'],
    ['?to=2026-13-45', 'invalid-to'],
    ['?format=xml', 'invalid-format'],
    ['?disposition=complete', 'invalid-disposition'],
    ['?trunk=a&trunk=b', 'invalid-trunk'],
    [`?number=${'1'.repeat(200)}`, 'invalid-number'],
  ])('are not searched by %s', async (query, code) => {
    const reply = await make().inject({ url: `/api/v1/cdrs${query}`, headers: local });
    expect([reply.statusCode, reply.json<{ error: { code: string } }>().error.code]).toEqual([400, code]);
  });

  it('come as a table, with numbers as they may be seen', async () => {
    const masked = await make().inject({ url: '/api/v1/cdrs?format=csv', headers: local });
    expect(masked.headers['content-type']).toMatch(/^text\/csv/);
    expect(masked.body).toContain(`"'+15*******56"`);
    expect(masked.body).not.toContain('5550123456');
    const whole = await make({ token: 'sesame' }).inject({ url: '/api/v1/cdrs?format=csv', headers: token });
    expect(whole.body).toContain(`"'+15550123456"`);
  });
});

describe('ratings over the API', () => {
  const rate = (payload: object | string, headers: Readonly<Record<string, string>> = {}) =>
    make().inject({ method: 'POST', url: '/api/v1/ratings', headers: { ...local, ...headers }, payload });

  it.each([
    [{ callToken: 'token-of-c-1', stars: 5 }, 204],
    [{ callToken: 'token-of-c-1', stars: 3, comment: 'a little echo' }, 204],
    [{ callToken: 'guessed', stars: 5 }, 404],
    [{ callToken: 'token-of-c-1', stars: 0 }, 400],
    [{ callToken: 'token-of-c-1', stars: '5' }, 400],
    [{ callToken: 'token-of-c-1', stars: 5, comment: 'x'.repeat(501) }, 400],
    [{ callToken: 'x'.repeat(300), stars: 5 }, 400],
    [{ stars: 5 }, 400],
    [[], 400],
  ])('answer %j with %d', async (payload, status) => {
    expect((await rate(payload)).statusCode).toBe(status);
  });

  it('are read by pages of known origins alone, who may ask beforehand', async () => {
    const good = { callToken: 'token-of-c-1', stars: 5 };
    const known = await rate(good, { origin: 'https://call.example' });
    expect([known.statusCode, known.headers['access-control-allow-origin']]).toEqual([204, 'https://call.example']);
    expect((await rate(good, { origin: 'https://evil.example' })).statusCode).toBe(403);
    const asked = await make().inject({ method: 'OPTIONS', url: '/api/v1/ratings', headers: { ...local, origin: 'https://call.example' } });
    expect([asked.statusCode, asked.headers['access-control-allow-methods']]).toEqual([204, 'POST']);
    expect((await make().inject({ method: 'OPTIONS', url: '/api/v1/ratings', headers: local })).statusCode).toBe(403);
  });

  it('are not taken by the thousand from one place', async () => {
    const server = make();
    const statuses = [];
    for (let at = 0; at < 125; at += 1) {
      statuses.push(
        (await server.inject({ method: 'POST', url: '/api/v1/ratings', headers: local, payload: { callToken: `guess-${at}`, stars: 1 } }))
          .statusCode,
      );
    }
    expect(statuses.slice(-5)).toEqual([429, 429, 429, 429, 429]);
    expect(statuses.filter((status) => status === 404)).toHaveLength(120);
  });
});
