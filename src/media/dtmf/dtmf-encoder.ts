import { addTimestamp, timestampDelta } from '../rtp/serial-number.js';
import { type Digit, eventOfDigit, FLASH_EVENT } from './digit.js';
import { DEFAULT_VOLUME, MAX_SEGMENT_UNITS, writeTelephoneEvent } from './telephone-event.js';

/** RFC 4733 §2.5.1.4: the final packet goes out three times. */
const END_PACKETS = 3;
/** A timer may fire this much early without the packet having to wait for another; the first of a press waits, for the silence before it. */
const EARLY_MS = 1;
/** So long after a press its timestamps say nothing of the next. */
const CLOCK_DOUBT_MS = 60_000;
const QUEUE_LIMIT = 256;

export interface DtmfEncoderOptions {
  /** Clock of the telephone-event payload type. */
  readonly clockRateHz: number;
  /** Time between packets of one event; the first says one interval already (RFC 4733 §2.3.5: never zero). Default 20. */
  readonly intervalMs?: number;
  /** Silence after a digit before the next may start; ITU-T Q.24 wants 40 ms. Default 40. */
  readonly minGapMs?: number;
  /** dBm0 with the sign dropped. Default 10. */
  readonly volume?: number;
}

/** One digit has left, its last end packet included unless the stream ended before that. */
export interface DigitSent {
  readonly id: number;
  readonly digit: Digit;
  readonly durationMs: number;
  readonly packets: number;
}

/** A hook flash has left, its last end packet included. */
export interface FlashSent {
  readonly id: number;
  readonly durationMs: number;
  readonly packets: number;
}

export interface DtmfEncoderDeps {
  readonly onSent: (sent: DigitSent) => void;
  readonly onFlashSent?: (sent: FlashSent) => void;
}

/** An event packet to send: its payload has been written, the rest goes into the header. Rewritten by each `next`. */
export interface EventPacket {
  readonly timestamp: number;
  readonly marker: boolean;
  readonly payloadLength: number;
}

interface Press {
  readonly id: number;
  /** None for a hook flash. */
  readonly digit: Digit | undefined;
  readonly event: number;
  readonly volume: number;
  readonly gapMs: number;
  /** What is known of the length: a held key grows, a queued digit is known from the start. */
  knownMs: number;
  held: boolean;
}

interface Sending {
  readonly press: Press;
  readonly startMs: number;
  /** Of the segment being sent (RFC 4733 §2.5.1.3). */
  timestamp: number;
  /** Units of the segments before it. */
  segmentBase: number;
  /** Whole-press units that have been said; durations never shrink. */
  saidUnits: number;
  /** Packet n is due n intervals after the start, whatever the timers do. */
  slot: number;
  ends: number;
  packets: number;
}

/**
 * The telephone-events that leave one leg: digits one after the other, each held key or queued digit
 * stamped with its start (RFC 4733 §2.2.1), updated each interval, ended three times a whole interval
 * apart (§2.5.1.4), cut into segments when longer than 0xFFFF units (§2.5.1.3). Pure: the caller asks
 * `nextDueMs` and calls `next` then.
 */
export class DtmfEncoder {
  private readonly queue: Press[] = [];
  private sending: Sending | undefined;
  private live: Press | undefined;
  private nextId = 1;
  private freeAtMs = Number.NEGATIVE_INFINITY;
  private lastEndTimestamp: number | undefined;
  private readonly intervalMs: number;
  private readonly minGapMs: number;
  private readonly volume: number;
  private readonly unitsPerMs: number;
  private readonly packet = { timestamp: 0, marker: false, payloadLength: 0 };

  constructor(
    options: DtmfEncoderOptions,
    private readonly deps: DtmfEncoderDeps,
  ) {
    this.intervalMs = options.intervalMs ?? 20;
    this.minGapMs = options.minGapMs ?? 40;
    this.volume = options.volume ?? DEFAULT_VOLUME;
    this.unitsPerMs = options.clockRateHz / 1000;
  }

  /** A digit is being sent or waits. */
  get busy(): boolean {
    return this.sending !== undefined || this.queue.length > 0;
  }

  /** A digit is being sent, or is so near that audio should be silent before it: within the shortest silence between two. */
  occupies(nowMs: number): boolean {
    return this.sending !== undefined || (this.queue.length > 0 && nowMs >= this.freeAtMs - this.minGapMs);
  }

  /**
   * A key went down elsewhere: its tone goes on until `end`, or until the next key goes down. Returns its id,
   * undefined when the queue is full.
   */
  begin(digit: Digit, volume: number = this.volume): number | undefined {
    if (this.live !== undefined) this.live.held = false;
    this.live = this.add(digit, volume, 0, true);
    return this.live?.id;
  }

  /** The held key is known to have been down this long so far. */
  lengthen(durationMs: number): void {
    if (this.live !== undefined) this.live.knownMs = Math.max(this.live.knownMs, durationMs);
  }

  /** The held key went up after this long in all. */
  end(durationMs: number): void {
    this.lengthen(durationMs);
    if (this.live !== undefined) this.live.held = false;
    this.live = undefined;
  }

  /** Adds a digit of known length behind those that wait, and so much silence after it at least. Returns its id, undefined when the queue is full. */
  enqueue(digit: Digit, durationMs: number, gapMs: number = this.minGapMs): number | undefined {
    return this.add(digit, this.volume, durationMs, false, Math.max(this.minGapMs, gapMs))?.id;
  }

