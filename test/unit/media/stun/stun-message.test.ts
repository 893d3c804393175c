import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { canonicalAddress, readXorAddress, writeXorAddress } from '../../../../src/media/stun/stun-address.js';
import { attributeOf, readStun, type StunKind, type StunMessage, writeStun } from '../../../../src/media/stun/stun-message.js';
import { integrityFits } from '../../../../src/media/stun/stun-seal.js';

const bytesOf = (hex: string): Buffer => Buffer.from(hex.replaceAll(/\s/g, ''), 'hex');
const password = 'VOkJxbRl1RmTxUk/WvJxBt';

/** RFC 5769 §2.1 to §2.4. */
const request = bytesOf(`00010058 2112a442 b7e7a701 bc34d686 fa87dfae 80220010 5354554e 20746573 7420636c 69656e74 00240004
  6e0001ff 80290008 932ff9b1 51263b36 00060009 6576746a 3a683676 59202020 00080014 9aeaa70c bfd8cb56 781ef2b5 b2d3f249
  c1b571a2 80280004 e57a3bcf`);
const answerIpv4 = bytesOf(`0101003c 2112a442 b7e7a701 bc34d686 fa87dfae 8022000b 74657374 20766563 746f7220 00200008 0001a147
  e112a643 00080014 2b91f599 fd9e90c3 8c7489f9 2af9ba53 f06be7d7 80280004 c07d4c96`);
const answerIpv6 = bytesOf(`01010048 2112a442 b7e7a701 bc34d686 fa87dfae 8022000b 74657374 20766563 746f7220 00200014 0002a147
  0113a9fa a5d3f179 bc25f4b5 bed2b9d9 00080014 a382954e 4be67bf1 1784c97c 8292c275 bfe3ed41 80280004 c8fb0b4c`);
const longTerm = bytesOf(`00010060 2112a442 78ad3433 c6ad72c0 29da412e 00060012 e3839ee3 8388e383 aae38383 e382afe3 82b90000
  0015001c 662f2f34 39396b39 35346436 4f4c3334 6f4c3946 53547679 3634734100 14000b 6578616d 706c652e 6f726700 00080014
  f6702465 6dd64a3e 02b8e071 2e85c9a2 8ca89666`);

const read = (bytes: Buffer): StunMessage => {
  const message = readStun(bytes);
  if (message === undefined) throw new Error('not read');
  return message;
};

const isSealedWith = ({ bytes, integrityAt }: StunMessage, key: string | Buffer): boolean =>
  integrityAt !== undefined && integrityFits(bytes, integrityAt, key);

describe('STUN messages', () => {
  it('are read as the samples of RFC 5769 are meant', () => {
    const message = read(request);
    expect(message).toMatchObject({ method: 1, kind: 'request', hasFingerprint: true });
    expect(message.attributes.map(({ type }) => type)).toEqual([0x8022, 0x0024, 0x8029, 0x0006]);
    expect([isSealedWith(message, password), isSealedWith(message, 'another')]).toEqual([true, false]);
  });

  it.each([
    [answerIpv4, '192.0.2.1', '192.0.2.1'],
    [answerIpv6, '2001:db8:1234:5678:11:2233:4455:6677', '2001:db8:1234:5678:11:2233:4455:6677'],
  ])('tell mapped addresses as the samples do', (bytes, address, text) => {
    const message = read(bytes);
    const value = attributeOf(message, 0x0020) ?? Buffer.alloc(0);
    expect(message.kind).toBe('success');
    expect(isSealedWith(message, password)).toBe(true);
    expect(readXorAddress(bytes, value)).toEqual({ address: text, port: 32853 });
    expect(writeXorAddress(bytes, address, 32853)).toEqual(value);
  });

  it('are sealed with long-term credentials as the sample is', () => {
    const message = read(longTerm);
    // The user name is "マトリックス", the password "TheMatrIX" after SASLprep.
    const key = createHash('md5').update('マトリックス:example.org:TheMatrIX').digest();
    expect([isSealedWith(message, key), message.hasFingerprint]).toEqual([true, false]);
    expect(attributeOf(message, 0x0014)?.toString()).toBe('example.org');
  });

  it.each([
    ...(['request', 'indication', 'success', 'error'] as const).flatMap((kind) =>
      [1, 3, 4, 8, 0xff].map((method) => [kind, method] as const),
    ),
  ] as ReadonlyArray<readonly [StunKind, number]>)('come back as they were written: %s of method %i', (kind, method) => {
    const attributes = [5, 0, 3, 4].map((length, at) => ({ type: 0x8100 + at, value: Buffer.alloc(length, at + 1) }));
    const written = writeStun({ method, kind, transactionId: Buffer.alloc(12, 7), attributes, key: 'k', fingerprint: true });
    const message = read(written);
    expect(message).toMatchObject({ method, kind, attributes, hasFingerprint: true });
    expect(isSealedWith(message, 'k')).toBe(true);
    expect(read(writeStun({ method, kind, transactionId: Buffer.alloc(12), attributes })).integrityAt).toBeUndefined();
  });

  it('are nothing when cut short, or with a byte changed that FINGERPRINT covers', () => {
    for (let length = 0; length < request.length; length += 1) expect(readStun(request.subarray(0, length)), `${length}`).toBeUndefined();
    for (let at = 0; at < request.length - 8; at += 1) {
      const copy = Buffer.from(request);
      copy[at] = (copy[at] ?? 0) ^ 0x01;
      expect(readStun(copy), `byte ${at}`).toBeUndefined();
    }
  });

  it('hide nothing behind their integrity', () => {
    const inner = writeStun({ method: 1, kind: 'request', transactionId: Buffer.alloc(12), attributes: [], key: 'k' });
    const longer = Buffer.concat([inner, bytesOf('00060004 6e616d65')]);
    longer.writeUInt16BE(longer.length - 20, 2);
    expect(read(longer).attributes).toEqual([]);
    expect(isSealedWith(read(longer), 'k')).toBe(true);
  });

  it('have no end of attributes', () => {
    const attributes = Array.from({ length: 33 }, () => ({ type: 0x8001, value: Buffer.alloc(0) }));
    const message = { method: 1, kind: 'request', transactionId: Buffer.alloc(12) } as const;
    expect(readStun(writeStun({ ...message, attributes }))).toBeUndefined();
    expect(read(writeStun({ ...message, attributes: attributes.slice(1) })).attributes).toHaveLength(32);
  });
});

describe('addresses in STUN', () => {
  it.each([
    ['192.0.2.7', '192.0.2.7'],
    ['::1', '0:0:0:0:0:0:0:1'],
    ['2001:DB8::17', '2001:db8:0:0:0:0:0:17'],
    ['::ffff:192.0.2.7', '0:0:0:0:0:ffff:c000:207'],
    ['fe80::1%eth0', 'fe80:0:0:0:0:0:0:1'],
  ])('%s is one with %s', (one, other) => {
    expect(canonicalAddress(one)).toBe(other);
    expect(canonicalAddress(other)).toBe(other);
  });

  it.each(['', '0001', '0001a147e112a6', '0003a147e112a643', '0002a147e112a643', '0001a147e112a64300'])('are none in %j', (hex) => {
    expect(readXorAddress(request, Buffer.from(hex, 'hex'))).toBeUndefined();
  });
});
