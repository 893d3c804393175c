import { createHash, randomBytes } from 'node:crypto';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Clock } from '../../base/clock.js';
import { reasonPhrase } from '../status.js';
import { toTag } from './header-readers.js';
import type { SipRequestMessage, SipResponseMessage } from './message.js';
import { responseTo } from './serializer.js';

/** From when on new calls are turned away. What is up is served in any case. */
export interface OverloadOptions {
  /** Transactions of both sides, those included that only wait for repeated messages. */
  readonly maxTransactions: number;
  /** INVITEs without a final response, either way. */
  readonly maxInvites: number;
  /** Median delay of the event loop; beyond it, timers and answers are late for everybody. */
  readonly maxLagMs: number;
  /** Retry-After, seconds. */
  readonly retryAfterSeconds: number;
}

/** Bounds of one process. The many transactions are those of calls that are over: each waits half a minute (RFC 3261 §17). */
export const defaultOverload: OverloadOptions = { maxTransactions: 200_000, maxInvites: 10_000, maxLagMs: 500, retryAfterSeconds: 5 };

export interface OverloadDeps {
  readonly clock: Clock;
  readonly transactions: () => number;
  readonly invites: () => number;
  /** How late the event loop has been of late; measured by `LoopLag` when the stack runs. */
  readonly lagMs: () => number;
}

const secret = randomBytes(16);

/** The To tag of a stateless answer: the same for each repetition of a request (RFC 3261 §8.2.7). */
function statelessTag({ headers }: SipRequestMessage): string {
  const facts = `${headers.get('Via') ?? ''}\n${headers.get('Call-ID') ?? ''}`;
  return createHash('sha1').update(secret).update(facts).digest('base64url').slice(0, 11);
}

/**
 * Says which requests are turned away while the stack has more to do than it can: INVITEs that would
 * begin a call, and nothing else (RFC 3261 §21.5.4). Their 503 is stateless, so that it costs as
 * little as possible and keeps nothing.
 */
export class Overload {
  constructor(
    private readonly options: OverloadOptions,
    private readonly deps: OverloadDeps,
  ) {}

  get overloaded(): boolean {
    const { maxTransactions, maxInvites, maxLagMs } = this.options;
    return this.deps.transactions() >= maxTransactions || this.deps.invites() >= maxInvites || this.deps.lagMs() > maxLagMs;
  }

  /** The 503 for a request that is to be turned away; `undefined` for one that is to be served. */
  refusal(request: SipRequestMessage): SipResponseMessage | undefined {
    if (request.method !== 'INVITE' || toTag(request.headers) !== undefined || !this.overloaded) return undefined;
    const response = responseTo(request, 503, reasonPhrase(503), statelessTag(request));
    response.headers.add('Retry-After', String(this.options.retryAfterSeconds));
    return response;
  }
}

const resolutionMs = 20;
const windowMs = 1000;
const nsPerMs = 1_000_000;

/** How late the event loop runs: the median over the last whole second. */
export class LoopLag {
  private readonly histogram = monitorEventLoopDelay({ resolution: resolutionMs });
  private last = 0;
  private sinceMs: number;

  constructor(private readonly clock: Pick<Clock, 'nowMs'>) {
    this.sinceMs = clock.nowMs();
  }

  start(): void {
    this.histogram.enable();
  }

  stop(): void {
    this.histogram.disable();
  }

  read(): number {
    const now = this.clock.nowMs();
    if (now - this.sinceMs < windowMs) return this.last;
    this.sinceMs = now;
    this.last = this.histogram.count === 0 ? 0 : Math.max(0, this.histogram.percentile(50) / nsPerMs - resolutionMs);
    this.histogram.reset();
    return this.last;
  }
}
