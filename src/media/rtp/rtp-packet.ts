/** Bytes of an RTP header without CSRC list and extension (RFC 3550 §5.1). */
export const RTP_HEADER_BYTES = 12;

/**
 * A view over one RTP packet, made once and pointed at packet after packet: `parse` allocates nothing
 * and copies nothing. All offsets are absolute in `buffer`.
 *
 * ```
 *  0                   1                   2                   3
 * |V=2|P|X|  CC   |M|     PT      |       sequence number         |
 * |                           timestamp                           |
 * |                             SSRC                              |
 * |                        CSRC × CC (0–15)                       |
 * |      extension profile        |     length in 32-bit words    |  when X
 * ```
 */
export class RtpPacket {
  buffer: Buffer = Buffer.alloc(0);
  offset = 0;
  /** Of the whole packet, padding included. */
  length = 0;
  marker = false;
  payloadType = 0;
  sequenceNumber = 0;
  timestamp = 0;
  ssrc = 0;
  csrcCount = 0;
  hasExtension = false;
  /** The 16 bits "defined by profile" (RFC 3550 §5.3.1); 0 without extension. */
  extensionProfile = 0;
  extensionOffset = 0;
  extensionLength = 0;
  payloadOffset = 0;
  /** Without padding. */
  payloadLength = 0;

  /** Points the view at a packet. False, with the view undefined, when the bytes are not a well-formed RTP packet (RFC 3550 §A.1). Never throws. */
  parse(buffer: Buffer, offset = 0, length = buffer.length - offset): boolean {
    if (length < RTP_HEADER_BYTES || offset < 0 || offset + length > buffer.length) return false;
    const first = buffer.readUInt8(offset);
    if (first >> 6 !== 2) return false;
    const end = offset + length;
    const csrcCount = first & 0x0f;
    let payload = offset + RTP_HEADER_BYTES + csrcCount * 4;
    this.hasExtension = (first & 0x10) !== 0;
    this.extensionProfile = 0;
    this.extensionOffset = payload;
    this.extensionLength = 0;
    if (this.hasExtension) {
      if (payload + 4 > end) return false;
      this.extensionProfile = buffer.readUInt16BE(payload);
      this.extensionOffset = payload + 4;
      this.extensionLength = buffer.readUInt16BE(payload + 2) * 4;
      payload += 4 + this.extensionLength;
    }
    if (payload > end) return false;
    let paddingBytes = 0;
    if ((first & 0x20) !== 0) {
      if (payload === end) return false;
      paddingBytes = buffer.readUInt8(end - 1);
      if (paddingBytes === 0 || payload + paddingBytes > end) return false;
    }
    const second = buffer.readUInt8(offset + 1);
    this.buffer = buffer;
    this.offset = offset;
    this.length = length;
    this.csrcCount = csrcCount;
    this.marker = (second & 0x80) !== 0;
    this.payloadType = second & 0x7f;
    this.sequenceNumber = buffer.readUInt16BE(offset + 2);
    this.timestamp = buffer.readUInt32BE(offset + 4);
    this.ssrc = buffer.readUInt32BE(offset + 8);
    this.payloadOffset = payload;
    this.payloadLength = end - payload - paddingBytes;
    return true;
  }

  /** The n-th contributing source (RFC 3550 §5.1); undefined beyond the list. */
  csrc(index: number): number | undefined {
    if (index < 0 || index >= this.csrcCount) return undefined;
    return this.buffer.readUInt32BE(this.offset + RTP_HEADER_BYTES + index * 4);
  }
}

/** Writes a plain header (no padding, CSRC or extension; RFC 3550 §5.1) and returns its length, `RTP_HEADER_BYTES`. */
export function writeRtpHeader(
  buffer: Buffer,
  offset: number,
  marker: boolean,
  payloadType: number,
  sequenceNumber: number,
  timestamp: number,
  ssrc: number,
): number {
  buffer.writeUInt8(0x80, offset);
  buffer.writeUInt8((marker ? 0x80 : 0) | (payloadType & 0x7f), offset + 1);
  buffer.writeUInt16BE(sequenceNumber & 0xffff, offset + 2);
  buffer.writeUInt32BE(timestamp >>> 0, offset + 4);
  buffer.writeUInt32BE(ssrc >>> 0, offset + 8);
  return RTP_HEADER_BYTES;
}
