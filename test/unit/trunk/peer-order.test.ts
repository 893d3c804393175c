import { describe, expect, it } from 'vitest';
import { peerOrder } from '../../../src/trunk/peer-order.js';

const peer = (uri: string, priority: number, weight: number) => ({ uri, priority, weight });
const first = (peers: readonly { readonly uri: string }[]): string | undefined => peers[0]?.uri;

describe('the order of a trunk’s peers', () => {
  it('puts lower priorities first, whatever their weight', () => {
    const peers = [peer('late', 20, 1000), peer('early', 10, 1)];
    for (let call = 0; call < 200; call += 1) expect(first(peerOrder(peers, `c-${call}`))).toBe('early');
  });

  it('is the same for every attempt of one call', () => {
    const peers = [peer('a', 1, 5), peer('b', 1, 5), peer('c', 1, 5)];
    expect(peerOrder(peers, 'c-1')).toEqual(peerOrder(peers, 'c-1'));
  });

  it('shares calls in proportion to weight', () => {
    const peers = [peer('light', 1, 1), peer('heavy', 1, 3)];
    let heavy = 0;
    for (let call = 0; call < 4000; call += 1) if (first(peerOrder(peers, `c-${call}`)) === 'heavy') heavy += 1;
    expect(heavy / 4000).toBeGreaterThan(0.72);
    expect(heavy / 4000).toBeLessThan(0.78);
  });

  it('loses no peer', () => {
    const peers = [peer('a', 2, 1), peer('b', 1, 9), peer('c', 1, 1)];
    expect(
      peerOrder(peers, 'c-7')
        .map(({ uri }) => uri)
        .sort(),
    ).toEqual(['a', 'b', 'c']);
  });
});
