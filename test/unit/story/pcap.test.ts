import { describe, expect, it } from 'vitest';
import { type CapturedMessage, sipCapture } from '../../../src/story/pcap.js';

const message = (more: Partial<CapturedMessage>): CapturedMessage => ({
  ...{ atMs: 1_700_000_000_123, way: 'out', transport: 'udp', text: 'INVITE sip:a SIP/2.0\r\n\r\n' },
  local: { host: '192.0.2.1', port: 5060 },
  remote: { host: '192.0.2.2', port: 5062 },
  ...more,
});

/** The packets of a file, without their record headers. */
function packetsOf(file: Buffer): { readonly atMs: number; readonly bytes: Buffer }[] {
  const packets = [];
  for (let at = 24; at < file.length; ) {
    const length = file.readUInt32LE(at + 8);
    expect(file.readUInt32LE(at + 12)).toBe(length);
    packets.push({
      atMs: file.readUInt32LE(at) * 1000 + file.readUInt32LE(at + 4) / 1000,
      bytes: file.subarray(at + 16, at + 16 + length),
    });
    at += 16 + length;
  }
  return packets;
}

/** Ones' complement sum of 16-bit words; of data with its checksum in it, it is all ones (RFC 1071 §1). */
function sum(...parts: readonly Buffer[]): number {
  let total = 0;
  for (const part of parts) {
    const even = part.length % 2 === 0 ? part : Buffer.concat([part, Buffer.alloc(1)]);
    for (let at = 0; at < even.length; at += 2) total += even.readUInt16BE(at);
  }
  while (total > 0xffff) total = (total & 0xffff) + (total >>> 16);
  return total;
}

describe('a capture file of SIP', () => {
  it('begins as pcap of raw IP packets, and is in order of time', () => {
    const file = sipCapture([message({ atMs: 2_000 }), message({ atMs: 1_500 })]);
    expect([file.readUInt32LE(0), file.readUInt16LE(4), file.readUInt16LE(6), file.readUInt32LE(20)]).toEqual([0xa1b2c3d4, 2, 4, 101]);
    expect(packetsOf(file).map(({ atMs }) => atMs)).toEqual([1_500, 2_000]);
  });

  it('holds datagrams with right lengths and checksums', () => {
    for (const text of ['INVITE sip:a SIP/2.0\r\n\r\n', 'odd']) {
      const [packet] = packetsOf(sipCapture([message({ text, way: 'in' })]));
      const bytes = packet?.bytes ?? Buffer.alloc(0);
      expect([bytes.readUInt16BE(2), bytes[9], bytes.readUInt16BE(24)]).toEqual([bytes.length, 17, bytes.length - 20]);
      expect([...bytes.subarray(12, 20)]).toEqual([192, 0, 2, 2, 192, 0, 2, 1]);
      expect([bytes.readUInt16BE(20), bytes.readUInt16BE(22)]).toEqual([5062, 5060]);
      expect(sum(bytes.subarray(0, 20))).toBe(0xffff);
      const pseudo = Buffer.from([0, 17, 0, bytes.length - 20]);
      expect(sum(bytes.subarray(12, 20), pseudo, bytes.subarray(20))).toBe(0xffff);
      expect(bytes.subarray(28).toString()).toBe(text);
    }
  });

  it('holds streams as segments that go on from one another, WebSockets at the port of SIP', () => {
    const ends = { local: { host: '::1', port: 8080 }, remote: { host: '2001:db8::7', port: 40_000 } };
    const file = sipCapture([
      message({ ...ends, transport: 'wss', way: 'in', text: 'x'.repeat(70_000) }),
      message({ ...ends, transport: 'wss', atMs: 1_700_000_000_124, text: 'answer' }),
    ]);
    const segments = packetsOf(file).map(({ bytes }) => {
      expect([(bytes[0] ?? 0) >> 4, bytes[6], bytes.readUInt16BE(4)]).toEqual([6, 6, bytes.length - 40]);
      const pseudo = Buffer.alloc(8);
      pseudo.writeUInt32BE(bytes.length - 40, 0);
      pseudo[7] = 6;
      expect(sum(bytes.subarray(8, 40), pseudo, bytes.subarray(40))).toBe(0xffff);
      return {
        from: bytes.readUInt16BE(40),
        to: bytes.readUInt16BE(42),
        seq: bytes.readUInt32BE(44),
        ack: bytes.readUInt32BE(48),
        bytes: bytes.length - 60,
      };
    });
    expect(segments).toEqual([
      { from: 40_000, to: 5060, seq: 1, ack: 1, bytes: 65_000 },
      { from: 40_000, to: 5060, seq: 65_001, ack: 1, bytes: 5_000 },
      { from: 5060, to: 40_000, seq: 1, ack: 70_001, bytes: 6 },
    ]);
    expect(packetsOf(file)[0]?.bytes.subarray(8, 24).toString('hex')).toBe('20010db8000000000000000000000007');
  });

  it('puts an address of documentation where it knows none', () => {
    const [packet] = packetsOf(sipCapture([message({ remote: { host: 'sip.example', port: 0 } })]));
    expect([...(packet?.bytes.subarray(16, 20) ?? [])]).toEqual([192, 0, 2, 1]);
  });
});
