/**
 * SRTP with AES-CM and an 80-bit HMAC-SHA1 tag (RFC 3711, profile AES128_CM_HMAC_SHA1_80 of
 * RFC 5764 §4.1.2), in place on the caller's buffer.
 *
 * ```
 * | RTP header (clear) | payload (encrypted) | tag, 10 bytes |
 * |<-------------- authenticated ----------->|  + ROC, 4 bytes that are never sent
 * ```
 */
import { AesCounterMode } from './aes-cm.js';
import { HmacSha1 } from './hmac-sha1.js';
import { deriveSessionKeys, type SrtpMasterKey } from './key-derivation.js';
import { ReplayWindow } from './replay-window.js';

/** Bytes a protected RTP packet is longer than the plain one. */
export const srtpTagBytes = 10;
/** Results of `unprotect` that are not a length. */
export const srtpMalformed = -1;
export const srtpForged = -2;
export const srtpReplayed = -3;
/** Result of `protect` for an index that was used before. */
export const srtpIndexUsed = -4;

const sequenceSpan = 0x10000;
/** A peer holds few SSRCs; a new one counts only after its first packet has proved itself. */
const maxSources = 8;

/** Where the payload begins: CSRCs and header extension are sent in clear (RFC 3711 §3.1); -1 when it does not fit. */
export function rtpHeaderBytes(packet: Uint8Array, length: number): number {
  if (length < 12) return -1;
  const first = packet[0] as number;
  let header = 12 + 4 * (first & 0x0f);
  if ((first & 0x10) !== 0) {
    if (header + 4 > length) return -1;
    header += 4 + 4 * (((packet[header + 2] as number) << 8) | (packet[header + 3] as number));
  }
  return header <= length ? header : -1;
}

const sequenceOf = (packet: Uint8Array): number => ((packet[2] as number) << 8) | (packet[3] as number);
const ssrcOf = (packet: Uint8Array): number =>
  (((packet[8] as number) << 24) | ((packet[9] as number) << 16) | ((packet[10] as number) << 8) | (packet[11] as number)) >>> 0;

/** Protects one outgoing stream. An index that was used is refused: two packets under one index reveal both (RFC 3711 §9.1). */
export class SrtpSender {
  private readonly cipher: AesCounterMode;
  private readonly hmac: HmacSha1;
  private readonly ssrc: number;
  private readonly used = new ReplayWindow();

  constructor(master: SrtpMasterKey, ssrc: number) {
    const keys = deriveSessionKeys(master, 'srtp');
    this.cipher = new AesCounterMode(keys.encryption, keys.salt);
    this.hmac = new HmacSha1(keys.authentication);
    this.ssrc = ssrc;
  }

  /**
   * Turns `packet[0, length)` into SRTP and returns the new length; the buffer needs ten bytes more.
   * `index` is the sequence number with its wraps counted (RFC 3711 §3.3.1).
   */
  protect(packet: Uint8Array, length: number, index: number): number {
    const header = rtpHeaderBytes(packet, length);
    if (header < 0 || ssrcOf(packet) !== this.ssrc || sequenceOf(packet) !== index % sequenceSpan) return srtpMalformed;
    if (!this.used.mayTake(index)) return srtpIndexUsed;
    this.used.take(index);
    this.cipher.apply(packet, header, length, this.ssrc, index);
    writeRoc(packet, length, index);
    this.hmac.tag80(packet, length + 4, packet, length);
    return length + srtpTagBytes;
  }
}

interface IncomingStream {
  readonly ssrc: number;
  readonly window: ReplayWindow;
}

/** Opens the packets of one peer, whatever SSRC they bear. */
export class SrtpReceiver {
  private readonly cipher: AesCounterMode;
  private readonly hmac: HmacSha1;
  private readonly streams: IncomingStream[] = [];
  private readonly tag = new Uint8Array(srtpTagBytes);
  private readonly expected = new Uint8Array(srtpTagBytes);

  constructor(master: SrtpMasterKey) {
    const keys = deriveSessionKeys(master, 'srtp');
    this.cipher = new AesCounterMode(keys.encryption, keys.salt);
    this.hmac = new HmacSha1(keys.authentication);
  }

  /** Turns SRTP into RTP and returns its length, or a negative reason. Nothing is remembered of a packet that proves false. */
  unprotect(packet: Uint8Array, length: number): number {
    const end = length - srtpTagBytes;
    const header = rtpHeaderBytes(packet, end);
    if (header < 0) return srtpMalformed;
    const ssrc = ssrcOf(packet);
    const stream = this.streamOf(ssrc);
    const sequence = sequenceOf(packet);
    const index = stream === undefined ? sequence : indexNear(stream.window.highest, sequence);
    if (stream !== undefined && !stream.window.mayTake(index)) return srtpReplayed;
    for (let i = 0; i < srtpTagBytes; i += 1) this.tag[i] = packet[end + i] as number;
    writeRoc(packet, end, index);
    this.hmac.tag80(packet, end + 4, this.expected, 0);
    if (!sameTag(this.tag, this.expected)) return srtpForged;
    this.cipher.apply(packet, header, end, ssrc, index);
    (stream ?? this.remember(ssrc)).window.take(index);
    return end;
  }

  private streamOf(ssrc: number): IncomingStream | undefined {
    for (const stream of this.streams) if (stream.ssrc === ssrc) return stream;
    return undefined;
  }

  private remember(ssrc: number): IncomingStream {
    const stream: IncomingStream = { ssrc, window: new ReplayWindow() };
    if (this.streams.length >= maxSources) this.streams.shift();
    this.streams.push(stream);
    return stream;
  }
}

/** The index of that sequence number which lies nearest to the highest known (RFC 3711 §3.3.1 and appendix A). */
function indexNear(highest: number, sequence: number): number {
  const roc = Math.floor(highest / sequenceSpan);
  const index = roc * sequenceSpan + sequence;
  if (index - highest > sequenceSpan / 2) return roc > 0 ? index - sequenceSpan : index;
  if (highest - index > sequenceSpan / 2) return index + sequenceSpan;
  return index;
}

function writeRoc(packet: Uint8Array, at: number, index: number): void {
  const roc = Math.floor(index / sequenceSpan);
  packet[at] = roc >>> 24;
  packet[at + 1] = roc >>> 16;
  packet[at + 2] = roc >>> 8;
  packet[at + 3] = roc;
}

/** Compares without a hint of where they differ. */
export function sameTag(a: Uint8Array, b: Uint8Array): boolean {
  let difference = 0;
  for (let i = 0; i < srtpTagBytes; i += 1) difference |= (a[i] as number) ^ (b[i] as number);
  return difference === 0;
}
