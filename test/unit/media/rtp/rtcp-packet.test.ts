import { describe, expect, it } from 'vitest';
import { MAX_REPORT_BYTES, ntpMiddle, parseRtcp, writeGoodbye, writeReport } from '../../../../src/media/rtp/rtcp-packet.js';
import { integerIn, seededRandom } from '../seeded-random.js';

const INFO = { ntpSeconds: 0xe0001234, ntpFraction: 0x80000000, rtpTimestamp: 0xffffff00, packetCount: 50, octetCount: 8000 };
const BLOCK = {
  ...{ ssrc: 0xcafe, fractionLost: 12, cumulativeLost: -3, extendedHighestSequence: 70_000 },
  ...{ jitter: 44, lastSenderReport: 0x12348000, delaySinceLastSenderReport: 65_536 },
};
const bytes = (hex: string): Buffer => Buffer.from(hex.replace(/\s/g, ''), 'hex');

describe('RTCP', () => {
  it.each([
    ['a sender report with a block', { info: INFO, block: BLOCK }],
    ['a sender report without', { info: INFO }],
    ['a receiver report with a block', { block: BLOCK }],
    ['an empty receiver report', {}],
  ])('reads back %s, and the CNAME behind it', (_, parts) => {
    for (const cname of ['', 'a', 'ab', 'abc', 'abcd', 'x'.repeat(300)]) {
      const buffer = Buffer.alloc(MAX_REPORT_BYTES, 0xee);
      const length = writeReport(buffer, 0, { ssrc: 0xfeed, cname, ...parts });
      expect(length % 4).toBe(0);
      const blocks = 'block' in parts ? [BLOCK] : [];
      const report =
        'info' in parts ? { type: 'sender-report', ssrc: 0xfeed, info: INFO, blocks } : { type: 'receiver-report', ssrc: 0xfeed, blocks };
      expect(parseRtcp(buffer, 0, length)).toEqual([report, { type: 'cname', ssrc: 0xfeed, cname: cname.slice(0, 255) }]);
    }
  });

  it('reads back a goodbye behind a report', () => {
    const buffer = Buffer.alloc(200);
    const report = writeReport(buffer, 8, { ssrc: 1, cname: 'c' });
    const length = report + writeGoodbye(buffer, 8 + report, 1);
    expect(parseRtcp(buffer, 8, length)?.at(-1)).toEqual({ type: 'goodbye', ssrcs: [1] });
  });

  it('reads a goodbye with a reason', () => {
    expect(parseRtcp(bytes('82cb0004 00000001 00000002 0462 796521 000000'.padEnd(40, '0')))).toEqual([
      { type: 'goodbye', ssrcs: [1, 2], reason: 'bye!' },
    ]);
  });

  it('passes over types it does not know, padding and other items of a description', () => {
    expect(parseRtcp(bytes('81ce0002 00000001 00000002 a0c90002 00000007 00000004'))).toEqual([
      { type: 'receiver-report', ssrc: 7, blocks: [] },
    ]);
    expect(parseRtcp(bytes('81ca0004 00000009 0202 4142 0101 43 00 00000000'))).toEqual([{ type: 'cname', ssrc: 9, cname: 'C' }]);
  });

  it.each([
    ['nothing', ''],
    ['less than a header', '80c9'],
    ['another version', '40c90001 00000001'],
    ['a length beyond the datagram', '80c90002 00000001'],
    ['bytes left over', '80c90001 00000001 80'],
    ['a sender report too short for itself', '80c80001 00000001'],
    ['more blocks than room', '81c90001 00000001'],
    ['more padding than packet', 'a0c90001 00000009'],
    ['a chunk that does not fit', '81ca0000'],
    ['an item cut after its type', '81ca0002 00000009 07014107'],
    ['an item longer than its packet', '81ca0002 00000009 01ff4142'],
    ['more leaving sources than room', '82cb0001 00000001'],
    ['a reason longer than its packet', '81cb0002 00000001 09616263'],
  ])('refuses %s', (_, hex) => {
    expect(parseRtcp(bytes(hex))).toBeUndefined();
  });

  it('refuses a range outside the buffer', () => {
    expect(parseRtcp(Buffer.alloc(8), -4, 8)).toBeUndefined();
    expect(parseRtcp(Buffer.alloc(8), 4, 8)).toBeUndefined();
  });

  it('never throws, whatever the bytes', () => {
    const random = seededRandom(3);
    let read = 0;
    for (let round = 0; round < 20_000; round += 1) {
      const words = integerIn(random, 1, 8);
      const buffer = Buffer.from(Array.from({ length: words * 4 }, () => integerIn(random, 0, 255)));
      buffer[0] = 0x80 | integerIn(random, 0, 63);
      buffer[1] = integerIn(random, 199, 204);
      buffer.writeUInt16BE(integerIn(random, 0, words), 2);
      if (parseRtcp(buffer) !== undefined) read += 1;
    }
    expect(read).toBeGreaterThan(500);
  });

  it('takes the middle of an NTP timestamp', () => {
    expect(ntpMiddle(INFO)).toBe(0x12348000);
  });
});
