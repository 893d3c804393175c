/** Offer and answer on a trunk leg: plain RTP, one codec and telephone-events. */
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { GatewayError } from '../../../base/errors.js';
import type { MediaDirection, MediaErrorInfo } from '../../plane.js';
import { LocalDescription, newSdpSessionId } from '../../sdp/local-description.js';
import type { NegotiatedAudio } from '../../sdp/negotiated-audio.js';
import { unacceptableSdp } from '../../sdp/sdp-error.js';
import { parseSdp } from '../../sdp/session-description.js';
import { type LocalUdp, type OfferedUdp, readUdpAnswer, writeUdpAnswer, writeUdpOffer } from '../../sdp/udp-sdp.js';
import type { WantedAudio } from '../../sdp/wanted-audio.js';
import type { TrunkPeer, TrunkTransport } from './trunk-transport.js';

export class TrunkNegotiation {
  private readonly description: LocalDescription;
  private readonly local: LocalUdp;
  private offered: OfferedUdp | undefined;

  constructor(
    readonly transport: TrunkTransport,
    options: { readonly address: string },
  ) {
    this.description = new LocalDescription({ sessionId: newSdpSessionId(), address: options.address });
    this.local = { address: options.address, port: transport.port, rtcpPort: transport.port + 1 };
  }

  offer(wanted: WantedAudio, direction: MediaDirection): string {
    const { sdp, offered } = writeUdpOffer(this.description, this.local, { ...wanted, direction, rtcpMux: false });
    this.offered = offered;
    return sdp;
  }

  async answer(offer: string, wanted: WantedAudio): Promise<{ readonly sdp: string; readonly audio: NegotiatedAudio }> {
    const { sdp, audio } = writeUdpAnswer(this.description, parseSdp(offer), this.local, {
      ...wanted,
      direction: 'sendrecv',
      rtcpMux: true,
    });
    this.transport.expectPeer(await peerOf(audio));
    return { sdp, audio };
  }

  async accept(answer: string): Promise<NegotiatedAudio> {
    const { offered } = this;
    if (offered === undefined) {
      const detail = 'there is no offer of ours to be answered';
      throw new GatewayError<MediaErrorInfo>({ code: 'wrong-state', detail }, detail);
    }
    const audio = readUdpAnswer(parseSdp(answer), offered);
    this.transport.expectPeer(await peerOf(audio));
    return audio;
  }

  /** A trunk has no set-up of its own: its silence is the watchdog's matter. */
  overdue(): undefined {
    return undefined;
  }
}

async function peerOf({ remote, receivePayloadTypes }: NegotiatedAudio): Promise<TrunkPeer> {
  const host = await literalOf(remote.address);
  const rtcpHost = remote.rtcpAddress === remote.address ? host : await literalOf(remote.rtcpAddress);
  return {
    rtp: { host, port: remote.port },
    rtcp: { host: rtcpHost, port: remote.rtcpPort },
    rtcpMux: remote.rtcpMux,
    payloadTypes: receivePayloadTypes.map(({ payloadType }) => payloadType),
  };
}

/** A `c=` line may hold a name (RFC 8866 §5.7); sockets want an address. */
async function literalOf(host: string): Promise<string> {
  if (isIP(host) !== 0) return host;
  try {
    return (await lookup(host)).address;
  } catch {
    throw unacceptableSdp('the name in its c= line has no address');
  }
}
