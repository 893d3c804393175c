import { sequenceDelta } from '../media/rtp/serial-number.js';
import type { Exercise } from './exercise.js';
import type { VectorPacket } from './vectors.js';

/** A packet to send, `atMs` after the timeline began. */
export interface TimedPacket {
  readonly atMs: number;
  readonly kind: 'audio' | 'tone' | 'event';
  readonly sequence: number;
  readonly timestamp: number;
  readonly marker: boolean;
  /** 1 and up: which of the sender's sources. */
  readonly source: number;
  /** Of an event; audio is filled in as it is sent. */
  readonly payload?: Buffer;
}

export interface Timeline {
  readonly packets: readonly TimedPacket[];
  /** When the exercise's first packet leaves, and its last. */
  readonly firstMs: number;
  readonly lastMs: number;
}

const FRAME_MS = 20;
/** Audio before the first event: a gateway learns from it where we are. */
const LEAD_FRAMES = 25;
/** Audio after the last event: it must go on as if nothing had been. */
const TAIL_FRAMES = 40;

/** An exercise between audio before and after it, all on one clock. */
export function timelineOf({ clockRateHz, packets, tone }: Pick<Exercise, 'clockRateHz' | 'packets' | 'tone'>): Timeline {
  const unitsPerFrame = (FRAME_MS * clockRateHz) / 1000;
  const leadMs = LEAD_FRAMES * FRAME_MS;
  const first = earliestOf(packets);
  const sequenceBase = first.sequence - LEAD_FRAMES;
  const timestampBase = first.timestamp - LEAD_FRAMES * unitsPerFrame;
  const lead = frames(LEAD_FRAMES, 0, 'audio').map((frame, n) => ({
    ...frame,
    sequence: (sequenceBase + n) & 0xffff,
    timestamp: (timestampBase + n * unitsPerFrame) >>> 0,
    marker: n === 0,
    source: first.ssrc,
  }));
  const events = packets.map((packet) => ({ ...eventOf(packet), atMs: leadMs + packet.atMs }));
  const last = events.at(-1) ?? { atMs: leadMs, source: first.ssrc };
  const newest = newestSequence(packets.filter(({ ssrc }) => ssrc === last.source));
  const tailFrom = Math.ceil(last.atMs / FRAME_MS) * FRAME_MS + FRAME_MS;
  const tail = frames(TAIL_FRAMES, tailFrom, 'audio').map((frame, n) => ({
    ...frame,
    sequence: (newest + 1 + n) & 0xffff,
    timestamp: (timestampBase + Math.round((frame.atMs * clockRateHz) / 1000)) >>> 0,
    marker: n === 0,
    source: last.source,
  }));
  const all = tone ? withTone(lead, events, tail, timestampBase, clockRateHz) : [...lead, ...events, ...tail];
  return { packets: all, firstMs: leadMs, lastMs: last.atMs };
}

/** Nothing but silence, for so long. */
export function idleTimeline(durationMs: number, clockRateHz: number): Timeline {
  const unitsPerFrame = (FRAME_MS * clockRateHz) / 1000;
  const packets = frames(Math.ceil(durationMs / FRAME_MS), 0, 'audio').map((frame, n) => {
    return { ...frame, sequence: n & 0xffff, timestamp: (n * unitsPerFrame) >>> 0, marker: n === 0, source: 1 };
  });
  return { packets, firstMs: 0, lastMs: durationMs };
}

function eventOf({ atMs, sequence, timestamp, marker, ssrc, payload }: VectorPacket): TimedPacket {
  return { atMs, kind: 'event', sequence, timestamp, marker, source: ssrc, payload };
}

function frames(count: number, fromMs: number, kind: 'audio' | 'tone'): readonly Pick<TimedPacket, 'atMs' | 'kind'>[] {
  return Array.from({ length: count }, (_, n) => ({ atMs: fromMs + n * FRAME_MS, kind }));
}

/** Tone frames between the events, each right behind one of them, and all of it numbered anew. */
function withTone(
  lead: readonly TimedPacket[],
  events: readonly TimedPacket[],
  tail: readonly TimedPacket[],
  timestampBase: number,
  clockRateHz: number,
): readonly TimedPacket[] {
  const start = lead.at(-1)?.sequence ?? 0;
  const beside = events.flatMap((event): TimedPacket[] => {
    const timestamp = (timestampBase + Math.round((event.atMs * clockRateHz) / 1000)) >>> 0;
    return [event, { atMs: event.atMs, kind: 'tone', sequence: 0, timestamp, marker: false, source: event.source }];
  });
  return [...lead, ...[...beside, ...tail].map((packet, n) => ({ ...packet, sequence: (start + 1 + n) & 0xffff }))];
}

/** Its packet of the lowest number, which need not have come first: its timestamp is where the vector begins on its sender's clock. */
function earliestOf(packets: readonly VectorPacket[]): VectorPacket {
  const [first, ...rest] = packets;
  const none = { atMs: 0, sequence: 0, timestamp: 0, marker: false, ssrc: 1, payload: Buffer.alloc(0) };
  if (first === undefined) return none;
  return rest
    .filter(({ ssrc }) => ssrc === first.ssrc)
    .reduce((oldest, packet) => (sequenceDelta(oldest.sequence, packet.sequence) < 0 ? packet : oldest), first);
}

function newestSequence(packets: readonly VectorPacket[]): number {
  const [first, ...rest] = packets.map(({ sequence }) => sequence);
  return rest.reduce((newest, sequence) => (sequenceDelta(newest, sequence) > 0 ? sequence : newest), first ?? 0);
}
