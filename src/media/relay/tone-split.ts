import { A_TO_LINEAR, MU_TO_LINEAR } from '../codec/g711.js';
import type { Digit } from '../dtmf/digit.js';
import { type InbandDetected, InbandDetector } from '../dtmf/inband-detector.js';
import type { RtpPacket } from '../rtp/rtp-packet.js';
import { addTimestamp, timestampDelta } from '../rtp/serial-number.js';
import { type LegOutput, MAX_PAYLOAD_BYTES } from './leg-output.js';
import { maySend } from './relay-format.js';
import type { RelayFrame, RelayOutcome, RelayStage } from './relay-stage.js';
import type { DigitListener } from './relayed-digit.js';

const SAMPLES_PER_MS = 8;
/** The detector tells of a tone's end so much later at most; what was heard until then may be no tone any more. */
const END_LAG_MS = 40;
/** A short hole is what was lost, or silence that was not sent; a longer one ends the stream. */
const LONGEST_HOLE_SAMPLES = 100 * SAMPLES_PER_MS;
/** A tone that is there from the first on had begun before. */
const REST_MS = 20;
/** A tone whose packets stop coming is over. */
const SILENT_MS = 120;

/** A tone being heard, and what is made of it. */
interface Heard {
  readonly press: number;
  readonly digit: Digit;
  readonly startMs: number;
  /**
   * event: it goes out as a digit of the other leg's own, so its audio does not. audio: it goes out as it is.
   * mute: it must not be in the audio. pass: the other leg cannot carry it, or not apart from the audio.
   * echo: it is a tone of ours that comes back. rest: somebody else was told of it while it began.
   */
  readonly as: 'event' | 'audio' | 'mute' | 'pass' | 'echo' | 'rest';
}

/**
 * Listens for tones where no telephone-events were agreed on. A tone toward a leg that takes tones goes on as
 * the audio it is: nothing of its length, level or beginning is lost, and nothing sounds twice. Toward a leg of events it
 * becomes one, begun as soon as it is sure. Its audio is silent from the first packet that ends in what looks like a
 * key (RFC 4733 §2.5.2.2), long before it is sure: in speech that hardly ever happens, and costs a packet.
 */
export class ToneSplit implements RelayStage {
  private readonly detector = new InbandDetector({}, { onDetected: (detected) => this.take(detected) });
  private readonly samples = new Int16Array(MAX_PAYLOAD_BYTES);
  /** The part of `samples` that a packet of the usual length fills. */
  private view = this.samples.subarray(0, 160);
  private readonly silence = new Int16Array(LONGEST_HOLE_SAMPLES);
  private heard: Heard | undefined;
  private fedSamples = 0;
  private ssrc: number | undefined;
  private nextTimestamp = 0;
  private nextSequence = 0;
  /** Of this tone; its end is told so much later. */
  private lostSamples = 0;
  private nowMs = 0;
  private heardAtMs = 0;
  private deaf = false;

  constructor(
    /** The tone under way when the one that listened before left. */
    private readonly rest: Digit | undefined,
    private readonly deps: {
      readonly output: LegOutput;
      /** Our own stream toward the leg that is listened to. */
      readonly echoOf: LegOutput | undefined;
    } & DigitListener,
  ) {}

  process(frame: RelayFrame, nowMs: number): RelayOutcome | undefined {
    this.nowMs = nowMs;
    if (this.deaf) return undefined;
    if (frame.format === 'telephone-event') {
      // The peer sends events after all: to listen on would be to hear each press twice.
      this.close();
      this.deaf = true;
      return undefined;
    }
    const before = this.heard;
    this.listen(frame.packet, frame.format === 'PCMU' ? MU_TO_LINEAR : A_TO_LINEAR);
    const { heard } = this;
    if (heard === undefined) return this.detector.suspects && this.isApart() ? 'muted' : undefined;
    if (heard === before) this.goOn(heard);
    return heard.as === 'event' || heard.as === 'mute' || (heard.as === 'rest' && this.isApart()) ? 'muted' : undefined;
  }

  nextDueMs(): number | undefined {
    return this.heard === undefined ? undefined : this.heardAtMs + SILENT_MS;
  }

  /** Ends a tone whose packets stopped coming. */
  tick(nowMs: number): void {
    const dueMs = this.nextDueMs();
    this.nowMs = nowMs;
    // The listener goes on: should the packets come after all, the rest of the tone is no second press.
    if (dueMs !== undefined && nowMs >= dueMs && this.heard !== undefined) this.end(this.heard, this.soFarMs(this.heard));
  }

