import { describe, expect, it } from 'vitest';
import { RtpPacket, writeRtpHeader } from '../../../../src/media/rtp/rtp-packet.js';
import { integerIn, seededRandom } from '../seeded-random.js';

function packetOf(hex: string): { readonly ok: boolean; readonly packet: RtpPacket } {
  const packet = new RtpPacket();
  return { ok: packet.parse(Buffer.from(hex.replace(/\s/g, ''), 'hex')), packet };
}

const HEADER = '80e0 fffe 01020304 a1a2a3a4';

describe('RtpPacket', () => {
  it('reads the fixed header and the payload behind it', () => {
    const { ok, packet } = packetOf(`${HEADER} 112233`);
    expect(ok).toBe(true);
    expect(packet).toMatchObject({
      ...{ marker: true, payloadType: 96, sequenceNumber: 0xfffe, timestamp: 0x01020304, ssrc: 0xa1a2a3a4 },
      ...{ csrcCount: 0, hasExtension: false, payloadOffset: 12, payloadLength: 3 },
    });
  });

  it('passes over contributing sources, an extension and padding', () => {
    const { ok, packet } = packetOf('b200 0001 00000002 00000003 0000000a 0000000b bede0001 10aa0000 55 66 000003');
    expect(ok).toBe(true);
    expect(packet).toMatchObject({ csrcCount: 2, extensionProfile: 0xbede, extensionOffset: 24, extensionLength: 4 });
    expect(packet).toMatchObject({ payloadOffset: 28, payloadLength: 2 });
    expect([packet.csrc(0), packet.csrc(1), packet.csrc(2), packet.csrc(-1)]).toEqual([10, 11, undefined, undefined]);
  });

  it('reads in the middle of a larger buffer', () => {
    const buffer = Buffer.concat([Buffer.alloc(5, 0xff), Buffer.from(`${HEADER.replace(/\s/g, '')}aabb`, 'hex'), Buffer.alloc(9)]);
    const packet = new RtpPacket();
    expect(packet.parse(buffer, 5, 14)).toBe(true);
    expect(packet).toMatchObject({ offset: 5, length: 14, payloadOffset: 17, payloadLength: 2 });
  });

  it.each([
    ['shorter than a header', '80000001000000020000'],
    ['of another version', '40000001 00000002 00000003'],
    ['with contributing sources that do not fit', '82000001 00000002 00000003 00000004'],
    ['with an extension header that does not fit', '90000001 00000002 00000003 bede'],
    ['with an extension longer than itself', '90000001 00000002 00000003 bede0002 00000000'],
    ['with padding of zero bytes', 'a0000001 00000002 00000003 0000'],
    ['with more padding than payload', 'a0000001 00000002 00000003 0004'],
    ['with padding and no payload at all', 'a0000001 00000002 00000003'],
  ])('refuses a packet %s', (_, hex) => {
    expect(packetOf(hex).ok).toBe(false);
  });

  it('refuses ranges outside the buffer', () => {
    const packet = new RtpPacket();
    expect(packet.parse(Buffer.alloc(20, 0x80), -1, 12)).toBe(false);
    expect(packet.parse(Buffer.alloc(20, 0x80), 10, 12)).toBe(false);
  });

  it('never throws and never points outside the packet, whatever the bytes', () => {
    const random = seededRandom(1);
    const packet = new RtpPacket();
    let parsed = 0;
    for (let round = 0; round < 20_000; round += 1) {
      const buffer = Buffer.from(Array.from({ length: integerIn(random, 0, 40) }, () => integerIn(random, 0, 255)));
      if (buffer.length > 0) buffer[0] = 0x80 | ((buffer[0] ?? 0) & 0x3f);
      if (!packet.parse(buffer)) continue;
      parsed += 1;
      expect(packet.payloadOffset + packet.payloadLength).toBeLessThanOrEqual(buffer.length);
      expect(packet.payloadLength).toBeGreaterThanOrEqual(0);
    }
    expect(parsed).toBeGreaterThan(500);
  });

  it('reads back what was written', () => {
    const random = seededRandom(2);
    const buffer = Buffer.alloc(32);
    const packet = new RtpPacket();
    for (let round = 0; round < 2000; round += 1) {
      const marker = random() < 0.5;
      const [payloadType, sequenceNumber] = [integerIn(random, 0, 127), integerIn(random, 0, 65535)];
      const [timestamp, ssrc] = [integerIn(random, 0, 2 ** 32 - 1), integerIn(random, 0, 2 ** 32 - 1)];
      expect(writeRtpHeader(buffer, 4, marker, payloadType, sequenceNumber, timestamp, ssrc)).toBe(12);
      expect(packet.parse(buffer, 4, 20)).toBe(true);
      expect(packet).toMatchObject({ marker, payloadType, sequenceNumber, timestamp, ssrc, payloadLength: 8 });
    }
  });
});
