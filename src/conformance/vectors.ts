import { readdirSync, readFileSync } from 'node:fs';
import type { Digit } from '../media/dtmf/digit.js';

/** One packet of a vector, with repetitions written out and `base` added. */
export interface VectorPacket {
  readonly atMs: number;
  readonly sequence: number;
  readonly timestamp: number;
  readonly marker: boolean;
  readonly ssrc: number;
  readonly payload: Buffer;
}

export interface VectorDigit {
  readonly digit: Digit;
  readonly durationMs: number;
}

/** Packets as they arrive, and what a receiver must take from them. */
export interface ReceiveVector {
  readonly name: string;
  readonly clockRateHz: number;
  readonly packets: readonly VectorPacket[];
  readonly digits: readonly VectorDigit[];
  readonly flashesMs: readonly number[];
  /** The tone of the key goes on as audio beside the events. */
  readonly tone: boolean;
}

/** What is asked of a sender, and the packets that must leave. */
export interface SendVector {
  readonly name: string;
  readonly clockRateHz: number;
  readonly minGapMs: number;
  readonly volume: number;
  readonly timestampBase: number;
  readonly presses: readonly VectorDigit[];
  readonly packets: readonly VectorPacket[];
}

/** Presses over a path that loses, reorders and doubles packets; which ones follows from `seed`. */
export interface PathVector {
  readonly name: string;
  readonly clockRateHz: number;
  readonly digits: string;
  readonly durationMs: number;
  readonly lossPercent: number;
  readonly reorderPercent: number;
  readonly duplicatePercent: number;
  readonly seed: number;
}

export interface VectorFile {
  readonly rule: string;
  readonly about: string;
  readonly receive: readonly ReceiveVector[];
  readonly send: readonly SendVector[];
  readonly path: readonly PathVector[];
}

interface PacketLine {
  readonly atMs: number;
  readonly sequence: number;
  readonly timestamp: number;
  readonly marker?: boolean;
  readonly ssrc?: number;
  readonly payload: string;
  readonly more?: { readonly count: number; readonly everyMs: number; readonly addUnits: number };
}

interface Base {
  readonly sequence: number;
  readonly timestamp: number;
}

interface VectorText {
  readonly name: string;
  readonly clockRateHz: number;
  readonly base?: Base;
  readonly packets: readonly PacketLine[];
}

interface ReceiveText extends VectorText {
  readonly digits: readonly VectorDigit[];
  readonly flashesMs?: readonly number[];
  readonly tone?: boolean;
}

interface SendText extends VectorText {
  readonly presses: readonly VectorDigit[];
  readonly minGapMs?: number;
  readonly volume?: number;
}

interface FileText {
  readonly rule: string;
  readonly about: string;
  readonly receive?: readonly ReceiveText[];
  readonly send?: readonly SendText[];
  readonly path?: readonly PathVector[];
}

const NO_BASE: Base = { sequence: 0, timestamp: 0 };

/** Where the vectors lie, beside the source and beside what is built of it. */
const VECTORS = new URL('../../test/vectors/dtmf/', import.meta.url);

/** Every vector, by rule. */
export function readVectors(folder: URL = VECTORS): readonly VectorFile[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .sort()
    .map((name) => fileOf(JSON.parse(readFileSync(new URL(name, folder), 'utf8')) as FileText));
}

function fileOf({ rule, about, receive = [], send = [], path = [] }: FileText): VectorFile {
  return {
    rule,
    about,
    receive: receive.map(({ name, clockRateHz, base, packets, digits, flashesMs = [], tone = false }) => {
      return { name, clockRateHz, packets: packetsOf(packets, base), digits, flashesMs, tone };
    }),
    send: send.map(({ name, clockRateHz, base, packets, presses, minGapMs = 40, volume = 10 }) => {
      return { name, clockRateHz, packets: packetsOf(packets, base), presses, minGapMs, volume, timestampBase: base?.timestamp ?? 0 };
    }),
    path,
  };
}

function packetsOf(lines: readonly PacketLine[], base: Base = NO_BASE): readonly VectorPacket[] {
  return lines.flatMap((line) => {
    const { count, everyMs, addUnits } = line.more ?? { count: 0, everyMs: 0, addUnits: 0 };
    return Array.from({ length: count + 1 }, (_, n) => {
      const payload = Buffer.from(line.payload, 'hex');
      if (n > 0) payload.writeUInt16BE(payload.readUInt16BE(2) + n * addUnits, 2);
      return {
        atMs: line.atMs + n * everyMs,
        sequence: (base.sequence + line.sequence + n) & 0xffff,
        timestamp: (base.timestamp + line.timestamp) >>> 0,
        marker: n === 0 && line.marker === true,
        ssrc: line.ssrc ?? 1,
        payload,
      };
    });
  });
}
