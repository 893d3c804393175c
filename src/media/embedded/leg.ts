/**
 * One leg of a session: its sockets, the stream we send on it, the statistics of the stream that
 * comes, and its RTCP, which ends here (RFC 3550 §6.4; nothing of it is ever passed to the other leg).
 */
import type { SessionId } from '../../base/ids.js';
import { eventOfDigit } from '../dtmf/digit.js';
import type { AudioCodec, Digit, DigitCarriage, LegSlot, LegStats, MediaDirection, MediaEvent, SilenceCause } from '../plane.js';
import type { DigitGone, QueuedDigit } from '../relay/digit-sender.js';
import { LegOutput } from '../relay/leg-output.js';
import type { RelayFormat, SettledCarriage } from '../relay/relay-format.js';
import { RtcpSession } from '../rtp/rtcp-session.js';
import type { RtpPacket } from '../rtp/rtp-packet.js';
import { RtpReceiver } from '../rtp/rtp-receiver.js';
import { reverseDirection } from '../sdp/direction.js';
import type { NegotiatedAudio } from '../sdp/negotiated-audio.js';
import type { PressBook } from './press-book.js';
import { SilenceWatch } from './silence-watch.js';
import type { DropReason, LegTransport } from './transport/leg-transport.js';

/** Every outgoing stream is G.711 (RFC 3551 §4.5.14). */
const clockRateHz = 8000;
/** Random part of the first report's delay and all others' (RFC 3550 §6.2). */
const random = Math.random;

/** The place a leg has in its session; `c` moves to the place of another. */
export interface LegSeat {
  slot: LegSlot;
}

export interface LegOptions {
  readonly session: SessionId;
  readonly seat: LegSeat;
  readonly kind: 'webrtc' | 'udp';
  /** RFC 3550 §6.5.1: the same for all that the gateway sends in this session; says nothing of the host. */
  readonly cname: string;
  readonly silenceAfterMs: number;
  readonly audioMarker?: 'never' | undefined;
}

/** What all legs of a worker share. */
export interface WorkerDeps {
  readonly nowMs: () => number;
  readonly wallMs: () => number;
  readonly emit: (event: MediaEvent) => void;
  /** RTCP is written here; shared by all legs of the worker. */
  readonly scratch: Buffer;
}

export interface LegDeps extends WorkerDeps {
  readonly presses: PressBook;
}

export class Leg {
  readonly output: LegOutput;
  readonly receiver = new RtpReceiver({ clockRateHz });
  /** What SDP agreed on; undefined before. */
  audio: (NegotiatedAudio & RelayFormat) | undefined;
  isUp = false;

  private transport: LegTransport | undefined;
  private readonly rtcp: RtcpSession;
  private readonly silence: SilenceWatch;
  private readonly dropped: Record<string, number> = {};
  /** Digits asked for before the leg could carry any. */
  private readonly waiting: QueuedDigit[] = [];
  private bytesSent = 0;
  private packetsSent = 0;
  private digitsSent = 0;
  private digitsReceived = 0;
  private nextReportAtMs: number;
  /** What the far end does, as far as it has said. */
  private farDirection: MediaDirection = 'sendrecv';

  constructor(
    readonly options: LegOptions,
    private readonly deps: LegDeps,
  ) {
    this.output = new LegOutput(
      { kind: options.kind, marksAudio: options.audioMarker !== 'never' },
      {
        sink: (buffer, _offset, length, index) => this.sink(buffer, length, index),
        onDigitSent: (gone) => this.digitSent(gone),
        onDigitUnsent: (press, why) => deps.presses.unsent(options.seat.slot, press, why),
      },
    );
    this.rtcp = new RtcpSession({ cname: options.cname }, { sender: this.output.sender, receiver: this.receiver });
    this.silence = new SilenceWatch({ afterMs: options.silenceAfterMs });
    this.nextReportAtMs = deps.nowMs() + RtcpSession.intervalMs(random()) / 2;
  }

