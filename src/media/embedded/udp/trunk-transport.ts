/**
 * The sockets of a trunk leg: RTP on an even port, RTCP on the next (RFC 3550 §11), both open from the
 * first SDP to the end of the leg. Where they send to and whom they believe is the source lock's
 * matter, for RTCP as well.
 */
import type { RemoteInfo } from 'node:dgram';
import type { HostPort } from '../../../base/address.js';
import type { SilenceCause } from '../../plane.js';
import { isRtcp } from '../../rtp/demux.js';
import { RtpPacket } from '../../rtp/rtp-packet.js';
import { DatagramSocket } from '../transport/datagram-socket.js';
import type { LegTransport, LegTransportHandlers } from '../transport/leg-transport.js';
import type { PortPool } from '../transport/port-pool.js';
import { ReachabilityProbe } from './reachability-probe.js';
import { SourceLock, type SourceLockOptions } from './source-lock.js';

export interface TrunkTransportOptions extends SourceLockOptions {
  readonly bindAddress: string;
}

export interface TrunkTransportDeps {
  readonly ports: PortPool;
  readonly nowMs: () => number;
}

/** What the peer's SDP says of addresses and payload types. */
export interface TrunkPeer {
  readonly rtp: HostPort;
  readonly rtcp: HostPort;
  readonly rtcpMux: boolean;
  readonly payloadTypes: readonly number[];
}

interface SocketPair {
  readonly rtp: DatagramSocket;
  readonly rtcp: DatagramSocket;
}

/** Packets refused so recently explain a silence. */
const recentMs = 2000;

/** A hold of the old kind names no address (RFC 3264 §8.4); what is known of the peer stays. */
const isNowhere = ({ host, port }: HostPort): boolean => host === '0.0.0.0' || host === '::' || port === 0;

export class TrunkTransport implements LegTransport {
  private readonly lock: SourceLock;
  private readonly view = new RtpPacket();
  private readonly negotiated = new Uint8Array(128);
  private rtcpRemote: HostPort | undefined;
  private rtcpMux = false;
  private rejectedAtMs = Number.NEGATIVE_INFINITY;
  private unreachable = false;
  private probe: ReachabilityProbe | undefined;
  private closed = false;

  private constructor(
    options: TrunkTransportOptions,
    private readonly deps: TrunkTransportDeps,
    private readonly handlers: LegTransportHandlers,
    private readonly pair: SocketPair,
    readonly port: number,
  ) {
    this.lock = new SourceLock(options);
  }

  /** Binds an even/odd pair of the pool. Rejects with `no-free-ports`. */
  static async open(options: TrunkTransportOptions, deps: TrunkTransportDeps, handlers: LegTransportHandlers): Promise<TrunkTransport> {
    let transport: TrunkTransport | undefined;
    const onRtp = (datagram: Buffer, from: RemoteInfo): void => transport?.receiveRtp(datagram, from);
    const onRtcp = (datagram: Buffer, from: RemoteInfo): void => transport?.receiveRtcp(datagram, from);
    const { port, bound } = await deps.ports.lease(async (candidate) => {
      const rtp = await DatagramSocket.bind(options.bindAddress, candidate, onRtp);
      if (rtp === undefined) return undefined;
      const rtcp = await DatagramSocket.bind(options.bindAddress, candidate + 1, onRtcp);
      if (rtcp === undefined) await rtp.close();
      return rtcp === undefined ? undefined : { rtp, rtcp };
    });
    transport = new TrunkTransport(options, deps, handlers, bound, port);
    return transport;
  }

  get isReady(): boolean {
    return !this.closed && this.lock.target !== undefined;
  }

  get sockets(): number {
    return (this.closed ? 0 : 2) + (this.probe?.sockets ?? 0);
  }

  /** Where media goes now; for the probe and for tests. */
  get target(): HostPort | undefined {
    return this.lock.target;
  }

