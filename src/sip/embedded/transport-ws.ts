import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type RawData, type WebSocket, WebSocketServer } from 'ws';
import type { HostPort } from '../../base/address.js';
import { type AddressOf, addressReader } from '../../base/client-address.js';
import type { Clock, Timer } from '../../base/clock.js';
import { messageOf } from '../../base/errors.js';
import type { Log } from '../../base/log.js';
import { CloseListeners, type ConnectionFlow, type FlowFailure, type FlowUser, newFlowRef, plainAddress } from './flow.js';

/** Limits and trust of SIP over WebSocket (RFC 7118). */
export interface WebSocketOptions {
  /** Exact origins (`https://shop.example`), or `*` for any and for clients that send none. */
  readonly allowedOrigins: readonly string[];
  /** How long a refused or ending handshake may hold its socket. */
  readonly handshakeTimeoutMs: number;
  readonly maxMessageBytes: number;
  /** Ping interval; a peer that has not answered by the next ping is gone. 0 sends none. */
  readonly pingIntervalMs: number;
  readonly maxConnections: number;
  /** Addresses and blocks of proxies whose `X-Forwarded-For` says where a connection comes from. */
  readonly trustedProxies?: readonly string[];
}

export interface WebSocketDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly user: FlowUser;
}

const subprotocol = 'sip';
const maxQueuedBytes = 1024 * 1024;
const closeGraceMs = 1000;
const pong = '\r\n';
const statusTexts: Readonly<Record<number, string>> = { 400: 'Bad Request', 403: 'Forbidden', 503: 'Service Unavailable' };

/** Takes over HTTP upgrades and turns them into flows, one SIP message per WebSocket message (RFC 7118 §4). */
export class WebSocketTransport {
  private readonly server: WebSocketServer;
  private readonly flows = new Set<WebSocketFlow>();
  private readonly addressOf: AddressOf;
  private stopped = false;

