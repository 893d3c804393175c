import type { ReportBlock } from './rtp-receiver.js';
import type { SenderInfo } from './rtp-sender.js';

/** RTCP packets: sender and receiver reports, source description, goodbye (RFC 3550 §6.4–6.6). */

const SENDER_REPORT = 200;
const RECEIVER_REPORT = 201;
const SOURCE_DESCRIPTION = 202;
const GOODBYE = 203;
const CNAME = 1;
const HEADER_BYTES = 4;
const SENDER_INFO_BYTES = 20;
const REPORT_BLOCK_BYTES = 24;

/** Room that `writeReport` may need with a CNAME of 255 bytes. */
export const MAX_REPORT_BYTES = 8 + SENDER_INFO_BYTES + REPORT_BLOCK_BYTES + 8 + 2 + 255 + 4;

export type RtcpItem =
  | { readonly type: 'sender-report'; readonly ssrc: number; readonly info: SenderInfo; readonly blocks: readonly ReportBlock[] }
  | { readonly type: 'receiver-report'; readonly ssrc: number; readonly blocks: readonly ReportBlock[] }
  | { readonly type: 'cname'; readonly ssrc: number; readonly cname: string }
  | { readonly type: 'goodbye'; readonly ssrcs: readonly number[]; readonly reason?: string };

/** The middle 32 bits of an NTP timestamp, as LSR carries it (RFC 3550 §4). */
export function ntpMiddle(info: { readonly ntpSeconds: number; readonly ntpFraction: number }): number {
  return (((info.ntpSeconds & 0xffff) << 16) | (info.ntpFraction >>> 16)) >>> 0;
}

/** Reads a compound packet; types it does not know are passed over. Undefined when a length or version is wrong anywhere (RFC 3550 §A.2). Never throws. */
export function parseRtcp(buffer: Buffer, offset = 0, length = buffer.length - offset): readonly RtcpItem[] | undefined {
  const end = offset + length;
  if (offset < 0 || end > buffer.length || length < HEADER_BYTES) return undefined;
  const items: RtcpItem[] = [];
  let at = offset;
  while (at < end) {
    if (end - at < HEADER_BYTES) return undefined;
    const first = buffer.readUInt8(at);
    const bytes = (buffer.readUInt16BE(at + 2) + 1) * 4;
    if (first >> 6 !== 2 || at + bytes > end) return undefined;
    const padding = (first & 0x20) === 0 ? 0 : buffer.readUInt8(at + bytes - 1);
    if (padding > bytes - HEADER_BYTES) return undefined;
    const body = { buffer, at: at + HEADER_BYTES, end: at + bytes - padding };
    if (!readPacket(buffer.readUInt8(at + 1), first & 0x1f, body, items)) return undefined;
    at += bytes;
  }
  return items;
}

interface Body {
  readonly buffer: Buffer;
  readonly at: number;
  readonly end: number;
}

function readPacket(type: number, count: number, body: Body, items: RtcpItem[]): boolean {
  switch (type) {
    case SENDER_REPORT:
      return readSenderReport(count, body, items);
    case RECEIVER_REPORT:
      return readReceiverReport(count, body, items);
    case SOURCE_DESCRIPTION:
      return readSourceDescription(count, body, items);
    case GOODBYE:
      return readGoodbye(count, body, items);
    default:
      return true;
  }
}

function readSenderReport(count: number, { buffer, at, end }: Body, items: RtcpItem[]): boolean {
  if (end - at < 4 + SENDER_INFO_BYTES + count * REPORT_BLOCK_BYTES) return false;
  const info = {
    ntpSeconds: buffer.readUInt32BE(at + 4),
    ntpFraction: buffer.readUInt32BE(at + 8),
    rtpTimestamp: buffer.readUInt32BE(at + 12),
    packetCount: buffer.readUInt32BE(at + 16),
    octetCount: buffer.readUInt32BE(at + 20),
  };
  const blocks = readBlocks(count, buffer, at + 4 + SENDER_INFO_BYTES);
  items.push({ type: 'sender-report', ssrc: buffer.readUInt32BE(at), info, blocks });
  return true;
}

function readReceiverReport(count: number, { buffer, at, end }: Body, items: RtcpItem[]): boolean {
  if (end - at < 4 + count * REPORT_BLOCK_BYTES) return false;
  items.push({ type: 'receiver-report', ssrc: buffer.readUInt32BE(at), blocks: readBlocks(count, buffer, at + 4) });
  return true;
}

function readBlocks(count: number, buffer: Buffer, at: number): readonly ReportBlock[] {
  return Array.from({ length: count }, (_, index) => {
    const block = at + index * REPORT_BLOCK_BYTES;
    return {
      ssrc: buffer.readUInt32BE(block),
      fractionLost: buffer.readUInt8(block + 4),
      cumulativeLost: buffer.readIntBE(block + 5, 3),
      extendedHighestSequence: buffer.readUInt32BE(block + 8),
      jitter: buffer.readUInt32BE(block + 12),
      lastSenderReport: buffer.readUInt32BE(block + 16),
      delaySinceLastSenderReport: buffer.readUInt32BE(block + 20),
    };
  });
}

