import { describe, expect, it } from 'vitest';
import { writeStun } from '../../../src/media/stun/stun-message.js';
import { StreamFraming } from '../../../src/turn/stream-framing.js';

const stun = (bytes: number): Buffer =>
  writeStun({
    method: 1,
    kind: 'request',
    transactionId: Buffer.alloc(12, 1),
    attributes: [{ type: 0x8022, value: Buffer.alloc(bytes, 7) }],
  });

/** A ChannelData message, and what of it goes over a stream. */
function channel(bytes: number): { readonly message: Buffer; readonly wire: Buffer } {
  const message = Buffer.concat([Buffer.from([0x40, 1, bytes >> 8, bytes & 0xff]), Buffer.alloc(bytes, 0x80)]);
  return { message, wire: Buffer.concat([message, Buffer.alloc((4 - (bytes % 4)) % 4)]) };
}

const pieces = [{ message: stun(8), wire: stun(8) }, channel(0), channel(1), channel(171), { message: stun(0), wire: stun(0) }, channel(3)];
const wire = Buffer.concat(pieces.map((piece) => piece.wire));
const messages = pieces.map((piece) => piece.message);

describe('messages in a stream', () => {
  it('come out whole, wherever the stream is cut', () => {
    for (let size = 1; size <= wire.length; size += 1) {
      const framing = new StreamFraming();
      const out: Buffer[] = [];
      for (let at = 0; at < wire.length; at += size) out.push(...(framing.push(wire.subarray(at, at + size)) ?? []));
      expect(out, `cut each ${size} bytes`).toEqual(messages);
      expect(framing.waitingBytes).toBe(0);
    }
  });

  it.each([
    ['text', Buffer.from('GET / HTTP/1.1')],
    ['a TLS record', Buffer.from('1603010200010001fc03', 'hex')],
    ['a channel that there is not', Buffer.from([0x80, 0, 0, 4])],
    ['a STUN message of odd length', Buffer.from([0, 1, 0, 3])],
    ['STUN without the cookie', Buffer.from([0, 1, 0, 0, 1, 2, 3, 4])],
    ['a message longer than any', Buffer.from([0, 1, 0x40, 0])],
    ['data longer than any', Buffer.from([0x40, 0, 0xff, 0xff])],
  ])('are none in %s', (_what, bytes) => {
    expect(new StreamFraming().push(bytes)).toBeUndefined();
    expect(new StreamFraming().push(Buffer.concat([stun(4), bytes]))).toBeUndefined();
  });

  it('keep no more than one of them waiting', () => {
    const framing = new StreamFraming();
    const { wire: whole } = channel(4_000);
    framing.push(whole.subarray(0, 4_003));
    expect(framing.waitingBytes).toBe(4_003);
    framing.push(Buffer.concat([whole.subarray(4_003), stun(0).subarray(0, 6)]));
    expect(framing.waitingBytes).toBe(6);
  });
});