  constructor(
    private readonly options: WebSocketOptions,
    private readonly deps: WebSocketDeps,
  ) {
    this.addressOf = addressReader(options.trustedProxies ?? []);
    this.server = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      maxPayload: options.maxMessageBytes,
      perMessageDeflate: false,
      handleProtocols: (offered) => (offered.has(subprotocol) ? subprotocol : false),
    });
  }

  accept(request: IncomingMessage, socket: Duplex, head: Buffer, secure: boolean): void {
    const refusal = this.refusalOf(request);
    if (refusal !== undefined) {
      this.deps.log.warn({ status: refusal.status, origin: request.headers.origin }, `WebSocket refused: ${refusal.sentence}`);
      this.refuse(socket, refusal);
      return;
    }
    this.server.handleUpgrade(request, socket, head, (webSocket) => {
      const facts = { request, secure, from: this.addressOf(request) };
      const flow = new WebSocketFlow(webSocket, facts, this.options, this.deps, () => this.flows.delete(flow));
      this.flows.add(flow);
      this.deps.user.onFlowOpen(flow);
    });
  }

  stop(): void {
    this.stopped = true;
    this.server.close();
  }

  private refusalOf(request: IncomingMessage): { readonly status: number; readonly sentence: string } | undefined {
    const { origin } = request.headers;
    const { allowedOrigins, maxConnections } = this.options;
    if (!allowedOrigins.includes('*') && (origin === undefined || !allowedOrigins.includes(origin))) {
      const who = origin === undefined ? 'A request without Origin' : 'This origin';
      return { status: 403, sentence: `${who} may not connect. Add the page's exact origin to http.allowedOrigins.` };
    }
    const offered = (request.headers['sec-websocket-protocol'] ?? '').split(',').map((each) => each.trim());
    if (!offered.includes(subprotocol)) {
      return { status: 400, sentence: 'The WebSocket subprotocol "sip" must be offered (RFC 7118 §4.1).' };
    }
    if (this.stopped || this.flows.size >= maxConnections) {
      return { status: 503, sentence: 'No more WebSocket connections are taken now.' };
    }
    return undefined;
  }

  private refuse(socket: Duplex, { status, sentence }: { readonly status: number; readonly sentence: string }): void {
    const body = `${sentence}\n`;
    const timer = this.deps.clock.after(this.options.handshakeTimeoutMs, () => socket.destroy());
    socket.once('close', () => timer.cancel());
    socket.on('error', () => socket.destroy());
    socket.once('finish', () => socket.destroy());
    socket.end(
      `HTTP/1.1 ${status} ${statusTexts[status] ?? 'Refused'}\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\n` +
        `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    );
  }
}

interface Handshake {
  readonly request: IncomingMessage;
  readonly secure: boolean;
  /** Address of the browser, which need not be the peer of the socket. */
  readonly from: string;
}

/** One WebSocket. */
class WebSocketFlow implements ConnectionFlow {
  readonly transport: 'ws' | 'wss';
  readonly ref;
  readonly remote: HostPort;
  readonly local: HostPort;
  readonly origin?: string;
  private readonly closing = new CloseListeners();
  private timer: Timer | undefined;
  private closeTimer: Timer | undefined;
  private answeredPing = true;
  private reason: FlowFailure = { why: 'transport', detail: 'the WebSocket was closed' };

  constructor(
    private readonly webSocket: WebSocket,
    { request, secure, from }: Handshake,
    private readonly options: WebSocketOptions,
    private readonly deps: WebSocketDeps,
    onGone: () => void,
  ) {
    const socket: Socket = request.socket;
    this.transport = secure ? 'wss' : 'ws';
    this.ref = newFlowRef(this.transport);
    this.remote = { host: from, port: socket.remotePort ?? 0 };
    this.local = { host: plainAddress(socket.localAddress), port: socket.localPort ?? 0 };
    if (request.headers.origin !== undefined) this.origin = request.headers.origin;
    webSocket.on('message', (data) => this.receive(data));
    webSocket.on('pong', () => {
      this.answeredPing = true;
    });
    webSocket.on('error', (error) => {
      this.reason = { why: 'transport', detail: messageOf(error) };
    });
    webSocket.on('close', () => {
      this.timer?.cancel();
      this.closeTimer?.cancel();
      onGone();
      this.closing.fire(this.reason);
      deps.user.onFlowClosed(this);
    });
    this.schedulePing();
  }

  get open(): boolean {
    return this.webSocket.readyState === this.webSocket.OPEN;
  }

  send(bytes: Buffer, onFailure: (failure: FlowFailure) => void): void {
    if (!this.open) {
      queueMicrotask(() => onFailure(this.reason));
      return;
    }
    if (this.webSocket.bufferedAmount > maxQueuedBytes) {
      this.reason = { why: 'transport', detail: 'the peer does not read' };
      this.webSocket.terminate();
      queueMicrotask(() => onFailure(this.reason));
      return;
    }
    this.webSocket.send(bytes, { binary: !isUtf8(bytes) }, (error) => {
      if (error !== undefined && error !== null) onFailure({ why: 'transport', detail: messageOf(error) });
    });
    this.deps.user.onSent(this, bytes);
  }

  onClose(listener: (failure: FlowFailure) => void): () => void {
    return this.closing.add(listener);
  }

  close(reason: string, gently = false): void {
    this.reason = { why: 'transport', detail: reason };
    if (!gently) {
      this.webSocket.terminate();
      return;
    }
    this.webSocket.close(1001, reason.slice(0, 100));
    this.closeTimer ??= this.deps.clock.after(closeGraceMs, () => this.webSocket.terminate());
  }

  private receive(data: RawData): void {
    const bytes = Buffer.isBuffer(data) ? data : Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data);
    if (bytes.length <= 4 && bytes.every((byte) => byte === 13 || byte === 10)) {
      if (bytes.length === 4) this.webSocket.send(pong);
      return;
    }
    this.deps.user.onMessage(this, bytes);
  }

  private schedulePing(): void {
    const { pingIntervalMs } = this.options;
    if (pingIntervalMs <= 0) return;
    this.timer = this.deps.clock.after(pingIntervalMs, () => {
      if (!this.answeredPing) {
        this.reason = { why: 'transport', detail: 'the peer answered no ping' };
        this.webSocket.terminate();
        return;
      }
      this.answeredPing = false;
      this.webSocket.ping();
      this.schedulePing();
    });
  }
}
