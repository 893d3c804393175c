import { describe, expect, it } from 'vitest';
import { isRtcp, kindOfDatagram } from '../../../../src/media/rtp/demux.js';

describe('telling datagrams apart', () => {
  it('knows each range of RFC 7983 at both of its ends', () => {
    const kinds = [0, 3, 4, 15, 16, 19, 20, 63, 64, 79, 80, 127, 128, 191, 192, 255].map(kindOfDatagram);
    expect(kinds).toEqual([
      ...['stun', 'stun', 'unknown', 'unknown', 'zrtp', 'zrtp', 'dtls', 'dtls'],
      ...['turn-channel', 'turn-channel', 'unknown', 'unknown', 'rtp', 'rtp', 'unknown', 'unknown'],
    ]);
  });

  it('takes packet types 192 to 223 for RTCP', () => {
    expect([191, 192, 200, 223, 224].map(isRtcp)).toEqual([false, true, true, true, false]);
  });
});