/** Chunks of SSRC and items, each ended by a zero and filled to a word (RFC 3550 §6.5). */
function readSourceDescription(count: number, { buffer, at, end }: Body, items: RtcpItem[]): boolean {
  let cursor = at;
  for (let chunk = 0; chunk < count; chunk += 1) {
    if (cursor + 4 > end) return false;
    const ssrc = buffer.readUInt32BE(cursor);
    cursor += 4;
    while (cursor < end && buffer.readUInt8(cursor) !== 0) {
      if (cursor + 2 > end) return false;
      const type = buffer.readUInt8(cursor);
      const next = cursor + 2 + buffer.readUInt8(cursor + 1);
      if (next > end) return false;
      if (type === CNAME) items.push({ type: 'cname', ssrc, cname: buffer.toString('utf8', cursor + 2, next) });
      cursor = next;
    }
    cursor += 4 - ((cursor - at) & 3);
  }
  return true;
}

function readGoodbye(count: number, { buffer, at, end }: Body, items: RtcpItem[]): boolean {
  const reasonAt = at + count * 4;
  if (reasonAt > end) return false;
  const ssrcs = Array.from({ length: count }, (_, index) => buffer.readUInt32BE(at + index * 4));
  if (reasonAt === end) {
    items.push({ type: 'goodbye', ssrcs });
    return true;
  }
  const reasonEnd = reasonAt + 1 + buffer.readUInt8(reasonAt);
  if (reasonEnd > end) return false;
  items.push({ type: 'goodbye', ssrcs, reason: buffer.toString('utf8', reasonAt + 1, reasonEnd) });
  return true;
}

export interface Report {
  readonly ssrc: number;
  readonly cname: string;
  /** Present when we have sent since the last report or so: then it is an SR (RFC 3550 §6.4). */
  readonly info?: SenderInfo;
  readonly block?: ReportBlock;
}

/** Writes SR or RR, then SDES with our CNAME (RFC 3550 §6.1), and returns the bytes written. */
export function writeReport(buffer: Buffer, offset: number, report: Report): number {
  let at = writeHeader(buffer, offset, report.block === undefined ? 0 : 1, report.info === undefined ? RECEIVER_REPORT : SENDER_REPORT);
  at = buffer.writeUInt32BE(report.ssrc, at);
  if (report.info !== undefined) {
    at = buffer.writeUInt32BE(report.info.ntpSeconds, at);
    at = buffer.writeUInt32BE(report.info.ntpFraction, at);
    at = buffer.writeUInt32BE(report.info.rtpTimestamp, at);
    at = buffer.writeUInt32BE(report.info.packetCount, at);
    at = buffer.writeUInt32BE(report.info.octetCount, at);
  }
  if (report.block !== undefined) at = writeBlock(buffer, at, report.block);
  writeLength(buffer, offset, at);
  return writeCname(buffer, at, report.ssrc, report.cname) - offset;
}

/** Writes a BYE (RFC 3550 §6.6) to follow a report in the same datagram; returns the bytes written. */
export function writeGoodbye(buffer: Buffer, offset: number, ssrc: number): number {
  const at = buffer.writeUInt32BE(ssrc, writeHeader(buffer, offset, 1, GOODBYE));
  writeLength(buffer, offset, at);
  return at - offset;
}

function writeHeader(buffer: Buffer, offset: number, count: number, type: number): number {
  buffer.writeUInt8(0x80 | count, offset);
  buffer.writeUInt8(type, offset + 1);
  return offset + HEADER_BYTES;
}

function writeLength(buffer: Buffer, start: number, end: number): void {
  buffer.writeUInt16BE((end - start) / 4 - 1, start + 2);
}

function writeBlock(buffer: Buffer, offset: number, block: ReportBlock): number {
  let at = buffer.writeUInt32BE(block.ssrc, offset);
  at = buffer.writeUInt8(block.fractionLost, at);
  at = buffer.writeIntBE(block.cumulativeLost, at, 3);
  at = buffer.writeUInt32BE(block.extendedHighestSequence, at);
  at = buffer.writeUInt32BE(block.jitter, at);
  at = buffer.writeUInt32BE(block.lastSenderReport, at);
  return buffer.writeUInt32BE(block.delaySinceLastSenderReport, at);
}

function writeCname(buffer: Buffer, offset: number, ssrc: number, cname: string): number {
  let at = buffer.writeUInt32BE(ssrc, writeHeader(buffer, offset, 1, SOURCE_DESCRIPTION));
  const text = Buffer.from(cname, 'utf8').subarray(0, 255);
  at = buffer.writeUInt8(CNAME, at);
  at = buffer.writeUInt8(text.length, at);
  at += text.copy(buffer, at);
  const padded = at + 4 - ((at - offset) & 3);
  buffer.fill(0, at, padded);
  writeLength(buffer, offset, padded);
  return padded;
}
