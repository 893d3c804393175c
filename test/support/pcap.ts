import { writeFileSync } from 'node:fs';
import { muLawPayload, type Sound } from './tones.js';

/** RTP as a capture file, for programs that play one (SIPp's `play_pcap_audio`). */

export interface TimedPacket {
  readonly atMs: number;
  readonly payload: Buffer;
}

/** RFC 3550 §5.1, no extension, no contributing sources. */
export function rtpPacket(header: {
  readonly payloadType: number;
  readonly marker: boolean;
  readonly sequence: number;
  readonly timestamp: number;
  readonly ssrc: number;
  readonly payload: Buffer;
}): Buffer {
  const bytes = Buffer.alloc(12);
  bytes[0] = 0x80;
  bytes[1] = (header.marker ? 0x80 : 0) | header.payloadType;
  bytes.writeUInt16BE(header.sequence & 0xffff, 2);
  bytes.writeUInt32BE(header.timestamp >>> 0, 4);
  bytes.writeUInt32BE(header.ssrc >>> 0, 8);
  return Buffer.concat([bytes, header.payload]);
}

/** PCMU packets of 20 ms. */
export function speechPackets(sound: Sound, ssrc: number): TimedPacket[] {
  const packets: TimedPacket[] = [];
  for (let index = 0; (index + 1) * 160 <= sound.samples.length; index += 1) {
    const payload = muLawPayload(sound.samples.subarray(index * 160, (index + 1) * 160));
    packets.push({
      atMs: index * 20,
      payload: rtpPacket({ payloadType: 0, marker: index === 0, sequence: index, timestamp: index * 160, ssrc, payload }),
    });
  }
  return packets;
}

const eventOf = (digit: string): number => '0123456789*#ABCD'.indexOf(digit);

export interface KeyPressOptions {
  readonly payloadType: number;
  readonly ssrc: number;
  readonly toneMs: number;
  readonly gapMs: number;
}

/** RFC 4733 §2.5.1 at 8 kHz, one update each 20 ms, three end packets at that interval. */
export function keyPressPackets(digits: string, options: KeyPressOptions): TimedPacket[] {
  const packets: TimedPacket[] = [];
  let atMs = 0;
  let sequence = 1000;
  const push = (digit: string, startMs: number, sinceMs: number, marker: boolean, end: boolean): void => {
    const payload = Buffer.alloc(4);
    payload[0] = eventOf(digit);
    payload[1] = (end ? 0x80 : 0) | 10;
    payload.writeUInt16BE(sinceMs * 8, 2);
    sequence += 1;
    packets.push({
      atMs,
      payload: rtpPacket({
        payloadType: options.payloadType,
        marker,
        sequence,
        timestamp: 160_000 + startMs * 8,
        ssrc: options.ssrc,
        payload,
      }),
    });
    atMs += 20;
  };
  for (const digit of digits) {
    const startMs = atMs;
    for (let sinceMs = 20; sinceMs < options.toneMs; sinceMs += 20) push(digit, startMs, sinceMs, sinceMs === 20, false);
    for (let copy = 0; copy < 3; copy += 1) push(digit, startMs, options.toneMs, false, true);
    atMs = startMs + options.toneMs + options.gapMs;
  }
  return packets;
}

/** Classic pcap, Ethernet and IPv4 around each packet; addresses and ports are the player's to replace. */
export function writePcap(path: string, packets: readonly TimedPacket[]): void {
  const file = Buffer.alloc(24);
  file.writeUInt32LE(0xa1b2c3d4, 0);
  file.writeUInt16LE(2, 4);
  file.writeUInt16LE(4, 6);
  file.writeUInt32LE(65_535, 16);
  file.writeUInt32LE(1, 20);
  writeFileSync(path, Buffer.concat([file, ...packets.map(record)]));
}

function record({ atMs, payload }: TimedPacket): Buffer {
  const frame = Buffer.alloc(42);
  frame.writeUInt16BE(0x0800, 12);
  frame[14] = 0x45;
  frame.writeUInt16BE(28 + payload.length, 16);
  frame[22] = 64;
  frame[23] = 17;
  frame.writeUInt32BE(0x7f000001, 26);
  frame.writeUInt32BE(0x7f000001, 30);
  frame.writeUInt16BE(6000, 34);
  frame.writeUInt16BE(6000, 36);
  frame.writeUInt16BE(8 + payload.length, 38);
  const header = Buffer.alloc(16);
  header.writeUInt32LE(Math.floor(atMs / 1000), 0);
  header.writeUInt32LE((atMs % 1000) * 1000, 4);
  header.writeUInt32LE(frame.length + payload.length, 8);
  header.writeUInt32LE(frame.length + payload.length, 12);
  return Buffer.concat([header, frame, payload]);
}
