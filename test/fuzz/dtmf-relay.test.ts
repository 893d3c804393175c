import { describe, expect, it } from 'vitest';
import { DIGITS, type Digit } from '../../src/media/dtmf/digit.js';
import type { RelayFormat } from '../../src/media/relay/relay-format.js';
import { type PlannedPacket, type Press, planOf } from '../support/dtmf-presses.js';
import { faultsOf, type ReadPress, readPresses } from '../support/dtmf-reading.js';
import { BROWSER, RelayRig, TRUNK } from '../unit/media/relay/relay-rig.js';
import { integerIn, seededRandom } from '../unit/media/seeded-random.js';

const CLOCKS = [8000, 16_000, 48_000] as const;
const PAIRS = CLOCKS.flatMap((inHz) => CLOCKS.map((outHz) => [inHz, outHz] as const));
const INTERVAL_MS = 20;

const withClock = (format: RelayFormat, clockRateHz: number): RelayFormat => ({
  ...format,
  telephoneEvent: { ...format.telephoneEvent, sendEventMask: 0xffff, clockRateHz },
});

/** A direction whose events come in one clock and leave in another, and the telephone whose packets come. */
class Relayed {
  readonly rig: RelayRig;
  private readonly timestampAtStart: number;

  constructor(
    private readonly inHz: number,
    readonly outHz: number,
    random: () => number,
  ) {
    this.rig = new RelayRig({ receiving: withClock(BROWSER, inHz), sending: withClock(TRUNK, outHz) });
    this.timestampAtStart = integerIn(random, 0, 2 ** 32 - 1);
  }

  /** Takes those packets of the presses that `arrives` keeps, at their times, and all that follows from them. */
  take(presses: readonly Press[], arrives: (packet: PlannedPacket, index: number) => boolean = () => true): this {
    const { rig } = this;
    const startMs = rig.nowMs;
    const events = planOf(presses, this.inHz, 0).filter(({ press }) => press !== undefined);
    events.forEach((packet, index) => {
      if (!arrives(packet, index)) return;
      this.runTo(startMs + packet.atMs);
      const timestamp = this.timestampAtStart + (startMs * this.inHz) / 1000 + packet.timestamp;
      rig.input(126, rig.nowMs / 10 + index, timestamp, packet.payload);
    });
    const lastMs = events.at(-1)?.atMs ?? 0;
    this.runTo(startMs + lastMs + 1000);
    return this;
  }

  /** From one moment at which something is due to the next. */
  private runTo(toMs: number): void {
    const { rig } = this;
    for (;;) {
      const due = Math.min(rig.path.nextDueMs() ?? Number.POSITIVE_INFINITY, rig.output.nextDueMs() ?? Number.POSITIVE_INFINITY);
      if (due > toMs) break;
      rig.nowMs = Math.max(rig.nowMs, due);
      rig.path.tick(rig.nowMs);
      rig.output.pump(rig.nowMs);
    }
    rig.nowMs = toMs;
  }

  /** What left, read by other code than made it. */
  get left(): readonly ReadPress[] {
    return readPresses(this.rig.left.filter(({ payloadType }) => payloadType === 101));
  }

  get leftShort(): readonly { digit: Digit; durationMs: number; volume: number; faults: readonly string[] }[] {
    return this.left.map((press) => ({
      digit: press.digit,
      durationMs: (press.units * 1000) / this.outHz,
      volume: press.volume,
      faults: faultsOf(press),
    }));
  }
}

