import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocket } from 'ws';
import type { EmbeddedSip } from '../../src/sip/embedded/embedded-sip.js';
import { HeaderFields, type SipMessage, type SipRequestMessage, type SipResponseMessage } from '../../src/sip/embedded/message.js';
import { parseMessage } from '../../src/sip/embedded/parser.js';
import { responseTo, serialize } from '../../src/sip/embedded/serializer.js';
import { until } from './sip-rigs.js';

let serial = 0;

/** An HTTP server on loopback whose upgrades go to the stack. */
export async function serveWebSockets(stack: EmbeddedSip): Promise<{ readonly url: string; close(): Promise<void> }> {
  const server: Server = createServer();
  server.on('upgrade', (request, socket, head: Buffer) => stack.acceptWebSocket(request, socket, head, false));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `ws://127.0.0.1:${port}/`,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

/** One connection of a browser that a test plays by hand. */
export class RawPage {
  readonly inbox: SipMessage[] = [];
  /** Every word that ever came to this page. */
  readonly told: string[] = [];

  private constructor(private readonly socket: WebSocket) {
    socket.on('message', (data) => {
      const text = data.toString();
      this.told.push(text);
      if (text.trim() !== '') this.inbox.push(parseMessage(Buffer.from(text)));
    });
    socket.on('error', () => {});
  }

  static async open(url: string, origin = 'https://page.example', headers: Readonly<Record<string, string>> = {}): Promise<RawPage> {
    const socket = new WebSocket(url, 'sip', { origin, headers });
    const page = new RawPage(socket);
    await new Promise<void>((resolve, reject) => {
      socket.on('open', resolve);
      socket.on('error', reject);
    });
    return page;
  }

  /** Cuts the connection without a word. */
  cut(): void {
    this.socket.terminate();
  }

  /** Reads no more: what a page does whose network has gone. */
  freeze(): void {
    this.socket.pause();
  }

  send(message: SipMessage): void {
    this.socket.send(serialize(message).toString());
  }

  /** A request of the call that `to` names, or of a new one. */
  request(method: string, facts: { readonly cseq: number; readonly to?: string; readonly body?: string }): SipRequestMessage {
    serial += 1;
    const headers = new HeaderFields();
    headers.add('Via', `SIP/2.0/WS page.invalid;branch=z9hG4bK-page-${serial}`);
    headers.add('Max-Forwards', '70');
    headers.add('From', '<sip:alice@gateway.example>;tag=page');
    headers.add('To', facts.to ?? '<sip:bob@gateway.example>');
    headers.add('Call-ID', 'page-call');
    headers.add('CSeq', `${facts.cseq} ${method}`);
    headers.add('Contact', '<sip:alice@page.invalid;transport=ws>');
    if (facts.body !== undefined) headers.add('Content-Type', 'application/sdp');
    const requestUri = 'sip:bob@gateway.example';
    return { kind: 'request', method, requestUri, headers, body: Buffer.from(facts.body ?? '') };
  }

  answer(request: SipRequestMessage, status: number, body = ''): void {
    const response = responseTo(request, status);
    if (body !== '') response.headers.add('Content-Type', 'application/sdp');
    this.send({ ...response, body: Buffer.from(body) });
  }

  async nextRequest(method: string): Promise<SipRequestMessage> {
    return (await this.next((each) => each.kind === 'request' && each.method === method)) as SipRequestMessage;
  }

  async nextResponse(status: number): Promise<SipResponseMessage> {
    return (await this.next((each) => each.kind === 'response' && each.status === status)) as SipResponseMessage;
  }

  private async next(match: (message: SipMessage) => boolean): Promise<SipMessage> {
    await until(() => this.inbox.some(match));
    const [found] = this.inbox.splice(this.inbox.findIndex(match), 1);
    if (found === undefined) throw new Error('inbox changed');
    return found;
  }
}
