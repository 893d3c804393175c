import { describe, expect, it } from 'vitest';
import { RtpPacket, writeRtpHeader } from '../../../../src/media/rtp/rtp-packet.js';
import { RtpReceiver } from '../../../../src/media/rtp/rtp-receiver.js';

const packet = new RtpPacket();
const buffer = Buffer.alloc(172);

function arrive(
  receiver: RtpReceiver,
  sequence: number,
  nowMs: number,
  { ssrc = 1, timestamp = sequence * 160, isAudio = true } = {},
): boolean {
  writeRtpHeader(buffer, 0, false, 0, sequence & 0xffff, timestamp, ssrc);
  packet.parse(buffer);
  return receiver.receive(packet, nowMs, isAudio);
}

function receiverAfter(sequences: readonly number[]): RtpReceiver {
  const receiver = new RtpReceiver({ clockRateHz: 8000 });
  for (const [n, sequence] of sequences.entries()) arrive(receiver, sequence, n * 20);
  return receiver;
}

describe('RtpReceiver', () => {
  it('believes a source at its second packet in sequence', () => {
    const receiver = new RtpReceiver({ clockRateHz: 8000 });
    expect([5, 9, 10].map((sequence) => arrive(receiver, sequence, 0))).toEqual([false, false, true]);
    expect(receiver.takeReportBlock(0)).toMatchObject({ ssrc: 1, extendedHighestSequence: 10 });
  });

  it('reports nothing before that', () => {
    const receiver = new RtpReceiver({ clockRateHz: 8000 });
    expect(receiver.takeReportBlock(0)).toBeUndefined();
    arrive(receiver, 5, 0);
    expect(receiver.takeReportBlock(0)).toBeUndefined();
    expect([receiver.ssrc, receiver.packetsLost, receiver.packetsReceived, receiver.bytesReceived]).toEqual([1, 0, 1, 160]);
  });

  it('counts what is missing, and what came late after all', () => {
    expect(receiverAfter([1, 2, 3, 6, 7]).packetsLost).toBe(2);
    expect(receiverAfter([1, 2, 3, 6, 5, 4, 7]).packetsLost).toBe(0);
  });

  it('does not go below zero for duplicates', () => {
    const receiver = receiverAfter([1, 2, 3, 3, 3, 4]);
    expect(receiver.packetsLost).toBe(0);
    expect(receiver.takeReportBlock(0)).toMatchObject({ cumulativeLost: -2, fractionLost: 0 });
  });

  it('gives the loss of each interval as a fraction of 256', () => {
    const receiver = receiverAfter([0, 1, 2, 3, 4]);
    expect(receiver.takeReportBlock(0)).toMatchObject({ fractionLost: 0, cumulativeLost: 0 });
    for (const sequence of [5, 8]) arrive(receiver, sequence, 200);
    expect(receiver.takeReportBlock(0)).toMatchObject({ fractionLost: 128, cumulativeLost: 2 });
    expect(receiver.takeReportBlock(0)).toMatchObject({ fractionLost: 0, cumulativeLost: 2 });
  });

  it('counts wraps of the sequence', () => {
    expect(receiverAfter([65_534, 65_535, 65_536, 65_537]).takeReportBlock(0)).toMatchObject({ extendedHighestSequence: 65_537 });
  });

  it('takes a jump for a restart when a second packet confirms it, and keeps the loss so far', () => {
    const receiver = receiverAfter([1, 2, 3, 5]);
    expect(arrive(receiver, 40_000, 100)).toBe(false);
    expect(arrive(receiver, 40_001, 120)).toBe(true);
    expect(arrive(receiver, 40_003, 160)).toBe(true);
    expect(receiver.packetsLost).toBe(2);
    expect(receiver.takeReportBlock(0)).toMatchObject({ extendedHighestSequence: 40_003, cumulativeLost: 1 });
  });

  it('adds up loss over sources', () => {
    const receiver = receiverAfter([1, 2, 4]);
    for (const sequence of [900, 901, 903]) arrive(receiver, sequence, 100, { ssrc: 2 });
    expect(receiver.packetsLost).toBe(2);
    expect(receiver.ssrc).toBe(2);
  });

  it('has no jitter when packets come as stamped, and follows RFC 3550 A.8 when not', () => {
    const receiver = receiverAfter([1, 2, 3, 4, 5]);
    expect(receiver.jitterMs).toBe(0);
    arrive(receiver, 6, 5 * 20 + 16);
    expect(receiver.jitterMs).toBeCloseTo(1, 5);
    arrive(receiver, 7, 6 * 20);
    expect(receiver.jitterMs).toBeCloseTo(1 + 15 / 16, 5);
  });

  it('leaves the packets of an event out of jitter', () => {
    const receiver = receiverAfter([1, 2, 3]);
    for (const sequence of [4, 5, 6]) arrive(receiver, sequence, sequence * 20, { timestamp: 640, isAudio: false });
    expect(receiver.jitterMs).toBe(0);
  });

  it('echoes the last sender report and its age', () => {
    const receiver = receiverAfter([1, 2, 3]);
    receiver.senderReport(99, 7, 0);
    expect(receiver.takeReportBlock(0)).toMatchObject({ lastSenderReport: 0, delaySinceLastSenderReport: 0 });
    receiver.senderReport(1, 0xdeadbeef, 1000);
    expect(receiver.takeReportBlock(1500)).toMatchObject({ lastSenderReport: 0xdeadbeef, delaySinceLastSenderReport: 32_768 });
  });
});
