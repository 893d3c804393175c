import { randomBytes } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { MediaStreamTrack, RTCPeerConnection, RTCRtpCodecParameters, RtpHeader, RtpPacket } from 'werift';
import type { LegTransportHandlers } from '../../../../../src/media/embedded/transport/leg-transport.js';
import { PortPool } from '../../../../../src/media/embedded/transport/port-pool.js';
import { makeDtlsCertificate } from '../../../../../src/media/embedded/webrtc/certificate.js';
import { WebRtcTransport } from '../../../../../src/media/embedded/webrtc/web-rtc-transport.js';

const ssrc = 0x12345678;
const nowMs = (): number => performance.now();

interface Seen {
  readonly rtp: Buffer[];
  readonly dropped: string[];
  up: boolean;
  failed: string | undefined;
  gone: string | undefined;
}

function watch(): {
  readonly seen: Seen;
  readonly handlers: LegTransportHandlers;
  readonly changed: (test: () => boolean) => Promise<void>;
} {
  const seen: Seen = { rtp: [], dropped: [], up: false, failed: undefined, gone: undefined };
  const waiting: { readonly test: () => boolean; readonly resolve: () => void }[] = [];
  const look = (): void => {
    for (const one of [...waiting]) if (one.test()) one.resolve();
  };
  return {
    seen,
    handlers: {
      onRtp: (buffer, length) => {
        seen.rtp.push(Buffer.from(buffer.subarray(0, length)));
        look();
      },
      onRtcp: () => look(),
      onDropped: (reason) => {
        seen.dropped.push(reason);
        look();
      },
      onUp: () => {
        seen.up = true;
        look();
      },
      onFailed: (cause) => {
        seen.failed = cause;
        look();
      },
      onChannel: () => undefined,
      onText: () => undefined,
      onGone: (detail) => {
        seen.gone = detail;
        look();
      },
    },
    changed: (test) =>
      new Promise((resolve) => {
        if (test()) resolve();
        else waiting.push({ test, resolve });
      }),
  };
}

function lineOf(sdp: string, name: string): string {
  return new RegExp(`^a=${name}:(.*?)\\r?$`, 'm').exec(sdp)?.[1] ?? '';
}

function answerFor(offer: string, transport: WebRtcTransport): string {
  const data = /^m=application/m.test(offer);
  const media = (line: string, mid: string, more: readonly string[]): string[] => [
    line,
    'c=IN IP4 127.0.0.1',
    `a=mid:${mid}`,
    `a=ice-ufrag:${transport.ice.ufrag}`,
    `a=ice-pwd:${transport.ice.password}`,
    `a=fingerprint:sha-256 ${transport.fingerprint}`,
    'a=setup:passive',
    `a=candidate:1 1 udp 2130706431 127.0.0.1 ${transport.port} typ host`,
    'a=end-of-candidates',
    ...more,
  ];
  return [
    'v=0',
    'o=- 1 1 IN IP4 127.0.0.1',
    's=-',
    't=0 0',
    'a=ice-lite',
    `a=group:BUNDLE 0${data ? ' 1' : ''}`,
    ...media(`m=audio ${transport.port} UDP/TLS/RTP/SAVPF 0`, '0', [
      'a=rtcp-mux',
      'a=rtpmap:0 PCMU/8000',
      'a=sendrecv',
      `a=ssrc:${ssrc} cname:x`,
    ]),
    ...(data ? media(`m=application ${transport.port} UDP/DTLS/SCTP webrtc-datachannel`, '1', ['a=sctp-port:5000']) : []),
    '',
  ].join('\r\n');
}

function peerConnected(peer: RTCPeerConnection): Promise<void> {
  return new Promise((resolve) => {
    if (peer.connectionState === 'connected') resolve();
    else peer.connectionStateChange.subscribe((state) => state === 'connected' && resolve());
  });
}

