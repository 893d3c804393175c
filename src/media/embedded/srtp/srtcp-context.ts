/**
 * SRTCP (RFC 3711 §3.4): the first eight bytes stay clear, the rest is encrypted, and the index
 * that numbers the packets travels in the open, before the tag.
 *
 * ```
 * | header, SSRC (8, clear) | reports (encrypted) |E| index (31) | tag, 10 bytes |
 * |<------------------------ authenticated ------------------->|
 * ```
 */
import { AesCounterMode } from './aes-cm.js';
import { HmacSha1 } from './hmac-sha1.js';
import { deriveSessionKeys, type SrtpMasterKey } from './key-derivation.js';
import { ReplayWindow } from './replay-window.js';
import { sameTag, srtpForged, srtpMalformed, srtpReplayed, srtpTagBytes } from './srtp-context.js';

/** Bytes a protected RTCP packet is longer than the plain one. */
export const srtcpOverheadBytes = 4 + srtpTagBytes;

const clearBytes = 8;
const encryptedFlag = 0x80;
const lastIndexOfKey = 0x7fffffff;

export class SrtcpSender {
  private readonly cipher: AesCounterMode;
  private readonly hmac: HmacSha1;
  private index = 0;

  constructor(master: SrtpMasterKey) {
    const keys = deriveSessionKeys(master, 'srtcp');
    this.cipher = new AesCounterMode(keys.encryption, keys.salt);
    this.hmac = new HmacSha1(keys.authentication);
  }

  /** Turns `packet[0, length)` into SRTCP and returns the new length; the buffer needs fourteen bytes more. */
  protect(packet: Buffer, length: number): number {
    if (length < clearBytes || this.index >= lastIndexOfKey) return srtpMalformed;
    this.index += 1;
    this.cipher.apply(packet, clearBytes, length, packet.readUInt32BE(4), this.index);
    packet.writeUInt32BE((this.index | 0x80000000) >>> 0, length);
    this.hmac.tag80(packet, length + 4, packet, length + 4);
    return length + srtcpOverheadBytes;
  }
}

export class SrtcpReceiver {
  private readonly cipher: AesCounterMode;
  private readonly hmac: HmacSha1;
  private readonly window = new ReplayWindow();
  private readonly tag = new Uint8Array(srtpTagBytes);

  constructor(master: SrtpMasterKey) {
    const keys = deriveSessionKeys(master, 'srtcp');
    this.cipher = new AesCounterMode(keys.encryption, keys.salt);
    this.hmac = new HmacSha1(keys.authentication);
  }

  /** Turns SRTCP into RTCP and returns its length, or a negative reason. */
  unprotect(packet: Buffer, length: number): number {
    const end = length - srtcpOverheadBytes;
    if (end < clearBytes) return srtpMalformed;
    const index = packet.readUInt32BE(end) & lastIndexOfKey;
    if (!this.window.mayTake(index)) return srtpReplayed;
    this.hmac.tag80(packet, end + 4, this.tag, 0);
    if (!sameTag(this.tag, packet.subarray(end + 4, length))) return srtpForged;
    if (((packet[end] ?? 0) & encryptedFlag) !== 0) this.cipher.apply(packet, clearBytes, end, packet.readUInt32BE(4), index);
    this.window.take(index);
    return end;
  }
}
