import type { MediaDirection } from '../plane.js';
import type { NegotiatedAudio } from '../sdp/negotiated-audio.js';
import type { WantedAudio } from '../sdp/wanted-audio.js';
import type { LegTransport } from './transport/leg-transport.js';

/**
 * The offer/answer side of a leg: it owns the leg's transport, writes our SDP about it and tells it
 * what the peer's says. A description that is refused changes nothing (RFC 3261 §14.1).
 */
export interface Negotiation {
  readonly transport: LegTransport;
  /** Our offer, anew or again. */
  offer(wanted: WantedAudio, direction: MediaDirection): string;
  /** Our answer, and what it agrees on. Throws `sdp-malformed` or `sdp-not-acceptable`. */
  answer(offer: string, wanted: WantedAudio): Promise<{ readonly sdp: string; readonly audio: NegotiatedAudio }>;
  /** What the peer's answer to our last offer agrees on. Throws like `answer`, and `wrong-state` when we made none. */
  accept(answer: string): Promise<NegotiatedAudio>;
  /** What is wrong with a set-up that has taken until now; undefined when nothing is pending. */
  overdue(nowMs: number): { readonly cause: 'ice-failed' | 'setup-timeout'; readonly detail: string } | undefined;
}
