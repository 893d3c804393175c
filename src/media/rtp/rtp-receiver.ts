import type { RtpPacket } from './rtp-packet.js';
import { extendSequence, timestampDelta } from './serial-number.js';

/** RFC 3550 §A.1 */
const MAX_DROPOUT = 3000;
const MAX_MISORDER = 100;
const MIN_SEQUENTIAL = 2;
const DLSR_UNITS_PER_SECOND = 65536;

/** What an RR or SR says about one source (RFC 3550 §6.4.1). */
export interface ReportBlock {
  readonly ssrc: number;
  /** 0…255 of 256, since the last report. */
  readonly fractionLost: number;
  /** Signed, 24 bits. */
  readonly cumulativeLost: number;
  readonly extendedHighestSequence: number;
  /** In timestamp units. */
  readonly jitter: number;
  /** Middle 32 bits of the NTP timestamp of the source's last SR; 0 = none came. */
  readonly lastSenderReport: number;
  /** Since it came, in 1/65536 s. */
  readonly delaySinceLastSenderReport: number;
}

/**
 * Statistics of the packets that arrive on one leg, for the source that sends now: validity and
 * sequence (RFC 3550 §A.1), loss (§A.3), jitter (§A.8). A new SSRC starts afresh; totals go on.
 */
export class RtpReceiver {
  private readonly clockRateHz: number;
  private packets = 0;
  private bytes = 0;
  /** Loss of sources and runs that have ended. */
  private lostBefore = 0;

  private current: number | undefined;
  private probation = 0;
  private base = 0;
  private highest = 0;
  private received = 0;
  private bad = -1;
  private expectedPrior = 0;
  private receivedPrior = 0;

  private transitUnits = 0;
  private hasTransit = false;
  private jitter = 0;
  private reportMiddle = 0;
  private reportAtMs = 0;

  constructor(options: { readonly clockRateHz: number }) {
    this.clockRateHz = options.clockRateHz;
  }

  /**
   * Takes note of a packet. False while its source is not yet believed (fewer than two packets in sequence) or when its
   * sequence number jumped and nothing confirms the jump. `isAudio` false leaves jitter alone: the packets of an
   * event all carry its start as timestamp (RFC 4733 §2.2.1).
   */
  receive(packet: RtpPacket, nowMs: number, isAudio = true): boolean {
    this.packets += 1;
    this.bytes += packet.payloadLength;
    if (packet.ssrc !== this.current) this.startSource(packet);
    const valid = this.updateSequence(packet.sequenceNumber);
    if (valid && isAudio) this.updateJitter(packet.timestamp, nowMs);
    return valid;
  }

  /** A sender report of the current source came (RFC 3550 §6.4.1); its NTP middle is sent back as LSR. */
  senderReport(ssrc: number, ntpMiddle: number, nowMs: number): void {
    if (ssrc !== this.current) return;
    this.reportMiddle = ntpMiddle;
    this.reportAtMs = nowMs;
  }

  /** The SSRC that sends now. */
  get ssrc(): number | undefined {
    return this.current;
  }

  get packetsReceived(): number {
    return this.packets;
  }

  /** Payload bytes. */
  get bytesReceived(): number {
    return this.bytes;
  }

  /** Over all sources; duplicates can hide a loss, never make it negative (RFC 3550 §A.3). */
  get packetsLost(): number {
    return Math.max(0, this.lostBefore + this.lostNow());
  }

  get jitterMs(): number {
    return (this.jitter * 1000) / this.clockRateHz;
  }

  /** The block about the current source, undefined while none is believed. Each call starts a new interval for the fraction (RFC 3550 §A.3). */
  takeReportBlock(nowMs: number): ReportBlock | undefined {
    if (this.current === undefined || this.probation > 0) return undefined;
    const expected = this.highest - this.base + 1;
    const expectedInterval = expected - this.expectedPrior;
    const lostInterval = expectedInterval - (this.received - this.receivedPrior);
    this.expectedPrior = expected;
    this.receivedPrior = this.received;
    const sinceMs = nowMs - this.reportAtMs;
    return {
      ssrc: this.current,
      fractionLost: expectedInterval <= 0 || lostInterval <= 0 ? 0 : Math.min(255, Math.floor((lostInterval * 256) / expectedInterval)),
      cumulativeLost: Math.min(0x7fffff, Math.max(-0x800000, this.lostNow())),
      extendedHighestSequence: this.highest >>> 0,
      jitter: Math.floor(this.jitter) >>> 0,
      lastSenderReport: this.reportMiddle,
      delaySinceLastSenderReport: this.reportMiddle === 0 ? 0 : Math.round((sinceMs * DLSR_UNITS_PER_SECOND) / 1000) >>> 0,
    };
  }

  private lostNow(): number {
    return this.current === undefined || this.probation > 0 ? 0 : this.highest - this.base + 1 - this.received;
  }

  private startSource(packet: RtpPacket): void {
    this.lostBefore += this.lostNow();
    this.current = packet.ssrc;
    this.probation = MIN_SEQUENTIAL;
    this.highest = packet.sequenceNumber - 1;
    this.hasTransit = false;
    this.jitter = 0;
    this.reportMiddle = 0;
    this.bad = -1;
  }

  private startRun(sequence: number): void {
    this.base = sequence;
    this.highest = sequence;
    this.received = 0;
    this.expectedPrior = 0;
    this.receivedPrior = 0;
    this.bad = -1;
    this.hasTransit = false;
  }

  private updateSequence(sequence: number): boolean {
    if (this.probation > 0) return this.prove(sequence);
    const extended = extendSequence(this.highest, sequence);
    const ahead = extended - this.highest;
    if (ahead >= MAX_DROPOUT || ahead <= -MAX_MISORDER) {
      if (sequence !== this.bad) {
        this.bad = (sequence + 1) & 0xffff;
        return false;
      }
      this.lostBefore += this.lostNow();
      this.startRun(sequence);
    } else if (ahead > 0) {
      this.highest = extended;
    }
    this.received += 1;
    return true;
  }

  private prove(sequence: number): boolean {
    const inOrder = sequence === ((this.highest + 1) & 0xffff);
    this.probation = inOrder ? this.probation - 1 : MIN_SEQUENTIAL - 1;
    this.highest = sequence;
    if (this.probation > 0) return false;
    this.startRun(sequence);
    this.received = 1;
    return true;
  }

  private updateJitter(timestamp: number, nowMs: number): void {
    const arrivalUnits = Math.round((nowMs * this.clockRateHz) / 1000);
    const transit = timestampDelta(timestamp, arrivalUnits);
    const deviation = Math.abs(timestampDelta(this.transitUnits, transit));
    this.transitUnits = transit;
    if (this.hasTransit) this.jitter += (deviation - this.jitter) / 16;
    this.hasTransit = true;
  }
}
