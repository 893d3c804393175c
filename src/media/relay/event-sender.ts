import type { Digit } from '../dtmf/digit.js';
import { eventOfDigit, FLASH_EVENT } from '../dtmf/digit.js';
import { DtmfEncoder } from '../dtmf/dtmf-encoder.js';
import { RTP_HEADER_BYTES } from '../rtp/rtp-packet.js';
import type { DigitGone, DigitSender, DigitStream, QueuedDigit } from './digit-sender.js';
import type { RelayFormat } from './relay-format.js';

/** Digits as telephone-events in the audio's own stream: its SSRC, its sequence numbers, its clock (RFC 4733 §2.2.1, §2.5.1). */
export class EventSender implements DigitSender {
  private readonly encoder: DtmfEncoder;
  /** The press of each digit that waits or is being sent, by the encoder's number. */
  private readonly presses = new Map<number, number>();
  private payloadType = 0;
  private mask = 0;

  constructor(
    options: { readonly clockRateHz: number },
    private readonly deps: { readonly stream: DigitStream; readonly onGone: (gone: DigitGone) => void },
  ) {
    this.encoder = new DtmfEncoder(options, {
      onSent: ({ id, durationMs, packets }) => {
        const press = this.presses.get(id);
        this.presses.delete(id);
        if (press !== undefined) this.deps.onGone({ press, as: 'rfc4733', durationMs, packets });
      },
    });
  }

  /** Number and events of the peer; they may change from one answer to the next. */
  setFormat({ telephoneEvent }: RelayFormat): void {
    this.payloadType = telephoneEvent?.sendPayloadType ?? this.payloadType;
    this.mask = telephoneEvent?.sendEventMask ?? 0;
  }

  get busy(): boolean {
    return this.encoder.busy;
  }

  silences(nowMs: number): boolean {
    return this.encoder.occupies(nowMs);
  }

  /** The peer listed it among the events it takes (RFC 4733 §2.5.1.1). */
  takes(digit: Digit): boolean {
    return this.listed(eventOfDigit(digit));
  }

  begin(press: number, digit: Digit, volume: number): boolean {
    return this.keep(this.encoder.begin(digit, volume), press);
  }

  lengthen(durationMs: number): void {
    this.encoder.lengthen(durationMs);
  }

  end(durationMs: number): void {
    this.encoder.end(durationMs);
  }

  enqueue({ press, digit, durationMs, gapMs }: QueuedDigit): boolean {
    return this.keep(this.encoder.enqueue(digit, durationMs, gapMs), press);
  }

  flash(durationMs: number): boolean {
    return this.listed(FLASH_EVENT) && this.encoder.enqueueFlash(durationMs) !== undefined;
  }

  clear(): readonly number[] {
    this.encoder.clear();
    const lost = [...this.presses.values()];
    this.presses.clear();
    return lost;
  }

  nextDueMs(): number | undefined {
    return this.encoder.nextDueMs();
  }

  pump(nowMs: number): void {
    const { stream } = this.deps;
    for (;;) {
      const packet = this.encoder.next(nowMs, stream.sender.timestampAt(nowMs), stream.buffer, RTP_HEADER_BYTES);
      if (packet === undefined) return;
      stream.send(stream.sender.insert(), packet.timestamp, packet.marker, this.payloadType, packet.payloadLength);
    }
  }

  private listed(event: number): boolean {
    return (this.mask & (1 << event)) !== 0;
  }

  private keep(id: number | undefined, press: number): boolean {
    if (id === undefined) return false;
    this.presses.set(id, press);
    return true;
  }
}
