import { createHash } from 'node:crypto';
import type { TrunkPeer } from './options.js';

/**
 * The order in which the peers of a trunk are tried for one call: lower `priority` first; among equals
 * by chance, in proportion to `weight` (as RFC 2782 has it for SRV records). The chance is drawn from
 * the call's id, so that a second attempt of the same call sees the same order.
 */
export function peerOrder<P extends Pick<TrunkPeer, 'priority' | 'weight'>>(peers: readonly P[], callId: string): readonly P[] {
  if (peers.length < 2) return peers;
  const drawn = peers.map((peer, index) => ({ peer, ticket: draw(callId, index) ** (1 / Math.max(1, peer.weight)) }));
  drawn.sort((one, other) => one.peer.priority - other.peer.priority || other.ticket - one.ticket);
  return drawn.map(({ peer }) => peer);
}

/** A number in (0, 1], the same for the same call and peer. */
function draw(callId: string, index: number): number {
  return (createHash('sha256').update(`${callId}/${index}`).digest().readUInt32BE(0) + 1) / 2 ** 32;
}
