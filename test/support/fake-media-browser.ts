import { MediaStreamTrack, RTCPeerConnection, RTCRtpCodecParameters, RtpHeader, type RtpPacket } from 'werift';
import { decodeG711, encodeG711, type G711Law } from '../../src/media/codec/g711.js';
import { ToneGenerator } from '../../src/media/codec/tone-generator.js';
import { readTone, type ToneReading } from '../../src/media/codec/tone-meter.js';
import type { Digit } from '../../src/media/dtmf/digit.js';
import { DtmfDecoder } from '../../src/media/dtmf/dtmf-decoder.js';
import { DtmfEncoder } from '../../src/media/dtmf/dtmf-encoder.js';
import type { HeardDigit } from './fake-media-phone.js';

export interface BrowserOptions {
  readonly law?: G711Law;
  readonly toneHz?: number;
  readonly levelDbfs?: number;
  readonly ssrc?: number;
}

const frameMs = 20;
const frameSamples = 160;
const eventPayloadType = 110;
const now = (): number => performance.now();

/** A browser's side of a call without a browser: a full WebRTC peer with a tone, digits and ears. */
export class MediaBrowser {
  readonly heardDigits: HeardDigit[] = [];
  readonly peer: RTCPeerConnection;
  private readonly track = new MediaStreamTrack({ kind: 'audio' });
  private readonly audio: Int16Array[] = [];
  private readonly tone: ToneGenerator;
  private readonly encoder = new DtmfEncoder({ clockRateHz: 8000 }, { onSent: () => {} });
  private readonly decoder = new DtmfDecoder(
    { clockRateHz: 8000 },
    { onDecoded: ({ type, digit, durationMs }) => type === 'end' && this.heardDigits.push({ digit, durationMs }) },
  );
  private readonly payloadType: number;
  private readonly law: G711Law;
  private readonly ssrc: number;
  private eventType = eventPayloadType;
  private ticker: NodeJS.Timeout | undefined;
  private sequence = 100;
  private timestamp = 900;
  private frames = 0;
  private startedAtMs = 0;

  constructor(options: BrowserOptions = {}) {
    this.law = options.law ?? 'PCMU';
    this.ssrc = options.ssrc ?? 7;
    this.payloadType = this.law === 'PCMU' ? 0 : 8;
    this.tone = new ToneGenerator({
      sampleRateHz: 8000,
      tones: [{ frequencyHz: options.toneHz ?? 1000, levelDbfs: options.levelDbfs ?? -12 }],
    });
    this.peer = new RTCPeerConnection({
      codecs: {
        audio: [
          new RTCRtpCodecParameters({ mimeType: `audio/${this.law}`, clockRate: 8000, channels: 1, payloadType: this.payloadType }),
          new RTCRtpCodecParameters({ mimeType: 'audio/telephone-event', clockRate: 8000, channels: 1, payloadType: eventPayloadType }),
        ],
      },
      iceAdditionalHostAddresses: ['127.0.0.1'],
    });
    const transceiver = this.peer.addTransceiver(this.track, { direction: 'sendrecv' });
    transceiver.onTrack.subscribe((remote) => {
      remote.onReceiveRtp.subscribe((packet) => this.hear(packet));
    });
  }

  async offer(): Promise<string> {
    await this.peer.setLocalDescription(await this.peer.createOffer());
    return this.peer.localDescription?.sdp ?? '';
  }

  async take(answer: string): Promise<void> {
    this.eventType = Number(/^a=rtpmap:(\d+) telephone-event\/8000/m.exec(answer)?.[1] ?? eventPayloadType);
    await this.peer.setRemoteDescription({ type: 'answer', sdp: answer });
  }

  async answer(offer: string): Promise<string> {
    this.eventType = Number(/^a=rtpmap:(\d+) telephone-event\/8000/m.exec(offer)?.[1] ?? eventPayloadType);
    await this.peer.setRemoteDescription({ type: 'offer', sdp: offer });
    await this.peer.setLocalDescription(await this.peer.createAnswer());
    return this.peer.localDescription?.sdp ?? '';
  }

  connected(): Promise<void> {
    return new Promise((resolve) => {
      if (this.peer.connectionState === 'connected') resolve();
      else this.peer.connectionStateChange.subscribe((state) => state === 'connected' && resolve());
    });
  }

  talk(): void {
    this.startedAtMs = now();
    this.frames = 0;
    this.ticker ??= setInterval(() => this.catchUp(), 5);
  }

  hush(): void {
    clearInterval(this.ticker);
    this.ticker = undefined;
  }

  press(digit: Digit, durationMs: number): void {
    this.encoder.enqueue(digit, durationMs);
  }

  get framesHeard(): number {
    return this.audio.length;
  }

  forgetAudio(): void {
    this.audio.length = 0;
  }

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

  async close(): Promise<void> {
    this.hush();
    await this.peer.close();
  }

  private catchUp(): void {
    const due = Math.floor((now() - this.startedAtMs) / frameMs);
    for (; this.frames <= due; this.frames += 1) this.sendFrame();
  }

  private sendFrame(): void {
    const samples = this.tone.read(frameSamples);
    const event = Buffer.alloc(4);
    const sent = this.encoder.next(now(), this.timestamp, event, 0);
    if (sent !== undefined) this.send(this.eventType, sent.timestamp, event, sent.marker);
    else if (!this.encoder.busy) {
      const payload = Buffer.alloc(frameSamples);
      encodeG711(this.law, samples, payload);
      this.send(this.payloadType, this.timestamp, payload, this.frames === 0);
    }
    this.timestamp += frameSamples;
  }

  private send(payloadType: number, timestamp: number, payload: Buffer, marker: boolean): void {
    const header = new RtpHeader({
      version: 2,
      padding: false,
      marker,
      payloadType,
      sequenceNumber: this.sequence,
      timestamp,
      ssrc: this.ssrc,
    });
    this.sequence += 1;
    // The sender object would put the codec's payload type on everything.
    void this.peer.getSenders()[0]?.dtlsTransport.sendRtp(payload, header);
  }

  private hear({ header, payload }: RtpPacket): void {
    if (header.payloadType === this.eventType) this.decoder.receive(header.ssrc, header.timestamp, payload, 0, payload.length, now());
    else if (header.payloadType === 0 || header.payloadType === 8)
      this.audio.push(decodeG711(header.payloadType === 0 ? 'PCMU' : 'PCMA', payload));
  }
}
