import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type Access, accessOf } from './access.js';
import type { AdminDeps, AdminOptions } from './ports.js';
import { callDto, recordDto, trunkDto } from './views.js';

/** Digits in one request. */
const maxDigits = 64;
const maxRecords = 1000;

function fail(reply: FastifyReply, status: number, code: string, message: string): FastifyReply {
  return reply.code(status).send({ error: { code, message } });
}

/** Reads `{ digits: "12#" }`; what is wrong with it when it is something else. */
function readDigits(body: unknown): { readonly digits: string } | { readonly wrong: string } {
  if (typeof body !== 'object' || body === null) return { wrong: 'send a JSON object: { "digits": "12#" }' };
  const { digits } = body as { readonly digits?: unknown };
  if (typeof digits !== 'string' || !/^[0-9*#A-Da-d]+$/.test(digits)) return { wrong: 'digits must be text of 0-9, *, # and A-D' };
  if (digits.length > maxDigits) return { wrong: `at most ${maxDigits} digits in one request` };
  return { digits: digits.toUpperCase() };
}

const idOf = (request: FastifyRequest): string => (request.params as { readonly id: string }).id;

/** `/api/v1`: live calls, recent records, trunks, digits, draining. */
export function addApi(app: FastifyInstance, options: Pick<AdminOptions, 'token'>, deps: AdminDeps): void {
  const access = new WeakMap<FastifyRequest, Access>();
  const accessFor = (request: FastifyRequest): Access => access.get(request) ?? 'refused';
  const { token } = options;

  app.addHook('onRequest', async (request, reply) => {
    const granted = accessOf({ headers: request.headers, remoteAddress: request.socket.remoteAddress }, token);
    access.set(request, granted);
    reply.header('cache-control', 'no-store');
    if (granted !== 'refused') return;
    if (token === undefined)
      return fail(reply, 403, 'local-only', 'without admin.token the API answers only this machine, and no page of another origin');
    reply.header('www-authenticate', 'Bearer');
    return fail(reply, 401, 'unauthorized', 'send Authorization: Bearer with the token of admin.token');
  });

  app.get('/calls', async (request) => ({
    calls: deps.calls().map((view) => callDto(view, deps.notes(view.id), accessFor(request))),
  }));

  app.get('/calls/:id', async (request, reply) => {
    const view = deps.calls().find((call) => call.id === idOf(request));
    return view === undefined
      ? fail(reply, 404, 'unknown-call', 'there is no such call now')
      : callDto(view, deps.notes(view.id), accessFor(request));
  });

  app.delete('/calls/:id', async (request, reply) => {
    return deps.hangUp(idOf(request)) ? reply.code(204).send() : fail(reply, 404, 'unknown-call', 'there is no such call now');
  });

  app.post('/calls/:id/dtmf', async (request, reply) => {
    const wanted = readDigits(request.body);
    if ('wrong' in wanted) return fail(reply, 400, 'invalid-digits', wanted.wrong);
    const outcome = await deps.sendDigits(idOf(request), wanted.digits);
    switch (outcome.kind) {
      case 'sent':
        return reply.code(202).send({ accepted: wanted.digits.length });
      case 'unknown-call':
        return fail(reply, 404, 'unknown-call', 'there is no such call now');
      case 'refused':
        return fail(reply, 409, 'digits-refused', outcome.why);
    }
  });

  app.get('/trunks', async () => ({ trunks: deps.trunks().map(trunkDto) }));

  app.post('/drain', async (_request, reply) => {
    deps.drain();
    return reply.code(202).send({ state: deps.state() });
  });

  app.get('/cdrs', async (request, reply) => {
    const { limit = '100' } = request.query as { readonly limit?: string };
    if (!/^\d{1,4}$/.test(limit) || Number(limit) < 1 || Number(limit) > maxRecords) {
      return fail(reply, 400, 'invalid-limit', `limit must be 1 to ${maxRecords}`);
    }
    return { cdrs: deps.recentRecords(Number(limit)).map((record) => recordDto(record, accessFor(request))) };
  });
}
