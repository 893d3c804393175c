import type { Digit } from '../dtmf/digit.js';
import { RTP_HEADER_BYTES, writeRtpHeader } from '../rtp/rtp-packet.js';
import { RtpSender, type RtpSenderOptions, randomRtpSenderOptions } from '../rtp/rtp-sender.js';
import type { DigitGone, DigitSender, DigitStream, QueuedDigit, UnsentCause } from './digit-sender.js';
import { EventSender } from './event-sender.js';
import { type LegKind, maySend, type RelayFormat } from './relay-format.js';
import { SilenceFiller, type SilenceStream } from './silence-filler.js';
import { ToneSender } from './tone-sender.js';

/** G.711 runs at 8000 Hz; so does every outgoing stream of the relay (RFC 3551 §4.5.14). */
const CLOCK_RATE_HZ = 8000;
/** Largest payload taken: what fits an Ethernet frame. */
export const MAX_PAYLOAD_BYTES = 1460;
const DEFAULT_TAILROOM_BYTES = 64;
/** The far end's hybrid may send a tone of ours back this much later. */
const ECHO_MS = 400;

/**
 * Takes a finished packet, at once: `buffer` is written again by the next one. `index` is the extended
 * sequence number, never given twice.
 */
export type PacketSink = (buffer: Buffer, offset: number, length: number, index: number) => void;

export interface LegOutputOptions {
  readonly kind: LegKind;
  /** Audio that begins anew carries the marker bit (RFC 3551 §4.1). Default true. */
  readonly marksAudio?: boolean;
  /** Own SSRC and first numbers; random when left out. */
  readonly stream?: RtpSenderOptions;
  /** Free bytes behind each packet, for an SRTP tag. Default 64. */
  readonly tailroomBytes?: number;
}

export interface LegOutputDeps {
  readonly sink: PacketSink;
  /** A digit has left with its last packet, whoever asked for it. */
  readonly onDigitSent: (sent: DigitGone) => void;
  /** A digit that was taken will not leave any more. */
  readonly onDigitUnsent: (press: number, why: UnsentCause) => void;
}

/** The sending side of one leg for its whole life: the RTP stream, the digits on it, and the one buffer all packets are made in. */
export class LegOutput implements DigitStream, SilenceStream {
  readonly kind: LegKind;
  readonly marksAudio: boolean;
  readonly sender: RtpSender;
  /** Packets are made here, payload at `RTP_HEADER_BYTES`. */
  readonly buffer: Buffer;
  private current: RelayFormat | undefined;
  private digits: EventSender | ToneSender | undefined;
  /** What `digits` was made for. */
  private carriage = '';
  private readonly silence = new SilenceFiller({ stream: this });
  private soundedDigit: Digit | undefined;
  private soundedAtMs = 0;

  constructor(
    options: LegOutputOptions,
    private readonly deps: LegOutputDeps,
  ) {
    this.kind = options.kind;
    this.marksAudio = options.marksAudio ?? true;
    this.sender = new RtpSender(options.stream ?? randomRtpSenderOptions(CLOCK_RATE_HZ));
    this.buffer = Buffer.alloc(RTP_HEADER_BYTES + MAX_PAYLOAD_BYTES + (options.tailroomBytes ?? DEFAULT_TAILROOM_BYTES));
  }

  get format(): RelayFormat | undefined {
    return this.current;
  }

  get audioFormat(): RelayFormat | undefined {
    return this.current !== undefined && maySend(this.current) ? this.current : undefined;
  }

  /** Audio for this leg came from the other one. */
  heardAudio(nowMs: number): void {
    this.silence.heard(nowMs);
  }

  /** To be called now and then on a leg that is to be sent silence when its audio stops. */
  fillSilence(nowMs: number): void {
    this.silence.look(nowMs);
  }

  /**
   * Sets what the peer takes, after each offer and answer; undefined = nothing may be sent. The stream
   * goes on. Digits that wait are lost when it takes them no more, or otherwise.
   */
  setFormat(format: RelayFormat | undefined): void {
    this.current = format;
    const carriage = carriageOf(format);
    if (carriage !== this.carriage) {
      this.drop('format-changed');
      this.carriage = carriage;
      this.digits = this.senderFor(format);
    }
    if (format !== undefined) this.digits?.setFormat(format);
  }

