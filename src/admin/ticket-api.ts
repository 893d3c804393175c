import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { TicketAnswer, TicketDesk } from '../auth/ticket-desk.js';
import { publicKeySet, type TicketKey } from '../auth/ticket-keys.js';
import type { AddressOf } from '../base/client-address.js';
import { type FailureCode, failureCodes, failureOf } from '../call/failure.js';
import type { IceServersAnswer } from '../turn/ice-servers.js';

/** What the ticket routes ask of the gateway. */
export interface TicketDeps {
  readonly desk: TicketDesk;
  readonly keys: readonly TicketKey[];
  /** Servers for whoever gets a ticket; absent where there are none. */
  readonly iceServersFor?: (subject: string) => IceServersAnswer;
}

type Refusal = Extract<TicketAnswer, { readonly kind: 'refused' }>;

const statuses: Readonly<Partial<Record<Refusal['code'], number>>> = { 'unknown-site': 401, 'invalid-body': 400, 'over-limit': 429 };

const isFailure = (code: string): code is FailureCode => (failureCodes as readonly string[]).includes(code);

/** `POST /api/v1/tickets` for back ends and pages, and the public keys that tickets are checked with (RFC 7517). */
export function addTicketApi(app: FastifyInstance, deps: TicketDeps, addressOf: AddressOf): void {
  app.register(async (scope) => {
    scope.addHook('onRequest', async (request, reply) => openTo(request, reply));
    scope.setErrorHandler((thrown, _request, reply) => {
      const { statusCode = 500, message } = thrown as { readonly statusCode?: number; readonly message: string };
      if (statusCode >= 500) throw thrown;
      return reply.code(statusCode).send({ error: { code: 'invalid-body', message } });
    });

    scope.options('/api/v1/tickets', async (_request, reply) =>
      reply
        .header('access-control-allow-methods', 'POST')
        .header('access-control-allow-headers', 'content-type')
        .header('access-control-max-age', '600')
        .code(204)
        .send(),
    );

    scope.post('/api/v1/tickets', async (request, reply) => {
      const secret = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
      const answer = await deps.desk.give({
        ...(secret === undefined ? {} : { secret }),
        ...(request.headers.origin === undefined ? {} : { pageOrigin: request.headers.origin }),
        address: addressOf(request.raw),
        body: request.body,
      });
      if (answer.kind === 'refused') return refuse(reply, answer);
      const { ticket, expiresAtMs, to, subject } = answer;
      const ice = deps.iceServersFor?.(subject);
      return reply.code(201).send({
        ticket,
        expiresAt: new Date(expiresAtMs).toISOString(),
        to,
        iceServers: ice?.iceServers ?? [],
      });
    });
  });

  app.get('/.well-known/jwks.json', async (_request, reply) =>
    reply
      .header('cache-control', 'public, max-age=300')
      .header('access-control-allow-origin', '*')
      .send(await publicKeySet(deps.keys)),
  );
}

/**
 * Any page may read the answer (Fetch §3.2), for a refusal tells the owner of a website what is wrong with
 * its configuration. It tells no secret: no cookie counts here, and a ticket goes only to an origin of its site.
 */
function openTo(request: FastifyRequest, reply: FastifyReply): void {
  const { origin } = request.headers;
  reply.header('vary', 'origin').header('cache-control', 'no-store').header('cross-origin-resource-policy', 'cross-origin');
  if (origin !== undefined) reply.header('access-control-allow-origin', origin);
  reply.header('access-control-expose-headers', 'retry-after');
}

function refuse(reply: FastifyReply, { code, why, retryAfterMs }: Refusal): FastifyReply {
  if (retryAfterMs !== undefined) reply.header('retry-after', String(Math.ceil(retryAfterMs / 1000)));
  const status = statuses[code] ?? (isFailure(code) ? failureOf(code).sipStatus : 403);
  if (status === 401) reply.header('www-authenticate', 'Bearer');
  return reply.code(status).send({ error: { code, message: why } });
}
