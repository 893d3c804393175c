import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import type { Clock, Timer } from '../base/clock.js';
import { A_TO_MU, MU_TO_A } from '../media/codec/g711.js';
import { type Digit, eventOfDigit } from '../media/dtmf/digit.js';
import { DtmfDecoder } from '../media/dtmf/dtmf-decoder.js';
import { DtmfEncoder } from '../media/dtmf/dtmf-encoder.js';
import { isRtcp } from '../media/rtp/demux.js';
import { RTP_HEADER_BYTES, RtpPacket, writeRtpHeader } from '../media/rtp/rtp-packet.js';
import { RtpSender, randomRtpSenderOptions } from '../media/rtp/rtp-sender.js';
import { LocalDescription, newSdpSessionId } from '../media/sdp/local-description.js';
import type { NegotiatedAudio } from '../media/sdp/negotiated-audio.js';
import { parseSdp } from '../media/sdp/session-description.js';
import {
  type LocalUdp,
  type OfferedUdp,
  readUdpAnswer,
  type UdpAudioOptions,
  writeUdpAnswer,
  writeUdpOffer,
} from '../media/sdp/udp-sdp.js';
import { EchoBuffer } from './echo-buffer.js';
import { muSilence, Playback } from './playback.js';

export interface MediaEndpointDeps {
  readonly clock: Clock;
  readonly onDigit: (digit: Digit) => void;
  /** Everything given to `say` has left. */
  readonly onSaid: () => void;
  /** Every key given to `press` has left. */
  readonly onKeyed: () => void;
}

const clockRateHz = 8000;
const frameMs = 20;
const frameBytes = 160;
/** Behind by more than this, frames are left out rather than sent in a burst. */
const longestBurstMs = 200;
const pressMs = 120;
const echoOptions = { leadBytes: 2 * frameBytes, mostBytes: 12 * frameBytes };
const audioOptions: UdpAudioOptions = { codecs: ['PCMU', 'PCMA'], direction: 'sendrecv', rtcpMux: true };
/** Our own frames as a source of the outgoing stream; the number never leaves this file. */
const ownSource = 1;

/**
 * The sound of one call at the carrier: G.711 and RFC 4733 keys over RTP (RFC 3550) on one socket,
 * a packet each 20 ms on a schedule that never drifts. RTCP is asked for on the same port and dropped.
 */
export class MediaEndpoint {
  private readonly description: LocalDescription;
  private readonly local: LocalUdp;
  private readonly sender = new RtpSender(randomRtpSenderOptions(clockRateHz));
  private readonly playback = new Playback();
  private readonly view = new RtpPacket();
  private readonly out = Buffer.alloc(RTP_HEADER_BYTES + frameBytes);
  private readonly encoder = new DtmfEncoder({ clockRateHz }, { onSent: () => {} });
  private readonly decoder: DtmfDecoder;
  private offered: OfferedUdp | undefined;
  private audio: NegotiatedAudio | undefined;
  private echo: EchoBuffer | undefined;
  private keying = false;
  private startMs = 0;
  private frames = 0;
  private audioPackets = 0;
  private timer: Timer | undefined;
  private closed = false;

  private constructor(
    private readonly socket: Socket,
    address: string,
    private readonly deps: MediaEndpointDeps,
  ) {
    const { port } = socket.address();
    this.local = { address, port, rtcpPort: port };
    this.description = new LocalDescription({ sessionId: newSdpSessionId(), address });
    this.decoder = new DtmfDecoder({ clockRateHz }, { onDecoded: ({ type, digit }) => type === 'start' && deps.onDigit(digit) });
    socket.on('message', (datagram, from) => this.hear(datagram, from));
    socket.on('error', () => {});
  }

