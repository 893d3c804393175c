import { MAX_SEGMENT_UNITS } from '../media/dtmf/telephone-event.js';
import { sequenceDelta, timestampDelta } from '../media/rtp/serial-number.js';
import { eventsIn, type HeardEvent, type HeardPacket } from './capture.js';
import { type Finding, found } from './finding.js';
import { type HeardPress, pressesOf } from './heard-press.js';

/** What came out of a call, and what a judge must know of it. */
export interface Capture {
  readonly packets: readonly HeardPacket[];
  readonly clockRateHz: number;
  /** How many presses a correct receiver takes from it. */
  readonly presses: number;
}

/** Packets late by this much are the network's doing, or ours. */
const JITTER_MS = 60;
const END_PACKETS = 3;
/** The last end packet comes this part of two intervals after the first, at least. */
const SPACED_PART = 0.6;
const DEFAULT_INTERVAL_MS = 20;

/** Holds what came out for a flawless sender to every rule for senders. */
export function judgeSender(capture: Capture): readonly Finding[] {
  const events = eventsIn(capture.packets);
  if (events.length === 0) return [];
  const presses = pressesOf(events);
  const first = <T>(items: readonly T[], faultOf: (item: T) => string | undefined): string | undefined =>
    items.reduce<string | undefined>((fault, item) => fault ?? faultOf(item), undefined);
  return [
    found(
      'D1',
      wrongStarts(capture, presses) ?? clockAfter(capture, presses),
      'one timestamp a press, and the audio goes on by the same clock',
    ),
    found('D2', brokenStream(capture), 'events and audio share source, sequence numbers and clock'),
    found('D3', first(presses, wrongMarker), 'the marker stands on the first packet of each press only'),
    found('D4', first(presses, wrongEnds), 'three end packets, an interval apart'),
    found('D5', first(presses, wrongUnits), 'durations grow and are never zero'),
    ...judgeLongPresses(presses),
    judgeReserved(capture.packets),
  ];
}

/** The reserved bit is never sent, whatever came in (RFC 4733 §2.3.3). */
export function judgeReserved(packets: readonly HeardPacket[]): Finding {
  const set = eventsIn(packets).some(({ reserved }) => reserved);
  return found('D13', set ? 'a packet came out with the reserved bit set' : undefined, 'the reserved bit came out as 0');
}

/** RFC 4733 §2.2.1: as many timestamps as presses. */
function wrongStarts({ presses }: Capture, heard: readonly HeardPress[]): string | undefined {
  if (heard.length <= presses) return undefined;
  return `${presses} ${presses === 1 ? 'press' : 'presses'} came out under ${heard.length} timestamps`;
}

/** RFC 4733 §2.2.1: the audio after an event continues the clock that went on beneath it. */
function clockAfter({ packets, clockRateHz }: Capture, presses: readonly HeardPress[]): string | undefined {
  for (const { packets: own } of presses) {
    const [start] = own;
    const next = packets.find(({ kind, atMs }) => kind === 'audio' && atMs > (own.at(-1)?.atMs ?? 0));
    if (start === undefined || next === undefined || untimed(start, next)) continue;
    const saidMs = (timestampDelta(start.timestamp, next.timestamp) * 1000) / clockRateHz;
    const passedMs = next.atMs - start.atMs;
    if (Math.abs(saidMs - passedMs) > JITTER_MS) {
      return `the audio came ${Math.round(passedMs)} ms after the start of a press with a timestamp ${Math.round(saidMs)} ms on`;
    }
  }
  return undefined;
}

