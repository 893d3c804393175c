import type { AddressInfo } from 'node:net';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { EmbeddedSip } from '../../../../src/sip/embedded/embedded-sip.js';
import { startStack, until, uriOf } from '../../../support/sip-rigs.js';
import { testTls } from '../../../support/tls-material.js';

const from = { uri: 'sip:a@example.com' };
const tcp = [{ transport: 'tcp', host: '127.0.0.1', port: 0 }] as const;
const tls = [{ transport: 'tls', host: '127.0.0.1', port: 0 }] as const;
const both = [{ transport: 'udp', host: '127.0.0.1', port: 0 }, ...tcp] as const;
const timers = { t1Ms: 20, t2Ms: 80, t4Ms: 100 };

describe('SIP over streams', () => {
  const stacks: EmbeddedSip[] = [];
  const servers: Server[] = [];
  const sockets: Socket[] = [];

  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy();
    for (const stack of stacks.splice(0)) {
      await stack.stop();
      expect(stack.liveObjects()).toEqual({ transaction: 0, dialog: 0, invite: 0, flow: 0, socket: 0, sip_timer: 0 });
    }
    await Promise.all(servers.splice(0).map((server) => new Promise((resolve) => server.close(resolve))));
  });

  async function stack(options: Parameters<typeof startStack>[0] = {}, deps: Parameters<typeof startStack>[1] = {}): Promise<EmbeddedSip> {
    const made = await startStack({ timers, ...options }, deps);
    stacks.push(made);
    return made;
  }

  async function raw(port: number): Promise<{ socket: Socket; text: () => string; closed: () => boolean }> {
    const socket = connect(port, '127.0.0.1');
    sockets.push(socket);
    let text = '';
    let closed = false;
    socket.on('data', (chunk) => {
      text += chunk.toString();
    });
    socket.on('close', () => {
      closed = true;
    });
    socket.on('error', () => {});
    await new Promise((resolve) => socket.once('connect', resolve));
    return { socket, text: () => text, closed: () => closed };
  }

  const options = (id: string, length = 'Content-Length: 0\r\n'): string =>
    `OPTIONS sip:b@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1:9;branch=z9hG4bK${id}\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:b@c>\r\nCall-ID: ${id}\r\nCSeq: 1 OPTIONS\r\n${length}\r\n`;

  it('answers several messages on one connection, however they are cut, on that connection', async () => {
    const gateway = await stack({ listen: tcp });
    const { socket, text } = await raw(gateway.bound()[0]?.port ?? 0);
    const all = options('one') + options('two') + options('three');
    for (let i = 0; i < all.length; i += 50) socket.write(all.slice(i, i + 50));
    await until(() => text().split('SIP/2.0 200').length === 4);
    for (const id of ['one', 'two', 'three']) expect(text()).toContain(`Call-ID: ${id}\r\n`);
    expect(gateway.liveObjects()['flow']).toBe(1);
  });

  it('answers a CRLF ping with a CRLF', async () => {
    const gateway = await stack({ listen: tcp });
    const { socket, text } = await raw(gateway.bound()[0]?.port ?? 0);
    socket.write('\r\n\r\n');
    await until(() => text() === '\r\n');
  });

  it('answers a message without Content-Length with 400 and closes', async () => {
    const gateway = await stack({ listen: tcp });
    const { socket, text, closed } = await raw(gateway.bound()[0]?.port ?? 0);
    socket.write(options('none', ''));
    await until(() => closed());
    expect(gateway.liveObjects()['flow']).toBe(0);
    expect(text()).toMatch(/^SIP\/2\.0 400 Missing Content-Length\r\n/);
    expect(gateway.liveObjects()['transaction']).toBe(0);
  });

  it('uses one connection for many requests to one peer', async () => {
    const [caller, callee] = [await stack({ listen: tcp }), await stack({ listen: tcp })];
    const request = { method: 'OPTIONS', requestUri: uriOf(callee), from };
    const statuses = await Promise.all(Array.from({ length: 20 }, () => caller.request(request)));
    expect(statuses.every(({ status }) => status === 200)).toBe(true);
    expect([caller, callee].map((each) => each.liveObjects()['flow'])).toEqual([1, 1]);
  });

  it('opens a new connection after the old one has gone', async () => {
    const [caller, callee] = [await stack({ listen: tcp }), await stack({ listen: tcp })];
    const closed: string[] = [];
    const flows: string[] = [];
    callee.onRequest('OPTIONS', (request) => {
      flows.push(request.source.flow);
      request.respond(200);
    });
    caller.onFlowClosed((flow) => closed.push(flow));
    const target = { method: 'OPTIONS', requestUri: uriOf(callee), from };
    await caller.request(target);
    const uri = uriOf(callee);
    await callee.stop();
    await until(() => closed.length === 1);
    await expect(caller.request({ ...target, requestUri: uri })).rejects.toMatchObject({ info: { why: 'refused' } });
  });

  it('says refused at once when nobody listens', async () => {
    const gone = await stack({ listen: tcp });
    const uri = uriOf(gone);
    await gone.stop();
    const caller = await stack({ listen: tcp });
    const startedMs = performance.now();
    const outcome = await caller.call({ requestUri: uri, from, offer: 'v=0\r\n' }).outcome;
    expect(outcome).toMatchObject({ kind: 'failed', why: 'refused' });
    expect(performance.now() - startedMs).toBeLessThan(1000);
  });

  it('says tls when the certificate is not trusted', async () => {
    const callee = await stack({ listen: tls, tls: testTls });
    const caller = await stack({ listen: tls, tls: { cert: testTls.cert, key: testTls.key } });
    const outcome = await caller.call({ requestUri: uriOf(callee), from, offer: 'v=0\r\n' }).outcome;
    expect(outcome).toMatchObject({ kind: 'failed', why: 'tls' });
  });

  it('says tls when the certificate names another host', async () => {
    const callee = await stack({ listen: tls, tls: testTls });
    const caller = await stack(
      { listen: tls, tls: testTls },
      {
        resolver: {
          naptr: () => Promise.resolve([]),
          srv: () => Promise.resolve([]),
          addresses: () => Promise.resolve(['127.0.0.1']),
        },
      },
    );
    const port = callee.bound()[0]?.port ?? 0;
    const call = (host: string) => caller.call({ requestUri: `sips:b@${host}:${port}`, from, offer: 'v=0\r\n' }).outcome;
    callee.onCall((inbound) => inbound.reject(486));
    expect(await call('carrier.example')).toMatchObject({ kind: 'failed', why: 'tls' });
    expect(await call('localhost')).toMatchObject({ kind: 'rejected', status: 486 });
  });

  it('sends a request that is too long for a datagram over TCP', async () => {
    const [caller, callee] = [await stack({ listen: both }), await stack({ listen: tcp })];
    const transports: string[] = [];
    callee.onCall((call) => {
      transports.push(call.source.transport);
      call.reject(486);
    });
    const port = callee.bound()[0]?.port ?? 0;
    const outcome = await caller.call({ requestUri: `sip:b@127.0.0.1:${port}`, from, offer: `v=0\r\na=${'x'.repeat(1300)}\r\n` }).outcome;
    expect(outcome).toMatchObject({ kind: 'rejected', status: 486 });
    expect(transports).toEqual(['tcp']);
  });

  it('falls back to UDP when the peer has no TCP, and keeps to UDP when the URI says so', async () => {
    const [caller, callee] = [await stack({ listen: both }), await stack()];
    const transports: string[] = [];
    callee.onCall((call) => {
      transports.push(call.source.transport);
      call.reject(486);
    });
    const port = callee.bound()[0]?.port ?? 0;
    const offer = `v=0\r\na=${'x'.repeat(1300)}\r\n`;
    for (const suffix of ['', ';transport=udp', '']) {
      await caller.call({ requestUri: `sip:b@127.0.0.1:${port}${suffix}`, from, offer }).outcome;
    }
    expect(transports).toEqual(['udp', 'udp', 'udp']);
    expect(caller.liveObjects()['flow']).toBe(0);
  });

  it('tries the next address when the first refuses', async () => {
    const callee = await stack({ listen: tcp });
    const port = callee.bound()[0]?.port ?? 0;
    const caller = await stack(
      { listen: tcp },
      {
        resolver: {
          naptr: () => Promise.resolve([]),
          srv: () => Promise.resolve([]),
          addresses: () => Promise.resolve(['127.0.0.2', '127.0.0.1']),
        },
      },
    );
    const response = await caller.request({ method: 'OPTIONS', requestUri: `sip:carrier.example:${port};transport=tcp`, from });
    expect(response.status).toBe(200);
  });

  it('answers over a new connection when the one the request came on has gone', async () => {
    const gateway = await stack({ listen: tcp });
    let respond: (() => void) | undefined;
    gateway.onRequest('MESSAGE', (request) => {
      respond = () => request.respond(202);
    });
    const back: string[] = [];
    const server = createServer((socket) => {
      sockets.push(socket);
      socket.on('data', (chunk) => back.push(chunk.toString()));
    });
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const { socket } = await raw(gateway.bound()[0]?.port ?? 0);
    socket.write(
      options('back')
        .replace(/OPTIONS/g, 'MESSAGE')
        .replace('127.0.0.1:9', `127.0.0.1:${port}`),
    );
    await until(() => respond !== undefined);
    socket.destroy();
    await until(() => gateway.liveObjects()['flow'] === 0);
    respond?.();
    await until(() => back.length === 1);
    expect(back[0]).toMatch(/^SIP\/2\.0 202 /);
  });

  it('refuses to start without TLS material, and on a port in use, and leaves nothing open', async () => {
    await expect(startStack({ listen: tls })).rejects.toMatchObject({ info: { code: 'sip-tls-material-missing' } });
    const first = await stack({ listen: tcp });
    const port = first.bound()[0]?.port ?? 0;
    await expect(startStack({ listen: [...both, { transport: 'tcp', host: '127.0.0.1', port }] })).rejects.toMatchObject({
      info: { code: 'sip-listen-failed', transport: 'tcp', address: `127.0.0.1:${port}` },
    });
  });
});
