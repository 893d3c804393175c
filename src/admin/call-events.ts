/** Call facts as server-sent events (WHATWG HTML §9.2), for whoever follows one call over the API. */
import type { ServerResponse } from 'node:http';
import { maskNumber } from '../base/mask.js';
import { MASKED_DIGIT } from '../call/digits/page-text.js';
import type { CallFact, FactSink } from '../call/facts.js';
import type { Access } from './access.js';
import type { CallDto } from './views.js';

/** Streams at one time, of all calls. */
const maxStreams = 64;
/** Bytes that may wait for a reader who is slow; then the stream ends. */
const maxWaitingBytes = 64 * 1024;

interface Stream {
  readonly response: ServerResponse;
  readonly access: Access;
}

/** The streams of all calls: a fold over call facts. */
export class CallEvents {
  private readonly streams = new Map<string, Set<Stream>>();
  private count = 0;

  /** Takes the next fact. */
  readonly take: FactSink = (fact) => {
    const streams = this.streams.get(fact.callId);
    if (streams === undefined) return;
    for (const stream of streams) {
      const told = eventOf(fact, stream.access);
      if (told !== undefined) write(stream.response, fact.type, told);
      if (fact.type === 'ended') stream.response.end();
    }
  };

  /** Whether there are as many readers as may be. */
  get isFull(): boolean {
    return this.count >= maxStreams;
  }

  /** Tells how a call stands now, and what happens in it, until it ends or the reader goes. */
  follow(callId: string, response: ServerResponse, { access, now }: { readonly access: Access; readonly now: CallDto }): void {
    const stream: Stream = { response, access };
    const streams = this.streams.get(callId) ?? new Set<Stream>();
    streams.add(stream);
    this.streams.set(callId, streams);
    this.count += 1;
    response.on('error', () => response.destroy());
    response.once('close', () => {
      this.count -= 1;
      streams.delete(stream);
      if (streams.size === 0 && this.streams.get(callId) === streams) this.streams.delete(callId);
    });
    write(response, 'call', now);
  }

  /** Streams now open. */
  get size(): number {
    return this.count;
  }
}

function write(response: ServerResponse, type: string, data: object): void {
  if (response.writableEnded || response.destroyed) return;
  if (response.writableLength > maxWaitingBytes) {
    response.destroy();
    return;
  }
  response.write(`event: ${type}\ndata: ${JSON.stringify(data)}\n\n`);
}

const iso = (ms: number): string => new Date(ms).toISOString();

/** What is told of a fact; undefined for those that are of no use outside. */
function eventOf(fact: CallFact, access: Access): Readonly<Record<string, unknown>> | undefined {
  const { callId: _, type, atMs, ...facts } = fact;
  const at = iso(atMs);
  switch (fact.type) {
    case 'digit': {
      const { id, from, by, durationMs, digit } = fact;
      return { at, id, digit: access === 'full' ? (digit ?? MASKED_DIGIT) : MASKED_DIGIT, from, by, durationMs: Math.round(durationMs) };
    }
    case 'routed':
      return { at, ...facts, dialled: shownNumber(access, fact.dialled) };
    case 'transfer-requested':
    case 'transferred':
      return { at, ...facts, to: shownNumber(access, fact.to) };
    case 'ended': {
      const { by, disposition, failure, sipStatus, q850, talkMs, totalMs } = fact;
      return { at, by, disposition, failure, sipStatus, q850, talkMs, totalMs };
    }
    case 'received':
    case 'leg':
    case 'crowded':
      return undefined;
    default:
      return { at, ...facts };
  }
}

const shownNumber = (access: Access, number: string): string => (access === 'full' ? number : maskNumber(number));