/** RFC 4733 §2.5.1.2: one source, one run of sequence numbers, one clock. */
function brokenStream({ packets, clockRateHz }: Capture): string | undefined {
  const own = packets.filter(({ kind }) => kind !== 'other');
  const sources = new Set(own.map(({ ssrc }) => ssrc));
  if (sources.size > 1) return `${sources.size} sources (SSRC) came out in one stream`;
  for (const [n, packet] of own.entries()) {
    const before = own[n - 1];
    if (before === undefined) continue;
    const step = sequenceDelta(before.sequence, packet.sequence);
    if (step !== 1) return step === 0 ? 'a sequence number came twice' : `the sequence numbers jumped by ${step} where nothing was lost`;
    if (before.kind !== 'audio' || packet.kind !== 'event' || untimed(before, packet)) continue;
    const saidMs = (timestampDelta(before.timestamp, packet.timestamp) * 1000) / clockRateHz;
    const passedMs = packet.atMs - before.atMs;
    if (Math.abs(saidMs - passedMs) > JITTER_MS) {
      return `a press came ${Math.round(passedMs)} ms after audio with a timestamp ${Math.round(saidMs)} ms on`;
    }
  }
  return undefined;
}

/** RFC 4733 §2.5.1.2, §2.5.1.3: on the first packet, and not on further segments. */
function wrongMarker({ packets }: HeardPress): string | undefined {
  if (packets[0]?.marker !== true) return 'a press came out without the marker on its first packet';
  const more = packets.slice(1).filter(({ marker }) => marker).length;
  return more === 0 ? undefined : `a press came out with the marker on ${more + 1} packets`;
}

/** RFC 4733 §2.5.1.4: three times, at the interval of the updates. */
function wrongEnds(press: HeardPress): string | undefined {
  const { ends, segments } = press;
  if (ends.length !== END_PACKETS) return `a press came out with ${ends.length} end packets`;
  const [first, , last] = ends;
  if (first === undefined || last === undefined) return undefined;
  if (ends.some(({ durationUnits }) => durationUnits !== first.durationUnits)) return 'the end packets of a press say different durations';
  if (segments.length > 0 && ends.some(({ timestamp }) => timestamp !== first.timestamp))
    return 'the end packets of a press have different timestamps';
  const spanMs = last.atMs - first.atMs;
  if (spanMs >= SPACED_PART * 2 * intervalOf(press) || untimed(...ends)) return undefined;
  return `the three end packets of a press came within ${Math.round(spanMs)} ms`;
}

/** RFC 4733 §2.3.5: never zero, and no shorter than was said before. That they count the right clock shows in the length of the digits. */
function wrongUnits({ packets, segments }: HeardPress): string | undefined {
  if (packets.some(({ durationUnits }) => durationUnits === 0)) return 'a packet came out with a duration of zero';
  const shrinks = segments.some((segment) =>
    segment.packets.some(({ durationUnits }, n) => durationUnits < (segment.packets[n - 1]?.durationUnits ?? 0)),
  );
  return shrinks ? 'the duration of a press shrank' : undefined;
}

/** RFC 4733 §2.5.1.3: a full segment says 0xFFFF without end, the next starts there. Nothing when no press was that long. */
function judgeLongPresses(presses: readonly HeardPress[]): readonly Finding[] {
  const long = presses.filter(({ segments }) => segments.length > 1);
  if (long.length === 0) return [];
  const full = ({ segments }: HeardPress): boolean =>
    segments.slice(0, -1).every(({ packets }) => packets.some(({ durationUnits, end }) => durationUnits === MAX_SEGMENT_UNITS && !end));
  const fault = long.every(full) ? undefined : 'a press went on in a new segment without a packet that says the old one is full';
  return [found('D6', fault, 'a long press comes out in full segments, each starting where the last ended')];
}

/** Something of this was read too late to tell its time. */
function untimed(...packets: readonly HeardPacket[]): boolean {
  return packets.some(({ waited }) => waited === true);
}

/** Median time between the updates of a press, or the common interval when that is less: what is to be told apart is a burst. */
function intervalOf({ packets }: HeardPress): number {
  const updates = packets.filter(({ end }) => !end);
  const steps = updates.map((packet: HeardEvent, n) => packet.atMs - (updates[n - 1]?.atMs ?? packet.atMs)).slice(1);
  const sorted = [...steps].sort((a, b) => a - b);
  return Math.min(sorted[Math.floor(sorted.length / 2)] ?? DEFAULT_INTERVAL_MS, DEFAULT_INTERVAL_MS);
}
