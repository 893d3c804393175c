/**
 * Session timers (RFC 4028), the rules alone: what is asked for, what is agreed, and when something
 * is due. Nothing here keeps time or reads messages.
 */
import type { SessionTimer } from './port.js';

/** The end of one request that does something: its sender or its receiver, not caller or called (§7.4, §9). */
export type Refresher = 'uac' | 'uas';

/** What a request or a response says of session timers. */
export interface TimerWords {
  /** Supported names `timer`. */
  readonly supported: boolean;
  /** Session-Expires. */
  readonly expiresSeconds?: number;
  readonly refresher?: Refresher;
  /** Min-SE. */
  readonly minSeconds?: number;
}

/** A session timer both ends know of. */
export interface AgreedTimer {
  readonly seconds: number;
  readonly weRefresh: boolean;
}

/** What the receiver of a request makes of it. */
export type TimerDecision =
  | { readonly kind: 'none' }
  | { readonly kind: 'agreed'; readonly timer: AgreedTimer }
  /** 422 with Min-SE (§6). */
  | { readonly kind: 'too-small'; readonly minSeconds: number };

/** Nobody may ask for less (§4, §5: also what a missing Min-SE means). */
export const shortestIntervalSeconds = 90;

/** More counts as this: ten days, which timers can still hold. */
const longestIntervalSeconds = 864_000;

/** Default of the stack: half an hour, the interval RFC 4028 §4 recommends. */
export const defaultSessionTimer: SessionTimer = { expiresSeconds: 1800, minSeconds: shortestIntervalSeconds };

/**
 * The receiver's side of a request that may refresh the session (§9). The one who sent it and did
 * not say who refreshes does so, as it was its wish; what runs already stays with whom it is; and a
 * sender that does not know session timers leaves the work to us (table 2 there).
 */
export function decideTimer(request: TimerWords, local: SessionTimer, current?: AgreedTimer): TimerDecision {
  const { supported, expiresSeconds } = request;
  const least = Math.max(request.minSeconds ?? 0, shortestIntervalSeconds);
  if (expiresSeconds === undefined && !supported && current === undefined) return { kind: 'none' };
  const limit = Math.max(local.minSeconds, shortestIntervalSeconds);
  if (supported && expiresSeconds !== undefined && expiresSeconds < limit) return { kind: 'too-small', minSeconds: limit };
  const ours = Math.max(local.expiresSeconds, limit, least);
  const wanted = expiresSeconds === undefined ? (current?.seconds ?? ours) : Math.min(expiresSeconds, ours);
  return { kind: 'agreed', timer: { seconds: bounded(Math.max(wanted, least)), weRefresh: weRefreshAsServer(request, current) } };
}

function weRefreshAsServer({ supported, expiresSeconds, refresher }: TimerWords, current: AgreedTimer | undefined): boolean {
  if (!supported) return true;
  if (refresher !== undefined) return refresher === 'uas';
  return current?.weRefresh ?? expiresSeconds === undefined;
}

/**
 * What the 2xx to a request of ours agrees on: nothing when it names no interval (§7.2), whatever
 * was agreed before. Without a named refresher it is ours to do; an interval no one may ask for
 * counts as the shortest.
 */
export function agreedByResponse({ expiresSeconds, refresher }: TimerWords): AgreedTimer | undefined {
  if (expiresSeconds === undefined) return undefined;
  return { seconds: bounded(expiresSeconds), weRefresh: refresher !== 'uas' };
}

function bounded(seconds: number): number {
  return Math.min(Math.max(seconds, shortestIntervalSeconds), longestIntervalSeconds);
}

/** What a request of ours asks for. */
export interface TimerAsk {
  readonly expiresSeconds: number;
  readonly minSeconds: number;
  readonly refresher?: Refresher;
}

/**
 * Session-Expires and Min-SE of a request of ours (§7.1, §7.4). `learntMinSeconds` is the greatest
 * Min-SE a 422 has told us. The first request names no refresher; a later one keeps who does it.
 */
export function askTimer(local: SessionTimer, learntMinSeconds: number, current?: AgreedTimer): TimerAsk {
  const minSeconds = Math.max(local.minSeconds, learntMinSeconds, shortestIntervalSeconds);
  const expiresSeconds = Math.max(current?.seconds ?? local.expiresSeconds, minSeconds);
  if (current === undefined) return { expiresSeconds, minSeconds };
  return { expiresSeconds, minSeconds, refresher: current.weRefresh ? 'uac' : 'uas' };
}

/** When the refresher refreshes, counted from the last 2xx: after half the interval (§7.2). */
export function refreshAfterMs({ seconds }: AgreedTimer): number {
  return seconds * 500;
}

/** When either end gives the session up with BYE: before its expiry by the lesser of 32 s and a third of it (§10). */
export function endAfterMs({ seconds }: AgreedTimer): number {
  return seconds * 1000 - Math.min(32_000, Math.floor((seconds * 1000) / 3));
}

/**
 * When to try again after a refresh that was refused: half of what is left. Undefined when so little
 * is left that an answer could not come in time.
 */
export function retryAfterMs(leftMs: number): number | undefined {
  const half = Math.floor(leftMs / 2);
  return half < 4000 ? undefined : half;
}
