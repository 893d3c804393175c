/** The early dialogs of an INVITE of ours: each To tag is a phone or an announcement of its own (RFC 3261 §12.1.2). Pure. */
import type { RouteTarget } from './ports.js';

/** An early dialog and the last description it came with. */
export interface EarlyFork {
  readonly fork: string;
  readonly sdp: string;
}

/** Those that have described media, in the order they did; the last one is heard. */
export type EarlyForks = readonly EarlyFork[];

/** More phones than any carrier lets ring at once; the oldest are forgotten. */
const MAX_FORKS = 16;

/** With a description of `fork`, which is heard from now on; undefined when it has said the same before. */
export function described(forks: EarlyForks, fork: string, sdp: string): EarlyForks | undefined {
  if (forks.some((one) => one.fork === fork && one.sdp === sdp)) return undefined;
  return [...without(forks, fork), { fork, sdp }].slice(-MAX_FORKS);
}

/** The one whose media the caller hears. */
export const heard = (forks: EarlyForks): EarlyFork | undefined => forks.at(-1);

/** After a fork has gone (RFC 6228). */
export const without = (forks: EarlyForks, fork: string): EarlyForks => forks.filter((one) => one.fork !== fork);

/** Whether an offer of this fork concerns what the caller hears; where nothing is heard yet, any does. */
export const mayOffer = (forks: EarlyForks, fork: string | undefined): boolean => forks.length === 0 || heard(forks)?.fork === (fork ?? '');

/** Whether it takes sound, not its mere description, to end the caller's own ringing (RFC 3960 §3.2). */
export const waitsForSound = (target: RouteTarget): boolean => target.kind === 'trunk' && target.early === 'heard';