  attach(transport: LegTransport): void {
    this.transport = transport;
  }

  get sockets(): number {
    return this.transport?.sockets ?? 0;
  }

  get isReady(): boolean {
    return this.transport?.isReady === true;
  }

  /** Sets what SDP agreed on. The output stays shut until there is somebody to send to. */
  negotiated(audio: NegotiatedAudio, carriage: DigitCarriage): void {
    this.audio = { ...audio, digits: settled(carriage, audio) };
    const direction = reverseDirection(audio.direction);
    if (direction !== this.farDirection) {
      this.farDirection = direction;
      this.deps.emit({ type: 'leg-direction', session: this.options.session, leg: this.options.seat.slot, direction });
    }
    this.silence.restart(this.deps.nowMs());
    this.refreshOutput();
  }

  /** Opens or shuts the output, after SDP or DTLS changed. */
  refreshOutput(): void {
    this.output.setFormat(this.isReady ? this.audio : undefined);
    if (this.output.format === undefined) return;
    for (const digit of this.waiting.splice(0)) this.enqueue(digit);
  }

  /** Media may flow: keys are in place, or the source is locked. */
  up(): void {
    if (this.isUp) return;
    this.isUp = true;
    this.refreshOutput();
    this.deps.emit({ type: 'leg-up', session: this.options.session, leg: this.options.seat.slot });
  }

  countDrop(reason: DropReason | 'loop' | 'digit-copy' | 'digit-echo'): void {
    this.dropped[reason] = (this.dropped[reason] ?? 0) + 1;
  }

  /** A packet of the peer that may be believed, audio or event. */
  heard(packet: RtpPacket, isAudio: boolean, nowMs: number): void {
    this.receiver.receive(packet, nowMs, isAudio);
    if (this.silence.heard(nowMs)) this.deps.emit({ type: 'media-resumed', session: this.options.session, leg: this.options.seat.slot });
  }

  digitHeard(): void {
    this.digitsReceived += 1;
  }

  /** Whether SDP agreed on anything that carries this digit. */
  takes(digit: Digit): boolean {
    if (this.audio === undefined || this.audio.digits === 'none') return false;
    if (this.audio.digits === 'tones') return true;
    const { telephoneEvent } = this.audio;
    return telephoneEvent?.sendPayloadType !== undefined && (telephoneEvent.sendEventMask & (1 << eventOfDigit(digit))) !== 0;
  }

  /** Queues a digit, to leave as soon as the leg can carry it. */
  sendDigit(digit: QueuedDigit): void {
    if (this.output.format === undefined) this.waiting.push(digit);
    else this.enqueue(digit);
  }

  /** A digit has left with its last packet. */
  digitSent(gone: DigitGone): void {
    this.digitsSent += 1;
    this.deps.presses.sent(this.options.seat.slot, gone);
  }

  readRtcp(buffer: Buffer, length: number): void {
    if (this.rtcp.read(buffer, 0, length, this.deps.nowMs(), this.deps.wallMs()) === 'malformed') this.countDrop('malformed');
  }

  /** RTCP that is due, and silence; called about twice a second. */
  tick(nowMs: number): void {
    this.transport?.tick(nowMs);
    if (nowMs >= this.nextReportAtMs) {
      this.nextReportAtMs = nowMs + RtcpSession.intervalMs(random());
      if (this.isReady) this.transport?.sendRtcp(this.deps.scratch, this.rtcp.write(this.deps.scratch, 0, nowMs, this.deps.wallMs()));
    }
    this.lookForSilence(nowMs);
  }

  /** Says BYE where there is somebody to hear it, and closes the sockets. */
  async close(): Promise<void> {
    this.output.close();
    for (const { press } of this.waiting.splice(0)) this.deps.presses.unsent(this.options.seat.slot, press, 'closed');
    const { transport } = this;
    if (transport === undefined) return;
    if (transport.isReady)
      transport.sendRtcp(this.deps.scratch, this.rtcp.writeGoodbye(this.deps.scratch, 0, this.deps.nowMs(), this.deps.wallMs()));
    await transport.close();
  }

