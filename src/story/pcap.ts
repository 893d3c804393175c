/**
 * SIP as a capture file that Wireshark and tshark read: classic pcap of raw IP packets. Datagrams stay
 * datagrams. What went over a connection is written as TCP segments of its plain text, TLS and
 * WebSocket too, for the capture is of what was said and not of how it was wrapped.
 */
import { isIPv4, isIPv6 } from 'node:net';
import type { HostPort } from '../base/address.js';
import type { SipTransport } from '../sip/transport-name.js';

/** One message at one moment; `text` holds one byte a character. */
export interface CapturedMessage {
  readonly atMs: number;
  readonly way: 'in' | 'out';
  readonly transport: SipTransport;
  readonly local: HostPort;
  readonly remote: HostPort;
  readonly text: string;
}

const magic = 0xa1b2c3d4;
/** LINKTYPE_RAW: the packet begins with its IP header. */
const rawIp = 101;
const snapBytes = 262_144;
/** Room for the headers below the 65,535 bytes of an IP packet. */
const maxPayloadBytes = 65_000;
const sipPort = 5060;
const udp = 17;
const tcp = 6;
/** PSH and ACK. */
const tcpFlags = 0x18;

/** The whole file; times go by the clock of the calls. */
export function sipCapture(messages: readonly CapturedMessage[]): Buffer {
  const header = Buffer.alloc(24);
  header.writeUInt32LE(magic, 0);
  header.writeUInt16LE(2, 4);
  header.writeUInt16LE(4, 6);
  header.writeUInt32LE(snapBytes, 16);
  header.writeUInt32LE(rawIp, 20);
  const connections = new Map<string, number>();
  const packets = [...messages].sort((one, other) => one.atMs - other.atMs).flatMap((message) => packetsOf(message, connections));
  return Buffer.concat([header, ...packets]);
}

interface Ends {
  readonly from: HostPort;
  readonly to: HostPort;
}

function packetsOf(message: CapturedMessage, connections: Map<string, number>): readonly Buffer[] {
  const payload = Buffer.from(message.text, 'latin1');
  const ends = endsOf(message);
  if (message.transport === 'udp') return [record(message.atMs, ipPacket(ends, udp, datagram(ends, payload.subarray(0, maxPayloadBytes))))];
  const packets: Buffer[] = [];
  for (let at = 0; at < payload.length; at += maxPayloadBytes) {
    const part = payload.subarray(at, at + maxPayloadBytes);
    packets.push(record(message.atMs, ipPacket(ends, tcp, segment(ends, part, connections))));
  }
  return packets;
}

/** Readers know SIP by its port. A WebSocket shares that of HTTP, and TLS has one for ciphertext: our end then stands at 5060. */
function endsOf({ way, transport, local, remote }: CapturedMessage): Ends {
  const plain = transport === 'udp' || transport === 'tcp';
  const here = plain ? local : { host: local.host, port: sipPort };
  const [from, to] = way === 'out' ? [here, remote] : [remote, here];
  const six = isIPv6(from.host) || isIPv6(to.host);
  const usable = ({ host, port }: HostPort): HostPort => ({
    host: (six ? isIPv6(host) : isIPv4(host)) ? host : six ? '2001:db8::1' : '192.0.2.1',
    port,
  });
  return { from: usable(from), to: usable(to) };
}

function record(atMs: number, packet: Buffer): Buffer {
  const header = Buffer.alloc(16);
  header.writeUInt32LE(Math.floor(atMs / 1000), 0);
  header.writeUInt32LE(Math.floor((atMs % 1000) * 1000), 4);
  header.writeUInt32LE(packet.length, 8);
  header.writeUInt32LE(packet.length, 12);
  return Buffer.concat([header, packet]);
}

/** RFC 768. */
function datagram(ends: Ends, payload: Buffer): Buffer {
  const bytes = Buffer.concat([Buffer.alloc(8), payload]);
  bytes.writeUInt16BE(ends.from.port, 0);
  bytes.writeUInt16BE(ends.to.port, 2);
  bytes.writeUInt16BE(bytes.length, 4);
  // Zero would mean that there is none.
  bytes.writeUInt16BE(checksum([pseudoHeader(ends, udp, bytes.length), bytes]) || 0xffff, 6);
  return bytes;
}

