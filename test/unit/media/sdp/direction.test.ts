import { describe, expect, it } from 'vitest';
import { agreeDirection, reverseDirection, withoutReceiving } from '../../../../src/media/sdp/direction.js';
import type { SdpDirection } from '../../../../src/media/sdp/negotiated-audio.js';

const ALL: readonly SdpDirection[] = ['sendrecv', 'sendonly', 'recvonly', 'inactive'];

describe('directions', () => {
  it('are mirrored by the other end', () => {
    expect(ALL.map(reverseDirection)).toEqual(['sendrecv', 'recvonly', 'sendonly', 'inactive']);
  });

  it('are answered as RFC 3264 §6.1 has it (O4)', () => {
    const answers = ALL.map((ours) => ALL.map((theirs) => agreeDirection(ours, theirs)));
    expect(answers).toEqual([
      ['sendrecv', 'recvonly', 'sendonly', 'inactive'],
      ['sendonly', 'inactive', 'sendonly', 'inactive'],
      ['recvonly', 'recvonly', 'inactive', 'inactive'],
      ['inactive', 'inactive', 'inactive', 'inactive'],
    ]);
  });

  it('lose their receiving side when a peer has no address', () => {
    expect(ALL.map(withoutReceiving)).toEqual(['sendonly', 'sendonly', 'inactive', 'inactive']);
  });
});
