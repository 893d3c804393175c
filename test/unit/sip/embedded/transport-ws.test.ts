import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { SystemClock } from '../../../../src/base/clock.js';
import { silentLog } from '../../../../src/base/log.js';
import { EmbeddedSip, type EmbeddedSipOptions } from '../../../../src/sip/embedded/embedded-sip.js';
import type { SipMessage, SipRequestMessage, SipResponseMessage } from '../../../../src/sip/embedded/message.js';
import { parseMessage } from '../../../../src/sip/embedded/parser.js';
import { responseTo, serialize } from '../../../../src/sip/embedded/serializer.js';
import type { DialogEnd, FlowRef, InboundCall } from '../../../../src/sip/port.js';
import { openWebSocket, until } from '../../../support/sip-rigs.js';

const origin = 'https://shop.example';
const sdp = 'v=0\r\n';

/** A browser's SIP side, message by message. */
class Page {
  readonly inbox: SipMessage[] = [];
  readonly raw: string[] = [];
  closed = false;

  constructor(readonly socket: WebSocket) {
    socket.on('message', (data) => {
      const text = data.toString();
      this.raw.push(text);
      if (text.trim() !== '') this.inbox.push(parseMessage(Buffer.from(text)));
    });
    socket.on('close', () => {
      this.closed = true;
    });
    socket.on('error', () => {});
  }

  send(text: string): void {
    this.socket.send(text);
  }

  request(method: string, headers: readonly string[] = [], body = ''): void {
    const cseq = headers.some((line) => line.startsWith('CSeq:')) ? [] : [`CSeq: 1 ${method}`];
    const to = headers.some((line) => line.startsWith('To:')) ? [] : ['To: <sip:bob@gateway.example>'];
    const lines = [
      `${method} sip:bob@gateway.example SIP/2.0`,
      `Via: SIP/2.0/WS df7jal23ls0d.invalid;branch=z9hG4bK${method}${Math.random()}`,
      'Max-Forwards: 69',
      'From: <sip:alice@gateway.example>;tag=page',
      ...to,
      'Call-ID: page-call',
      ...cseq,
      'Contact: <sip:alice@df7jal23ls0d.invalid;transport=ws>',
      ...headers,
      ...(body === '' ? [] : ['Content-Type: application/sdp']),
    ];
    this.send(`${lines.join('\r\n')}\r\n\r\n${body}`);
  }

  async next(match: (message: SipMessage) => boolean): Promise<SipMessage> {
    await until(() => this.inbox.some(match));
    const [found] = this.inbox.splice(this.inbox.findIndex(match), 1);
    if (found === undefined) throw new Error('inbox changed');
    return found;
  }

  async nextResponse(status: number): Promise<SipResponseMessage> {
    return (await this.next((each) => each.kind === 'response' && each.status === status)) as SipResponseMessage;
  }

  async nextRequest(method: string): Promise<SipRequestMessage> {
    return (await this.next((each) => each.kind === 'request' && each.method === method)) as SipRequestMessage;
  }
}

