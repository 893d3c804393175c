/** Call facts as server-sent events (WHATWG HTML §9.2), for whoever follows one call, or all of them, over the API. */
import type { ServerResponse } from 'node:http';
import type { Clock, Timer } from '../base/clock.js';
import { maskNumber } from '../base/mask.js';
import { MASKED_DIGIT } from '../call/digits/page-text.js';
import type { CallFact, FactSink } from '../call/facts.js';
import type { Access } from './access.js';
import type { CallDto } from './views.js';

/** Streams at one time, of all calls. */
const maxStreams = 64;
/** Bytes that may wait for a reader who is slow; then the stream ends. */
const maxWaitingBytes = 64 * 1024;
/** A word now and then keeps proxies from closing a quiet stream, and finds readers that have gone. */
const heartbeatMs = 15_000;

interface Stream {
  readonly response: ServerResponse;
  readonly access: Access;
}

/** The streams of all calls: a fold over call facts. */
export class CallEvents {
  private readonly streams = new Map<string, Set<Stream>>();
  /** Of those who follow all calls. */
  private readonly everywhere = new Set<Stream>();
  private count = 0;
  private heartbeat: Timer | undefined;

  /** Without a clock there are no heartbeats. */
  constructor(private readonly deps: { readonly clock?: Clock } = {}) {}

  /** Takes the next fact. */
  readonly take: FactSink = (fact) => {
    for (const stream of this.everywhere) {
      const told = stateOf(fact, stream.access);
      if (told !== undefined) write(stream.response, told.name, told.data);
    }
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
    this.opened(response, () => {
      streams.delete(stream);
      if (streams.size === 0 && this.streams.get(callId) === streams) this.streams.delete(callId);
    });
    write(response, 'call', now);
  }

  /** Tells which calls are up now, and then of each that begins, how it goes on, and its end, until the reader goes. */
  followAll(response: ServerResponse, { access, now }: { readonly access: Access; readonly now: readonly CallDto[] }): void {
    const stream: Stream = { response, access };
    this.everywhere.add(stream);
    this.opened(response, () => this.everywhere.delete(stream));
    write(response, 'calls', { calls: now });
  }

  /** Streams now open. */
  get size(): number {
    return this.count;
  }

  private opened(response: ServerResponse, closed: () => void): void {
    this.count += 1;
    this.beat();
    response.on('error', () => response.destroy());
    response.once('close', () => {
      this.count -= 1;
      closed();
      if (this.count > 0) return;
      this.heartbeat?.cancel();
      this.heartbeat = undefined;
    });
  }

  private beat(): void {
    this.heartbeat ??= this.deps.clock?.after(heartbeatMs, () => {
      this.heartbeat = undefined;
      const all = [this.everywhere, ...this.streams.values()];
      for (const streams of all) for (const { response } of streams) writeText(response, ': alive\n\n');
      if (this.count > 0) this.beat();
    });
  }
}

function write(response: ServerResponse, type: string, data: object): void {
  writeText(response, `event: ${type}\ndata: ${JSON.stringify(data)}\n\n`);
}

function writeText(response: ServerResponse, text: string): void {
  if (response.writableEnded || response.destroyed) return;
  if (response.writableLength > maxWaitingBytes) {
    response.destroy();
    return;
  }
  response.write(text);
}

const iso = (ms: number): string => new Date(ms).toISOString();

/** Facts after which a list of calls looks different. */
const states: ReadonlySet<CallFact['type']> = new Set([
  ...(['routed', 'progress', 'ringing', 'answered', 'held', 'resumed', 'transferred', 'replaced'] as const),
  ...(['flow-lost', 'reattached', 'media-up', 'media-silent', 'media-resumed'] as const),
]);

/** What is told of a fact to those who follow all calls. */
function stateOf(fact: CallFact, access: Access): { readonly name: string; readonly data: object } | undefined {
  const { callId: id } = fact;
  if (fact.type === 'received') {
    const { direction, from, to, source, origin, trunk, account } = fact;
    const parties = { from: shownNumber(access, from.number), to: shownNumber(access, to) };
    return { name: 'begun', data: { id, at: iso(fact.atMs), direction, ...parties, source, origin, trunk, site: account?.site } };
  }
  if (fact.type === 'ended') return { name: 'ended', data: { id, ...eventOf(fact, access) } };
  if (!states.has(fact.type)) return undefined;
  return { name: 'state', data: { id, state: fact.type, ...eventOf(fact, access) } };
}

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
    case 'page-token':
    case 'crowded':
      return undefined;
    default:
      return { at, ...facts };
  }
}

const shownNumber = (access: Access, number: string): string => (access === 'full' ? number : maskNumber(number));
