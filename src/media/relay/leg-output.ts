import type { Digit } from '../dtmf/digit.js';
import { eventOfDigit } from '../dtmf/digit.js';
import { type DigitSent, DtmfEncoder } from '../dtmf/dtmf-encoder.js';
import { RTP_HEADER_BYTES, writeRtpHeader } from '../rtp/rtp-packet.js';
import { RtpSender, type RtpSenderOptions, randomRtpSenderOptions } from '../rtp/rtp-sender.js';
import { type LegKind, maySend, type RelayFormat } from './relay-format.js';

/** G.711 runs at 8000 Hz; so does every outgoing stream of the relay (RFC 3551 §4.5.14). */
const CLOCK_RATE_HZ = 8000;
/** Largest payload taken: what fits an Ethernet frame. */
export const MAX_PAYLOAD_BYTES = 1460;
const DEFAULT_TAILROOM_BYTES = 64;

/**
 * Takes a finished packet, at once: `buffer` is written again by the next one. `index` is the extended
 * sequence number, never given twice.
 */
export type PacketSink = (buffer: Buffer, offset: number, length: number, index: number) => void;

export interface LegOutputOptions {
  readonly kind: LegKind;
  /** Own SSRC and first numbers; random when left out. */
  readonly stream?: RtpSenderOptions;
  /** Free bytes behind each packet, for an SRTP tag. Default 64. */
  readonly tailroomBytes?: number;
}

export interface LegOutputDeps {
  readonly sink: PacketSink;
  /** A digit has left with its last packet, whoever asked for it. */
  readonly onDigitSent: (sent: DigitSent) => void;
}

/** The sending side of one leg for its whole life: the RTP stream, the digits on it, and the one buffer all packets are made in. */
export class LegOutput {
  readonly kind: LegKind;
  readonly sender: RtpSender;
  /** Packets are made here, payload at `RTP_HEADER_BYTES`. */
  readonly buffer: Buffer;
  private current: RelayFormat | undefined;
  private encoder: DtmfEncoder | undefined;
  private encoderClockHz = 0;

  constructor(
    options: LegOutputOptions,
    private readonly deps: LegOutputDeps,
  ) {
    this.kind = options.kind;
    this.sender = new RtpSender(options.stream ?? randomRtpSenderOptions(CLOCK_RATE_HZ));
    this.buffer = Buffer.alloc(RTP_HEADER_BYTES + MAX_PAYLOAD_BYTES + (options.tailroomBytes ?? DEFAULT_TAILROOM_BYTES));
  }

  get format(): RelayFormat | undefined {
    return this.current;
  }

  /**
   * Sets what the peer takes, after each offer and answer; undefined = nothing may be sent. The stream
   * goes on. Returns how many waiting digits are lost by it: those the peer no longer takes.
   */
  setFormat(format: RelayFormat | undefined): number {
    this.current = format;
    const events = format !== undefined && maySend(format) ? format.telephoneEvent : undefined;
    const clockHz = events?.sendPayloadType === undefined ? 0 : events.clockRateHz;
    if (clockHz === this.encoderClockHz) return 0;
    const lost = this.encoder?.clear() ?? 0;
    this.encoderClockHz = clockHz;
    this.encoder = clockHz === 0 ? undefined : new DtmfEncoder({ clockRateHz: clockHz }, { onSent: this.deps.onDigitSent });
    return lost;
  }

  /** The peer listed this digit among the events it takes (RFC 4733 §2.5.1.1). */
  takes(digit: Digit): boolean {
    const mask = this.current?.telephoneEvent?.sendEventMask ?? 0;
    return this.encoder !== undefined && (mask & (1 << eventOfDigit(digit))) !== 0;
  }

  /** A digit is on its way out or waits. */
  get sendingDigits(): boolean {
    return this.encoder?.busy === true;
  }

  /** Queues a digit of known length; it leaves with the next `pump`. Returns its id (as in `onDigitSent`), undefined when the peer does not take it. */
  enqueue(digit: Digit, durationMs: number): number | undefined {
    return this.takes(digit) ? this.encoder?.enqueue(digit, durationMs) : undefined;
  }

  /** A key went down on the other leg. False when this peer does not take the digit. */
  beginDigit(digit: Digit, volume: number): boolean {
    return this.takes(digit) && this.encoder?.begin(digit, volume) !== undefined;
  }

  /** The held key has been down this long so far. */
  lengthenDigit(durationMs: number): void {
    this.encoder?.lengthen(durationMs);
  }

  /** The held key went up. */
  endDigit(durationMs: number): void {
    this.encoder?.end(durationMs);
  }

  /** When `pump` is due; a past moment means now, undefined means no digit waits. */
  nextDueMs(): number | undefined {
    return this.encoder?.nextDueMs();
  }

  /** Sends the event packets that are due. */
  pump(nowMs: number): void {
    const payloadType = this.current?.telephoneEvent?.sendPayloadType;
    if (this.encoder === undefined || payloadType === undefined) return;
    for (;;) {
      const packet = this.encoder.next(nowMs, this.sender.timestampAt(nowMs), this.buffer, RTP_HEADER_BYTES);
      if (packet === undefined) return;
      this.send(this.sender.insert(), packet.timestamp, packet.marker, payloadType, packet.payloadLength);
    }
  }

  /** Sends what stands in `buffer` behind the header. */
  send(index: number, timestamp: number, marker: boolean, payloadType: number, payloadLength: number): void {
    writeRtpHeader(this.buffer, 0, marker, payloadType, index, timestamp, this.sender.ssrc);
    this.sender.countSent(payloadLength);
    this.deps.sink(this.buffer, 0, RTP_HEADER_BYTES + payloadLength, index);
  }
}
