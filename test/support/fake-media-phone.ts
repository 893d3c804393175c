import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { decodeG711, encodeG711, type G711Law } from '../../src/media/codec/g711.js';
import { ToneGenerator } from '../../src/media/codec/tone-generator.js';
import { readTone, type ToneReading } from '../../src/media/codec/tone-meter.js';
import type { Digit } from '../../src/media/dtmf/digit.js';
import { DtmfDecoder } from '../../src/media/dtmf/dtmf-decoder.js';
import { DtmfEncoder } from '../../src/media/dtmf/dtmf-encoder.js';
import { InbandGenerator } from '../../src/media/dtmf/inband-generator.js';
import { RTP_HEADER_BYTES, RtpPacket, writeRtpHeader } from '../../src/media/rtp/rtp-packet.js';

export interface PhoneOptions {
  readonly law: G711Law;
  /** Payload type of telephone-event both ways; none when left out. */
  readonly eventPayloadType?: number;
  readonly toneHz?: number;
  readonly levelDbfs?: number;
  readonly ssrc?: number;
}

/** A packet as it came. */
export interface HeardPacket {
  readonly atMs: number;
  readonly payloadType: number;
  readonly sequence: number;
  readonly timestamp: number;
  readonly marker: boolean;
  readonly ssrc: number;
  readonly payload: Buffer;
}

export interface HeardDigit {
  readonly digit: Digit;
  readonly durationMs: number;
}

const frameMs = 20;
const frameSamples = 160;
const now = (): number => performance.now();

/** A plain RTP telephone on loopback: sends a tone and digits, and keeps what it hears. */
export class MediaPhone {
  readonly heardDigits: HeardDigit[] = [];
  readonly rtcp: Buffer[] = [];
  packetsHeard = 0;
  /** Everything heard since `keepPackets`. */
  readonly packets: HeardPacket[] = [];
  /** When the first packet of each event was sent. */
  readonly pressedAtMs: number[] = [];
  private keeps = false;
  private readonly keys = new InbandGenerator({}, { onSent: () => {} });
  private tonesToo = false;
  readonly sources = new Set<string>();
  private readonly audio: Int16Array[] = [];
  private readonly tone: ToneGenerator;
  private readonly encoder = new DtmfEncoder({ clockRateHz: 8000 }, { onSent: () => {} });
  private readonly decoder = new DtmfDecoder(
    { clockRateHz: 8000 },
    { onDecoded: ({ type, digit, durationMs }) => type === 'end' && this.heardDigits.push({ digit, durationMs }) },
  );
  private readonly view = new RtpPacket();
  private readonly out = Buffer.alloc(RTP_HEADER_BYTES + 1500);
  private target: { readonly host: string; readonly port: number } | undefined;
  private ticker: NodeJS.Timeout | undefined;
  private sequence = 1000;
  private timestamp = 5000;
  private frames = 0;
  private startedAtMs = 0;
  readonly ssrc: number;

  private constructor(
    private readonly socket: Socket,
    private readonly rtcpSocket: Socket,
    private readonly options: PhoneOptions,
  ) {
    this.ssrc = options.ssrc ?? 0x0badcafe;
    this.tone = new ToneGenerator({
      sampleRateHz: 8000,
      tones: [{ frequencyHz: options.toneHz ?? 440, levelDbfs: options.levelDbfs ?? -12 }],
    });
    socket.on('message', (datagram, from) => this.hear(datagram, from));
    rtcpSocket.on('message', (datagram) => this.rtcp.push(datagram));
  }

  static async open(options: PhoneOptions): Promise<MediaPhone> {
    for (;;) {
      const rtp = await bind(0);
      const { port } = rtp.address();
      const rtcp = port % 2 === 0 ? await bind(port + 1).catch(() => undefined) : undefined;
      if (rtcp !== undefined) return new MediaPhone(rtp, rtcp, options);
      rtp.close();
    }
  }

  get port(): number {
    return this.socket.address().port;
  }

  /** This phone's SDP, as an offer or as an answer. */
  sdp(direction = 'sendrecv'): string {
    const { law, eventPayloadType } = this.options;
    const payload = law === 'PCMU' ? 0 : 8;
    return [
      'v=0',
      `o=- ${this.port} 1 IN IP4 127.0.0.1`,
      's=-',
      'c=IN IP4 127.0.0.1',
      't=0 0',
      `m=audio ${this.port} RTP/AVP ${payload}${eventPayloadType === undefined ? '' : ` ${eventPayloadType}`}`,
      `a=rtpmap:${payload} ${law}/8000`,
      ...(eventPayloadType === undefined ? [] : [`a=rtpmap:${eventPayloadType} telephone-event/8000`, `a=fmtp:${eventPayloadType} 0-15`]),
      `a=${direction}`,
      '',
    ].join('\r\n');
  }

