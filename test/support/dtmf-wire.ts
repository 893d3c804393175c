import { createSocket, type Socket } from 'node:dgram';
import { MediaStreamTrack, RTCPeerConnection, RTCRtpCodecParameters, RtpHeader } from 'werift';
import { isRtcp } from '../../src/media/rtp/demux.js';
import { RtpPacket, writeRtpHeader } from '../../src/media/rtp/rtp-packet.js';

export interface WirePacket {
  readonly payloadType: number;
  readonly sequence: number;
  readonly timestamp: number;
  readonly marker: boolean;
  readonly payload: Buffer;
}

/** An end of RTP that sends what it is given and hands on what comes; time and digits are others' business. */
export interface DtmfWire {
  readonly kind: 'udp' | 'webrtc';
  /** Payload types it sends with. */
  readonly audioType: number;
  readonly eventType: number;
  /** Payload type of the events that come. */
  readonly heardEventType: number;
  onPacket: (packet: WirePacket) => void;
  send(packet: WirePacket): void;
  close(): Promise<void>;
}

const phoneEventType = 96;

/** A telephone on loopback that asks for another payload type than it is asked for. */
export class PhoneWire implements DtmfWire {
  readonly kind = 'udp';
  readonly audioType = 8;
  eventType = 101;
  readonly heardEventType = phoneEventType;
  onPacket: (packet: WirePacket) => void = () => {};
  private readonly view = new RtpPacket();
  private target = 0;

  private constructor(
    private readonly socket: Socket,
    private readonly ssrc: number,
  ) {
    socket.on('message', (datagram) => {
      // Reports go to the port above that of the media, which may be another telephone's.
      if (!isRtcp(datagram[1] ?? 0) && this.view.parse(datagram)) this.onPacket(packetOf(this.view));
    });
  }

  static async open(ssrc: number): Promise<PhoneWire> {
    const lookup = (address: string, _: unknown, done: (error: null, address: string, family: number) => void): void =>
      done(null, address, 4);
    const socket = createSocket({ type: 'udp4', lookup: lookup as never });
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject);
      socket.bind(0, '127.0.0.1', () => resolve());
    });
    return new PhoneWire(socket, ssrc);
  }

  get port(): number {
    return this.socket.address().port;
  }

  sdp(): string {
    const { port } = this;
    return [
      'v=0',
      `o=- ${port} 1 IN IP4 127.0.0.1`,
      's=-',
      'c=IN IP4 127.0.0.1',
      't=0 0',
      `m=audio ${port} RTP/AVP ${this.audioType} ${phoneEventType}`,
      `a=rtpmap:${this.audioType} PCMA/8000`,
      `a=rtpmap:${phoneEventType} telephone-event/8000`,
      `a=fmtp:${phoneEventType} 0-15`,
      '',
    ].join('\r\n');
  }

  /** Takes the gateway's SDP: where to send, and with which numbers (RFC 3264 §6.1). */
  take(sdp: string): void {
    this.target = Number(/^m=audio (\d+)/m.exec(sdp)?.[1]);
    this.eventType = Number(/^a=rtpmap:(\d+) telephone-event\/8000/m.exec(sdp)?.[1]);
  }

  send({ payloadType, sequence, timestamp, marker, payload }: WirePacket): void {
    const bytes = Buffer.alloc(12 + payload.length);
    writeRtpHeader(bytes, 0, marker, payloadType, sequence & 0xffff, timestamp >>> 0, this.ssrc);
    payload.copy(bytes, 12);
    this.socket.send(bytes, this.target, '127.0.0.1');
  }

  close(): Promise<void> {
    return new Promise((resolve) => this.socket.close(() => resolve()));
  }
}

const browserEventType = 110;

/** A browser's ICE, DTLS and SRTP, without its audio. */
export class BrowserWire implements DtmfWire {
  readonly kind = 'webrtc';
  readonly audioType = 0;
  eventType = browserEventType;
  readonly heardEventType = browserEventType;
  onPacket: (packet: WirePacket) => void = () => {};
  private readonly peer: RTCPeerConnection;

  constructor(private readonly ssrc: number) {
    this.peer = new RTCPeerConnection({
      codecs: {
        audio: [
          new RTCRtpCodecParameters({ mimeType: 'audio/PCMU', clockRate: 8000, channels: 1, payloadType: 0 }),
          new RTCRtpCodecParameters({ mimeType: 'audio/telephone-event', clockRate: 8000, channels: 1, payloadType: browserEventType }),
        ],
      },
      iceAdditionalHostAddresses: ['127.0.0.1'],
    });
    const transceiver = this.peer.addTransceiver(new MediaStreamTrack({ kind: 'audio' }), { direction: 'sendrecv' });
    transceiver.onTrack.subscribe((remote) => {
      remote.onReceiveRtp.subscribe(({ header, payload }) => {
        const { payloadType, sequenceNumber: sequence, timestamp, marker } = header;
        this.onPacket({ payloadType, sequence, timestamp, marker, payload: Buffer.from(payload) });
      });
    });
  }

  async offer(): Promise<string> {
    await this.peer.setLocalDescription(await this.peer.createOffer());
    return this.peer.localDescription?.sdp ?? '';
  }

  /** Resolves when keys are in place. */
  async take(answer: string): Promise<void> {
    this.eventType = Number(/^a=rtpmap:(\d+) telephone-event\/8000/m.exec(answer)?.[1]);
    await this.peer.setRemoteDescription({ type: 'answer', sdp: answer });
    await new Promise<void>((resolve) => {
      if (this.peer.connectionState === 'connected') resolve();
      else this.peer.connectionStateChange.subscribe((state) => state === 'connected' && resolve());
    });
  }

  send({ payloadType, sequence, timestamp, marker, payload }: WirePacket): void {
    const header = new RtpHeader({
      version: 2,
      padding: false,
      marker,
      payloadType,
      sequenceNumber: sequence & 0xffff,
      timestamp: timestamp >>> 0,
      ssrc: this.ssrc,
    });
    // The sender object would put the codec's payload type on everything.
    void this.peer.getSenders()[0]?.dtlsTransport.sendRtp(payload, header);
  }

  close(): Promise<void> {
    return this.peer.close();
  }
}

function packetOf({
  payloadType,
  sequenceNumber: sequence,
  timestamp,
  marker,
  buffer,
  payloadOffset,
  payloadLength,
}: RtpPacket): WirePacket {
  const payload = Buffer.from(buffer.subarray(payloadOffset, payloadOffset + payloadLength));
  return { payloadType, sequence, timestamp, marker, payload };
}
