import { createHmac, randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { ProtectionProfileAes128CmHmacSha1_80, RtpHeader, SrtcpSession, SrtpSession } from 'werift';
import { AesCounterMode } from '../../../../../src/media/embedded/srtp/aes-cm.js';
import { HmacSha1 } from '../../../../../src/media/embedded/srtp/hmac-sha1.js';
import { deriveSessionKeys } from '../../../../../src/media/embedded/srtp/key-derivation.js';
import { SrtcpReceiver, SrtcpSender } from '../../../../../src/media/embedded/srtp/srtcp-context.js';
import {
  SrtpReceiver,
  SrtpSender,
  srtpForged,
  srtpIndexUsed,
  srtpMalformed,
  srtpReplayed,
} from '../../../../../src/media/embedded/srtp/srtp-context.js';
import { writeReport } from '../../../../../src/media/rtp/rtcp-packet.js';
import { writeRtpHeader } from '../../../../../src/media/rtp/rtp-packet.js';

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');
const ssrc = 0xcafebabe;
const master = { key: hex('E1F97A0D3E018BE0D64FA32C06DE4139'), salt: hex('0EC675AD498AFEEBB6960B3AABE6') };

function packetOf(index: number, payload: Buffer): Buffer {
  const packet = Buffer.alloc(12 + payload.length + 64);
  writeRtpHeader(packet, 0, false, 0, index & 0xffff, index * 160, ssrc);
  payload.copy(packet, 12);
  return packet;
}

function protectedPacket(sender: SrtpSender, index: number, payload: Buffer): Buffer {
  const packet = packetOf(index, payload);
  return packet.subarray(0, sender.protect(packet, 12 + payload.length, index));
}

/** werift's own contexts with the same key both ways. */
const peerKeys = {
  keys: { localMasterKey: master.key, localMasterSalt: master.salt, remoteMasterKey: master.key, remoteMasterSalt: master.salt },
  profile: ProtectionProfileAes128CmHmacSha1_80,
} as const;

describe('SRTP', () => {
  it('derives the session keys of RFC 3711 appendix B.3', () => {
    const keys = deriveSessionKeys(master, 'srtp');
    expect(keys.encryption).toEqual(hex('C61E7A93744F39EE10734AFE3FF7A087'));
    expect(keys.salt).toEqual(hex('30CBBC08863D8C85D49DB34A9AE1'));
    expect(keys.authentication).toEqual(hex('CEBE321F6FF7716B6FD4AB49AF256A156D38BAA4'));
  });

  it('makes the key stream of RFC 3711 appendix B.2', () => {
    const cipher = new AesCounterMode(hex('2B7E151628AED2A6ABF7158809CF4F3C'), hex('F0F1F2F3F4F5F6F7F8F9FAFBFCFD'));
    const bytes = Buffer.alloc(48);
    cipher.apply(bytes, 0, 48, 0, 0);
    expect(bytes).toEqual(hex('E03EAD0935C95E80E166B16DD92B4EB4 D23513162B02D0F72A43A2FE4A5F97AB 41E95B3BB0A2E8DD477901E4FCA894C0'));
  });

  it('makes the same key stream whether asked in order, late or for a long packet', () => {
    const inOrder = new AesCounterMode(master.key, master.salt);
    const late = new AesCounterMode(master.key, master.salt);
    const streamOf = (cipher: AesCounterMode, index: number, length: number): Buffer => {
      const bytes = Buffer.alloc(length);
      cipher.apply(bytes, 0, length, ssrc, index);
      return bytes;
    };
    const expected = Array.from({ length: 20 }, (_, index) => streamOf(inOrder, 0x1fff8 + index, 160));
    for (const index of [19, 3, 12, 0, 18, 7]) expect(streamOf(late, 0x1fff8 + index, 160)).toEqual(expected[index]);
    expect(streamOf(late, 0x1fff8 + 5, 1000).subarray(0, 160)).toEqual(expected[5]);
  });

  it('makes the tag that node:crypto makes, for every length', () => {
    const key = randomBytes(20);
    const hmac = new HmacSha1(key);
    const out = Buffer.alloc(10);
    for (let length = 0; length < 300; length += 1) {
      const bytes = randomBytes(length);
      hmac.tag80(bytes, length, out, 0);
      expect(out).toEqual(createHmac('sha1', key).update(bytes).digest().subarray(0, 10));
    }
  });

  it('is understood by another implementation, over the wrap of the sequence number', () => {
    const sender = new SrtpSender(master, ssrc);
    const peer = new SrtpSession(peerKeys);
    for (let index = 0xfff0; index < 0x10010; index += 1) {
      const payload = randomBytes(160);
      expect(peer.decrypt(Buffer.from(protectedPacket(sender, index, payload))).subarray(12)).toEqual(payload);
    }
  });

  it('understands another implementation, over the wrap of the sequence number', () => {
    const receiver = new SrtpReceiver(master);
    const peer = new SrtpSession(peerKeys);
    for (let index = 0xfff0; index < 0x10010; index += 1) {
      const payload = randomBytes(160);
      const header = new RtpHeader({
        version: 2,
        padding: false,
        marker: false,
        payloadType: 0,
        sequenceNumber: index & 0xffff,
        timestamp: index,
        ssrc,
      });
      const packet = Buffer.from(peer.encrypt(payload, header));
      const length = receiver.unprotect(packet, packet.length);
      expect(packet.subarray(12, length)).toEqual(payload);
    }
  });

  it('takes packets out of order, and each once', () => {
    const sender = new SrtpSender(master, ssrc);
    const receiver = new SrtpReceiver(master);
    const packets = Array.from({ length: 300 }, (_, index) => protectedPacket(sender, index, Buffer.from([index & 0xff, 2, 3])));
    const take = (index: number): number => {
      const copy = Buffer.from(packets[index] ?? []);
      return receiver.unprotect(copy, copy.length);
    };
    for (const index of [0, 2, 1, 5, 4, 3]) expect(take(index)).toBe(15);
    for (const index of [0, 1, 2, 3, 4, 5]) expect(take(index)).toBe(srtpReplayed);
    expect(take(299)).toBe(15);
    expect(take(100)).toBe(srtpReplayed);
    expect(take(172)).toBe(15);
  });

  it('refuses a packet with any bit changed, and is none the wiser for it', () => {
    const sender = new SrtpSender(master, ssrc);
    const receiver = new SrtpReceiver(master);
    const packet = protectedPacket(sender, 7, randomBytes(20));
    for (let bit = 16; bit < packet.length * 8; bit += 1) {
      const copy = Buffer.from(packet);
      copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(receiver.unprotect(copy, copy.length)).toBe(srtpForged);
    }
    const copy = Buffer.from(packet);
    expect(receiver.unprotect(copy, copy.length)).toBe(32);
  });

  it('never protects two packets under one index', () => {
    const sender = new SrtpSender(master, ssrc);
    expect(sender.protect(packetOf(5, randomBytes(10)), 22, 5)).toBe(32);
    expect(sender.protect(packetOf(5, randomBytes(10)), 22, 5)).toBe(srtpIndexUsed);
    expect(sender.protect(packetOf(4, randomBytes(10)), 22, 4)).toBe(32);
    expect(sender.protect(packetOf(4, randomBytes(10)), 22, 4)).toBe(srtpIndexUsed);
  });

  it('takes no packet too short or with a header that does not fit', () => {
    const receiver = new SrtpReceiver(master);
    for (let length = 0; length < 22; length += 1) expect(receiver.unprotect(Buffer.alloc(length, 0x80), length)).toBe(srtpMalformed);
    const extension = Buffer.alloc(40, 0xff);
    extension[0] = 0x90;
    expect(receiver.unprotect(extension, 40)).toBe(srtpMalformed);
  });
});

describe('SRTCP', () => {
  const report = (): { readonly buffer: Buffer; readonly length: number } => {
    const buffer = Buffer.alloc(300);
    return { buffer, length: writeReport(buffer, 0, { ssrc, cname: 'someone' }) };
  };

  it('is understood by another implementation and understands it', () => {
    const plain = report();
    const expected = Buffer.from(plain.buffer.subarray(0, plain.length));
    const sender = new SrtcpSender(master);
    const peer = new SrtcpSession(peerKeys);
    const sent = Buffer.from(plain.buffer.subarray(0, sender.protect(plain.buffer, plain.length)));
    expect(peer.decrypt(sent)).toEqual(expected);
    const back = Buffer.from(new SrtcpSession(peerKeys).encrypt(expected));
    const receiver = new SrtcpReceiver(master);
    expect(back.subarray(0, receiver.unprotect(back, back.length))).toEqual(expected);
  });

  it('takes a packet once, and no forged one', () => {
    const sender = new SrtcpSender(master);
    const receiver = new SrtcpReceiver(master);
    const { buffer, length } = report();
    const packet = Buffer.from(buffer.subarray(0, sender.protect(buffer, length)));
    const forged = Buffer.from(packet);
    forged[9] = (forged[9] ?? 0) ^ 1;
    expect(receiver.unprotect(forged, forged.length)).toBe(srtpForged);
    expect(receiver.unprotect(Buffer.from(packet), packet.length)).toBe(length);
    expect(receiver.unprotect(Buffer.from(packet), packet.length)).toBe(srtpReplayed);
  });
});