  /** Begins to send, a frame each 20 ms, to the address in that SDP. */
  talkTo(sdp: string): void {
    this.target = { host: '127.0.0.1', port: Number(/^m=audio (\d+)/m.exec(sdp)?.[1]) };
    this.startedAtMs = now();
    this.frames = 0;
    this.ticker ??= setInterval(() => this.catchUp(), 5);
  }

  hush(): void {
    clearInterval(this.ticker);
    this.ticker = undefined;
  }

  press(digit: Digit, durationMs: number): void {
    if (this.tonesToo) this.pressTone(digit, durationMs);
    this.encoder.enqueue(digit, durationMs);
  }

  /** As `press`, but as a tone in the audio. */
  pressTone(digit: Digit, durationMs: number): void {
    this.keys.enqueue(digit, durationMs, 80);
  }

  /** As equipment does that sends the tone of each event in its audio as well. */
  soundEvents(): void {
    this.tonesToo = true;
  }

  /** Keeps from now on what is heard. */
  keepPackets(): void {
    this.keeps = true;
    this.packets.length = 0;
  }

  /** The tone in what came since `forgetAudio`, over the last `count` frames. */
  hearTone(count = 25): ToneReading {
    const frames = this.audio.slice(-count);
    const samples = new Int16Array(frames.reduce((sum, frame) => sum + frame.length, 0));
    let at = 0;
    for (const frame of frames) {
      samples.set(frame, at);
      at += frame.length;
    }
    return readTone(samples, 8000);
  }

  /** All audio since `forgetAudio`, in the order it came. */
  heardAudio(): Int16Array {
    const samples = new Int16Array(this.audio.reduce((sum, frame) => sum + frame.length, 0));
    let at = 0;
    for (const frame of this.audio) {
      samples.set(frame, at);
      at += frame.length;
    }
    return samples;
  }

  get framesHeard(): number {
    return this.audio.length;
  }

  forgetAudio(): void {
    this.audio.length = 0;
  }

  async close(): Promise<void> {
    this.hush();
    await Promise.all([closed(this.socket), closed(this.rtcpSocket)]);
  }

  private catchUp(): void {
    const due = Math.floor((now() - this.startedAtMs) / frameMs);
    for (; this.frames <= due; this.frames += 1) this.sendFrame();
  }

  private sendFrame(): void {
    const { law, eventPayloadType } = this.options;
    const samples = this.samples();
    const event = eventPayloadType === undefined ? undefined : this.encoder.next(now(), this.timestamp, this.out, RTP_HEADER_BYTES);
    if (event !== undefined && eventPayloadType !== undefined) {
      if (event.marker) this.pressedAtMs.push(now());
      this.send(event.marker, eventPayloadType, event.timestamp, event.payloadLength);
    }
    if ((event === undefined && !this.encoder.busy) || this.tonesToo)
      this.send(this.frames === 0, law === 'PCMU' ? 0 : 8, this.timestamp, encodeG711(law, samples, this.out, RTP_HEADER_BYTES));
    this.timestamp += frameSamples;
  }

  private samples(): Int16Array {
    const samples = this.tone.read(frameSamples);
    if (this.keys.busy) this.keys.read(samples);
    return samples;
  }

  private send(marker: boolean, payloadType: number, timestamp: number, length: number): void {
    if (this.target === undefined) return;
    writeRtpHeader(this.out, 0, marker, payloadType, this.sequence, timestamp, this.ssrc);
    this.sequence += 1;
    this.socket.send(Buffer.from(this.out.subarray(0, RTP_HEADER_BYTES + length)), this.target.port, this.target.host);
  }

  private keep(datagram: Buffer): void {
    const { payloadType, sequenceNumber: sequence, timestamp, marker, ssrc, payloadOffset, payloadLength } = this.view;
    const payload = Buffer.from(datagram.subarray(payloadOffset, payloadOffset + payloadLength));
    this.packets.push({ atMs: now(), payloadType, sequence, timestamp, marker, ssrc, payload });
  }

  private hear(datagram: Buffer, from: RemoteInfo): void {
    if (!this.view.parse(datagram)) return;
    const { payloadType, payloadOffset, payloadLength } = this.view;
    this.packetsHeard += 1;
    this.sources.add(`${from.address}:${from.port}`);
    if (this.keeps) this.keep(datagram);
    if (payloadType === this.options.eventPayloadType) {
      this.decoder.receive(this.view.ssrc, this.view.timestamp, datagram, payloadOffset, payloadLength, now());
    } else if (payloadType === 0 || payloadType === 8) {
      this.audio.push(decodeG711(payloadType === 0 ? 'PCMU' : 'PCMA', datagram, payloadOffset, payloadLength));
    }
  }
}

function bind(port: number): Promise<Socket> {
  const socket = createSocket('udp4');
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.bind(port, '127.0.0.1', () => resolve(socket));
  });
}

function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.close(() => resolve()));
}
