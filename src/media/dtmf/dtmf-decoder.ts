import { timestampDelta } from '../rtp/serial-number.js';
import { type Digit, digitOfEvent, FLASH_EVENT } from './digit.js';
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
  /** What a decoder before this one heard of the same leg. */
  readonly past?: DtmfPast;
}

/** What is known of a leg's presses: packets of the newest may still come, and are no new press. */
export interface DtmfPast {
  readonly ssrc: number | undefined;
  readonly newest: Press | undefined;
  readonly lastSeenMs: number;
  readonly formerSsrc: number | undefined;
  readonly formerTimestamp: number;
}

export interface DtmfDecoderDeps {
  readonly onDecoded: (decoded: DtmfDecoded) => void;
  /** A hook flash (event 16) has ended; told once. */
  readonly onFlash?: (durationMs: number) => void;
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
/** Segments of one press that may be lost whole: a start that lies an exact number of them on is no accident. */
const MAX_LOST_SEGMENTS = 8;

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
  /** Events that came earlier with the same timestamp, from a sender that does not renew it. */
  readonly replaced: readonly number[];
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
    private readonly deps: DtmfDecoderDeps,
  ) {
    this.unitsPerMs = options.clockRateHz / 1000;
    const { past } = options;
    if (past === undefined) return;
    this.ssrc = past.ssrc;
    this.newest = past.newest;
    this.lastSeenMs = past.lastSeenMs;
    this.formerSsrc = past.formerSsrc;
    this.formerTimestamp = past.formerTimestamp;
  }

  /** For the decoder after this one; ends the press under way. */
  leave(): DtmfPast {
    this.flush();
    const { ssrc, newest, lastSeenMs, formerSsrc, formerTimestamp } = this;
    return { ssrc, newest, lastSeenMs, formerSsrc, formerTimestamp };
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
    else if (timestamp === press.timestamp) this.receiveSameStart(press, quietMs, nowMs);
    else if (this.slides(press, timestamp)) this.slide(press, timestamp, nowMs);
    else if (this.continues(press, timestamp)) this.join(press, timestamp, nowMs);
    else if (this.isNewer(press.timestamp, timestamp, quietMs)) this.start(timestamp, nowMs);
  }

  /**
   * The same press, unless a sender that does not renew its timestamps began another: told by a new event
   * code, or by a duration that starts over after so long a silence that no straggler can be meant.
   */
  private receiveSameStart(press: Press, quietMs: number, nowMs: number): void {
    const over = !press.open && quietMs > STRAGGLER_MS;
    if (press.event === this.view.event) {
      if (over && this.view.duration <= press.segmentUnits) this.start(press.timestamp, nowMs);
      else this.grow(press, nowMs);
    } else if (over) {
      this.start(press.timestamp, nowMs);
    } else if (!press.replaced.includes(this.view.event)) {
      this.start(press.timestamp, nowMs, [...press.replaced, press.event]);
    }
  }

  /**
   * Deviates: some equipment moves the timestamp on with each packet of one press, which RFC 4733 §2.2.1
   * forbids. Known by timestamp and duration that grow alike, and by end packets that start within the press.
   */
  private slides(press: Press, timestamp: number): boolean {
    if (press.event !== this.view.event) return false;
    const delta = timestampDelta(press.timestamp, timestamp);
    if (delta <= 0) return false;
    const growth = this.view.duration - press.segmentUnits;
    if (press.open) return growth === delta;
    return press.closed && this.view.end && growth === 0 && delta < press.segmentUnits;
  }

  private slide(press: Press, timestamp: number, nowMs: number): void {
    press.timestamp = timestamp;
    this.grow(press, nowMs);
  }

  private isNewer(than: number, timestamp: number, quietMs: number): boolean {
    const delta = timestampDelta(than, timestamp);
    if (delta === 0) return false;
    return delta > 0 || quietMs > STRAGGLER_MS || delta < -LATE_WINDOW_MS * this.unitsPerMs;
  }

  /** A further segment of a long event starts where the last one ended (RFC 4733 §2.5.1.3, §2.5.2.3); its full packet, or all of it, may be lost. */
  private continues(press: Press, timestamp: number): boolean {
    if (press.closed || press.event !== this.view.event) return false;
    const delta = timestampDelta(press.timestamp, timestamp);
    if (delta === press.segmentUnits) return true;
    return delta > 0 && delta % MAX_SEGMENT_UNITS === 0 && delta <= MAX_SEGMENT_UNITS * MAX_LOST_SEGMENTS;
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

  private start(timestamp: number, nowMs: number, replaced: readonly number[] = []): void {
    this.finish();
    this.newest = {
      event: this.view.event,
      digit: digitOfEvent(this.view.event),
      timestamp,
      segmentUnits: this.view.duration,
      priorUnits: 0,
      volume: this.view.volume,
      replaced,
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
    const durationMs = (press.priorUnits + press.segmentUnits) / this.unitsPerMs;
    if (press.digit === undefined) {
      if (type === 'end' && press.event === FLASH_EVENT) this.deps.onFlash?.(durationMs);
      return;
    }
    this.deps.onDecoded({ type, digit: press.digit, durationMs, volume: press.volume });
  }
}