  /** Nothing will be sent any more. */
  close(): void {
    this.drop('closed');
    this.digits = undefined;
    this.carriage = '';
    this.current = undefined;
  }

  /** The peer can be sent this digit. */
  takes(digit: Digit): boolean {
    return this.digits?.takes(digit) === true;
  }

  /** A digit, or the pause after one, is on its way out or waits. */
  get sendingDigits(): boolean {
    return this.digits?.busy === true;
  }

  /** Audio must be silent now for a digit on its way out. */
  silencesAudio(nowMs: number): boolean {
    return this.digits?.silences(nowMs) === true;
  }

  /** Queues a digit of known length; it leaves with the next `pump`. False when the peer does not take it. */
  enqueue(digit: QueuedDigit): boolean {
    if (this.digits?.takes(digit.digit) !== true) return false;
    if (!this.digits.enqueue(digit)) this.deps.onDigitUnsent(digit.press, 'queue-full');
    return true;
  }

  /** A key went down on the other leg. False when this peer does not take the digit. */
  beginDigit(press: number, digit: Digit, volume: number): boolean {
    if (this.digits?.takes(digit) !== true) return false;
    if (!this.digits.begin(press, digit, volume)) this.deps.onDigitUnsent(press, 'queue-full');
    return true;
  }

  /** The held key has been down this long so far. */
  lengthenDigit(durationMs: number): void {
    this.digits?.lengthen(durationMs);
  }

  /** The held key went up. */
  endDigit(durationMs: number): void {
    this.digits?.end(durationMs);
  }

  /** A hook flash came on the other leg. False when this peer does not list it. */
  flash(durationMs: number): boolean {
    return this.digits?.flash(durationMs) === true;
  }

  /** When `pump` is due; a past moment means now, undefined means no digit waits and no silence is sent. */
  nextDueMs(): number | undefined {
    const digitMs = this.digits?.nextDueMs();
    const silenceMs = this.silence.nextDueMs();
    return digitMs === undefined || silenceMs === undefined ? (digitMs ?? silenceMs) : Math.min(digitMs, silenceMs);
  }

  /** Sends the packets of digits and silence that are due. */
  pump(nowMs: number): void {
    this.digits?.pump(nowMs);
    this.silence.pump(nowMs);
  }

  /** The tone of this digit is in the audio that just left. */
  sounded(digit: Digit, nowMs: number): void {
    this.soundedDigit = digit;
    this.soundedAtMs = nowMs;
  }

  /** The peer may just now be sending back the tone of this digit as an echo. */
  mayEcho(digit: Digit, nowMs: number): boolean {
    return digit === this.soundedDigit && nowMs - this.soundedAtMs < ECHO_MS;
  }

  /** Sends what stands in `buffer` behind the header. */
  send(index: number, timestamp: number, marker: boolean, payloadType: number, payloadLength: number): void {
    writeRtpHeader(this.buffer, 0, marker, payloadType, index, timestamp, this.sender.ssrc);
    this.sender.countSent(payloadLength);
    this.deps.sink(this.buffer, 0, RTP_HEADER_BYTES + payloadLength, index);
  }

  private senderFor(format: RelayFormat | undefined): EventSender | ToneSender | undefined {
    const deps = { stream: this, onGone: this.deps.onDigitSent };
    switch (this.carriage) {
      case '':
        return undefined;
      case 'tones':
        return new ToneSender(deps);
      default:
        return new EventSender({ clockRateHz: format?.telephoneEvent?.clockRateHz ?? CLOCK_RATE_HZ }, deps);
    }
  }

  private drop(why: UnsentCause): void {
    const digits: DigitSender | undefined = this.digits;
    for (const press of digits?.clear() ?? []) this.deps.onDigitUnsent(press, why);
  }
}

/** What digits need on this format: `tones`, or events of a clock; empty when it carries none. */
function carriageOf(format: RelayFormat | undefined): string {
  if (format === undefined || !maySend(format) || format.digits === 'none') return '';
  if (format.digits === 'tones') return 'tones';
  const { telephoneEvent } = format;
  return telephoneEvent?.sendPayloadType === undefined ? '' : `events/${telephoneEvent.clockRateHz}`;
}
