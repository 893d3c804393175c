import { timestampDelta } from '../rtp/serial-number.js';
import { type Digit, digitOfEvent } from './digit.js';
import { MAX_SEGMENT_UNITS, TELEPHONE_EVENT_BYTES, TelephoneEvent } from './telephone-event.js';

/** One key press: `start` once, `update` as it grows, `end` once. Durations are whole-press, in milliseconds. */
export interface DtmfDecoded {
  readonly type: 'start' | 'update' | 'end';
  readonly digit: Digit;
  readonly durationMs: number;
  readonly volume: number;
}

export interface DtmfDecoderOptions {
  /** Clock of the telephone-event payload type (RFC 4733 §2.1). */
  readonly clockRateHz: number;
}

/** RFC 4733 §2.5.2.2 has an event end when nothing came of it for about three intervals; before one is known, 50 ms is taken. */
const FIRST_INTERVAL_MS = 50;
const INTERVALS_TO_TIMEOUT = 3;
/** Jitter on real paths: never give up sooner than this. */
const SHORTEST_TIMEOUT_MS = 120;
const LONGEST_TIMEOUT_MS = 300;
/** Packets of earlier events are told by an older timestamp, within this; older still is a sender whose clock was set back. */
const LATE_WINDOW_MS = 10_000;
/** No straggler is later than this: after so long without events, any timestamp is a new press. */
const STRAGGLER_MS = 2000;

interface Press {
  readonly event: number;
  readonly digit: Digit | undefined;
  /** Timestamp of the segment that is being received. */
  timestamp: number;
  /** Longest duration seen in it. */
  segmentUnits: number;
  /** Units of the segments before it. */
  priorUnits: number;
  readonly volume: number;
  /** Still to be ended. After a time-out late packets may still come: they belong here and say nothing new. */
  open: boolean;
  /** An end bit was seen: no further segment can follow. */
  closed: boolean;
}

/**
 * Turns the telephone-events of one incoming leg into key presses. A press is known by SSRC and
 * timestamp alone: marker, first packet, end packets, any of them may be missing, doubled or late
 * (RFC 4733 §2.5.2.2; survey D3–D9, D13, D15).
 */
export class DtmfDecoder {
  private ssrc: number | undefined;
  private newest: Press | undefined;
  private lastPacketMs = 0;
  /** As `lastPacketMs`, but of ignored packets too. */
  private lastSeenMs = 0;
  private intervalMs: number | undefined;
  /** The source before the last change, so that its stragglers are not taken for a new one. */
  private formerSsrc: number | undefined;
  private formerTimestamp = 0;
  private readonly view = new TelephoneEvent();
  private readonly unitsPerMs: number;

  constructor(
    options: DtmfDecoderOptions,
    private readonly deps: { readonly onDecoded: (decoded: DtmfDecoded) => void },
  ) {
    this.unitsPerMs = options.clockRateHz / 1000;
  }

  /** A press is under way. */
  get active(): boolean {
    return this.newest?.open === true;
  }

  /** Takes the payload of one packet. False when it holds no event at all. */
  receive(ssrc: number, timestamp: number, buffer: Buffer, offset: number, length: number, nowMs: number): boolean {
    const end = offset + length;
    let at = offset;
    let eventTimestamp = timestamp;
    while (this.view.read(buffer, at, end)) {
      this.receiveEvent(ssrc, eventTimestamp, nowMs);
      eventTimestamp = (eventTimestamp + this.view.duration) >>> 0;
      at += TELEPHONE_EVENT_BYTES;
    }
    return at > offset;
  }

  /** When `tick` is due; undefined while no press is under way. */
  nextDueMs(): number | undefined {
    return this.active ? this.lastPacketMs + this.timeoutMs() : undefined;
  }

  /** Ends a press of which nothing came for about three intervals. */
  tick(nowMs: number): void {
    const due = this.nextDueMs();
    if (due !== undefined && nowMs >= due) this.finish();
  }

  /** Ends the press under way, if any: the leg is closing or its formats change. */
  flush(): void {
    this.finish();
  }

