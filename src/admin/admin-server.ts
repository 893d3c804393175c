import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { Server as TlsServer } from 'node:tls';
import fastify, { type FastifyInstance } from 'fastify';
import type { HostPort } from '../base/address.js';
import { GatewayError, messageOf } from '../base/errors.js';
import type { Startable } from '../base/startable.js';
import { addApi } from './api.js';
import { addDashboard } from './dashboard-pages.js';
import { addIceApi } from './ice-api.js';
import { addLogin, LoginDesk } from './login.js';
import { addOpenApi } from './openapi/document.js';
import { addPages } from './pages.js';
import type { AdminDeps, AdminOptions } from './ports.js';
import { addRatingApi } from './rating-api.js';
import { addTicketApi } from './ticket-api.js';

export type AdminErrorInfo =
  | { readonly code: 'http-port-taken'; readonly host: string; readonly port: number }
  | { readonly code: 'http-listen-failed'; readonly host: string; readonly port: number };

const maxBodyBytes = 16 * 1024;
const requestTimeoutMs = 10_000;

/** Refuses a handshake before any WebSocket exists (RFC 9110 §15). */
function refuseUpgrade(socket: Duplex, status: string): void {
  socket.on('error', () => socket.destroy());
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`, () => socket.destroy());
}

/** The one HTTP listener: health, metrics, API, page and widget, and the door to SIP over WebSocket. */
export class AdminServer implements Startable {
  private readonly app: FastifyInstance;
  private address: HostPort | undefined;
  private stopped = false;
  private readonly known: { readonly method: string; readonly url: string }[] = [];

  constructor(
    private readonly options: AdminOptions,
    private readonly deps: AdminDeps,
  ) {
    const limits = { bodyLimit: maxBodyBytes, requestTimeout: requestTimeoutMs, forceCloseConnections: true as const };
    this.app =
      options.tls === undefined
        ? fastify(limits)
        : (fastify({ ...limits, https: { cert: options.tls.cert, key: options.tls.key } }) as unknown as FastifyInstance);
    this.addRoutes();
    this.app.server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => this.upgrade(request, socket, head));
  }

  async start(): Promise<void> {
    const { host, port } = this.options;
    try {
      await this.app.listen({ host, port });
    } catch (thrown) {
      const taken = (thrown as NodeJS.ErrnoException).code === 'EADDRINUSE';
      const message = taken
        ? `port ${port} on ${host} is taken by another program; choose another, e.g. GATEWAY_HTTP__PORT=${port === 8080 ? 8081 : port + 1} npm start`
        : `cannot listen on ${host} port ${port}: ${messageOf(thrown)}; check http.host and http.port`;
      throw new GatewayError<AdminErrorInfo>({ code: taken ? 'http-port-taken' : 'http-listen-failed', host, port }, message, {
        cause: thrown,
      });
    }
    const bound = this.app.server.address() as AddressInfo;
    this.address = { host: bound.address, port: bound.port };
  }

  async stop(): Promise<void> {
    if (this.stopped) return;
    this.stopped = true;
    this.address = undefined;
    await this.app.close();
  }

  /** New connections get this certificate from now on. Returns what is wrong with it, and then keeps to the old one. */
  renewTls({ cert, key }: NonNullable<AdminOptions['tls']>): string | undefined {
    const { server } = this.app;
    if (!(server instanceof TlsServer)) return 'the listener was started without TLS';
    try {
      server.setSecureContext({ cert, key });
    } catch (thrown) {
      return messageOf(thrown);
    }
    return undefined;
  }

  /** Where it listens; undefined when it does not. */
  bound(): HostPort | undefined {
    return this.address;
  }

  /** Sends a request through the routes without a socket, for tests. */
  get inject(): FastifyInstance['inject'] {
    return this.app.inject.bind(this.app);
  }

  /** Every route there is, for tests. */
  get routes(): readonly { readonly method: string; readonly url: string }[] {
    return this.known;
  }

  private addRoutes(): void {
    const { app, deps, options } = this;
    app.addHook('onRoute', ({ method, url }) => {
      for (const one of [method].flat()) this.known.push({ method: one, url });
    });
    app.addHook('onSend', async (_request, reply) => {
      reply.header('x-content-type-options', 'nosniff').header('referrer-policy', 'no-referrer').header('x-frame-options', 'DENY');
      if (!reply.hasHeader('cross-origin-resource-policy')) reply.header('cross-origin-resource-policy', 'same-origin');
      if (options.tls !== undefined) reply.header('strict-transport-security', 'max-age=31536000');
    });
    app.setErrorHandler((thrown, request, reply) => {
      const status = (thrown as { readonly statusCode?: number }).statusCode ?? 500;
      if (status >= 500) deps.log.error({ route: request.routeOptions.url, error: messageOf(thrown) }, 'a request failed');
      return reply.code(status).send({
        error: { code: status >= 500 ? 'internal' : 'bad-request', message: status >= 500 ? 'internal error' : messageOf(thrown) },
      });
    });
    app.setNotFoundHandler((_request, reply) => reply.code(404).send({ error: { code: 'not-found', message: 'there is nothing here' } }));
    app.get('/healthz', async () => ({ status: 'alive' }));
    app.get('/readyz', async (_request, reply) => {
      const state = deps.state();
      return reply.code(state === 'ready' ? 200 : 503).send({ status: state });
    });
    app.get('/metrics', async (_request, reply) => {
      const { contentType, text } = await deps.metrics();
      return reply.header('content-type', contentType).send(text);
    });
    const desk = new LoginDesk(options, deps);
    app.register(async (scope) => addApi(scope, options, deps, desk), { prefix: '/api/v1' });
    addLogin(app, options, deps, desk);
    addDashboard(app, options);
    addTicketApi(app, deps.tickets, deps.addressOf);
    addIceApi(app, deps.ice, deps.addressOf);
    addRatingApi(app, deps.ratings, deps.ice, deps.addressOf);
    addOpenApi(app, options.version);
    addPages(app, options);
  }

  private upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const path = (request.url ?? '').split('?')[0];
    const state = this.deps.state();
    if (path !== '/sip') refuseUpgrade(socket, '404 Not Found');
    else if (state === 'starting' || state === 'stopped') refuseUpgrade(socket, '503 Service Unavailable');
    else this.deps.onSipUpgrade(request, socket, head);
  }
}
