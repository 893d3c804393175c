import { randomBytes } from 'node:crypto';
import { addTimestamp, extendSequence, timestampDelta } from './serial-number.js';

/** RFC 3550 §A.1: a forward jump of this many packets or more is a restart, not loss. */
const MAX_DROPOUT = 3000;
/** RFC 3550 §A.1: a packet this many behind or more is a restart, not reordering. */
const MAX_MISORDER = 100;
/** Slots that remember which of the newest indexes have been given out; above MAX_MISORDER, a power of two. */
const WINDOW = 128;
/** After a silence this long a jump is believed at once, without a second packet to confirm it. */
const SILENCE_MS = 1000;
/** Source timestamps may run this far from real time before the stream is set anew. */
const MAX_SKEW_MS = 2000;
const DEFAULT_FRAME_MS = 20;

export interface RtpSenderOptions {
  readonly clockRateHz: number;
  readonly ssrc: number;
  /** Below 2¹⁵, so that a receiver that misses the first packets still guesses the roll-over counter right (RFC 3711 §3.3.1). */
  readonly initialSequence: number;
  readonly initialTimestamp: number;
}

/** Unpredictable SSRC, first sequence number and first timestamp (RFC 3550 §5.1, §8). */
export function randomRtpSenderOptions(clockRateHz: number): RtpSenderOptions {
  const random = randomBytes(10);
  return {
    clockRateHz,
    ssrc: random.readUInt32BE(0),
    initialSequence: random.readUInt16BE(4) & 0x7fff,
    initialTimestamp: random.readUInt32BE(6),
  };
}

/** Where a packet stands in the outgoing stream. One object per sender, rewritten by each `mapAudio`. */
export interface OutgoingIndex {
  /** Sequence number with its wraps counted: the packet index of RFC 3711 §3.3.1. */
  readonly extendedSequence: number;
  readonly timestamp: number;
  readonly marker: boolean;
}

/** What an SR says of us (RFC 3550 §6.4.1). NTP time as seconds and fraction since 1900. */
export interface SenderInfo {
  readonly ntpSeconds: number;
  readonly ntpFraction: number;
  readonly rtpTimestamp: number;
  readonly packetCount: number;
  readonly octetCount: number;
}

const NTP_EPOCH_OFFSET_SECONDS = 2_208_988_800;

/** Wall time as an NTP timestamp (RFC 3550 §4). */
export function ntpOf(wallMs: number): { readonly ntpSeconds: number; readonly ntpFraction: number } {
  const seconds = Math.floor(wallMs / 1000);
  const fraction = Math.floor(((wallMs - seconds * 1000) / 1000) * 2 ** 32);
  return { ntpSeconds: (seconds + NTP_EPOCH_OFFSET_SECONDS) >>> 0, ntpFraction: fraction >>> 0 };
}

/**
 * The outgoing RTP stream of one leg for its whole life: one SSRC, and the only place that gives out
 * sequence numbers, each at most once (a second use would break SRTP, RFC 3711 §9.1). Whatever is
 * relayed keeps its gaps and its order relative to the last rebase; a change of source, a restart or
 * a hold moves the timestamp on by the time that really passed (RFC 3550 §5.1), never the sequence
 * by more than one.
 */
export class RtpSender {
  readonly ssrc: number;
  readonly clockRateHz: number;

  private nextOut: number;
  private packets = 0;
  private octets = 0;

  private hasSource = false;
  private sourceSsrc = 0;
  /** Newest extended sequence number of the source; packets at or below `floorIn` can no longer be placed. */
  private highestIn = 0;
  private floorIn = 0;
  private sequenceOffset = 0;
  private highestInTimestamp = 0;
  private timestampOffset = 0;
  private lastArrivalMs = 0;
  /** The sequence number that would confirm a restart (RFC 3550 §A.1 `bad_seq`), −1 = none suspected. */
  private suspected = -1;
  private readonly given = new Uint8Array(WINDOW);

  /** Outgoing timestamp `clockTimestamp` belongs to `clockMs`; −1 = not started. */
  private clockTimestamp: number;
  private clockMs = -1;
  private frameUnits: number;
  /** Timestamp at which the newest audio ends, relayed or our own; undefined before any. */
  private audioEnd: number | undefined;
  /** From and until when frames of our own stand where relayed audio would. */
  private ownStart = 0;
  private ownEnd: number | undefined;
  /** No packet of the source was placed behind them yet. */
  private ownRun = false;
  private readonly index = { extendedSequence: 0, timestamp: 0, marker: false };

