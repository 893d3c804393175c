import type { IncomingHttpHeaders } from 'node:http';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type Access, accessOf, type Granted, grantOf, isOwnPage, needsToken } from './access.js';
import { LoginTries } from './login-tries.js';
import type { AdminDeps, AdminOptions } from './ports.js';
import { Sessions } from './sessions.js';

type LoginOptions = Pick<AdminOptions, 'token' | 'viewToken' | 'tls' | 'publicUrl' | 'version'>;
type LoginDeps = Pick<AdminDeps, 'addressOf' | 'clock' | 'state'>;

const longestToken = 4096;

function cookieOf(headers: IncomingHttpHeaders, name: string): string | undefined {
  for (const pair of (headers.cookie ?? '').split(';')) {
    const at = pair.indexOf('=');
    if (at > 0 && pair.slice(0, at).trim() === name) return pair.slice(at + 1).trim();
  }
  return undefined;
}

/**
 * Knows who may use the API: by token, by the cookie of a session, or by being on this machine. The
 * cookie is out of reach of scripts and other sites, and under TLS pinned to this host (RFC 6265bis
 * §4.1.3.2).
 */
export class LoginDesk {
  private readonly sessions: Sessions;
  private readonly tries: LoginTries;

  constructor(
    private readonly options: LoginOptions,
    private readonly deps: LoginDeps,
  ) {
    this.sessions = new Sessions(deps);
    this.tries = new LoginTries(deps);
  }

  accessFor(request: FastifyRequest): Access {
    const { headers } = request;
    return accessOf({ headers, remoteAddress: this.deps.addressOf(request.raw) }, this.options, this.sessionOf(request));
  }

  /** Milliseconds until this address may try a token again. */
  waitMs(request: FastifyRequest): number | undefined {
    return this.tries.waitMs(this.deps.addressOf(request.raw) ?? '');
  }

  /** Begins a session for the bearer of a right token. */
  logIn(token: string, request: FastifyRequest, reply: FastifyReply): Granted | undefined {
    const address = this.deps.addressOf(request.raw) ?? '';
    const granted = grantOf(token, this.options);
    if (granted === undefined) {
      this.tries.failed(address);
      return undefined;
    }
    this.tries.succeeded(address);
    this.endSession(request);
    this.setCookie(reply, request, this.sessions.open(granted));
    return granted;
  }

  logOut(request: FastifyRequest, reply: FastifyReply): void {
    this.endSession(request);
    this.setCookie(reply, request, '');
  }

  private endSession({ headers }: FastifyRequest): void {
    const token = cookieOf(headers, this.cookieName(headers));
    if (token !== undefined) this.sessions.close(token);
  }

  private sessionOf({ headers, method }: FastifyRequest): Granted | undefined {
    const token = cookieOf(headers, this.cookieName(headers));
    return token === undefined || token === '' || !isOwnPage(headers, method) ? undefined : this.sessions.find(token);
  }

  /** Under TLS, ours or that of a proxy under whose name the page was asked for. */
  private isSecure({ host }: IncomingHttpHeaders): boolean {
    const { tls, publicUrl } = this.options;
    if (tls !== undefined) return true;
    return publicUrl !== undefined && new URL(publicUrl).protocol === 'https:' && new URL(publicUrl).host === host;
  }

  private cookieName(headers: IncomingHttpHeaders): string {
    return this.isSecure(headers) ? '__Host-gateway-session' : 'gateway-session';
  }

  private setCookie(reply: FastifyReply, { headers }: FastifyRequest, value: string): void {
    const ends = value === '' ? '; Max-Age=0' : '';
    const secure = this.isSecure(headers) ? '; Secure' : '';
    reply.header('set-cookie', `${this.cookieName(headers)}=${value}; Path=/; HttpOnly; SameSite=Strict${secure}${ends}`);
  }
}

function fail(reply: FastifyReply, status: number, code: string, message: string): FastifyReply {
  return reply.code(status).send({ error: { code, message } });
}

/** `/dashboard/session`: who is logged in (GET), log in with a token (POST), log out (DELETE). */
export function addLogin(app: FastifyInstance, options: LoginOptions, deps: LoginDeps, desk: LoginDesk): void {
  const url = '/dashboard/session';

  app.get(url, async (request, reply) => {
    reply.header('cache-control', 'no-store');
    const access = desk.accessFor(request);
    const tokenNeeded = needsToken(options);
    return access === 'refused' ? { access, tokenNeeded } : { access, tokenNeeded, version: options.version, state: deps.state() };
  });

  app.post(url, async (request, reply) => {
    reply.header('cache-control', 'no-store');
    if (!isOwnPage(request.headers, request.method)) return fail(reply, 403, 'wrong-origin', 'log in on the page of the dashboard');
    if (!needsToken(options)) return fail(reply, 409, 'no-token', 'admin.token is not set: there is nothing to log in with');
    const waitMs = desk.waitMs(request);
    if (waitMs !== undefined) {
      const waitSeconds = Math.ceil(waitMs / 1000);
      reply.header('retry-after', waitSeconds);
      return fail(reply, 429, 'too-many-tries', `too many wrong tokens came from here; try again in ${waitSeconds} seconds`);
    }
    const token = (request.body as { readonly token?: unknown } | null | undefined)?.token;
    if (typeof token !== 'string' || token === '' || token.length > longestToken)
      return fail(reply, 400, 'invalid-body', 'send {"token": "…"} as JSON');
    const access = desk.logIn(token, request, reply);
    return access === undefined ? fail(reply, 401, 'wrong-token', 'this is not the token of this gateway') : { access };
  });

  app.delete(url, async (request, reply) => {
    if (!isOwnPage(request.headers, request.method)) return fail(reply, 403, 'wrong-origin', 'log out on the page of the dashboard');
    desk.logOut(request, reply);
    return reply.header('cache-control', 'no-store').code(204).send();
  });
}