  stats(): LegStats {
    const { roundTripMs, farLossFraction } = this.rtcp;
    const codec: AudioCodec | undefined = this.audio?.codec;
    return {
      kind: this.options.kind,
      ...(codec === undefined ? {} : { codec }),
      up: this.isUp,
      packetsReceived: this.receiver.packetsReceived,
      bytesReceived: this.receiver.bytesReceived,
      packetsSent: this.packetsSent,
      bytesSent: this.bytesSent,
      packetsLost: this.receiver.packetsLost,
      jitterMs: this.receiver.jitterMs,
      ...(roundTripMs === undefined ? {} : { roundTripMs }),
      ...(farLossFraction === undefined ? {} : { farLossFraction }),
      digitsReceived: this.digitsReceived,
      digitsSent: this.digitsSent,
      dropped: { ...this.dropped },
    };
  }

  private sink(buffer: Buffer, length: number, index: number): void {
    if (this.transport?.send(buffer, length, index) !== true) return;
    this.packetsSent += 1;
    this.bytesSent += length - rtpHeaderBytes;
  }

  private enqueue(digit: QueuedDigit): void {
    if (!this.output.enqueue(digit)) this.deps.presses.unsent(this.options.seat.slot, digit.press, 'format-changed');
  }

  /** We expect to hear the peer unless one of us has put the call on hold (RFC 3264 §8.4). */
  private get expectsMedia(): boolean {
    return this.isReady && (this.audio?.direction === 'sendrecv' || this.audio?.direction === 'recvonly');
  }

  private lookForSilence(nowMs: number): void {
    const { session, seat } = this.options;
    if (!this.expectsMedia) {
      this.silence.restart(nowMs);
      return;
    }
    const finding = this.silence.look(nowMs);
    if (finding === 'investigate') this.transport?.investigateSilence();
    if (typeof finding !== 'number') return;
    const cause = this.transport?.silenceCause(nowMs) ?? ((this.dropped['srtp'] ?? 0) > 0 ? 'srtp-failing' : 'nothing-received');
    this.deps.emit({
      type: 'media-silent',
      session,
      leg: seat.slot,
      silentMs: Math.round(finding),
      cause,
      detail: sentenceOf[cause](this.options.kind),
    });
  }
}

/** What is left of a wish once SDP has spoken. */
function settled(carriage: DigitCarriage, { telephoneEvent }: NegotiatedAudio): SettledCarriage {
  if (carriage !== 'auto') return carriage;
  return telephoneEvent?.sendPayloadType === undefined ? 'tones' : 'events';
}

const rtpHeaderBytes = 12;

const peerOf = { webrtc: 'the browser', udp: 'the trunk' } as const;

/** What an operator can do about each cause. */
const sentenceOf: Readonly<Record<SilenceCause, (kind: 'webrtc' | 'udp') => string>> = {
  'nothing-received': (kind) => `No audio arrives from ${peerOf[kind]}; look at the address in our SDP and at firewalls on the way`,
  'source-mismatch': (kind) =>
    `Audio arrives, but from an address that ${peerOf[kind]}'s SDP does not name; if it belongs to the carrier, add its network to the addresses media may come from`,
  'srtp-failing': (kind) => `Packets from ${peerOf[kind]} do not decrypt with the keys of this call`,
  'ice-lost': (kind) => `The ICE checks of ${peerOf[kind]} have stopped: its network or its tab is gone`,
  'dtls-pending': (kind) => `DTLS with ${peerOf[kind]} is not finished`,
  unreachable: (kind) => `Nobody listens where ${peerOf[kind]}'s SDP says: the host answers port unreachable`,
};