describe('SIP over WebSocket', () => {
  let stack: EmbeddedSip;
  let server: Server;
  let port: number;
  let pages: Page[];

  async function start(webSocket: Partial<EmbeddedSipOptions['webSocket']> = {}): Promise<void> {
    stack = new EmbeddedSip(
      {
        listen: [{ transport: 'udp', host: '127.0.0.1', port: 0 }],
        webSocket: { ...openWebSocket, allowedOrigins: [origin], ...webSocket },
        userAgent: 'test',
        timers: { t1Ms: 20, t2Ms: 80, t4Ms: 100 },
      },
      { clock: new SystemClock(), log: silentLog },
    );
    await stack.start();
    server = createServer();
    server.on('upgrade', (request, socket, head) => stack.acceptWebSocket(request, socket, head, false));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    port = (server.address() as AddressInfo).port;
  }

  beforeEach(() => {
    pages = [];
  });

  afterEach(async () => {
    for (const page of pages) page.socket.terminate();
    await stack.stop();
    await new Promise((resolve) => server.close(resolve));
    expect(stack.liveObjects()).toEqual({ transaction: 0, dialog: 0, invite: 0, flow: 0, socket: 0, sip_timer: 0 });
  });

  function dial(options: { origin?: string; protocols?: string[] } = {}): WebSocket {
    return new WebSocket(`ws://127.0.0.1:${port}/sip`, options.protocols ?? ['sip'], { origin: options.origin ?? origin });
  }

  async function open(): Promise<Page> {
    const page = new Page(dial());
    pages.push(page);
    await new Promise((resolve) => page.socket.once('open', resolve));
    return page;
  }

  async function refusal(options: { origin?: string; protocols?: string[] }): Promise<{ status: number; body: string }> {
    const socket = dial(options);
    return await new Promise((resolve, reject) => {
      socket.on('open', () => reject(new Error('opened')));
      socket.on('error', () => {});
      socket.on('unexpected-response', (_request, response) => {
        let body = '';
        response.on('data', (chunk) => {
          body += chunk;
        });
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
      });
    });
  }

  it('echoes the subprotocol sip', async () => {
    await start();
    const socket = dial({ protocols: ['other', 'sip'] });
    pages.push(new Page(socket));
    await new Promise((resolve) => socket.once('open', resolve));
    expect(socket.protocol).toBe('sip');
  });

  it('refuses another origin with 403 and names the setting', async () => {
    await start();
    for (const other of ['https://evil.example', 'https://shop.example.evil.example', 'http://shop.example', 'https://shop.example:8443']) {
      const { status, body } = await refusal({ origin: other });
      expect(status).toBe(403);
      expect(body).toContain('http.allowedOrigins');
      expect(body).not.toContain(other);
    }
    expect(stack.liveObjects()['flow']).toBe(0);
  });

  it('refuses a client without Origin unless any is allowed', async () => {
    await start();
    const withoutOrigin = new WebSocket(`ws://127.0.0.1:${port}`, ['sip']);
    const status = await new Promise((resolve) => {
      withoutOrigin.on('error', () => {});
      withoutOrigin.on('unexpected-response', (_request, response) => resolve(response.statusCode));
    });
    expect(status).toBe(403);
  });

  it('refuses a client that does not offer the subprotocol sip', async () => {
    await start();
    expect((await refusal({ protocols: ['chat'] })).status).toBe(400);
  });

  it('refuses connections beyond its cap and takes them again when one has gone', async () => {
    await start({ maxConnections: 1 });
    const first = await open();
    expect((await refusal({})).status).toBe(503);
    first.socket.close();
    await until(() => stack.liveObjects()['flow'] === 0);
    await open();
  });

  it('frees the socket of a refused client that never closes', async () => {
    await start({ handshakeTimeoutMs: 50 });
    const socket = connect(port, '127.0.0.1');
    let ended = false;
    socket.on('close', () => {
      ended = true;
    });
    socket.write(
      'GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
    );
    socket.resume();
    await until(() => ended);
  });

  it('hands a REGISTER up with its flow and origin, and answers on the same socket', async () => {
    await start();
    stack.onRequest('REGISTER', (request) => {
      expect(request.source).toMatchObject({ transport: 'ws', address: '127.0.0.1', origin });
      request.respond(200, { headers: [['Contact', `${request.headers.get('Contact')};expires=60`]] });
    });
    const page = await open();
    page.request('REGISTER');
    const response = await page.nextResponse(200);
    expect(response.headers.get('Contact')).toBe('<sip:alice@df7jal23ls0d.invalid;transport=ws>;expires=60');
    expect(response.headers.get('Via')).toContain('received=127.0.0.1');
  });

  it('takes a message in text and in binary, one a frame', async () => {
    await start();
    const page = await open();
    page.request('OPTIONS');
    await page.nextResponse(200);
    page.socket.send(
      Buffer.from(
        'OPTIONS sip:x@y SIP/2.0\r\nVia: SIP/2.0/WS a.invalid;branch=z9hG4bKbin\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:x@y>\r\nCall-ID: bin\r\nCSeq: 1 OPTIONS\r\n\r\n',
      ),
      { binary: true },
    );
    await page.nextResponse(200);
  });

  it('answers a double CRLF with one', async () => {
    await start();
    const page = await open();
    page.send('\r\n\r\n');
    await until(() => page.raw.length === 1);
    expect(page.raw).toEqual(['\r\n']);
  });

  it('closes on a message larger than allowed', async () => {
    await start({ maxMessageBytes: 500 });
    const page = await open();
    page.send('x'.repeat(501));
    await until(() => page.closed);
  });

  it('gives up a peer that answers no ping', async () => {
    await start({ pingIntervalMs: 30 });
    const page = await open();
    let pings = 0;
    page.socket.on('ping', () => {
      pings += 1;
    });
    await until(() => pings === 3);
    expect(page.closed).toBe(false);
    page.socket.pause();
    await until(() => stack.liveObjects()['flow'] === 0);
  });

  it('takes a call from a page, with a Contact it can reach, and reaches the page by its flow only', async () => {
    await start();
    const calls: InboundCall[] = [];
    stack.onCall((call) => calls.push(call));
    const page = await open();
    page.request('INVITE', [], sdp);
    await page.nextResponse(100);
    const dialog = calls[0]?.answer(sdp);
    const ok = await page.nextResponse(200);
    expect(ok.headers.get('Contact')).toBe(`<sip:bob@127.0.0.1:${port};transport=ws>`);
    page.request('ACK', [`To: ${ok.headers.get('To')}`]);
    void dialog?.bye();
    const bye = await page.nextRequest('BYE');
    expect(bye.requestUri).toBe('sip:alice@df7jal23ls0d.invalid;transport=ws');
    expect(bye.headers.get('Via')).toMatch(/^SIP\/2\.0\/WS 127\.0\.0\.1:/);
    page.send(serialize(responseTo(bye, 200)).toString());
    await until(() => stack.liveObjects()['dialog'] === 0);
  });

  it('sends a call to a page on the flow it is given', async () => {
    await start();
    const flows: FlowRef[] = [];
    stack.onRequest('REGISTER', (request) => {
      flows.push(request.source.flow);
      request.respond(200);
    });
    const page = await open();
    page.request('REGISTER');
    await page.nextResponse(200);
    const [flow] = flows;
    if (flow === undefined) throw new Error('no flow');
    const call = stack.call({
      requestUri: 'sip:alice@df7jal23ls0d.invalid;transport=ws',
      from: { uri: 'sip:+15550100@gateway.example' },
      offer: sdp,
      via: { flow },
    });
    const invite = await page.nextRequest('INVITE');
    expect(invite.headers.get('Contact')).toBe(`<sip:+15550100@127.0.0.1:${port};transport=ws>`);
    const ok = responseTo(invite, 200, 'OK', 'page');
    ok.headers.add('Contact', '<sip:alice@df7jal23ls0d.invalid;transport=ws>').add('Content-Type', 'application/sdp');
    page.send(serialize({ ...ok, body: Buffer.from(sdp) }).toString());
    const ack = await page.nextRequest('ACK');
    expect(ack.requestUri).toBe('sip:alice@df7jal23ls0d.invalid;transport=ws');
    const outcome = await call.outcome;
    expect(outcome).toMatchObject({ kind: 'answered', sdp });
    if (outcome.kind !== 'answered') return;
    const ends: DialogEnd[] = [];
    outcome.dialog.onEnd((end) => ends.push(end));
    const closed: FlowRef[] = [];
    stack.onFlowClosed((each) => closed.push(each));
    page.socket.terminate();
    await until(() => closed.length === 1);
    expect(closed).toEqual([flow]);
    expect(ends).toEqual([]);
    expect(stack.liveObjects()['dialog']).toBe(1);
    await outcome.dialog.bye();
    expect(stack.liveObjects()['dialog']).toBe(0);
  });

  it('cancels an unanswered call of a page whose socket dies', async () => {
    await start();
    const calls: InboundCall[] = [];
    stack.onCall((call) => calls.push(call));
    const page = await open();
    page.request('INVITE', [], sdp);
    await until(() => calls.length === 1);
    page.socket.terminate();
    await until(() => calls[0]?.cancelled.aborted === true);
    await until(() => stack.liveObjects()['transaction'] === 0);
    expect(stack.liveObjects()['invite']).toBe(0);
  });

  it('fails a ringing call to a page whose socket dies, and one on a flow that has gone', async () => {
    await start();
    let flow: FlowRef | undefined;
    stack.onRequest('REGISTER', (request) => {
      flow = request.source.flow;
      request.respond(200);
    });
    const page = await open();
    page.request('REGISTER');
    await page.nextResponse(200);
    if (flow === undefined) throw new Error('no flow');
    const options = { requestUri: 'sip:alice@a.invalid', from: { uri: 'sip:b@c' }, offer: sdp, via: { flow } };
    const call = stack.call(options);
    page.send(serialize(responseTo(await page.nextRequest('INVITE'), 180, 'Ringing', 't')).toString());
    page.socket.terminate();
    expect(await call.outcome).toMatchObject({ kind: 'failed', why: 'transport' });
    expect(await stack.call(options).outcome).toMatchObject({ kind: 'failed', why: 'transport' });
  });

  it('reaches a page on its new socket after it came back with a request in the dialog', async () => {
    await start();
    const calls: InboundCall[] = [];
    stack.onCall((call) => calls.push(call));
    const page = await open();
    page.request('INVITE', [], sdp);
    await until(() => calls.length === 1);
    const dialog = calls[0]?.answer(sdp);
    dialog?.onRequest((request) => request.respond(200));
    const to = `To: ${(await page.nextResponse(200)).headers.get('To')}`;
    page.request('ACK', [to]);
    page.socket.terminate();
    const again = await open();
    again.request('INFO', [to, 'CSeq: 2 INFO']);
    await again.nextResponse(200);
    void dialog?.bye();
    again.send(serialize(responseTo(await again.nextRequest('BYE'), 200)).toString());
    await until(() => stack.liveObjects()['dialog'] === 0);
  });
});