  private receiveEvent(ssrc: number, timestamp: number, nowMs: number): void {
    if (this.view.duration === 0) return;
    const quietMs = nowMs - this.lastSeenMs;
    this.lastSeenMs = nowMs;
    if (ssrc === this.formerSsrc && !this.isNewer(this.formerTimestamp, timestamp, quietMs)) return;
    if (ssrc !== this.ssrc) this.changeSource(ssrc);
    const press = this.newest;
    if (press === undefined) this.start(timestamp, nowMs);
    else if (timestamp === press.timestamp && press.event === this.view.event) this.grow(press, nowMs);
    else if (this.continues(press, timestamp)) this.join(press, timestamp, nowMs);
    else if (this.isNewer(press.timestamp, timestamp, quietMs)) this.start(timestamp, nowMs);
  }

  private isNewer(than: number, timestamp: number, quietMs: number): boolean {
    const delta = timestampDelta(than, timestamp);
    if (delta === 0) return false;
    return delta > 0 || quietMs > STRAGGLER_MS || delta < -LATE_WINDOW_MS * this.unitsPerMs;
  }

  /** A further segment of a long event starts where the last one ended (RFC 4733 §2.5.1.3, §2.5.2.3); its full packet may be lost. */
  private continues(press: Press, timestamp: number): boolean {
    if (press.closed || press.event !== this.view.event) return false;
    const delta = timestampDelta(press.timestamp, timestamp);
    return delta === MAX_SEGMENT_UNITS || delta === press.segmentUnits;
  }

  private changeSource(ssrc: number): void {
    this.finish();
    if (this.ssrc !== undefined && this.newest !== undefined) {
      this.formerSsrc = this.ssrc;
      this.formerTimestamp = this.newest.timestamp;
    }
    if (ssrc === this.formerSsrc) this.formerSsrc = undefined;
    this.ssrc = ssrc;
    this.newest = undefined;
  }

  private start(timestamp: number, nowMs: number): void {
    this.finish();
    this.newest = {
      event: this.view.event,
      digit: digitOfEvent(this.view.event),
      timestamp,
      segmentUnits: this.view.duration,
      priorUnits: 0,
      volume: this.view.volume,
      open: true,
      closed: false,
    };
    this.lastPacketMs = nowMs;
    this.emit('start', this.newest);
    if (this.view.end) this.close(this.newest);
  }

  private grow(press: Press, nowMs: number): void {
    const growth = this.view.duration - press.segmentUnits;
    if (growth > 0 && press.open) {
      const ms = growth / this.unitsPerMs;
      if (this.intervalMs === undefined || ms < this.intervalMs) this.intervalMs = ms;
      press.segmentUnits = this.view.duration;
    }
    this.afterPacket(press, growth > 0, nowMs);
  }

  private join(press: Press, timestamp: number, nowMs: number): void {
    press.priorUnits += timestampDelta(press.timestamp, timestamp);
    press.timestamp = timestamp;
    press.segmentUnits = this.view.duration;
    this.afterPacket(press, true, nowMs);
  }

  private afterPacket(press: Press, grew: boolean, nowMs: number): void {
    if (press.open) {
      this.lastPacketMs = nowMs;
      if (grew && !this.view.end) this.emit('update', press);
    }
    if (this.view.end) this.close(press);
  }

  private close(press: Press): void {
    press.closed = true;
    this.finish();
  }

  private finish(): void {
    const press = this.newest;
    if (press === undefined || !press.open) return;
    press.open = false;
    this.emit('end', press);
  }

  private timeoutMs(): number {
    const intervals = (this.intervalMs ?? FIRST_INTERVAL_MS) * INTERVALS_TO_TIMEOUT;
    return Math.max(SHORTEST_TIMEOUT_MS, Math.min(LONGEST_TIMEOUT_MS, intervals));
  }

  private emit(type: DtmfDecoded['type'], press: Press): void {
    if (press.digit === undefined) return;
    const durationMs = (press.priorUnits + press.segmentUnits) / this.unitsPerMs;
    this.deps.onDecoded({ type, digit: press.digit, durationMs, volume: press.volume });
  }
}
