import type { FastifyInstance, FastifyReply } from 'fastify';
import { AskingRate } from '../auth/asking-rate.js';
import type { AddressOf } from '../base/client-address.js';
import type { Clock } from '../base/clock.js';
import { household, networkPrefix } from '../base/network-prefix.js';
import type { RatingGiven } from '../cdr/rating-desk.js';
import { allowOrigin, type IceDeps } from './ice-api.js';

/** What the route asks of the gateway. */
export interface RatingDeps {
  readonly clock: Pick<Clock, 'nowMs'>;
  /** False when the token is of no call that may be rated. */
  readonly rate: (rating: RatingGiven) => boolean;
}

/** Ratings one address may give in an hour. */
const perHour = 120;
const longestComment = 500;
const longestToken = 256;

/** `POST /api/v1/ratings`: how a call was, from the page that was in it, also when it is over. */
export function addRatingApi(
  app: FastifyInstance,
  deps: RatingDeps,
  origins: Pick<IceDeps, 'sites' | 'origins'>,
  addressOf: AddressOf,
): void {
  const rate = new AskingRate({ clock: { nowMs: () => deps.clock.nowMs() } });

  app.options('/api/v1/ratings', async (request, reply) => {
    if (!allowOrigin(request, reply, origins)) return reply.code(403).send();
    return reply
      .header('access-control-allow-methods', 'POST')
      .header('access-control-allow-headers', 'content-type')
      .header('access-control-max-age', '600')
      .code(204)
      .send();
  });

  app.post('/api/v1/ratings', async (request, reply) => {
    const known = allowOrigin(request, reply, origins);
    reply.header('cache-control', 'no-store');
    if (request.headers.origin !== undefined && !known)
      return fail(reply, 403, 'wrong-origin', 'this page is of none of the origins that may call');
    const waitMs = rate.ask(networkPrefix(addressOf(request.raw), household), perHour);
    if (waitMs !== undefined) {
      reply.header('retry-after', String(Math.ceil(waitMs / 1000)));
      return fail(reply, 429, 'over-limit', 'too many ratings came from here');
    }
    const given = readRating(request.body);
    if (typeof given === 'string') return fail(reply, 400, 'invalid-body', given);
    if (!deps.rate(given)) return fail(reply, 404, 'unknown-call', 'this is the token of no call that may be rated');
    return reply.code(204).send();
  });
}

function fail(reply: FastifyReply, status: number, code: string, message: string): FastifyReply {
  return reply.code(status).send({ error: { code, message } });
}

/** A rating, or what is wrong with it. */
function readRating(body: unknown): RatingGiven | string {
  const { callToken, stars, comment } = (typeof body === 'object' && body !== null ? body : {}) as Readonly<Record<string, unknown>>;
  if (typeof callToken !== 'string' || callToken === '' || callToken.length > longestToken) return 'callToken must be the token of a call';
  if (stars !== 1 && stars !== 2 && stars !== 3 && stars !== 4 && stars !== 5) return 'stars must be a whole number from 1 to 5';
  if (comment === undefined || comment === '') return { callToken, stars };
  if (typeof comment !== 'string' || comment.length > longestComment) return `comment must be text of at most ${longestComment} characters`;
  return { callToken, stars, comment };
}