  /** Takes the peer's side of the SDP; opens learning when it names another place. */
  expectPeer(peer: TrunkPeer): void {
    this.negotiated.fill(0);
    for (const payloadType of peer.payloadTypes) this.negotiated[payloadType & 0x7f] = 1;
    this.rtcpMux = peer.rtcpMux;
    if (isNowhere(peer.rtp)) return;
    this.unreachable = false;
    this.probe?.close();
    this.probe = undefined;
    this.rtcpRemote = peer.rtcp;
    this.lock.expect(peer.rtp, this.deps.nowMs());
  }

  /** Nothing has come for a while: asks the peer's address once whether anybody is in. */
  investigateSilence(): void {
    const target = this.lock.target;
    if (this.closed || this.probe !== undefined || target === undefined) return;
    this.probe = new ReachabilityProbe(target, () => {
      this.unreachable = true;
    });
  }

  send(buffer: Buffer, length: number): boolean {
    const target = this.lock.target;
    if (target === undefined || this.closed) return false;
    this.pair.rtp.send(buffer, length, target.port, target.host);
    return true;
  }

  sendRtcp(buffer: Buffer, length: number): void {
    const target = this.rtcpMux ? this.lock.target : this.rtcpRemote;
    if (target === undefined || target.port === 0 || this.closed) return;
    (this.rtcpMux ? this.pair.rtp : this.pair.rtcp).send(buffer, length, target.port, target.host);
  }

  /** Nothing ages here: the lock looks at the time with each packet. */
  /** A trunk has no data channel. */
  sendText(): boolean {
    return false;
  }

  tick(): void {}

  silenceCause(nowMs: number): SilenceCause | undefined {
    if (nowMs - this.rejectedAtMs < recentMs) return 'source-mismatch';
    return this.unreachable ? 'unreachable' : undefined;
  }

  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    this.probe?.close();
    await Promise.all([this.pair.rtp.close(), this.pair.rtcp.close()]);
    this.deps.ports.release(this.port);
  }

  private receiveRtp(datagram: Buffer, from: RemoteInfo): void {
    if (this.closed) return;
    if (datagram.length > 1 && isRtcp(datagram[1] as number)) {
      if (this.rtcpMux) this.receiveRtcp(datagram, from);
      else this.handlers.onDropped('malformed');
      return;
    }
    const view = this.view;
    if (!view.parse(datagram)) {
      this.handlers.onDropped('malformed');
      return;
    }
    const nowMs = this.deps.nowMs();
    const known = this.negotiated[view.payloadType] === 1;
    switch (this.lock.judge(from.address, from.port, view.ssrc, view.sequenceNumber, known, nowMs)) {
      case 'rejected':
        this.rejectedAtMs = nowMs;
        this.handlers.onDropped(this.isExpected(from) && !known ? 'payload-type' : 'source');
        return;
      case 'locked-now':
        this.handlers.onUp();
        this.handlers.onRtp(datagram, datagram.length);
        return;
      case 'accepted':
        this.handlers.onRtp(datagram, datagram.length);
    }
  }

  private isExpected(from: RemoteInfo): boolean {
    const target = this.lock.target;
    return target !== undefined && target.port === from.port && target.host === from.address;
  }

  /** RTCP is believed from the locked address, and from the locked SSRC where that is known. */
  private receiveRtcp(datagram: Buffer, from: RemoteInfo): void {
    if (this.closed) return;
    if (datagram.length < 8 || this.lock.address !== from.address) {
      this.handlers.onDropped('source');
      return;
    }
    const ssrc = this.lock.ssrc;
    if (ssrc === undefined || datagram.readUInt32BE(4) !== ssrc) {
      this.handlers.onDropped('source');
      return;
    }
    // A carrier behind NAT sends RTCP from another port than it named; the lock vouches for it.
    if (!this.rtcpMux && this.rtcpRemote?.port !== from.port) this.rtcpRemote = { host: from.address, port: from.port };
    this.handlers.onRtcp(datagram, datagram.length);
  }
}
