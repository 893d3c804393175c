import type { Digit } from '../dtmf/digit.js';
import type { RtpSender } from '../rtp/rtp-sender.js';

/** A digit has left with its last packet. */
export interface DigitGone {
  readonly press: number;
  readonly as: 'rfc4733' | 'inband';
  readonly durationMs: number;
  readonly packets: number;
}

/** Why a digit that was taken will not leave any more. */
export type UnsentCause = 'format-changed' | 'closed' | 'queue-full';

/** A digit of known length that is to leave. */
export interface QueuedDigit {
  readonly press: number;
  readonly digit: Digit;
  readonly durationMs: number;
  /** Silence after it at least, 40 when left out (ITU-T Q.24 wants that much). */
  readonly gapMs?: number | undefined;
}

/** Digits on their way out of one leg, one after the other: telephone-events, or tones in the audio. */
export interface DigitSender {
  /** A digit, or the pause after one, is on its way or waits. */
  readonly busy: boolean;
  /** Audio must be silent now for a digit of this sender. In a long pause it goes on. */
  silences(nowMs: number): boolean;
  /** The peer takes this digit so. */
  takes(digit: Digit): boolean;
  /** A key went down on the other leg; it is held until `end` or until the next `begin`. False when the queue is full. */
  begin(press: number, digit: Digit, volume: number): boolean;
  /** The held key has been down this long so far. */
  lengthen(durationMs: number): void;
  /** The held key went up after this long. */
  end(durationMs: number): void;
  /** False when the queue is full. */
  enqueue(digit: QueuedDigit): boolean;
  /** A hook flash. False when it cannot be sent so. */
  flash(durationMs: number): boolean;
  /** Drops what has not left, the one in the middle included. */
  clear(): readonly number[];
  /** When `pump` is due; a moment already past means now, undefined means nothing waits. */
  nextDueMs(): number | undefined;
  /** Sends the packets that are due. */
  pump(nowMs: number): void;
}

/** What a digit sender writes its packets to: the one stream of the leg. */
export interface DigitStream {
  readonly sender: RtpSender;
  /** Audio that begins anew carries the marker bit. */
  readonly marksAudio: boolean;
  /** Packets are made here, payload at `RTP_HEADER_BYTES`. */
  readonly buffer: Buffer;
  /** Sends what stands in `buffer` behind the header. */
  send(index: number, timestamp: number, marker: boolean, payloadType: number, payloadLength: number): void;
  /** The tone of this digit is in the audio that just left. */
  sounded(digit: Digit, nowMs: number): void;
}