  /** Ends the tone being heard, and says which: no more will come through this stage. */
  close(): Digit | undefined {
    const digit = this.heard?.digit;
    this.detector.flush();
    return digit;
  }

  private listen(packet: RtpPacket, table: Int16Array): void {
    const { payloadLength } = packet;
    if (payloadLength > MAX_PAYLOAD_BYTES || !this.follows(packet)) return;
    if (payloadLength !== this.view.length) this.view = this.samples.subarray(0, payloadLength);
    for (let index = 0; index < payloadLength; index += 1) this.view[index] = table[packet.buffer[packet.payloadOffset + index] ?? 0] ?? 0;
    this.nextTimestamp = addTimestamp(packet.timestamp, payloadLength);
    this.nextSequence = (packet.sequenceNumber + 1) & 0xffff;
    this.heardAtMs = this.nowMs;
    this.fedSamples += payloadLength;
    this.detector.receive(this.view);
  }

  /** Whether the packet goes on where the last ended; a small hole is filled, what comes too late is not heard. */
  private follows({ ssrc, timestamp, sequenceNumber }: RtpPacket): boolean {
    const ahead = timestampDelta(this.nextTimestamp, timestamp);
    const sameStream = ssrc === this.ssrc && Math.abs(ahead) <= LONGEST_HOLE_SAMPLES;
    if (!sameStream) {
      this.detector.flush();
      this.ssrc = ssrc;
      return true;
    }
    if (ahead > 0) this.bridge(ahead, sequenceNumber !== this.nextSequence);
    return ahead >= 0;
  }

  /** What is missing between two packets was lost on the way, or its sender had nothing to say. */
  private bridge(samples: number, lost: boolean): void {
    this.fedSamples += samples;
    if (lost) {
      this.lostSamples += samples;
      this.detector.lose(samples);
    } else {
      this.detector.receive(this.silence.subarray(0, samples));
    }
  }

  private goOn(heard: Heard): void {
    const { output } = this.deps;
    if (heard.as === 'event') output.lengthenDigit(this.soFarMs(heard) - this.lostSamples / SAMPLES_PER_MS - END_LAG_MS);
    if (heard.as === 'audio') output.sounded(heard.digit, this.nowMs);
  }

  private soFarMs({ startMs }: Heard): number {
    return this.fedSamples / SAMPLES_PER_MS - startMs;
  }

  private take({ type, digit, startMs, durationMs, volume }: InbandDetected): void {
    if (type === 'end') {
      if (this.heard !== undefined) this.end(this.heard, durationMs);
      return;
    }
    this.lostSamples = 0;
    const as = digit === this.rest && startMs < REST_MS ? 'rest' : this.fateOf(digit);
    this.heard = { press: as === 'echo' || as === 'rest' ? 0 : this.deps.presses.begin(digit), digit, startMs, as };
    if (as === 'event') {
      this.deps.output.beginDigit(this.heard.press, digit, volume);
      this.deps.output.lengthenDigit(durationMs);
    }
    if (as === 'audio') this.deps.output.sounded(digit, this.nowMs);
  }

  /** Whether digits reach the other leg apart from its audio. */
  private isApart(): boolean {
    const { output } = this.deps;
    const { format } = output;
    return format !== undefined && maySend(format) && (format.digits === 'none' || (format.digits !== 'tones' && output.takes('1')));
  }

  private fateOf(digit: Digit): Heard['as'] {
    const { output, echoOf } = this.deps;
    const { format } = output;
    if (echoOf?.mayEcho(digit, this.nowMs) === true) return 'echo';
    if (format === undefined || !maySend(format)) return 'pass';
    if (format.digits === 'none') return 'mute';
    if (format.digits === 'tones' && !output.sendingDigits) return 'audio';
    return output.takes(digit) ? 'event' : 'pass';
  }

  private end({ press, digit, as }: Heard, durationMs: number): void {
    const { output, onDigit, onPassedOn, onPassedOver } = this.deps;
    this.heard = undefined;
    if (as === 'rest') return;
    if (as === 'echo') {
      onPassedOver('digit-echo');
      return;
    }
    if (as === 'event') output.endDigit(durationMs);
    onDigit({ press, digit, by: 'inband', durationMs, relayed: as === 'event' || as === 'audio' });
    const packets = Math.ceil((durationMs * SAMPLES_PER_MS) / this.view.length);
    if (as === 'audio') onPassedOn({ press, as: 'inband', durationMs, packets });
  }
}
