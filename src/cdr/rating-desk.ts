import type { Clock } from '../base/clock.js';
import type { CallId } from '../base/ids.js';
import type { CallFact, FactSink } from '../call/facts.js';
import { tokenDigest } from '../call/token-digest.js';

/** What somebody at a page says of a call. */
export interface RatingGiven {
  readonly callToken: string;
  readonly stars: 1 | 2 | 3 | 4 | 5;
  readonly comment?: string;
}

interface RatingDeskDeps {
  readonly clock: Clock;
  /** Told of each rating that is taken. */
  readonly facts: FactSink;
}

/** Calls that are over and may still be rated; the oldest is forgotten for a new one. */
const maxOver = 1_000;
/** A rating that comes later than this is of no call one remembers. */
const rateWithinMs = 15 * 60_000;

interface Rateable {
  readonly callId: CallId;
  /** Of the tokens its pages were given, the last ones: which of them a page got for good, nobody tells. */
  readonly digests: string[];
  rated: boolean;
  overAtMs?: number;
}

const maxTokens = 6;

/**
 * Takes ratings of calls, once each, from whoever has the token of the call: the page that was in it. A fold
 * over call facts, which know tokens by their digests.
 */
export class RatingDesk {
  private readonly calls = new Map<CallId, Rateable>();
  private readonly byDigest = new Map<string, Rateable>();
  /** Calls that are over, oldest first. */
  private readonly over = new Set<Rateable>();

  constructor(private readonly deps: RatingDeskDeps) {}

  readonly take = (fact: CallFact): void => {
    if (fact.type === 'page-token') this.know(fact.callId, fact.digest);
    const call = fact.type === 'ended' ? this.calls.get(fact.callId) : undefined;
    if (call === undefined) return;
    call.overAtMs = this.deps.clock.nowMs();
    this.over.add(call);
    const [oldest] = this.over;
    if (oldest !== undefined && this.over.size > maxOver) this.forget(oldest);
  };

  /** False when there is no such call, or none any more, or it was rated before. */
  rate({ callToken, stars, comment }: RatingGiven): boolean {
    const call = this.byDigest.get(tokenDigest(callToken));
    if (call === undefined || call.rated) return false;
    const { clock, facts } = this.deps;
    if (call.overAtMs !== undefined && clock.nowMs() - call.overAtMs > rateWithinMs) return false;
    call.rated = true;
    facts({ type: 'rated', stars, ...(comment === undefined ? {} : { comment }), callId: call.callId, atMs: clock.wallMs() });
    return true;
  }

  /** Calls that may be rated. */
  get size(): number {
    return this.calls.size;
  }

  private know(callId: CallId, digest: string): void {
    const call = this.calls.get(callId) ?? { callId, digests: [], rated: false };
    this.calls.set(callId, call);
    this.byDigest.set(digest, call);
    call.digests.push(digest);
    const old = call.digests.length > maxTokens ? call.digests.shift() : undefined;
    if (old !== undefined) this.byDigest.delete(old);
  }

  private forget(call: Rateable): void {
    for (const digest of call.digests) this.byDigest.delete(digest);
    this.calls.delete(call.callId);
    this.over.delete(call);
  }
}
