import type { PathVector, VectorPacket } from './vectors.js';

type Impairments = Pick<PathVector, 'lossPercent' | 'reorderPercent' | 'duplicatePercent' | 'seed'>;

/** A reordered packet arrives this much late: behind the one or two that were sent after it. */
const REORDER_MS = 30;
const DUPLICATE_MS = 5;

/** Numbers in [0, 1) that follow from the seed alone (a 32-bit xorshift). */
export function seededRandom(seed: number): () => number {
  let state = (Math.imul(seed, 0x9e3779b1) | 1) >>> 0;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state / 2 ** 32;
  };
}

/** What arrives of these packets behind such a path, in order of arrival; the same each time. */
export function impair(packets: readonly VectorPacket[], impairments: Impairments): readonly VectorPacket[] {
  const random = seededRandom(impairments.seed);
  const happens = (percent: number): boolean => random() * 100 < percent;
  return packets
    .flatMap((packet) => {
      const [lost, late, twice] = [
        happens(impairments.lossPercent),
        happens(impairments.reorderPercent),
        happens(impairments.duplicatePercent),
      ];
      if (lost) return [];
      const arrived = late ? { ...packet, atMs: packet.atMs + REORDER_MS } : packet;
      return twice ? [arrived, { ...arrived, atMs: arrived.atMs + DUPLICATE_MS }] : [arrived];
    })
    .sort((a, b) => a.atMs - b.atMs);
}
