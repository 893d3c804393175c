import { describe, expect, it } from 'vitest';
import { DIGITS, type Digit } from '../../../../src/media/dtmf/digit.js';
import { DtmfEncoder } from '../../../../src/media/dtmf/dtmf-encoder.js';
import type { RelayFormat } from '../../../../src/media/relay/relay-format.js';
import { linearToMuLaw } from '../../../support/tones.js';
import { integerIn, seededRandom } from '../seeded-random.js';
import { BROWSER, RelayRig, TRUNK } from './relay-rig.js';

function ofTones(format: RelayFormat): RelayFormat {
  const { telephoneEvent: _, ...rest } = format;
  return {
    ...rest,
    digits: 'tones',
    receivePayloadTypes: format.receivePayloadTypes.filter((received) => received.format !== 'telephone-event'),
  };
}

interface Key {
  readonly digit: Digit;
  readonly durationMs: number;
  readonly gapMs: number;
}

/** Presses keys as events at a gateway that makes tones of them, which another makes events of again. */
class Chain {
  readonly first = new RelayRig({ receiving: BROWSER, sending: ofTones(TRUNK) });
  readonly second = new RelayRig({ receiving: ofTones(TRUNK), sending: TRUNK });
  private readonly encoder = new DtmfEncoder({ clockRateHz: 8000 }, { onSent: () => undefined });
  private readonly payload = Buffer.alloc(4);
  private sequence = 0;
  private passed = 0;

  /** `arrivesMs`: how late the packet of each frame is; `speaks`: whether audio comes between keys. */
  run(keys: readonly Key[], speaks: boolean, lateMs: () => number): void {
    for (const { digit, durationMs, gapMs } of keys) this.encoder.enqueue(digit, durationMs, gapMs);
    const audio = Buffer.alloc(160, linearToMuLaw(0));
    let quietFrames = 0;
    for (let frame = 0; quietFrames < 60; frame += 1) {
      this.runTo(frame * 20 + lateMs());
      const event = this.encoder.next(frame * 20, frame * 160, this.payload, 0);
      quietFrames = this.encoder.busy ? 0 : quietFrames + 1;
      if (event !== undefined) this.first.input(126, this.next(), event.timestamp, this.payload);
      else if (speaks) this.first.input(0, this.next(), frame * 160, audio);
    }
  }

  private next(): number {
    this.sequence += 1;
    return this.sequence;
  }

  private runTo(toMs: number): void {
    for (let nowMs = this.first.nowMs; nowMs < toMs; nowMs += 1) {
      this.first.runTo(nowMs + 1);
      this.second.runTo(nowMs + 1);
      for (; this.passed < this.first.left.length; this.passed += 1) {
        const packet = this.first.left[this.passed];
        if (packet !== undefined) this.second.input(packet.payloadType, packet.index, packet.timestamp, packet.payload);
      }
    }
  }
}

describe('keys that become tones and events again', () => {
  for (let seed = 1; seed <= 12; seed += 1) {
    const speaks = seed % 3 !== 0;
    it(`come out as they went in, ${speaks ? 'with' : 'without'} audio between them (seed ${seed})`, () => {
      const random = seededRandom(seed);
      const jitterMs = seed % 2 === 0 ? 0 : 12;
      const keys = Array.from({ length: 60 }, () => ({
        digit: DIGITS[integerIn(random, 0, 15)] ?? '0',
        durationMs: integerIn(random, 50, 400),
        gapMs: integerIn(random, 45, 200),
      }));
      const chain = new Chain();
      chain.run(keys, speaks, () => integerIn(random, 0, jitterMs));
      const { first, second } = chain;
      const pressed = keys.map(({ digit }) => digit).join('');
      for (const [rig, by, as] of [
        [first, 'rfc4733', 'inband'],
        [second, 'inband', 'rfc4733'],
      ] as const) {
        expect(rig.digits.map(({ digit }) => digit).join('')).toBe(pressed);
        expect(rig.digits.every((told) => told.by === by && told.relayed)).toBe(true);
        expect(rig.sent.map(({ press }) => press)).toEqual(rig.digits.map(({ press }) => press));
        expect(rig.sent.every((gone) => gone.as === as)).toBe(true);
        expect([rig.unsent, rig.passedOver]).toEqual([[], []]);
        expect(rig.left.map(({ index }) => index)).toEqual(rig.left.map((_, n) => 100 + n));
      }
      for (const [n, { durationMs }] of keys.entries()) {
        expect(Math.abs((first.sent[n]?.durationMs ?? 0) - durationMs), 'a frame, and the jitter').toBeLessThanOrEqual(20 + jitterMs);
        expect(Math.abs((second.sent[n]?.durationMs ?? 0) - durationMs)).toBeLessThanOrEqual(30 + jitterMs);
      }
    });
  }
});