  constructor(options: RtpSenderOptions) {
    this.ssrc = options.ssrc;
    this.clockRateHz = options.clockRateHz;
    this.nextOut = options.initialSequence;
    this.clockTimestamp = options.initialTimestamp;
    this.frameUnits = (DEFAULT_FRAME_MS * options.clockRateHz) / 1000;
  }

  /**
   * Places a packet of the source in our stream. Undefined: it cannot be sent (a duplicate, too late,
   * or a first packet after a jump that nothing confirms yet). The result is valid until the next call.
   */
  mapAudio(ssrc: number, sequence: number, timestamp: number, nowMs: number): OutgoingIndex | undefined {
    if (!this.hasSource || ssrc !== this.sourceSsrc) return this.rebase(ssrc, sequence, timestamp, nowMs);
    const extended = extendSequence(this.highestIn, sequence);
    const ahead = extended - this.highestIn;
    if (ahead > 0 && ahead < MAX_DROPOUT) return this.mapNewer(extended, timestamp, nowMs);
    if (ahead <= 0 && ahead > -MAX_MISORDER) return this.mapLate(extended, timestamp);
    if (sequence === this.suspected || nowMs - this.lastArrivalMs >= SILENCE_MS) return this.rebase(ssrc, sequence, timestamp, nowMs);
    this.suspected = (sequence + 1) & 0xffff;
    return undefined;
  }

  /** A packet of the source was taken out on purpose (an event, muted audio): it leaves no hole in our sequence. */
  skip(ssrc: number, sequence: number): void {
    if (!this.hasSource || ssrc !== this.sourceSsrc) return;
    const extended = extendSequence(this.highestIn, sequence);
    const ahead = extended - this.highestIn;
    if (ahead <= 0 || ahead >= MAX_DROPOUT) return;
    this.sequenceOffset -= 1;
    this.highestIn = extended;
    this.floorIn = extended;
  }

  /** The index for a packet of our own making, right after the newest; the source's later packets follow it, its late ones are lost. */
  insert(): number {
    const out = this.nextOut;
    this.nextOut += 1;
    this.sequenceOffset = out - this.highestIn;
    this.floorIn = this.highestIn;
    return out;
  }

  /** When the newest audio ends; a moment long past before any. */
  audioEndMs(): number {
    if (this.audioEnd === undefined) return Number.NEGATIVE_INFINITY;
    return this.clockMs + (timestampDelta(this.clockTimestamp, this.audioEnd) * 1000) / this.clockRateHz;
  }

  /** Where a frame of our own making belongs: right behind the newest audio, or now when that was over a frame ago. */
  nextFrame(nowMs: number, frameMs: number): { readonly timestamp: number; readonly atMs: number; readonly afterSilence: boolean } {
    const endMs = this.audioEndMs();
    if (this.audioEnd !== undefined && nowMs - endMs < frameMs) return { timestamp: this.audioEnd, atMs: endMs, afterSilence: false };
    return { timestamp: this.timestampAt(nowMs), atMs: nowMs, afterSilence: true };
  }

  /** The index of a frame of our own making that begins at `timestamp`; it stands where relayed audio of that time would. */
  insertFrame(timestamp: number, units: number, atMs: number): number {
    this.clockTimestamp = timestamp;
    this.clockMs = atMs;
    if (this.ownEnd === undefined || this.audioEnd !== timestamp) this.ownStart = timestamp;
    this.audioEnd = addTimestamp(timestamp, units);
    this.ownEnd = this.audioEnd;
    this.ownRun = true;
    return this.insert();
  }

  /** A packet of the source whose place in our stream is taken by frames of our own already. */
  isCovered(ssrc: number, timestamp: number): boolean {
    if (this.ownEnd === undefined || !this.hasSource || ssrc !== this.sourceSsrc) return false;
    const covered = timestampDelta(addTimestamp(timestamp, this.timestampOffset), this.ownEnd);
    if (covered > 0) return covered < timestampDelta(this.ownStart, this.ownEnd) + this.clockRateHz;
    this.ownEnd = undefined;
    return false;
  }

