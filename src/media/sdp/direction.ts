import type { SdpDirection } from './negotiated-audio.js';

/** Directions as pairs of send and receive, so that offer and answer meet by intersection (RFC 3264 §6.1, RFC 6337 §5.3). */

const SENDS: readonly SdpDirection[] = ['sendrecv', 'sendonly'];
const RECEIVES: readonly SdpDirection[] = ['sendrecv', 'recvonly'];

function directionOf(sends: boolean, receives: boolean): SdpDirection {
  if (sends) return receives ? 'sendrecv' : 'sendonly';
  return receives ? 'recvonly' : 'inactive';
}

/** The same stream seen from the other end. */
export function reverseDirection(direction: SdpDirection): SdpDirection {
  return directionOf(RECEIVES.includes(direction), SENDS.includes(direction));
}

/** What we do, of what we want and what the peer said of itself. */
export function agreeDirection(ours: SdpDirection, theirs: SdpDirection): SdpDirection {
  const mirrored = reverseDirection(theirs);
  return directionOf(SENDS.includes(ours) && SENDS.includes(mirrored), RECEIVES.includes(ours) && RECEIVES.includes(mirrored));
}

/** What a peer says of itself once it is held the old way, by `c=0.0.0.0`: it receives nothing (RFC 3264 §8.4). */
export function withoutReceiving(direction: SdpDirection): SdpDirection {
  return directionOf(SENDS.includes(direction), false);
}
