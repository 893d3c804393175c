import { randomInt } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { MediaStreamTrack, RTCPeerConnection, RTCRtpCodecParameters } from 'werift';
import { rtpPacket } from '../support/pcap.js';

/** One end of a benchmark's call: makes or takes an SDP and moves PCMU payloads. */
export interface MediaLeg {
  offer(): Promise<string>;
  takeAnswer(sdp: string): Promise<void>;
  answer(offer: string): Promise<string>;
  send(payload: Buffer): void;
  onPayload(handler: (payload: Buffer) => void): void;
  /** Resolves when media can be sent. */
  readonly ready: Promise<void>;
  close(): Promise<void>;
}

/** A telephone's side: plain RTP. */
export class UdpLeg implements MediaLeg {
  readonly ready: Promise<void>;
  private readonly socket: Socket = createSocket('udp4');
  private readonly bound: Promise<number>;
  private markReady: () => void = () => {};
  private remotePort = 0;
  private remoteHost = '127.0.0.1';
  private sequence = randomInt(30_000);
  private timestamp = randomInt(2 ** 31);
  private readonly ssrc = randomInt(2 ** 32);

  constructor() {
    this.ready = new Promise((resolve) => {
      this.markReady = resolve;
    });
    this.bound = new Promise((resolve) => {
      this.socket.bind(0, '127.0.0.1', () => resolve(this.socket.address().port));
    });
    this.socket.on('error', () => {});
  }

  async offer(): Promise<string> {
    const port = await this.bound;
    return [
      'v=0',
      `o=- ${randomInt(2 ** 31)} 1 IN IP4 127.0.0.1`,
      's=-',
      'c=IN IP4 127.0.0.1',
      't=0 0',
      `m=audio ${port} RTP/AVP 0 101`,
      'a=rtpmap:0 PCMU/8000',
      'a=rtpmap:101 telephone-event/8000',
      'a=fmtp:101 0-15',
      'a=ptime:20',
      'a=sendrecv',
      '',
    ].join('\r\n');
  }

  async takeAnswer(sdp: string): Promise<void> {
    this.remoteHost = /^c=IN IP4 (\S+)/m.exec(sdp)?.[1] ?? '127.0.0.1';
    this.remotePort = Number(/^m=audio (\d+)/m.exec(sdp)?.[1]);
    this.markReady();
  }

  async answer(offer: string): Promise<string> {
    await this.takeAnswer(offer);
    return this.offer();
  }

  send(payload: Buffer): void {
    const { sequence, timestamp, ssrc } = this;
    this.sequence = (sequence + 1) & 0xffff;
    this.timestamp = (timestamp + 160) >>> 0;
    this.socket.send(rtpPacket({ payloadType: 0, marker: false, sequence, timestamp, ssrc, payload }), this.remotePort, this.remoteHost);
  }

  onPayload(handler: (payload: Buffer) => void): void {
    this.socket.on('message', (packet) => {
      if (packet.length === 172 && packet[0] === 0x80) handler(packet.subarray(12));
    });
  }

  async close(): Promise<void> {
    await new Promise<void>((resolve) => this.socket.close(() => resolve()));
  }
}

/** A browser's side: ICE, DTLS-SRTP. Its encryption counts as part of the generator, alike for every system measured. */
export class WebRtcLeg implements MediaLeg {
  readonly ready: Promise<void>;
  private readonly connection = new RTCPeerConnection({
    codecs: { audio: [new RTCRtpCodecParameters({ mimeType: 'audio/PCMU', clockRate: 8000, channels: 1, payloadType: 0 })], video: [] },
    iceAdditionalHostAddresses: ['127.0.0.1'],
    iceServers: [],
    iceUseIpv6: false,
  });
  private readonly track = new MediaStreamTrack({ kind: 'audio' });
  private handler: (payload: Buffer) => void = () => {};
  private sequence = randomInt(30_000);
  private timestamp = randomInt(2 ** 31);
  private readonly ssrc = randomInt(2 ** 32);

  constructor() {
    this.connection.addTransceiver(this.track, { direction: 'sendrecv' });
    // Below the tracks, which werift makes only for sources named in SDP.
    this.connection.getTransceivers()[0]?.dtlsTransport.onRtp.subscribe(({ payload }) => this.handler(payload));
    this.ready = new Promise((resolve) => {
      this.connection.connectionStateChange.subscribe((state) => {
        if (state === 'connected') resolve();
      });
    });
  }

  async offer(): Promise<string> {
    await this.connection.setLocalDescription(await this.connection.createOffer());
    const sdp = this.connection.localDescription?.sdp ?? '';
    // Everything here is on loopback; other addresses would only be tried in vain.
    return sdp.replace(/^a=candidate:(?!.* 127\.0\.0\.1 ).*\r\n/gm, '');
  }

  async takeAnswer(sdp: string): Promise<void> {
    // werift reads `a=rtcp` only with its address, which RFC 3605 §2.1 lets be left out.
    const withAddress = sdp.replace(/^(a=rtcp:\d+)(\r?)$/m, '$1 IN IP4 127.0.0.1$2');
    await this.connection.setRemoteDescription({ type: 'answer', sdp: withAddress });
  }

  answer(): Promise<string> {
    throw new Error('a browser offers; it does not answer here');
  }

  send(payload: Buffer): void {
    const { sequence, timestamp, ssrc } = this;
    this.sequence = (sequence + 1) & 0xffff;
    this.timestamp = (timestamp + 160) >>> 0;
    this.track.writeRtp(rtpPacket({ payloadType: 0, marker: false, sequence, timestamp, ssrc, payload }));
  }

  onPayload(handler: (payload: Buffer) => void): void {
    this.handler = handler;
  }

  close(): Promise<void> {
    return this.connection.close();
  }
}
