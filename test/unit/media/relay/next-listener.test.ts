import { describe, expect, it } from 'vitest';
import { encodeG711 } from '../../../../src/media/codec/g711.js';
import { DIGITS, type Digit } from '../../../../src/media/dtmf/digit.js';
import { DtmfEncoder } from '../../../../src/media/dtmf/dtmf-encoder.js';
import { InbandGenerator } from '../../../../src/media/dtmf/inband-generator.js';
import type { RelayFormat } from '../../../../src/media/relay/relay-format.js';
import type { HeardPast } from '../../../../src/media/relay/relay-path.js';
import { BROWSER, RelayRig, TRUNK } from './relay-rig.js';

interface Sent {
  readonly timestamp: number;
  readonly payload: Buffer;
}

/** The packets of keys one after another, each 100 ms long. */
function packetsOf(digits: readonly Digit[]): readonly Sent[] {
  const encoder = new DtmfEncoder({ clockRateHz: 8000 }, { onSent: () => undefined });
  for (const digit of digits) encoder.enqueue(digit, 100);
  const packets: Sent[] = [];
  for (let atMs = 0; encoder.busy; atMs += 10) {
    const payload = Buffer.alloc(4);
    const packet = encoder.next(atMs, atMs * 8, payload, 0);
    if (packet !== undefined) packets.push({ timestamp: packet.timestamp, payload });
  }
  return packets;
}

const firstPress = packetsOf(['1']).length;

/** Plays events into the rig, 20 ms apart, the first of them being number `from`. */
function play(rig: RelayRig, packets: readonly Sent[], from = 0): void {
  for (const [at, { timestamp, payload }] of packets.entries()) {
    rig.input(126, from + at, timestamp, payload);
    rig.runTo(rig.nowMs + 20);
  }
  rig.runTo(rig.nowMs + 400);
}

const digitsOf = (rig: RelayRig): string => rig.digits.map(({ digit }) => digit).join('');

describe('a leg whose far side goes to another while it presses a key', () => {
  it.each(Array.from({ length: firstPress }, (_, at) => at + 1))('is heard by one of them, after packet %i of the press', (cut) => {
    const packets = packetsOf(['1', '1', '2']);
    const before = new RelayRig();
    play(before, packets.slice(0, cut));
    const after = new RelayRig({ past: before.path.close() });
    play(after, packets.slice(cut), cut);
    expect(digitsOf(before)).toBe('1');
    expect(digitsOf(after)).toBe('12');
    expect(after.sent.map(({ durationMs }) => durationMs)).toEqual([100, 100]);
  });

  it('is heard once by a third, when it goes on twice', () => {
    const packets = packetsOf(['5', '6']);
    const first = new RelayRig();
    play(first, packets.slice(0, 5));
    const second = new RelayRig({ past: first.path.close() });
    const third = new RelayRig({ past: second.path.close() });
    play(third, packets.slice(5), 5);
    expect([digitsOf(first), digitsOf(second), digitsOf(third)]).toEqual(['5', '', '6']);
  });

  it('is heard once when another clock is agreed on meanwhile', () => {
    const packets = packetsOf(['7']);
    const rig = new RelayRig();
    play(rig, packets.slice(0, -1));
    rig.path.setFormat({ ...BROWSER, telephoneEvent: { clockRateHz: 48_000, sendPayloadType: 126, sendEventMask: 0xffff } });
    play(rig, packets.slice(-1), packets.length - 1);
    expect(digitsOf(rig)).toBe('7');
  });
});

describe('a leg of tones whose far side goes to another while one sounds', () => {
  const { telephoneEvent: _, ...rest } = BROWSER;
  const receivePayloadTypes = BROWSER.receivePayloadTypes.filter(({ format }) => format !== 'telephone-event');
  const tonesIn: RelayFormat = { ...rest, digits: 'tones', receivePayloadTypes };

  /** µ-law packets of 20 ms. */
  const soundOf = (presses: readonly Digit[]): readonly Buffer[] => {
    const generator = new InbandGenerator({}, { onSent: () => undefined });
    for (const digit of presses) generator.enqueue(digit, 200, 100);
    const samples = new Int16Array(presses.length * 300 * 8 + 1600);
    generator.read(samples);
    const audio = Buffer.alloc(samples.length);
    encodeG711('PCMU', samples, audio);
    return Array.from({ length: audio.length / 160 }, (__, n) => audio.subarray(n * 160, n * 160 + 160));
  };
  const hear = (frames: readonly Buffer[], from: number, past: HeardPast = {}): RelayRig => {
    const rig = new RelayRig({ receiving: tonesIn, sending: TRUNK, past });
    for (const [at, frame] of frames.entries()) {
      rig.input(0, from + at, (from + at) * 160, frame);
      rig.runTo(rig.nowMs + 20);
    }
    return rig;
  };

  it.each(DIGITS)('is heard by one of them, and by the other in no sound of it either: %s', (digit) => {
    const frames = soundOf([digit, digit]);
    const before = hear(frames.slice(0, 5), 0);
    const after = hear(frames.slice(5), 5, before.path.close());
    after.path.close();
    expect([digitsOf(before), digitsOf(after)]).toEqual([digit, digit]);
    expect(after.sent.map(({ as }) => as)).toEqual(['rfc4733']);
    const loudest = Math.max(
      ...after.left
        .filter(({ payloadType }) => payloadType === 8)
        .flatMap(({ payload }) => [...payload].map((code) => (code ^ 0x55) & 0x7f)),
    );
    expect(loudest, 'what is left of the tone in the audio').toBeLessThan(0x20);
  });

  it('is heard by the other when it begins a key of its own', () => {
    const before = hear(soundOf(['1']).slice(0, 5), 0);
    const after = hear(soundOf(['2']), 5, before.path.close());
    after.path.close();
    expect([digitsOf(before), digitsOf(after)]).toEqual(['1', '2']);
  });
});
