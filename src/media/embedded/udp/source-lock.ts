/**
 * Which source of packets is believed on a trunk leg, and where we send (symmetric RTP, RFC 4961, made
 * safe as RFC 7362 §5 asks). Without a lock anybody who guesses a port hears and speaks in the call.
 *
 * ```
 *   expect(SDP) ──▶ learning ──N valid packets of one source──▶ locked(address, port, SSRC)
 *                      ▲                                            │
 *                      └── new SDP, or the source silent so long ───┘
 * ```
 *
 * - Packets from the very address and port of the SDP pass at once; others only after the lock.
 * - Who may be learnt: the SDP's address at any port (a carrier behind NAT), and the blocks of
 *   `learnFrom` within `learnWindowMs` of the SDP. Nobody else, ever; so nothing is sent elsewhere.
 * - A new SSRC of the locked address and port is believed after two packets in sequence (RFC 3550 §A.1), once the old
 *   one is quiet but for a straggler: whoever changes streams in a call must not lose a key pressed then.
 * - The SDP's own address and port always win back from another port that was learnt before it spoke.
 */

import type { HostPort } from '../../../base/address.js';
import { addressFilter } from './cidr.js';

export interface SourceLockOptions {
  /** CIDR blocks; empty = the SDP's address only. */
  readonly learnFrom: readonly string[];
  readonly learnWindowMs: number;
  /** Valid packets in sequence that make a lock. */
  readonly learnPackets: number;
}

interface Candidate {
  readonly address: string;
  readonly port: number;
  readonly ssrc: number;
  sequence: number;
  count: number;
  seenAtMs: number;
}

export type Verdict = 'accepted' | 'locked-now' | 'rejected';

const maxCandidates = 8;
/** A source must be quiet so long before another SSRC from the same place replaces it. */
const quietMs = 60;
/** Steps of the sequence number that count as consistent: loss is, another stream is not. */
const maxStep = 50;
/** RFC 3550 §A.1 MIN_SEQUENTIAL: enough of a new SSRC from the very place that is locked. */
const samePlacePackets = 2;

export class SourceLock {
  private sdp: HostPort | undefined;
  private sdpAtMs = 0;
  private locked: { readonly address: string; readonly port: number; readonly ssrc: number } | undefined;
  private lockedTarget: HostPort | undefined;
  private acceptedAtMs = Number.NEGATIVE_INFINITY;
  /** As `acceptedAtMs`, of the packet before. */
  private acceptedBeforeMs = Number.NEGATIVE_INFINITY;
  private readonly candidates: Candidate[] = [];
  private readonly mayLearn: (address: string) => boolean;

  constructor(private readonly options: SourceLockOptions) {
    this.mayLearn = addressFilter(options.learnFrom);
  }

  /** A new SDP names where the peer is; learning starts again unless it names what is locked already. */
  expect(remote: HostPort, nowMs: number): void {
    const same = this.sdp !== undefined && this.sdp.host === remote.host && this.sdp.port === remote.port;
    this.sdp = remote;
    this.sdpAtMs = nowMs;
    if (same && this.locked !== undefined) return;
    this.candidates.length = 0;
    this.locked = undefined;
  }

  get isLocked(): boolean {
    return this.locked !== undefined;
  }

  get ssrc(): number | undefined {
    return this.locked?.ssrc;
  }

  /** Where to send: the locked source, else the SDP's address. */
  get target(): HostPort | undefined {
    return this.locked === undefined ? this.sdp : this.lockedTarget;
  }

  /** The address RTCP may come from. */
  get address(): string | undefined {
    return this.locked?.address ?? this.sdp?.host;
  }

  /** Judges a well-formed packet; `isNegotiated` says whether its payload type was agreed. */
  judge(address: string, port: number, ssrc: number, sequence: number, isNegotiated: boolean, nowMs: number): Verdict {
    const locked = this.locked;
    if (locked !== undefined && locked.port === port && locked.ssrc === ssrc && locked.address === address) {
      this.accept(nowMs);
      return 'accepted';
    }
    if (!isNegotiated || !this.mayBecome(address, port, nowMs)) return 'rejected';
    if (this.grows(address, port, ssrc, sequence, nowMs)) {
      this.locked = { address, port, ssrc };
      this.lockedTarget = { host: address, port };
      this.candidates.length = 0;
      // Twice: stragglers of the old source must not win it back.
      this.accept(nowMs);
      this.accept(nowMs);
      return 'locked-now';
    }
    const exact = locked === undefined && this.isSdp(address, port);
    if (exact) this.accept(nowMs);
    return exact ? 'accepted' : 'rejected';
  }

  private accept(nowMs: number): void {
    this.acceptedBeforeMs = this.acceptedAtMs;
    this.acceptedAtMs = nowMs;
  }

  private isLockedPlace(address: string, port: number): boolean {
    return this.locked?.port === port && this.locked.address === address;
  }

  private isSdp(address: string, port: number): boolean {
    return this.sdp !== undefined && this.sdp.port === port && this.sdp.host === address;
  }

  private mayBecome(address: string, port: number, nowMs: number): boolean {
    const locked = this.locked;
    const quietForMs = nowMs - this.acceptedAtMs;
    if (locked !== undefined) {
      if (this.isLockedPlace(address, port)) return nowMs - this.acceptedBeforeMs >= quietMs;
      if (this.isSdp(address, port)) return true;
      if (quietForMs < this.options.learnWindowMs) return false;
    }
    if (this.sdp === undefined) return false;
    if (this.sdp.host === address) {
      // While the SDP's own port is heard, no other port of that address is taken for it.
      return locked !== undefined || this.sdp.port === port || quietForMs >= quietMs;
    }
    return (locked !== undefined || nowMs - this.sdpAtMs <= this.options.learnWindowMs) && this.mayLearn(address);
  }

  private grows(address: string, port: number, ssrc: number, sequence: number, nowMs: number): boolean {
    for (const candidate of this.candidates) {
      if (candidate.port !== port || candidate.ssrc !== ssrc || candidate.address !== address) continue;
      const step = (sequence - candidate.sequence) & 0xffff;
      candidate.count = step >= 1 && step <= maxStep ? candidate.count + 1 : 1;
      candidate.sequence = sequence;
      candidate.seenAtMs = nowMs;
      return (
        candidate.count >=
        (this.isLockedPlace(address, port) ? Math.min(samePlacePackets, this.options.learnPackets) : this.options.learnPackets)
      );
    }
    if (this.candidates.length >= maxCandidates) this.candidates.sort((a, b) => b.seenAtMs - a.seenAtMs).pop();
    this.candidates.push({ address, port, ssrc, sequence, count: 1, seenAtMs: nowMs });
    return this.options.learnPackets <= 1;
  }
}
