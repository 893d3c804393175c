import { MAX_SEGMENT_UNITS } from '../media/dtmf/telephone-event.js';
import { timestampDelta } from '../media/rtp/serial-number.js';
import type { HeardEvent } from './capture.js';

/** The packets that share source, event and timestamp (RFC 4733 §2.2.1). */
export interface HeardSegment {
  readonly event: number;
  readonly timestamp: number;
  readonly packets: readonly HeardEvent[];
}

/** A press as it came out: its segments (RFC 4733 §2.5.1.3) in order. */
export interface HeardPress {
  readonly segments: readonly HeardSegment[];
  readonly packets: readonly HeardEvent[];
  readonly ends: readonly HeardEvent[];
  /** Sum of what its segments say. */
  readonly durationUnits: number;
}

/** Puts packets together to presses by the letter of the standard: no allowance is made for a sender's faults. */
export function pressesOf(events: readonly HeardEvent[]): readonly HeardPress[] {
  const segments: { event: number; ssrc: number; timestamp: number; packets: HeardEvent[] }[] = [];
  for (const packet of events) {
    const { event, ssrc, timestamp } = packet;
    const known = segments.find((each) => each.event === event && each.ssrc === ssrc && each.timestamp === timestamp);
    if (known === undefined) segments.push({ event, ssrc, timestamp, packets: [packet] });
    else known.packets.push(packet);
  }
  const presses: HeardSegment[][] = [];
  for (const segment of segments) {
    const before = presses.at(-1);
    const last = before?.at(-1);
    if (before !== undefined && last !== undefined && continues(last, segment)) before.push(segment);
    else presses.push([segment]);
  }
  return presses.map(pressOf);
}

function continues(before: HeardSegment, segment: HeardSegment): boolean {
  if (before.event !== segment.event || before.packets.some(({ end }) => end)) return false;
  return timestampDelta(before.timestamp, segment.timestamp) === MAX_SEGMENT_UNITS;
}

function pressOf(segments: readonly HeardSegment[]): HeardPress {
  const packets = segments.flatMap((segment) => segment.packets);
  const lengths = segments.map((segment) => Math.max(...segment.packets.map(({ durationUnits }) => durationUnits)));
  return { segments, packets, ends: packets.filter(({ end }) => end), durationUnits: lengths.reduce((sum, units) => sum + units, 0) };
}
