import { createSocket, type Socket } from 'node:dgram';
import { HeaderFields, type SipMessage, type SipRequestMessage, type SipResponseMessage } from '../../src/sip/embedded/message.js';
import { parseMessage } from '../../src/sip/embedded/parser.js';
import { responseTo, serialize } from '../../src/sip/embedded/serializer.js';
import { until } from './sip-rigs.js';

let serial = 0;

/** A request as a peer writes it, by hand and to the letter. */
export interface RawRequest {
  readonly method: string;
  readonly uri: string;
  readonly branch?: string;
  readonly callId?: string;
  readonly fromTag?: string;
  readonly toTag?: string;
  readonly cseq?: number;
  readonly contact?: string | null;
  readonly headers?: readonly (readonly [string, string])[];
  readonly body?: string;
}

/** A SIP peer without a mind of its own: a UDP socket on loopback that writes and reads what a test says. */
export class RawSipPeer {
  readonly inbox: SipMessage[] = [];
  /** Everything that ever arrived, in order. */
  readonly history: SipMessage[] = [];

  private constructor(
    private readonly socket: Socket,
    readonly port: number,
  ) {
    socket.on('message', (data) => {
      if (data.toString('latin1').trim() === '') return;
      const message = parseMessage(data);
      this.inbox.push(message);
      this.history.push(message);
    });
  }

  static async open(): Promise<RawSipPeer> {
    const socket = createSocket('udp4');
    await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
    return new RawSipPeer(socket, socket.address().port);
  }

  get uri(): string {
    return `sip:peer@127.0.0.1:${this.port}`;
  }

  close(): Promise<void> {
    return new Promise((resolve) => this.socket.close(() => resolve()));
  }

  request(facts: RawRequest): SipRequestMessage {
    serial += 1;
    const headers = new HeaderFields();
    headers.add('Via', `SIP/2.0/UDP 127.0.0.1:${this.port};branch=${facts.branch ?? `z9hG4bK-peer-${serial}`};rport`);
    headers.add('Max-Forwards', '70');
    headers.add('From', `<${this.uri}>;tag=${facts.fromTag ?? 'peer'}`);
    headers.add('To', `<${facts.uri}>${facts.toTag === undefined ? '' : `;tag=${facts.toTag}`}`);
    headers.add('Call-ID', facts.callId ?? `raw-${serial}`);
    headers.add('CSeq', `${facts.cseq ?? 1} ${facts.method}`);
    if (facts.contact !== null) headers.add('Contact', facts.contact ?? `<${this.uri}>`);
    for (const [name, value] of facts.headers ?? []) {
      if (headers.has(name) && (name === 'Max-Forwards' || name === 'Via')) headers.set(name, value);
      else headers.add(name, value);
    }
    if (facts.body !== undefined && !headers.has('Content-Type')) headers.add('Content-Type', 'application/sdp');
    return { kind: 'request', method: facts.method, requestUri: facts.uri, headers, body: Buffer.from(facts.body ?? '') };
  }

  /** A response with this To tag, Contact and body; more headers are added as given. */
  response(
    request: SipRequestMessage,
    status: number,
    options: { readonly tag?: string; readonly contact?: string; readonly body?: string; readonly headers?: RawRequest['headers'] } = {},
  ): SipResponseMessage {
    const response = responseTo(request, status, undefined, options.tag);
    if (options.contact !== undefined) response.headers.add('Contact', options.contact);
    for (const [name, value] of options.headers ?? []) response.headers.add(name, value);
    if (options.body === undefined) return response;
    response.headers.add('Content-Type', 'application/sdp');
    return { ...response, body: Buffer.from(options.body) };
  }

  send(message: SipMessage | string, port: number): void {
    this.socket.send(typeof message === 'string' ? Buffer.from(message) : serialize(message), port, '127.0.0.1');
  }

  /** Sends, and resolves once the datagram has left. */
  deliver(message: SipMessage, port: number): Promise<void> {
    return new Promise((resolve) => this.socket.send(serialize(message), port, '127.0.0.1', () => resolve()));
  }

  /** Takes the next request of this method out of the inbox, waiting for it. */
  async nextRequest(method: string): Promise<SipRequestMessage> {
    return (await this.next((each) => each.kind === 'request' && each.method === method)) as SipRequestMessage;
  }

  /** Takes the next response with this status out of the inbox, waiting for it. */
  async nextResponse(status: number): Promise<SipResponseMessage> {
    return (await this.next((each) => each.kind === 'response' && each.status === status)) as SipResponseMessage;
  }

  private async next(match: (message: SipMessage) => boolean): Promise<SipMessage> {
    await until(() => this.inbox.some(match)).catch(() => {
      const seen = this.inbox.map((each) => (each.kind === 'request' ? each.method : String(each.status))).join(' ');
      throw new Error(`the expected message did not come; inbox: ${seen}`);
    });
    const at = this.inbox.findIndex(match);
    const [found] = this.inbox.splice(at, 1);
    if (found === undefined) throw new Error('inbox changed');
    return found;
  }

  /** Requests of a method that ever arrived. */
  countOf(what: string | number): number {
    return this.history.filter((each) => (each.kind === 'request' ? each.method === what : each.status === what)).length;
  }
}
