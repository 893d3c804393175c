/**
 * Messages out of a byte stream (RFC 8656 §3.1, §12.5): STUN messages have their length in their header,
 * ChannelData messages too, and those are padded to four bytes on a stream.
 *
 * ```
 * |0 0|  type  |  length  | cookie …      STUN: 20 + length bytes
 * |0 1|channel |  length  | data … |pad|  ChannelData: 4 + length bytes, padded
 * ```
 */
import { STUN_COOKIE } from '../media/stun/stun-address.js';
import { STUN_HEADER_BYTES } from '../media/stun/stun-seal.js';
import { isChannelByte } from './turn-words.js';

/** More than any datagram of a browser. */
const maxMessageBytes = 4096;
const channelHeaderBytes = 4;

export class StreamFraming {
  private kept: Buffer = Buffer.alloc(0);

  /** The messages that are whole now; undefined when the stream is none of ours, and then for ever. */
  push(chunk: Buffer): readonly Buffer[] | undefined {
    const bytes = this.kept.length === 0 ? chunk : Buffer.concat([this.kept, chunk]);
    const messages: Buffer[] = [];
    let at = 0;
    while (bytes.length - at >= channelHeaderBytes) {
      const frame = frameAt(bytes, at);
      if (frame === undefined) return undefined;
      if (at + frame.paddedBytes > bytes.length) break;
      messages.push(bytes.subarray(at, at + frame.bytes));
      at += frame.paddedBytes;
    }
    // A copy, so that the rest of a message does not hold the whole chunk it came in.
    this.kept = at === bytes.length ? Buffer.alloc(0) : Buffer.from(bytes.subarray(at));
    return messages;
  }

  /** Bytes of a message that is not whole yet. */
  get waitingBytes(): number {
    return this.kept.length;
  }
}

/** The message that begins at `at`, of which four bytes are there at least. */
function frameAt(bytes: Buffer, at: number): { readonly bytes: number; readonly paddedBytes: number } | undefined {
  const first = bytes[at] ?? 0;
  const length = bytes.readUInt16BE(at + 2);
  if (isChannelByte(first)) {
    const whole = channelHeaderBytes + length;
    return whole > maxMessageBytes ? undefined : { bytes: whole, paddedBytes: whole + ((4 - (whole % 4)) % 4) };
  }
  if (first > 3 || length % 4 !== 0 || STUN_HEADER_BYTES + length > maxMessageBytes) return undefined;
  if (bytes.length - at >= 8 && bytes.readUInt32BE(at + 4) !== STUN_COOKIE) return undefined;
  return { bytes: STUN_HEADER_BYTES + length, paddedBytes: STUN_HEADER_BYTES + length };
}
