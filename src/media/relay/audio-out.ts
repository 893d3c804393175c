import { translationTable } from '../codec/g711.js';
import { RTP_HEADER_BYTES } from '../rtp/rtp-packet.js';
import { type LegOutput, MAX_PAYLOAD_BYTES } from './leg-output.js';
import { maySend } from './relay-format.js';
import type { RelayFrame, RelayOutcome, RelayStage } from './relay-stage.js';

/**
 * The last stage: audio in the law the peer wants, under our own SSRC, sequence and timestamp
 * (RFC 3550 §5.1; toward each leg we are an end system, not a translator).
 */
export class AudioOut implements RelayStage {
  constructor(private readonly output: LegOutput) {}

  process(frame: RelayFrame, nowMs: number): RelayOutcome {
    const { output } = this;
    const { packet } = frame;
    const format = output.format;
    if (format === undefined || !maySend(format) || frame.format === 'telephone-event') return 'no-output';
    if (packet.payloadLength > MAX_PAYLOAD_BYTES) return 'malformed';
    output.heardAudio(nowMs);
    if (output.silencesAudio(nowMs) || output.sender.isCovered(packet.ssrc, packet.timestamp)) return 'muted';
    const index = output.sender.mapAudio(packet.ssrc, packet.sequenceNumber, packet.timestamp, nowMs);
    if (index === undefined) return 'sequence';
    this.copyPayload(frame, translationTable(frame.format, format.codec));
    output.send(index.extendedSequence, index.timestamp, index.marker && output.marksAudio, format.sendPayloadType, packet.payloadLength);
    return 'audio';
  }

  private copyPayload({ packet }: RelayFrame, table: Uint8Array | undefined): void {
    const { buffer: source, payloadOffset, payloadLength } = packet;
    const target = this.output.buffer;
    if (table === undefined) {
      source.copy(target, RTP_HEADER_BYTES, payloadOffset, payloadOffset + payloadLength);
      return;
    }
    for (let index = 0; index < payloadLength; index += 1) {
      target[RTP_HEADER_BYTES + index] = table[source[payloadOffset + index] ?? 0] ?? 0;
    }
  }
}
