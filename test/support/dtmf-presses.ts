import { DIGITS, type Digit } from '../../src/media/dtmf/digit.js';
import { integerIn } from '../unit/media/seeded-random.js';

/** A key of a telephone, held for so long, and the silence after it. */
export interface Press {
  readonly digit: Digit;
  readonly durationMs: number;
  readonly gapMs: number;
  readonly volume: number;
}

/** One packet of a telephone's stream: audio, or an event of press number `press`. */
export interface PlannedPacket {
  readonly atMs: number;
  /** Units since the start of the plan. */
  readonly timestamp: number;
  readonly marker: boolean;
  readonly press: number | undefined;
  /** The last of its press: no further packet says anything of it. */
  readonly last: boolean;
  readonly payload: Buffer;
}

const FRAME_MS = 20;
const END_PACKETS = 3;
const SEGMENT_UNITS = 0xffff;
/** Near zero in both laws; where it is not quite, a constant. */
const SILENCE = Buffer.alloc(160, 0xd5);

/** Keys at random, held 40 to 240 ms with 40 to 120 ms between: as fast as RFC 4733 and ITU-T Q.24 let anybody dial. */
export function randomPresses(random: () => number, count: number, only?: Digit): readonly Press[] {
  return Array.from({ length: count }, () => ({
    digit: only ?? DIGITS[integerIn(random, 0, 15)] ?? '0',
    durationMs: integerIn(random, 40, 240),
    gapMs: integerIn(random, 2, 6) * FRAME_MS,
    volume: integerIn(random, 0, 63),
  }));
}

/**
 * What a telephone sends for these keys, written from RFC 4733 §2.5.1 alone and sharing nothing with
 * the encoder that is tested: an update each 20 ms, three end packets at that interval, segments of
 * 0xFFFF units, audio between, or all the time if it `talksOver` its keys.
 */
export function planOf(presses: readonly Press[], clockRateHz = 8000, leadInMs = 100, talksOver = false): readonly PlannedPacket[] {
  const unitsPerMs = clockRateHz / 1000;
  const packets: PlannedPacket[] = [];
  const audioUntil = (fromMs: number, toMs: number): void => {
    for (let atMs = fromMs; atMs < toMs; atMs += FRAME_MS)
      packets.push({ atMs, timestamp: atMs * unitsPerMs, marker: false, press: undefined, last: false, payload: SILENCE });
  };
  audioUntil(0, leadInMs);
  let startMs = leadInMs;
  presses.forEach((press, index) => {
    const framesMs = Math.ceil(press.durationMs / FRAME_MS) * FRAME_MS;
    packets.push(...eventPackets(press, index, startMs, unitsPerMs));
    const nextMs = startMs + framesMs + press.gapMs;
    audioUntil(talksOver ? startMs : startMs + framesMs + (END_PACKETS - 1) * FRAME_MS, nextMs);
    startMs = nextMs;
  });
  audioUntil(startMs, startMs + leadInMs);
  return packets.sort((a, b) => a.atMs - b.atMs);
}

function eventPackets(press: Press, index: number, startMs: number, unitsPerMs: number): readonly PlannedPacket[] {
  const packets: PlannedPacket[] = [];
  const total = Math.round(press.durationMs * unitsPerMs);
  let base = 0;
  const say = (atMs: number, units: number, end: boolean, last: boolean): void => {
    const payload = Buffer.alloc(4);
    payload.writeUInt8(DIGITS.indexOf(press.digit), 0);
    payload.writeUInt8((end ? 0x80 : 0) | press.volume, 1);
    payload.writeUInt16BE(units - base, 2);
    packets.push({ atMs, timestamp: startMs * unitsPerMs + base, marker: packets.length === 0, press: index, last, payload });
  };
  let atMs = startMs;
  for (let reachedMs = FRAME_MS; ; reachedMs += FRAME_MS) {
    const reached = Math.min(total, reachedMs * unitsPerMs);
    if (reached - base > SEGMENT_UNITS) {
      say(atMs, base + SEGMENT_UNITS, false, false);
      base += SEGMENT_UNITS;
    }
    if (reached === total) break;
    say(atMs, reached, false, false);
    atMs += FRAME_MS;
  }
  for (let copy = 1; copy <= END_PACKETS; copy += 1) say(atMs + (copy - 1) * FRAME_MS, total, true, copy === END_PACKETS);
  return packets;
}
