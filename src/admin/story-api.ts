import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { CallRecord } from '../cdr/record.js';
import { captureOf } from '../story/capture.js';
import type { KeptCall } from '../story/kept-call.js';
import { tellStory } from '../story/tell.js';
import type { Access } from './access.js';
import type { AdminDeps } from './ports.js';
import { type CallDto, callDto, recordDto } from './views.js';

/** Who asks, and how a request is refused: shared by all routes of the API. */
export interface ApiRoutes {
  readonly accessFor: (request: FastifyRequest) => Access;
  readonly fail: (reply: FastifyReply, status: number, code: string, message: string) => FastifyReply;
}

const idOf = (request: FastifyRequest): string => (request.params as { readonly id: string }).id;

/** `/calls/:id/story`: what happened in a call that is up or over, to read and as a capture file. */
export function addStoryApi(app: FastifyInstance, { accessFor, fail }: ApiRoutes, deps: AdminDeps): void {
  const missing = (reply: FastifyReply): FastifyReply => {
    return deps.story === undefined
      ? fail(reply, 404, 'no-stories', 'no stories are kept: story.calls is 0')
      : fail(reply, 404, 'unknown-call', 'there is no such call, or its story is not kept any more');
  };

  app.get('/calls/:id/story', async (request, reply) => {
    const kept = deps.story?.(idOf(request));
    if (kept === undefined) return missing(reply);
    const access = accessFor(request) === 'full' ? 'full' : 'masked';
    return tellStory(kept, summaryOf(kept, access, deps), access);
  });

  app.get('/calls/:id/story.pcap', async (request, reply) => {
    const id = idOf(request);
    const kept = deps.story?.(id);
    if (kept === undefined) return missing(reply);
    return reply
      .header('content-type', 'application/vnd.tcpdump.pcap')
      .header('content-disposition', `attachment; filename="call-${id.replace(/[^\w-]/g, '')}.pcap"`)
      .send(captureOf(kept));
  });
}

/** The record of a call that is over, the live view of one that is up; nothing between the two. */
function summaryOf(kept: KeptCall, access: Access, deps: AdminDeps): CallDto | CallRecord | undefined {
  const { callId } = kept;
  const record = deps.record(callId);
  if (record !== undefined) return recordDto(record, access);
  const view = deps.calls().find(({ id }) => id === callId);
  return view === undefined ? undefined : callDto(view, deps.notes(callId), access, kept);
}
