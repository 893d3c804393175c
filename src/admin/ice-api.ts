import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { AskingRate } from '../auth/asking-rate.js';
import { isOwnOrigin, type Sites } from '../auth/site.js';
import type { TicketVerdict } from '../auth/ticket-verifier.js';
import type { AddressOf } from '../base/client-address.js';
import type { Clock } from '../base/clock.js';
import { household, networkPrefix } from '../base/network-prefix.js';
import type { IceServersAnswer } from '../turn/ice-servers.js';

/** What the route asks of the gateway. */
export interface IceDeps {
  readonly clock: Pick<Clock, 'nowMs'>;
  readonly iceServersFor: (subject: string) => IceServersAnswer;
  /** Checks a ticket and uses nothing up. */
  readonly verify: (ticket: string, origin: string | undefined) => Promise<TicketVerdict>;
  readonly sites: Sites;
  /** Origins that need neither: the gateway's own, and those it was told of. */
  readonly origins: () => readonly string[];
}

/** Requests one address may make in an hour: a page asks once a call, and an office may stand behind one. */
const perHour = 600;

type Verdict = { readonly subject: string } | { readonly status: 401 | 403; readonly code: string; readonly why: string };

const refused = (status: 401 | 403, code: string, why: string): Verdict => ({ status, code, why });

/** `GET /api/v1/ice-servers`: STUN and TURN servers for a page that may call, with credentials that soon expire. */
export function addIceApi(app: FastifyInstance, deps: IceDeps, addressOf: AddressOf): void {
  const rate = new AskingRate({ clock: { nowMs: () => deps.clock.nowMs() } });

  app.options('/api/v1/ice-servers', async (request, reply) => {
    if (!allowOrigin(request, reply, deps)) return reply.code(403).send();
    return reply
      .header('access-control-allow-methods', 'GET')
      .header('access-control-allow-headers', 'authorization')
      .header('access-control-max-age', '600')
      .code(204)
      .send();
  });

  app.get('/api/v1/ice-servers', async (request, reply) => {
    allowOrigin(request, reply, deps);
    reply.header('cache-control', 'no-store');
    const waitMs = rate.ask(networkPrefix(addressOf(request.raw), household), perHour);
    if (waitMs !== undefined) {
      reply.header('retry-after', String(Math.ceil(waitMs / 1000)));
      return fail(reply, 429, 'over-limit', 'servers were asked for too often from here');
    }
    const verdict = await judge(request, deps);
    if ('subject' in verdict) return deps.iceServersFor(verdict.subject);
    if (verdict.status === 401) reply.header('www-authenticate', 'Bearer');
    return fail(reply, verdict.status, verdict.code, verdict.why);
  });
}

function fail(reply: FastifyReply, status: number, code: string, message: string): FastifyReply {
  return reply.code(status).send({ error: { code, message } });
}

/** A ticket, a site that lets its pages ask themselves, or an origin that may always call: in that order. */
async function judge(request: FastifyRequest, deps: IceDeps): Promise<Verdict> {
  const { origin, authorization } = request.headers;
  const ticket = /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1];
  if (ticket !== undefined) {
    const verdict = await deps.verify(ticket, origin ?? ownOriginOf(request, deps));
    return verdict.kind === 'good'
      ? { subject: verdict.site.key }
      : refused(401, verdict.failure, `the ticket is not taken: ${verdict.why}`);
  }
  const { site: key } = request.query as { readonly site?: unknown };
  if (typeof key === 'string') {
    const site = deps.sites.withKey(key);
    if (site === undefined) return refused(403, 'unknown-site', 'no site has this key');
    if (site.anonymous === undefined) return refused(401, 'ticket-required', 'pages of this site show a ticket');
    const own = isOwnOrigin(site.origins, origin ?? ownOriginOf(request, deps));
    return own ? { subject: site.key } : refused(403, 'wrong-origin', 'this page is of none of the origins of the site');
  }
  if (isOwnOrigin(deps.origins(), origin ?? ownOriginOf(request, deps))) return { subject: 'page' };
  return origin === undefined
    ? refused(401, 'ticket-required', 'send Authorization: Bearer with a ticket, or ?site= with the public key of a site')
    : refused(403, 'wrong-origin', 'this page is of none of the origins that may call');
}

/**
 * Browsers send no `Origin` with a GET to a page's own server (Fetch §3.2), but say that it is one
 * (Fetch Metadata §2.3), which no page can say of another.
 */
function ownOriginOf(request: FastifyRequest, deps: IceDeps): string | undefined {
  if (request.headers['sec-fetch-site'] !== 'same-origin') return undefined;
  const { host } = request.headers;
  return deps.origins().find((origin) => origin !== '*' && URL.canParse(origin) && new URL(origin).host === host);
}

/** Whoever is of a known origin may read the answer (Fetch §3.2), be it a refusal. */
export function allowOrigin(request: FastifyRequest, reply: FastifyReply, { sites, origins }: Pick<IceDeps, 'sites' | 'origins'>): boolean {
  const { origin } = request.headers;
  reply.header('vary', 'origin');
  if (origin === undefined) return false;
  if (!isOwnOrigin(origins(), origin) && !sites.all.some((site) => isOwnOrigin(site.origins, origin))) return false;
  reply.header('access-control-allow-origin', origin).header('cross-origin-resource-policy', 'cross-origin');
  return true;
}