  /** As `enqueue`, for a hook flash: event 16, whose volume field is zero (RFC 4733 §2.3.4, §3.2). */
  enqueueFlash(durationMs: number): number | undefined {
    return this.add(undefined, 0, durationMs, false)?.id;
  }

  /** Drops what has not left and returns how many digits that were, the one in the middle included. One whose end was told once has left. */
  clear(): number {
    const { sending } = this;
    if (sending !== undefined && sending.ends > 0) this.finish(sending, sending.startMs + sending.slot * this.intervalMs);
    const dropped = this.queue.length + (this.sending === undefined ? 0 : 1);
    this.queue.length = 0;
    this.sending = undefined;
    this.live = undefined;
    return dropped;
  }

  /** When the next packet is due; a moment already past means now, undefined means none. */
  nextDueMs(): number | undefined {
    if (this.sending !== undefined) return this.sending.startMs + this.sending.slot * this.intervalMs;
    return this.queue.length > 0 ? this.freeAtMs : undefined;
  }

  /**
   * Writes the payload of the packet that is due into `buffer` at `offset`; undefined when none is.
   * `timestampNow` is the outgoing stream's timestamp of `nowMs`, used when a digit starts.
   */
  next(nowMs: number, timestampNow: number, buffer: Buffer, offset: number): EventPacket | undefined {
    const due = this.nextDueMs();
    const earlyMs = this.sending === undefined ? 0 : EARLY_MS;
    if (due === undefined || nowMs + earlyMs < due) return undefined;
    const sending = this.sending ?? this.start(nowMs, timestampNow);
    if (sending === undefined) return undefined;
    const slot = Math.max(sending.slot, Math.floor((nowMs - sending.startMs) / this.intervalMs));
    sending.slot = slot + 1;
    sending.packets += 1;
    this.packet.marker = sending.packets === 1;
    this.packet.timestamp = sending.timestamp;
    this.packet.payloadLength = this.write(sending, slot, buffer, offset);
    if (sending.ends === END_PACKETS) this.finish(sending, nowMs);
    return this.packet;
  }

  private add(digit: Digit | undefined, volume: number, knownMs: number, held: boolean, gapMs = this.minGapMs): Press | undefined {
    if (this.queue.length >= QUEUE_LIMIT) return undefined;
    const event = digit === undefined ? FLASH_EVENT : eventOfDigit(digit);
    const press = { id: this.nextId, digit, event, volume, gapMs, knownMs, held };
    this.nextId += 1;
    this.queue.push(press);
    return press;
  }

  private start(nowMs: number, timestampNow: number): Sending | undefined {
    const press = this.queue.shift();
    if (press === undefined) return undefined;
    this.sending = {
      press,
      startMs: nowMs,
      timestamp: this.startTimestamp(nowMs, timestampNow),
      segmentBase: 0,
      saidUnits: 0,
      slot: 0,
      ends: 0,
      packets: 0,
    };
    return this.sending;
  }

  /** The silence between two presses holds in timestamps too, when the audio clock was read early: a late packet sets it back. */
  private startTimestamp(nowMs: number, timestampNow: number): number {
    if (this.lastEndTimestamp === undefined || nowMs - this.freeAtMs > CLOCK_DOUBT_MS) return timestampNow;
    const soonest = addTimestamp(this.lastEndTimestamp, Math.round(this.minGapMs * this.unitsPerMs));
    return timestampDelta(soonest, timestampNow) < 0 ? soonest : timestampNow;
  }

  private write(sending: Sending, slot: number, buffer: Buffer, offset: number): number {
    const { press } = sending;
    const intervalUnits = Math.round(this.intervalMs * this.unitsPerMs);
    // A press is at least one interval long, and never shorter than what has been said of it.
    const known = Math.max(Math.round(press.knownMs * this.unitsPerMs), intervalUnits, sending.saidUnits);
    const reached = Math.round((slot + 1) * this.intervalMs * this.unitsPerMs);
    const total = Math.min(known, reached);
    if (total - sending.segmentBase > MAX_SEGMENT_UNITS) {
      // The segment is full: it is said to be 0xFFFF long, without E, and the next starts at its end.
      sending.segmentBase += MAX_SEGMENT_UNITS;
      sending.saidUnits = sending.segmentBase;
      sending.timestamp = addTimestamp(sending.timestamp, MAX_SEGMENT_UNITS);
      return writeTelephoneEvent(buffer, offset, press.event, false, press.volume, MAX_SEGMENT_UNITS);
    }
    const ended = !press.held && total >= known;
    if (ended) sending.ends += 1;
    sending.saidUnits = total;
    return writeTelephoneEvent(buffer, offset, press.event, ended, press.volume, total - sending.segmentBase);
  }

  private finish(sending: Sending, nowMs: number): void {
    const durationMs = sending.saidUnits / this.unitsPerMs;
    this.lastEndTimestamp = addTimestamp(sending.timestamp, sending.saidUnits - sending.segmentBase);
    this.freeAtMs = Math.max(nowMs, sending.startMs + durationMs + sending.press.gapMs);
    this.sending = undefined;
    const { id, digit } = sending.press;
    if (digit === undefined) this.deps.onFlashSent?.({ id, durationMs, packets: sending.packets });
    else this.deps.onSent({ id, digit, durationMs, packets: sending.packets });
  }
}