  /** The outgoing timestamp of this moment (RFC 4733 §2.2.1: an event is stamped with its start on the audio's own clock). */
  timestampAt(nowMs: number): number {
    if (this.clockMs < 0) this.clockMs = nowMs;
    return addTimestamp(this.clockTimestamp, Math.round((Math.max(0, nowMs - this.clockMs) * this.clockRateHz) / 1000));
  }

  /** To be called for every packet that really left. */
  countSent(payloadBytes: number): void {
    this.packets += 1;
    this.octets += payloadBytes;
  }

  get packetsSent(): number {
    return this.packets;
  }

  /** Payload bytes, as RTCP counts them. */
  get bytesSent(): number {
    return this.octets;
  }

  /** For the SR of this moment (RFC 3550 §6.4.1): both timestamps name the same instant. */
  senderInfo(nowMs: number, wallMs: number): SenderInfo {
    const { ntpSeconds, ntpFraction } = ntpOf(wallMs);
    return {
      ntpSeconds,
      ntpFraction,
      rtpTimestamp: this.timestampAt(nowMs),
      packetCount: this.packets >>> 0,
      octetCount: this.octets >>> 0,
    };
  }

  private mapNewer(extended: number, timestamp: number, nowMs: number): OutgoingIndex {
    const advance = timestampDelta(this.highestInTimestamp, timestamp);
    const elapsedMs = nowMs - this.lastArrivalMs;
    if (Math.abs((advance * 1000) / this.clockRateHz - elapsedMs) > MAX_SKEW_MS) {
      return this.rebase(this.sourceSsrc, extended & 0xffff, timestamp, nowMs);
    }
    if (extended === this.highestIn + 1 && advance > 0) this.frameUnits = Math.min(advance, this.clockRateHz / 5);
    if (this.ownRun) {
      // What was lost meanwhile has our own frames in its place.
      this.sequenceOffset = this.nextOut - extended;
      this.floorIn = extended - 1;
    }
    const out = extended + this.sequenceOffset;
    this.openWindow(out);
    this.advanceTo(extended, timestamp, nowMs);
    return this.give(out, addTimestamp(timestamp, this.timestampOffset), false);
  }

  private mapLate(extended: number, timestamp: number): OutgoingIndex | undefined {
    const behind = timestampDelta(timestamp, this.highestInTimestamp);
    const out = extended + this.sequenceOffset;
    const placeable = extended > this.floorIn && this.given[out & (WINDOW - 1)] === 0;
    if (!placeable || behind < 0 || behind > (MAX_SKEW_MS * this.clockRateHz) / 1000) return undefined;
    return this.give(out, addTimestamp(timestamp, this.timestampOffset), false);
  }

  private rebase(ssrc: number, sequence: number, timestamp: number, nowMs: number): OutgoingIndex {
    const now = this.timestampAt(nowMs);
    const soonest = this.audioEnd ?? this.clockTimestamp;
    const outTimestamp = timestampDelta(soonest, now) > 0 ? now : soonest;
    const extended = sequence + 0x10000;
    const out = this.nextOut;
    this.hasSource = true;
    this.sourceSsrc = ssrc;
    this.floorIn = extended - 1;
    this.sequenceOffset = out - extended;
    this.timestampOffset = timestampDelta(timestamp, outTimestamp);
    this.openWindow(out);
    this.advanceTo(extended, timestamp, nowMs);
    return this.give(out, outTimestamp, true);
  }

  private advanceTo(extended: number, timestamp: number, nowMs: number): void {
    this.highestIn = extended;
    this.highestInTimestamp = timestamp;
    this.lastArrivalMs = nowMs;
    this.suspected = -1;
    this.ownRun = false;
    this.clockTimestamp = addTimestamp(timestamp, this.timestampOffset);
    this.clockMs = nowMs;
    this.audioEnd = addTimestamp(this.clockTimestamp, this.frameUnits);
  }

  /** Makes `out` the newest index; what lies between was never given. */
  private openWindow(out: number): void {
    if (out - this.nextOut >= WINDOW) this.given.fill(0);
    else for (let free = this.nextOut; free <= out; free += 1) this.given[free & (WINDOW - 1)] = 0;
    this.nextOut = out + 1;
  }

  private give(out: number, timestamp: number, marker: boolean): OutgoingIndex {
    this.given[out & (WINDOW - 1)] = 1;
    this.index.extendedSequence = out;
    this.index.timestamp = timestamp;
    this.index.marker = marker;
    return this.index;
  }
}
