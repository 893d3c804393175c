import { describe, expect, it } from 'vitest';
import { type MediaSample, qualityOf, readStats } from '../../../../src/web/widget/quality.js';

const still: MediaSample = {
  received: 0,
  arrived: 0,
  lost: 0,
  jitterMs: 0,
  roundTripMs: 0,
  farLostPercent: 0,
  farJitterMs: 0,
  spoken: 1,
};
const later = (part: Partial<MediaSample>): MediaSample => ({ ...still, received: 100, ...part });

describe('the grade of a call', () => {
  it.each([
    { what: 'a good line', now: {}, score: 5, hint: undefined },
    { what: 'a satellite', now: { roundTripMs: 600 }, score: 2, hint: 'network-slow' },
    { what: 'half a second each way', now: { roundTripMs: 1_000 }, score: 1, hint: 'network-slow' },
    { what: 'another continent', now: { roundTripMs: 300 }, score: 4, hint: undefined },
    { what: 'every fiftieth packet lost', now: { received: 98, lost: 2 }, score: 4, hint: undefined },
    { what: 'every twentieth packet lost', now: { received: 95, lost: 5 }, score: 3, hint: 'network-loss' },
    { what: 'every fifth packet lost on the way to the gateway', now: { farLostPercent: 20 }, score: 1, hint: 'network-loss' },
    { what: 'packets that come in heaps', now: { jitterMs: 120 }, score: 3, hint: 'network-slow' },
    { what: 'our packets in heaps at the gateway', now: { farJitterMs: 120 }, score: 3, hint: 'network-slow' },
  ] as const)('is $score for $what', ({ now, score, hint }) => {
    const quality = qualityOf(still, later(now));
    expect([quality.score, quality.hint]).toEqual([score, hint]);
  });

  it('counts what was lost since the look before, of what should have come', () => {
    const before = { ...still, received: 1_000, lost: 500 };
    expect(qualityOf(before, { ...before, received: 1_090, lost: 510 }).lostPercent).toBe(10);
    expect(qualityOf(before, { ...before, received: 1_100 }).lostPercent).toBe(0);
    // Duplicates make the browser count backwards.
    expect(qualityOf(before, { ...before, received: 1_100, lost: 498 }).lostPercent).toBe(0);
    expect(qualityOf(before, before).lostPercent).toBe(0);
  });

  it('gives silence before everything else, and no good grade to a call that is not heard', () => {
    expect(qualityOf(still, still, 'no-incoming-sound')).toMatchObject({ score: 1, hint: 'no-incoming-sound' });
    expect(qualityOf(still, later({}), 'microphone-silent')).toMatchObject({ score: 5, hint: 'microphone-silent' });
  });

  it('rounds what it tells', () => {
    const quality = qualityOf(still, later({ received: 97, lost: 3, jitterMs: 4.567, roundTripMs: 12.6 }));
    expect(quality).toEqual({ score: 4, roundTripMs: 13, lostPercent: 3, jitterMs: 4.6 });
  });
});

describe('what the browser counts', () => {
  const report = new Map<string, unknown>([
    ['V', { type: 'inbound-rtp', kind: 'video', packetsReceived: 1 }],
    ['I', { type: 'inbound-rtp', kind: 'audio', packetsReceived: 40, packetsLost: 2, jitter: 0.004 }],
    ['R', { type: 'remote-inbound-rtp', kind: 'audio', fractionLost: 0.25, jitter: 0.01, roundTripTime: 0.03 }],
    ['M', { type: 'media-source', kind: 'audio', totalAudioEnergy: 0.5 }],
    ['P', { type: 'candidate-pair', nominated: true, currentRoundTripTime: 0.02, bytesReceived: 6_000, responsesReceived: 3 }],
    ['Q', { type: 'candidate-pair', nominated: false, currentRoundTripTime: 9, bytesReceived: 500, responsesReceived: 1 }],
  ]);

  it('is read of the audio and of the path in use', () => {
    expect(readStats(report)).toEqual({
      received: 40,
      arrived: 6_504,
      lost: 2,
      jitterMs: 4,
      roundTripMs: 30,
      farLostPercent: 25,
      farJitterMs: 10,
      spoken: 0.5,
    });
  });

  it('is read as far as it is there', () => {
    const some = new Map([...report].filter(([id]) => id === 'I' || id === 'P'));
    expect(readStats(some)).toMatchObject({ roundTripMs: 20, farLostPercent: 0, spoken: undefined });
    expect(readStats(new Map([...report].filter(([id]) => id !== 'I')))).toBeUndefined();
  });

  it('knows no time for a round trip that did not come yet', () => {
    expect(readStats(new Map([['I', { type: 'inbound-rtp', kind: 'audio', packetsLost: -3 }]]))).toMatchObject({
      received: 0,
      lost: 0,
      roundTripMs: 0,
    });
  });
});
