import { randomBytes } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import type { Clock, Timer } from '../base/clock.js';
import { isRtcp } from '../media/rtp/demux.js';
import { RTP_HEADER_BYTES, RtpPacket, writeRtpHeader } from '../media/rtp/rtp-packet.js';
import type { HeardPacket } from './capture.js';
import { silenceIn, soundsIn, toneIn } from './sound.js';
import type { TimedPacket, Timeline } from './timeline.js';
import { idleTimeline } from './timeline.js';
import type { AgreedMedia } from './tool-sdp.js';

/**
 * One end of a call in RTP (RFC 3550): sends the packets it is told at the times it is told, with no
 * judgement of its own, and keeps all that comes in.
 */
export class RtpEnd {
  readonly heard: HeardPacket[] = [];
  private readonly ssrcBase = randomBytes(4).readUInt32BE(0);
  private readonly view = new RtpPacket();
  private agreed: AgreedMedia | undefined;
  private timer: Timer | undefined;
  private closed = false;

  private constructor(
    private readonly socket: Socket,
    readonly local: { readonly address: string; readonly port: number },
    private readonly deps: { readonly clock: Clock },
  ) {
    socket.on('message', (datagram) => this.hear(datagram));
    socket.on('error', () => {});
  }

  /** Opens a socket on any free port of `address`. */
  static async open(address: string, deps: { readonly clock: Clock }): Promise<RtpEnd> {
    const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4');
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject);
      socket.bind(0, address, () => {
        socket.off('error', reject);
        resolve();
      });
    });
    return new RtpEnd(socket, { address, port: socket.address().port }, deps);
  }

  /** What was agreed with the gateway; nothing is sent or told apart before. */
  use(agreed: AgreedMedia): void {
    this.agreed = agreed;
  }

  /** Sends a timeline from now on, in place of the one before; `onDone` once its last packet has left, with the time at which it began. */
  play(timeline: Timeline, onDone: () => void): number {
    this.timer?.cancel();
    const startMs = this.deps.clock.nowMs();
    this.step(timeline, 0, startMs, onDone);
    return startMs;
  }

  /** Silence for so long, as a telephone whose owner listens. */
  idle(durationMs: number, clockRateHz: number): void {
    this.play(idleTimeline(durationMs, clockRateHz), () => {});
  }

  close(): Promise<void> {
    if (this.closed) return Promise.resolve();
    this.closed = true;
    this.timer?.cancel();
    return new Promise((resolve) => this.socket.close(() => resolve()));
  }

  private step(timeline: Timeline, from: number, startMs: number, onDone: () => void): void {
    let at = from;
    const now = this.deps.clock.nowMs();
    for (;;) {
      const packet = timeline.packets[at];
      if (this.closed) return;
      if (packet === undefined) {
        onDone();
        return;
      }
      const waitMs = startMs + packet.atMs - now;
      if (waitMs > 0) {
        this.timer = this.deps.clock.after(waitMs, () => this.step(timeline, at, startMs, onDone));
        return;
      }
      this.send(packet, at);
      at += 1;
    }
  }

  private send(packet: TimedPacket, n: number): void {
    const { agreed } = this;
    if (agreed === undefined) return;
    const { audio, events, remote } = agreed;
    const payloadType = packet.kind === 'event' ? events?.sendPayloadType : audio.sendPayloadType;
    if (payloadType === undefined) return;
    const payload = packet.payload ?? (packet.kind === 'tone' ? toneIn(audio.name, n) : silenceIn(audio.name));
    const datagram = Buffer.alloc(RTP_HEADER_BYTES + payload.length);
    const ssrc = (this.ssrcBase + packet.source) >>> 0;
    writeRtpHeader(datagram, 0, packet.marker, payloadType, packet.sequence, packet.timestamp, ssrc);
    payload.copy(datagram, RTP_HEADER_BYTES);
    this.socket.send(datagram, remote.port, remote.address);
  }

  private hear(datagram: Buffer): void {
    const { agreed, view } = this;
    if (agreed === undefined || isRtcp(datagram[1] ?? 0) || !view.parse(datagram)) return;
    const { payloadType, payloadOffset, payloadLength, sequenceNumber, timestamp, ssrc, marker } = view;
    const payload = Buffer.from(datagram.subarray(payloadOffset, payloadOffset + payloadLength));
    const kind = this.kindOf(payloadType, agreed);
    const sounds = kind === 'audio' && soundsIn(agreed.audio.name, payload);
    this.heard.push({ atMs: this.deps.clock.nowMs(), kind, sequence: sequenceNumber, timestamp, ssrc, marker, payload, sounds });
  }

  private kindOf(payloadType: number, { audio, events }: AgreedMedia): HeardPacket['kind'] {
    if (payloadType === events?.receivePayloadType) return 'event';
    return payloadType === audio.receivePayloadType ? 'audio' : 'other';
  }
}