  /** Opens a socket on any free port of `address`. */
  static async open(address: string, deps: MediaEndpointDeps): Promise<MediaEndpoint> {
    const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4');
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject);
      socket.bind(0, address, () => {
        socket.off('error', reject);
        resolve();
      });
    });
    return new MediaEndpoint(socket, address, deps);
  }

  /** Takes the caller's offer, a first or a later one, and gives our answer. Throws `SdpErrorInfo` when there is nothing for us in it. */
  answer(offer: string): string {
    const { sdp, audio } = writeUdpAnswer(this.description, parseSdp(offer), this.local, audioOptions);
    this.audio = audio;
    return sdp;
  }

  offer(): string {
    const { sdp, offered } = writeUdpOffer(this.description, this.local, audioOptions);
    this.offered = offered;
    return sdp;
  }

  /** Throws `SdpErrorInfo` when the answer refuses us. */
  takeAnswer(answer: string): void {
    if (this.offered !== undefined) this.audio = readUdpAnswer(parseSdp(answer), this.offered);
  }

  /** Begins to send: silence, until there is something to say. */
  begin(): void {
    if (this.timer !== undefined || this.closed) return;
    this.startMs = this.deps.clock.nowMs();
    this.tick();
  }

  /** Says these in place of what is being said or echoed. */
  say(sounds: readonly Buffer[]): void {
    this.echo = undefined;
    this.playback.say(sounds);
  }

  /** Plays back what comes in from now on. */
  startEcho(): void {
    this.playback.stop();
    this.echo = new EchoBuffer(echoOptions);
  }

  /** Presses keys, one after the other; keys the far end does not take are passed over. */
  press(digits: readonly Digit[]): void {
    const events = this.audio?.telephoneEvent;
    for (const digit of digits) {
      if (events?.sendPayloadType === undefined || (events.sendEventMask & (1 << eventOfDigit(digit))) === 0) continue;
      this.encoder.enqueue(digit, pressMs);
    }
    this.keying = true;
  }

  close(): Promise<void> {
    if (this.closed) return Promise.resolve();
    this.closed = true;
    this.timer?.cancel();
    return new Promise((resolve) => this.socket.close(() => resolve()));
  }

  private tick(): void {
    const now = this.deps.clock.nowMs();
    this.decoder.tick(now);
    const behindMs = now - this.dueMs();
    if (behindMs > longestBurstMs) this.frames += Math.floor(behindMs / frameMs);
    for (; !this.closed && this.dueMs() <= now; this.frames += 1) this.sendFrame(this.dueMs());
    if (!this.closed) this.timer = this.deps.clock.after(Math.max(0, this.dueMs() - this.deps.clock.nowMs()), () => this.tick());
  }

  private dueMs(): number {
    return this.startMs + this.frames * frameMs;
  }

  private sendFrame(dueMs: number): void {
    const { audio } = this;
    if (audio === undefined || audio.direction === 'recvonly' || audio.direction === 'inactive') return;
    if (!this.sendKey(audio, dueMs)) this.sendAudio(audio, dueMs);
  }

  /** An event takes the place of the audio as long as it lasts (RFC 4733 §2.5.1.2). */
  private sendKey({ telephoneEvent, remote }: NegotiatedAudio, dueMs: number): boolean {
    const payloadType = telephoneEvent?.sendPayloadType;
    const event =
      payloadType === undefined ? undefined : this.encoder.next(dueMs, this.sender.timestampAt(dueMs), this.out, RTP_HEADER_BYTES);
    if (event !== undefined && payloadType !== undefined) {
      writeRtpHeader(this.out, 0, event.marker, payloadType, this.sender.insert() & 0xffff, event.timestamp, this.sender.ssrc);
      this.send(event.payloadLength, remote);
    }
    if (this.keying && !this.encoder.busy) {
      this.keying = false;
      this.deps.onKeyed();
    }
    return event !== undefined;
  }

  private sendAudio({ codec, sendPayloadType, remote }: NegotiatedAudio, dueMs: number): void {
    const wasPlaying = this.playback.playing;
    const source = this.echo ?? this.playback;
    if (!source.read(this.out, RTP_HEADER_BYTES, frameBytes)) this.out.fill(muSilence, RTP_HEADER_BYTES);
    if (codec === 'PCMA') translate(this.out, RTP_HEADER_BYTES, MU_TO_A);
    const index = this.sender.mapAudio(ownSource, this.audioPackets & 0xffff, (this.frames * frameBytes) >>> 0, dueMs);
    this.audioPackets += 1;
    if (index !== undefined) {
      writeRtpHeader(this.out, 0, index.marker, sendPayloadType, index.extendedSequence & 0xffff, index.timestamp, this.sender.ssrc);
      this.send(frameBytes, remote);
    }
    if (wasPlaying && !this.playback.playing) this.deps.onSaid();
  }

  private send(payloadBytes: number, remote: NegotiatedAudio['remote']): void {
    if (this.closed) return;
    // A copy: the socket may hold on to it after the next frame has been written.
    const packet = Buffer.from(this.out.subarray(0, RTP_HEADER_BYTES + payloadBytes));
    this.socket.send(packet, remote.port, remote.address);
    this.sender.countSent(payloadBytes);
  }

  private hear(datagram: Buffer, from: RemoteInfo): void {
    const { audio } = this;
    if (this.closed || audio === undefined || from.port !== audio.remote.port || from.address !== audio.remote.address) return;
    if (isRtcp(datagram[1] ?? 0) || !this.view.parse(datagram)) return;
    const { payloadType, payloadOffset, payloadLength, ssrc, timestamp } = this.view;
    const format = audio.receivePayloadTypes.find((each) => each.payloadType === payloadType)?.format;
    if (format === 'telephone-event') {
      this.decoder.receive(ssrc, timestamp, datagram, payloadOffset, payloadLength, this.deps.clock.nowMs());
    } else if (format !== undefined) {
      this.echo?.write(datagram, payloadOffset, payloadLength, format === 'PCMA' ? A_TO_MU : undefined);
    }
  }
}

function translate(buffer: Buffer, offset: number, table: Uint8Array): void {
  for (let index = offset; index < buffer.length; index += 1) buffer[index] = table[buffer[index] ?? 0] ?? 0;
}
