/**
 * HMAC-SHA1 (RFC 2104) with the key's two pads folded in beforehand: a tag costs one block per 64
 * bytes and one more, and makes no object. Not re-entrant, which one thread does not need.
 */
import { sha1Block, sha1Start, sha1StateWords } from './sha1.js';

const blockBytes = 64;
const tail = new Uint8Array(2 * blockBytes);
const state = new Int32Array(sha1StateWords);

export class HmacSha1 {
  private readonly inner = new Int32Array(sha1StateWords);
  private readonly outer = new Int32Array(sha1StateWords);

  /** `key` of at most 64 bytes, which SRTP's 20 always are. */
  constructor(key: Uint8Array) {
    const pad = new Uint8Array(blockBytes);
    for (let i = 0; i < blockBytes; i += 1) pad[i] = (key[i] ?? 0) ^ 0x36;
    sha1Start(this.inner);
    sha1Block(this.inner, pad, 0);
    for (let i = 0; i < blockBytes; i += 1) pad[i] = (key[i] ?? 0) ^ 0x5c;
    sha1Start(this.outer);
    sha1Block(this.outer, pad, 0);
  }

  /** Writes the first ten bytes of the tag over `bytes[0, length)` to `out[at, at + 10)`; `out` may be `bytes`. */
  tag80(bytes: Uint8Array, length: number, out: Uint8Array, at: number): void {
    state.set(this.inner);
    let offset = 0;
    for (; offset + blockBytes <= length; offset += blockBytes) sha1Block(state, bytes, offset);
    let rest = 0;
    for (; offset < length; offset += 1, rest += 1) tail[rest] = bytes[offset] as number;
    finish(rest, length + blockBytes);
    for (let i = 0; i < sha1StateWords; i += 1) writeWord(tail, 4 * i, state[i] as number);
    state.set(this.outer);
    finish(4 * sha1StateWords, 4 * sha1StateWords + blockBytes);
    writeWord(out, at, state[0] as number);
    writeWord(out, at + 4, state[1] as number);
    out[at + 8] = (state[2] as number) >>> 24;
    out[at + 9] = (state[2] as number) >>> 16;
  }
}

/** Padding and length in bits (RFC 3174 §4), after `rest` bytes in `tail`. */
function finish(rest: number, totalBytes: number): void {
  const end = rest + 9 <= blockBytes ? blockBytes : 2 * blockBytes;
  tail[rest] = 0x80;
  tail.fill(0, rest + 1, end);
  writeWord(tail, end - 4, totalBytes * 8);
  for (let offset = 0; offset < end; offset += blockBytes) sha1Block(state, tail, offset);
}

function writeWord(out: Uint8Array, at: number, word: number): void {
  out[at] = word >>> 24;
  out[at + 1] = word >>> 16;
  out[at + 2] = word >>> 8;
  out[at + 3] = word;
}
