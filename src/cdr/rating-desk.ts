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
  rated: boolean;
  overAtMs?: number;
}

/**
 * Takes ratings of calls, once each, from whoever has the token of the call: the page that was in it. A fold
 * over call facts, which know tokens by their digests.
 */
export class RatingDesk {
  private readonly calls = new Map<string, Rateable>();
  private readonly digests = new Map<CallId, string>();
  /** Digests of calls that are over, oldest first. */
  private readonly over = new Set<string>();

  constructor(private readonly deps: RatingDeskDeps) {}

  readonly take = (fact: CallFact): void => {
    if (fact.type === 'page-token') {
      this.forget(this.digests.get(fact.callId));
      this.calls.set(fact.digest, { callId: fact.callId, rated: false });
      this.digests.set(fact.callId, fact.digest);
    }
    if (fact.type !== 'ended') return;
    const digest = this.digests.get(fact.callId);
    const call = digest === undefined ? undefined : this.calls.get(digest);
    if (digest === undefined || call === undefined) return;
    call.overAtMs = this.deps.clock.nowMs();
    this.over.add(digest);
    if (this.over.size > maxOver) this.forget([...this.over][0]);
  };

  /** False when there is no such call, or none any more, or it was rated before. */
  rate({ callToken, stars, comment }: RatingGiven): boolean {
    const call = this.calls.get(tokenDigest(callToken));
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

  private forget(digest: string | undefined): void {
    const call = digest === undefined ? undefined : this.calls.get(digest);
    if (digest === undefined || call === undefined) return;
    this.calls.delete(digest);
    this.over.delete(digest);
    this.digests.delete(call.callId);
  }
}