/** RFC 9293 §3.1; sequence numbers go on from segment to segment, and acknowledge the other side's. */
function segment(ends: Ends, payload: Buffer, connections: Map<string, number>): Buffer {
  const key = ({ from, to }: Ends): string => `${from.host} ${from.port} ${to.host} ${to.port}`;
  const sequence = connections.get(key(ends)) ?? 1;
  connections.set(key(ends), sequence + payload.length);
  const bytes = Buffer.concat([Buffer.alloc(20), payload]);
  bytes.writeUInt16BE(ends.from.port, 0);
  bytes.writeUInt16BE(ends.to.port, 2);
  bytes.writeUInt32BE(sequence >>> 0, 4);
  bytes.writeUInt32BE((connections.get(key({ from: ends.to, to: ends.from })) ?? 1) >>> 0, 8);
  bytes[12] = 5 << 4;
  bytes[13] = tcpFlags;
  bytes.writeUInt16BE(0xffff, 14);
  bytes.writeUInt16BE(checksum([pseudoHeader(ends, tcp, bytes.length), bytes]), 16);
  return bytes;
}

function ipPacket(ends: Ends, protocol: number, payload: Buffer): Buffer {
  return isIPv6(ends.from.host) ? ip6(ends, protocol, payload) : ip4(ends, protocol, payload);
}

/** RFC 791 §3.1. */
function ip4({ from, to }: Ends, protocol: number, payload: Buffer): Buffer {
  const header = Buffer.alloc(20);
  header[0] = 0x45;
  header.writeUInt16BE(header.length + payload.length, 2);
  // Don't fragment.
  header[6] = 0x40;
  header[8] = 64;
  header[9] = protocol;
  addressBytes(from.host).copy(header, 12);
  addressBytes(to.host).copy(header, 16);
  header.writeUInt16BE(checksum([header]), 10);
  return Buffer.concat([header, payload]);
}

/** RFC 8200 §3. */
function ip6({ from, to }: Ends, protocol: number, payload: Buffer): Buffer {
  const header = Buffer.alloc(40);
  header[0] = 0x60;
  header.writeUInt16BE(payload.length, 4);
  header[6] = protocol;
  header[7] = 64;
  addressBytes(from.host).copy(header, 8);
  addressBytes(to.host).copy(header, 24);
  return Buffer.concat([header, payload]);
}

function pseudoHeader({ from, to }: Ends, protocol: number, lengthBytes: number): Buffer {
  const rest = Buffer.alloc(isIPv6(from.host) ? 8 : 4);
  if (rest.length === 8) {
    rest.writeUInt32BE(lengthBytes, 0);
    rest[7] = protocol;
  } else {
    rest[1] = protocol;
    rest.writeUInt16BE(lengthBytes, 2);
  }
  return Buffer.concat([addressBytes(from.host), addressBytes(to.host), rest]);
}

/** An address in network order (RFC 4291 §2.2 for the forms of IPv6). */
function addressBytes(host: string): Buffer {
  if (isIPv4(host)) return Buffer.from(host.split('.').map(Number));
  const bytes = Buffer.alloc(16);
  const plain = (host.split('%')[0] ?? host).replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_all, a: string, b: string, c: string, d: string) => {
    return `${(Number(a) * 256 + Number(b)).toString(16)}:${(Number(c) * 256 + Number(d)).toString(16)}`;
  });
  const [head = '', tail] = plain.split('::');
  const groups = (text: string): number[] => (text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16)));
  for (const [at, group] of groups(head).entries()) bytes.writeUInt16BE(group & 0xffff, at * 2);
  const last = groups(tail ?? '');
  for (const [at, group] of last.entries()) bytes.writeUInt16BE(group & 0xffff, 16 - (last.length - at) * 2);
  return bytes;
}

/** The internet checksum (RFC 1071) over parts of which all but the last have an even length. */
function checksum(parts: readonly Buffer[]): number {
  let sum = 0;
  for (const part of parts) {
    for (let at = 0; at + 1 < part.length; at += 2) sum += part.readUInt16BE(at);
    if (part.length % 2 === 1) sum += (part[part.length - 1] ?? 0) << 8;
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