describe('a browser leg, against a full WebRTC peer', () => {
  const open: { close(): Promise<void> }[] = [];
  afterEach(async () => {
    for (const one of open.splice(0)) await one.close();
  });

  async function connect(options: { readonly fingerprint?: string; readonly data?: boolean } = {}) {
    const ports = new PortPool({ min: 41000, max: 41999, portsPerLease: 1, quarantineMs: 0 }, { nowMs });
    const { seen, handlers, changed } = watch();
    const transport = await WebRtcTransport.open(
      { bindAddress: '127.0.0.1', ssrc },
      { ports, certificate: await makeDtlsCertificate(), nowMs },
      handlers,
    );
    const peer = new RTCPeerConnection({
      codecs: { audio: [new RTCRtpCodecParameters({ mimeType: 'audio/PCMU', clockRate: 8000, channels: 1 })] },
      iceAdditionalHostAddresses: ['127.0.0.1'],
    });
    open.push(transport, peer);
    const track = new MediaStreamTrack({ kind: 'audio' });
    const transceiver = peer.addTransceiver(track, { direction: 'sendrecv' });
    const channel = options.data === true ? peer.createDataChannel('x') : undefined;
    const received: RtpPacket[] = [];
    let onPacket = (): void => {};
    transceiver.onTrack.subscribe((remote) => {
      remote.onReceiveRtp.subscribe((packet) => {
        received.push(packet);
        onPacket();
      });
    });
    await peer.setLocalDescription(await peer.createOffer());
    const offer = peer.localDescription?.sdp ?? '';
    transport.expectPeer({
      ufrag: lineOf(offer, 'ice-ufrag'),
      password: lineOf(offer, 'ice-pwd'),
      fingerprints: [{ algorithm: 'sha-256', value: options.fingerprint ?? lineOf(offer, 'fingerprint').split(' ')[1] ?? '' }],
      ...(channel === undefined ? {} : { sctpPort: 5000 }),
    });
    await peer.setRemoteDescription({ type: 'answer', sdp: answerFor(offer, transport) });
    const got = (count: number): Promise<void> =>
      new Promise((resolve) => {
        onPacket = () => {
          if (received.length >= count) resolve();
        };
        onPacket();
      });
    return { transport, peer, track, channel, seen, changed, received, got, ports };
  }

  it('comes up, and carries RTP both ways through our SRTP', async () => {
    const { transport, peer, track, seen, changed, received, got } = await connect();
    await changed(() => seen.up);
    await peerConnected(peer);
    const payload = randomBytes(160);
    for (let sequence = 0; sequence < 5; sequence += 1) {
      track.writeRtp(
        new RtpPacket(
          new RtpHeader({
            payloadType: 0,
            sequenceNumber: 100 + sequence,
            timestamp: 160 * sequence,
            ssrc: 7,
            marker: false,
            padding: false,
            version: 2,
          }),
          payload,
        ),
      );
      const packet = Buffer.alloc(12 + 160 + 64);
      packet.writeUInt8(0x80, 0);
      packet.writeUInt16BE(sequence, 2);
      packet.writeUInt32BE(160 * sequence, 4);
      packet.writeUInt32BE(ssrc, 8);
      payload.copy(packet, 12);
      expect(transport.send(packet, 172, sequence)).toBe(true);
    }
    await Promise.all([changed(() => seen.rtp.length >= 5), got(5)]);
    expect(seen.rtp.map((packet) => packet.subarray(12))).toEqual(Array.from({ length: 5 }, () => payload));
    expect(received.map((packet) => packet.payload)).toEqual(Array.from({ length: 5 }, () => payload));
    expect(received.map((packet) => packet.header.ssrc)).toEqual(Array.from({ length: 5 }, () => ssrc));
  });

  it('refuses a peer whose certificate is not the one its SDP names', async () => {
    const { transport, seen, changed } = await connect({ fingerprint: Array.from({ length: 32 }, () => '00').join(':') });
    await changed(() => seen.failed !== undefined);
    expect(seen.failed).toBe('fingerprint-mismatch');
    expect(seen.up).toBe(false);
    expect(transport.isReady).toBe(false);
  });

  it('lets the page open a data channel', async () => {
    const { channel, seen, changed } = await connect({ data: true });
    await changed(() => seen.up);
    await new Promise<void>((resolve) => {
      if (channel?.readyState === 'open') resolve();
      else channel?.stateChanged.subscribe((state) => state === 'open' && resolve());
    });
    expect(channel?.readyState).toBe('open');
  });

  it('gives its port back when it closes', async () => {
    const { transport, seen, changed, ports } = await connect();
    await changed(() => seen.up);
    expect(ports.leasedPorts).toBe(1);
    await transport.close();
    expect(ports.leasedPorts).toBe(0);
    expect(transport.sockets).toBe(0);
  });
});