describe.each(PAIRS)('keys relayed from a clock of %i Hz to one of %i Hz', (inHz, outHz) => {
  it('keep digit, level and length, for every level and lengths from 40 ms to 10 s', () => {
    const random = seededRandom(inHz + outHz);
    let pressed = 0;
    for (let volume = 0; volume < 64; volume += 1) {
      const lengthsMs = [40, 10_000, integerIn(random, 1300, 1400), integerIn(random, 4000, 4200), integerIn(random, 8100, 9900)];
      for (let n = 0; n < 20; n += 1) lengthsMs.push(integerIn(random, 40, 800));
      const presses = lengthsMs.map((durationMs) => ({
        digit: DIGITS[integerIn(random, 0, 15)] ?? '0',
        durationMs,
        gapMs: integerIn(random, 2, 6) * INTERVAL_MS,
        volume,
      }));
      const relayed = new Relayed(inHz, outHz, random).take(presses);
      const expected = presses.map(({ digit, durationMs }) => ({ digit, durationMs, volume, faults: [] }));
      expect(relayed.leftShort).toEqual(expected);
      expect(relayed.rig.digits.map(({ digit, durationMs }) => ({ digit, durationMs }))).toEqual(
        presses.map(({ digit, durationMs }) => ({ digit, durationMs })),
      );
      expect(relayed.rig.sent.map(({ durationMs }) => durationMs)).toEqual(lengthsMs);
      pressed += presses.length;
    }
    expect(pressed).toBe(64 * 25);
  });

  it('say nothing of a segment but its fullness, however many a key of 10 s takes', () => {
    const [press] = new Relayed(inHz, outHz, seededRandom(1)).take([{ digit: '5', durationMs: 10_000, gapMs: 40, volume: 7 }]).left;
    const starts = [...new Set(press?.events.map(({ timestamp }) => timestamp))];
    expect(starts.length).toBe(Math.ceil((10 * outHz) / 0xffff));
    starts.forEach((start, index) => {
      expect((start - (starts[0] ?? 0)) >>> 0).toBe(index * 0xffff);
      const last = press?.events.filter(({ timestamp }) => timestamp === start).at(-1)?.payload;
      const isFinal = index === starts.length - 1;
      expect(last?.readUInt16BE(2)).toBe(isFinal ? 10 * outHz - index * 0xffff : 0xffff);
      expect((last?.readUInt8(1) ?? 0) >= 0x80).toBe(isFinal);
    });
  });

  it('come out once when any of their seven packets arrive, as long as those say, the first of them at once', () => {
    const random = seededRandom(7);
    for (const digit of DIGITS) {
      const relayed = new Relayed(inHz, outHz, random);
      const expected: { digit: Digit; durationMs: number; volume: number; faults: readonly string[] }[] = [];
      for (let subset = 1; subset < 2 ** 7; subset += 1) {
        const volume = subset % 64;
        let firstMs: number | undefined;
        const sofar = relayed.rig.left.length;
        relayed.take([{ digit, durationMs: 100, gapMs: 40, volume }], (_, index) => {
          const kept = (subset & (1 << index)) !== 0;
          if (kept) firstMs ??= relayed.rig.nowMs + index * INTERVAL_MS;
          return kept;
        });
        // When all but the first and last are lost, 120 ms of silence have ended the press before its end came.
        const newest = subset === 0b1000001 ? 0 : Math.floor(Math.log2(subset));
        expected.push({ digit, durationMs: Math.min(100, (newest + 1) * INTERVAL_MS), volume, faults: [] });
        const delayMs = (relayed.rig.left[sofar]?.atMs ?? Number.POSITIVE_INFINITY) - (firstMs ?? 0);
        if (delayMs > 0) expect.unreachable(`subset ${subset} of ${digit} left ${delayMs} ms late`);
      }
      expect(relayed.leftShort).toEqual(expected);
      expect(relayed.rig.digits.map(({ durationMs }) => durationMs)).toEqual(expected.map(({ durationMs }) => durationMs));
    }
  });

  it('come out once when held for seconds over a path that breaks down again and again', () => {
    const random = seededRandom(inHz * 3 + outHz);
    for (let round = 0; round < 150; round += 1) {
      const durationMs = integerIn(random, 1500, 6000);
      const share = random() * 0.6;
      const outages = Array.from({ length: integerIn(random, 0, 3) }, () => {
        const fromMs = integerIn(random, 0, durationMs);
        return [fromMs, fromMs + integerIn(random, 50, 900)] as const;
      });
      const press = { digit: DIGITS[integerIn(random, 0, 15)] ?? '0', durationMs, gapMs: 40, volume: 10 };
      const relayed = new Relayed(inHz, outHz, random).take([press], ({ atMs, last }) => {
        const isOut = outages.some(([fromMs, toMs]) => atMs >= fromMs && atMs < toMs);
        return last || (!isOut && random() >= share);
      });
      const where = `round ${round}: ${durationMs} ms, ${share} lost, out ${JSON.stringify(outages)}`;
      expect(
        relayed.rig.digits.map(({ digit }) => digit),
        where,
      ).toEqual([press.digit]);
      expect(
        relayed.left.map(({ digit }) => digit),
        where,
      ).toEqual([press.digit]);
      expect(relayed.left.flatMap(faultsOf), where).toEqual([]);
      expect(relayed.left[0]?.units ?? 0, where).toBeLessThanOrEqual((durationMs * outHz) / 1000);
    }
  });
});
