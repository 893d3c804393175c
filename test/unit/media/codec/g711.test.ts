import { describe, expect, it } from 'vitest';
import {
  A_TO_LINEAR,
  A_TO_MU,
  decodeG711,
  encodeA,
  encodeG711,
  encodeMu,
  MU_TO_A,
  MU_TO_LINEAR,
  translationTable,
} from '../../../../src/media/codec/g711.js';

const bytes = Array.from({ length: 256 }, (_, byte) => byte);

describe('G.711', () => {
  it('has the values of the recommendation at the ends and around zero', () => {
    expect([0x00, 0x80, 0x7f, 0xff, 0x7e].map((byte) => MU_TO_LINEAR[byte])).toEqual([-32_124, 32_124, 0, 0, -8]);
    expect([0x2a, 0xaa, 0x55, 0xd5, 0x54].map((byte) => A_TO_LINEAR[byte])).toEqual([-32_256, 32_256, -8, 8, -24]);
    expect([0, -1, 1, 32_767, -32_768].map(encodeMu)).toEqual([0xff, 0x7f, 0xff, 0x80, 0x00]);
    expect([0, -1, 1, 32_767, -32_768].map(encodeA)).toEqual([0xd5, 0x55, 0xd5, 0xaa, 0x2a]);
  });

  it('encodes each decoded byte to itself, but for the second zero of µ-law', () => {
    for (const byte of bytes) {
      expect(encodeA(A_TO_LINEAR[byte] ?? Number.NaN)).toBe(byte);
      expect(encodeMu(MU_TO_LINEAR[byte] ?? Number.NaN)).toBe(byte === 0x7f ? 0xff : byte);
    }
  });

  it('encodes every sample to the byte whose value is nearest, within its segment', () => {
    for (const [encode, table, finest] of [
      [encodeMu, MU_TO_LINEAR, 8],
      [encodeA, A_TO_LINEAR, 16],
    ] as const) {
      for (let sample = -32_768; sample <= 32_767; sample += 1) {
        const error = Math.abs(Math.max(-32_256, Math.min(32_256, sample)) - (table[encode(sample)] ?? Number.NaN));
        if (error > Math.max(finest, (Math.abs(sample) + 132) / 32)) expect({ sample, error }).toEqual('a small error');
      }
    }
  });

  it('translates between the laws within the coarser step of both', () => {
    for (const byte of bytes) {
      const mu = MU_TO_LINEAR[byte] ?? Number.NaN;
      expect(Math.abs((A_TO_LINEAR[MU_TO_A[byte] ?? 0] ?? 0) - mu)).toBeLessThanOrEqual(Math.max(16, Math.abs(mu) / 32));
      const a = A_TO_LINEAR[byte] ?? Number.NaN;
      expect(Math.abs((MU_TO_LINEAR[A_TO_MU[byte] ?? 0] ?? 0) - a)).toBeLessThanOrEqual(Math.max(16, Math.abs(a) / 32));
    }
  });

  it('gives a table only where the laws differ', () => {
    expect([translationTable('PCMU', 'PCMA'), translationTable('PCMA', 'PCMU')]).toEqual([MU_TO_A, A_TO_MU]);
    expect([translationTable('PCMU', 'PCMU'), translationTable('PCMA', 'PCMA')]).toEqual([undefined, undefined]);
  });

  it('codes whole buffers at an offset', () => {
    const buffer = Buffer.alloc(8);
    expect(encodeG711('PCMA', Int16Array.of(8, -8, 32_256), buffer, 2)).toBe(3);
    expect(Array.from(decodeG711('PCMA', buffer, 2, 3))).toEqual([8, -8, 32_256]);
    encodeG711('PCMU', Int16Array.of(-32_124), buffer);
    expect(decodeG711('PCMU', buffer)[0]).toBe(-32_124);
  });
});
