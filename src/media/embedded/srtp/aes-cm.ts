/**
 * The key stream of AES in counter mode (RFC 3711 §4.1.1). One AES-128-ECB cipher lives as long as
 * the context, and the counter blocks of several coming packets go through it at once: the call into
 * the cipher and the buffer it returns cost more than the AES itself. A key stream block belongs to
 * one packet index and is used for those bytes only; that the index never comes twice is the
 * caller's duty (RFC 3711 §9.1).
 */
import { createCipheriv } from 'node:crypto';

const blockBytes = 16;
/** Blocks kept ready for a packet: 160 bytes of G.711, a header extension, some more. */
const blocksAhead = 12;
const bytesAhead = blocksAhead * blockBytes;
const packetsAhead = 8;

export class AesCounterMode {
  private readonly cipher;
  /** Salt over two zero bytes: the part of the IV that never changes. */
  private readonly base = new Uint8Array(blockBytes);
  private readonly counters = new Uint8Array(packetsAhead * bytesAhead);
  private ready: Uint8Array = new Uint8Array(0);
  private readySsrc = -1;
  private readyIndex = -1;
  private readyPackets = 0;

  constructor(key: Uint8Array, salt: Uint8Array) {
    this.cipher = createCipheriv('aes-128-ecb', key, null);
    this.cipher.setAutoPadding(false);
    this.base.set(salt, 0);
  }

  /** XORs `bytes[from, to)` with the key stream of that packet, in place. */
  apply(bytes: Uint8Array, from: number, to: number, ssrc: number, index: number): void {
    const length = to - from;
    if (length <= 0) return;
    if (length > bytesAhead) {
      this.applyLong(bytes, from, to, ssrc, index);
      return;
    }
    let ahead = index - this.readyIndex;
    if (ssrc !== this.readySsrc || ahead < 0 || ahead >= this.readyPackets) {
      // A late packet must not throw away what is ready for the coming ones.
      const late = ssrc === this.readySsrc && ahead < 0;
      if (late) {
        this.applyLong(bytes, from, to, ssrc, index);
        return;
      }
      this.prepare(ssrc, index);
      ahead = 0;
    }
    const stream = this.ready;
    for (let i = from, at = ahead * bytesAhead; i < to; i += 1, at += 1) bytes[i] = (bytes[i] as number) ^ (stream[at] as number);
  }

  private prepare(ssrc: number, index: number): void {
    for (let packet = 0; packet < packetsAhead; packet += 1)
      this.writeCounters(this.counters, packet * bytesAhead, blocksAhead, ssrc, index + packet);
    this.ready = this.cipher.update(this.counters);
    this.readySsrc = ssrc;
    this.readyIndex = index;
    this.readyPackets = packetsAhead;
  }

  private applyLong(bytes: Uint8Array, from: number, to: number, ssrc: number, index: number): void {
    const blocks = Math.ceil((to - from) / blockBytes);
    const counters = new Uint8Array(blocks * blockBytes);
    this.writeCounters(counters, 0, blocks, ssrc, index);
    const stream = this.cipher.update(counters);
    for (let i = from, at = 0; i < to; i += 1, at += 1) bytes[i] = (bytes[i] as number) ^ (stream[at] as number);
  }

  /** IV = salt·2^16 XOR SSRC·2^64 XOR index·2^16, then a 16-bit block counter. */
  private writeCounters(out: Uint8Array, at: number, blocks: number, ssrc: number, index: number): void {
    const base = this.base;
    const high = Math.floor(index / 0x100000000);
    const low = index >>> 0;
    for (let block = 0, o = at; block < blocks; block += 1, o += blockBytes) {
      out[o] = base[0] as number;
      out[o + 1] = base[1] as number;
      out[o + 2] = base[2] as number;
      out[o + 3] = base[3] as number;
      out[o + 4] = (base[4] as number) ^ (ssrc >>> 24);
      out[o + 5] = (base[5] as number) ^ ((ssrc >>> 16) & 0xff);
      out[o + 6] = (base[6] as number) ^ ((ssrc >>> 8) & 0xff);
      out[o + 7] = (base[7] as number) ^ (ssrc & 0xff);
      out[o + 8] = (base[8] as number) ^ ((high >>> 8) & 0xff);
      out[o + 9] = (base[9] as number) ^ (high & 0xff);
      out[o + 10] = (base[10] as number) ^ (low >>> 24);
      out[o + 11] = (base[11] as number) ^ ((low >>> 16) & 0xff);
      out[o + 12] = (base[12] as number) ^ ((low >>> 8) & 0xff);
      out[o + 13] = (base[13] as number) ^ (low & 0xff);
      out[o + 14] = block >>> 8;
      out[o + 15] = block & 0xff;
    }
  }
}
