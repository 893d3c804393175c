import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type Access, needsToken } from './access.js';
import { readDigitRequest, readSecureRequest } from './digit-requests.js';
import { addGuardApi } from './guard-api.js';
import type { LoginDesk } from './login.js';
import type { AdminDeps, AdminOptions } from './ports.js';
import { addRecordApi } from './record-api.js';
import { addStoryApi } from './story-api.js';
import { callDto, trunkDto } from './views.js';

const defaultSecureSeconds = 120;

function fail(reply: FastifyReply, status: number, code: string, message: string): FastifyReply {
  return reply.code(status).send({ error: { code, message } });
}

/** Server-sent events begin (WHATWG HTML §9.2); proxies are asked not to hold them back. */
function beginStream(reply: FastifyReply): void {
  reply.hijack();
  reply.raw.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    'x-accel-buffering': 'no',
  });
}

const idOf = (request: FastifyRequest): string => (request.params as { readonly id: string }).id;

/** `/api/v1`: live calls and their events, recent records, trunks, digits, draining. */
export function addApi(app: FastifyInstance, options: Pick<AdminOptions, 'token' | 'viewToken'>, deps: AdminDeps, desk: LoginDesk): void {
  const access = new WeakMap<FastifyRequest, Access>();
  const accessFor = (request: FastifyRequest): Access => access.get(request) ?? 'refused';

  app.addHook('onRequest', async (request, reply) => {
    const granted = desk.accessFor(request);
    access.set(request, granted);
    reply.header('cache-control', 'no-store');
    if (granted === 'view' && request.method !== 'GET' && request.method !== 'HEAD')
      return fail(reply, 403, 'view-only', 'this login may look, and change nothing');
    if (granted !== 'refused') return;
    if (!needsToken(options))
      return fail(reply, 403, 'local-only', 'without admin.token the API answers only this machine, and no page of another origin');
    reply.header('www-authenticate', 'Bearer');
    return fail(reply, 401, 'unauthorized', 'send Authorization: Bearer with the token of admin.token');
  });

  app.get('/calls', async (request) => ({
    calls: deps.calls().map((view) => callDto(view, deps.notes(view.id), accessFor(request), deps.story?.(view.id))),
  }));

  app.get('/calls/:id', async (request, reply) => {
    const view = deps.calls().find((call) => call.id === idOf(request));
    return view === undefined
      ? fail(reply, 404, 'unknown-call', 'there is no such call now')
      : callDto(view, deps.notes(view.id), accessFor(request), deps.story?.(view.id));
  });

  app.delete('/calls/:id', async (request, reply) => {
    return deps.hangUp(idOf(request)) ? reply.code(204).send() : fail(reply, 404, 'unknown-call', 'there is no such call now');
  });

  app.post('/calls/:id/dtmf', async (request, reply) => {
    const wanted = readDigitRequest(request.body);
    if ('wrong' in wanted) return fail(reply, 400, wanted.code, wanted.wrong);
    const outcome = await deps.sendDigits(idOf(request), wanted.digits, wanted.wishes);
    switch (outcome.kind) {
      case 'sent':
        return reply.code(202).send({ accepted: outcome.ids.length, ids: outcome.ids });
      case 'unknown-call':
        return fail(reply, 404, 'unknown-call', 'there is no such call now');
      case 'refused':
        return fail(reply, 409, 'digits-refused', outcome.why);
    }
  });

  app.post('/calls/:id/secure-digits', async (request, reply) => {
    const wanted = readSecureRequest(request.body);
    if ('wrong' in wanted) return fail(reply, 400, wanted.code, wanted.wrong);
    const { open, seconds = defaultSecureSeconds } = wanted;
    if (!deps.secureDigits(idOf(request), open, seconds)) return fail(reply, 404, 'unknown-call', 'there is no such call now');
    return reply.code(200).send(open ? { open, seconds } : { open });
  });

  app.get('/calls/:id/events', async (request, reply) => {
    const id = idOf(request);
    const view = deps.calls().find((call) => call.id === id);
    if (view === undefined) return fail(reply, 404, 'unknown-call', 'there is no such call now');
    if (deps.events.isFull) return fail(reply, 503, 'too-many-streams', 'too many readers follow calls already');
    beginStream(reply);
    const access = accessFor(request);
    deps.events.follow(id, reply.raw, { access, now: callDto(view, deps.notes(id), access) });
  });

  app.get('/trunks', async () => ({ trunks: deps.trunks().map(trunkDto) }));

  addGuardApi(app, deps.guard);

  app.post('/drain', async (_request, reply) => {
    deps.drain();
    return reply.code(202).send({ state: deps.state() });
  });

  app.get('/events', async (request, reply) => {
    if (deps.events.isFull) return fail(reply, 503, 'too-many-streams', 'too many readers follow calls already');
    beginStream(reply);
    const access = accessFor(request);
    const now = deps.calls().map((view) => callDto(view, deps.notes(view.id), access));
    deps.events.followAll(reply.raw, { access, now });
  });

  addStoryApi(app, { accessFor, fail }, deps);
  addRecordApi(app, { accessFor, fail }, deps);
}
