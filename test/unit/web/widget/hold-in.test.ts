import { describe, expect, it } from 'vitest';
import { holdIn } from '../../../../src/web/widget/hold-in.js';

const saying = (direction: string): string => `v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 0\r\n${direction}\r\n`;

describe('an offer of the far end', () => {
  it('holds the call when it takes nothing from us', () => {
    expect(['a=sendonly', 'a=inactive', 'a=sendrecv', 'a=recvonly', ''].map((line) => holdIn(saying(line)))).toEqual([
      'remote',
      'remote',
      'none',
      'none',
      'none',
    ]);
  });
});
