import { DIGITS, type Digit } from '../../src/media/dtmf/digit.js';

/** A telephone-event as it came. */
export interface SeenEvent {
  readonly sequence: number;
  readonly timestamp: number;
  readonly marker: boolean;
  readonly payload: Buffer;
}

/** A press as its packets tell it. */
export interface ReadPress {
  readonly digit: Digit;
  /** Of its first segment. */
  readonly timestamp: number;
  readonly units: number;
  readonly volume: number;
  readonly events: readonly SeenEvent[];
}

const SEGMENT_UNITS = 0xffff;
const signed = (units: number): number => units | 0;

/**
 * Reads presses from packets that lie before it all at once, in whatever order they came: one press for
 * each start (RFC 4733 §2.5.2.2), segments joined (§2.5.2.3). Shares nothing with the decoder that is
 * tested, which must decide as the packets come.
 */
export function readPresses(seen: readonly SeenEvent[]): readonly ReadPress[] {
  const [first] = seen;
  if (first === undefined) return [];
  const starts = new Map<number, SeenEvent[]>();
  for (const event of seen) {
    const start = signed(event.timestamp - first.timestamp);
    const group = starts.get(start);
    if (group === undefined) starts.set(start, [event]);
    else group.push(event);
  }
  const presses: { start: number; press: ReadPress; open: boolean; base: number }[] = [];
  for (const [start, events] of [...starts].sort(([a], [b]) => a - b)) {
    const read = readSegment(events);
    const before = presses.at(-1);
    const joins = before?.open === true && before.press.digit === read.digit && start === before.base + SEGMENT_UNITS;
    if (before !== undefined && joins) {
      before.press = { ...before.press, units: start - before.start + read.units, events: [...before.press.events, ...events] };
      before.open = !read.ended;
      before.base = start;
      continue;
    }
    const { timestamp } = events[0] as SeenEvent;
    const press = { digit: read.digit, timestamp, units: read.units, volume: read.volume, events };
    presses.push({ start, press, open: !read.ended, base: start });
  }
  return presses.map(({ press }) => press);
}

function readSegment(events: readonly SeenEvent[]): { digit: Digit; units: number; volume: number; ended: boolean } {
  const codes = new Set(events.map(({ payload }) => payload.readUInt8(0)));
  const volumes = new Set(events.map(({ payload }) => payload.readUInt8(1) & 0x3f));
  const [code] = codes;
  const [volume] = volumes;
  const digit = DIGITS[code ?? -1];
  if (codes.size !== 1 || volumes.size !== 1 || digit === undefined || volume === undefined)
    throw new Error(`one press of events ${[...codes].join('+')} at levels ${[...volumes].join('+')}`);
  return {
    digit,
    volume,
    units: Math.max(...events.map(({ payload }) => payload.readUInt16BE(2))),
    ended: events.some(({ payload }) => (payload.readUInt8(1) & 0x80) !== 0),
  };
}

/** What RFC 4733 §2.5.1 asks of a press that left, as sentences about what is wrong with it; in the order it left. */
export function faultsOf(press: ReadPress): readonly string[] {
  const { events } = press;
  const said = events.map(({ payload }) => payload.readUInt16BE(2));
  const ends = events.filter(({ payload }) => (payload.readUInt8(1) & 0x80) !== 0);
  const faults: string[] = [];
  const markers = events.flatMap(({ marker }, index) => (marker ? [index] : []));
  if (markers.join() !== '0') faults.push(`markers on packets ${markers.join()}`);
  if (ends.length !== 3) faults.push(`${ends.length} end packets`);
  if (events.slice(-3).some((event) => !ends.includes(event))) faults.push('a packet after the end');
  if (new Set(ends.map(({ payload, timestamp }) => `${timestamp} ${payload.readUInt16BE(2)}`)).size > 1)
    faults.push('end packets that differ');
  if (said.some((units) => units === 0)) faults.push('a duration of zero');
  if (events.some(({ payload }) => (payload.readUInt8(1) & 0x40) !== 0)) faults.push('the R bit set');
  for (const [index, event] of events.entries()) {
    const before = events[index - 1];
    if (before === undefined) continue;
    if (event.sequence !== ((before.sequence + 1) & 0xffff)) faults.push(`sequence ${before.sequence} then ${event.sequence}`);
    const shrinks = event.timestamp === before.timestamp && event.payload.readUInt16BE(2) < before.payload.readUInt16BE(2);
    if (shrinks) faults.push(`duration ${before.payload.readUInt16BE(2)} then ${event.payload.readUInt16BE(2)}`);
  }
  return faults;
}
