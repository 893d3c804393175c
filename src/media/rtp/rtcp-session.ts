import { ntpMiddle, parseRtcp, type RtcpItem, writeGoodbye, writeReport } from './rtcp-packet.js';
import type { ReportBlock, RtpReceiver } from './rtp-receiver.js';
import { ntpOf, type RtpSender } from './rtp-sender.js';

const MIDDLE_UNITS_PER_SECOND = 65536;
/** RFC 3550 §6.3.1 with two members: the minimum interval of 5 s, spread over 0.5–1.5 of itself. */
const INTERVAL_MS = 5000;

/** What one datagram of RTCP told. */
export type RtcpNews = 'malformed' | 'report' | 'goodbye';

/**
 * RTCP of one leg, ended here and never forwarded: reports describe our own outgoing stream and what
 * arrives on this leg (RFC 3550 §6.4; survey R3). Pure: times and buffers come from outside.
 */
export class RtcpSession {
  private sentAtLastReport = 0;
  private lastRoundTripMs: number | undefined;
  private lastFarLoss: number | undefined;

  constructor(
    private readonly options: { readonly cname: string },
    private readonly deps: { readonly sender: RtpSender; readonly receiver: RtpReceiver },
  ) {}

  /** Time to the next report; `random` is 0 ≤ r < 1 (RFC 3550 §6.3.1). The first may leave at half of it. */
  static intervalMs(random: number): number {
    return INTERVAL_MS * (0.5 + random);
  }

  /** Writes SR (or RR when nothing was sent since the last) and SDES; returns the bytes written. `buffer` needs `MAX_REPORT_BYTES`. */
  write(buffer: Buffer, offset: number, nowMs: number, wallMs: number): number {
    const { sender, receiver } = this.deps;
    const block = receiver.takeReportBlock(nowMs);
    const isSender = sender.packetsSent !== this.sentAtLastReport;
    this.sentAtLastReport = sender.packetsSent;
    return writeReport(buffer, offset, {
      ssrc: sender.ssrc,
      cname: this.options.cname,
      ...(isSender ? { info: sender.senderInfo(nowMs, wallMs) } : {}),
      ...(block === undefined ? {} : { block }),
    });
  }

  /** Writes the last report with a BYE behind it (RFC 3550 §6.1, §6.6). */
  writeGoodbye(buffer: Buffer, offset: number, nowMs: number, wallMs: number): number {
    const report = this.write(buffer, offset, nowMs, wallMs);
    return report + writeGoodbye(buffer, offset + report, this.deps.sender.ssrc);
  }

  /** Takes a decrypted compound packet. */
  read(buffer: Buffer, offset: number, length: number, nowMs: number, wallMs: number): RtcpNews {
    const items = parseRtcp(buffer, offset, length);
    if (items === undefined) return 'malformed';
    for (const item of items) this.take(item, nowMs, wallMs);
    return items.some((item) => item.type === 'goodbye') ? 'goodbye' : 'report';
  }

  /** From the last report block about us; undefined before one echoed an SR of ours (RFC 3550 §6.4.1). */
  get roundTripMs(): number | undefined {
    return this.lastRoundTripMs;
  }

  /** 0…1 of what we sent in the far end's last interval. */
  get farLossFraction(): number | undefined {
    return this.lastFarLoss;
  }

  private take(item: RtcpItem, nowMs: number, wallMs: number): void {
    if (item.type === 'sender-report') this.deps.receiver.senderReport(item.ssrc, ntpMiddle(item.info), nowMs);
    if (item.type !== 'sender-report' && item.type !== 'receiver-report') return;
    for (const block of item.blocks) if (block.ssrc === this.deps.sender.ssrc) this.takeBlock(block, wallMs);
  }

  private takeBlock(block: ReportBlock, wallMs: number): void {
    this.lastFarLoss = block.fractionLost / 256;
    if (block.lastSenderReport === 0) return;
    const units = (ntpMiddle(ntpOf(wallMs)) - block.lastSenderReport - block.delaySinceLastSenderReport) | 0;
    if (units >= 0) this.lastRoundTripMs = (units * 1000) / MIDDLE_UNITS_PER_SECOND;
  }
}
