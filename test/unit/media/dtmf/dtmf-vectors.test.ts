import { describe, expect, it } from 'vitest';
import { type ReceiveVector, readVectors, type VectorDigit } from '../../../../src/conformance/vectors.js';
import { DtmfDecoder } from '../../../../src/media/dtmf/dtmf-decoder.js';
import { trace } from './dtmf-trace.js';

const files = readVectors();
const receiving = files.flatMap(({ rule, receive }) => receive.map((vector) => ({ rule, ...vector })));
const sending = files.flatMap(({ rule, send }) => send.map((vector) => ({ rule, ...vector })));

/** What a decoder takes from a vector, its timer firing as a real one would. */
function play({ clockRateHz, packets }: ReceiveVector): { readonly digits: readonly VectorDigit[]; readonly flashesMs: readonly number[] } {
  const digits: VectorDigit[] = [];
  const flashesMs: number[] = [];
  const decoder = new DtmfDecoder(
    { clockRateHz },
    {
      onDecoded: ({ type, digit, durationMs }) => {
        if (type === 'end') digits.push({ digit, durationMs });
      },
      onFlash: (durationMs) => flashesMs.push(durationMs),
    },
  );
  for (const { atMs, ssrc, timestamp, payload } of packets) {
    decoder.tick(atMs);
    decoder.receive(ssrc, timestamp, payload, 0, payload.length, atMs);
  }
  decoder.tick(Number.POSITIVE_INFINITY);
  return { digits, flashesMs };
}

describe('DTMF vectors', () => {
  it('name each rule once and say something', () => {
    expect(files.map(({ rule }) => rule)).toEqual(['D1', 'D3', 'D4', 'D5', 'D6', 'D7', 'D8', 'D9', 'D13', 'D14', 'D15', 'D16']);
    for (const { receive, send } of files) for (const { packets } of [...receive, ...send]) expect(packets.length).toBeGreaterThan(0);
    expect([receiving.length, sending.length]).toEqual([50, 15]);
  });

  it.each(receiving)('$rule: received: $name', (vector) => {
    expect(play(vector)).toEqual({ digits: vector.digits, flashesMs: vector.flashesMs });
  });

  it.each(sending)('$rule: sent: $name', ({ clockRateHz, minGapMs, volume, timestampBase, presses, packets }) => {
    const { packets: left } = trace({ clockRateHz, minGapMs, volume, timestampAtZero: timestampBase }, (encoder) => {
      for (const { digit, durationMs } of presses) encoder.enqueue(digit, durationMs);
    });
    expect(left.map(({ payload, ...rest }) => ({ ...rest, payload: payload.toString('hex') }))).toEqual(
      packets.map(({ atMs, timestamp, marker, payload }) => ({ atMs, timestamp, marker, payload: payload.toString('hex') })),
    );
  });
});
