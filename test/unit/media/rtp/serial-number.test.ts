import { describe, expect, it } from 'vitest';
import { addTimestamp, extendSequence, sequenceDelta, timestampDelta } from '../../../../src/media/rtp/serial-number.js';

describe('serial number arithmetic', () => {
  it('measures 16-bit distances across the wrap', () => {
    expect(sequenceDelta(65535, 0)).toBe(1);
    expect(sequenceDelta(0, 65535)).toBe(-1);
    expect(sequenceDelta(5, 5)).toBe(0);
    expect(sequenceDelta(0, 32767)).toBe(32767);
    expect(sequenceDelta(0, 32768)).toBe(-32768);
  });

  it('measures 32-bit distances across the wrap', () => {
    expect(timestampDelta(0xffffff00, 0x100)).toBe(0x200);
    expect(timestampDelta(0x100, 0xffffff00)).toBe(-0x200);
  });

  it('moves timestamps by any whole number of units', () => {
    expect(addTimestamp(0xfffffff0, 0x20)).toBe(0x10);
    expect(addTimestamp(0x10, -0x20)).toBe(0xfffffff0);
    expect(addTimestamp(7, 2 ** 32 * 3)).toBe(7);
  });

  it('extends a sequence number to the nearest congruent one', () => {
    expect(extendSequence(65535, 0)).toBe(65536);
    expect(extendSequence(65536, 65535)).toBe(65535);
    expect(extendSequence(3 * 65536 + 10, 12)).toBe(3 * 65536 + 12);
    expect(extendSequence(2, 65535)).toBe(-1);
  });
});
