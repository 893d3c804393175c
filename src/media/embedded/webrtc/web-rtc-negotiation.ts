/** Offer and answer on a browser leg: ICE-lite, DTLS with us as server, one codec, telephone-event/8000. */
import { GatewayError } from '../../../base/errors.js';
import { randomToken } from '../../../base/ids.js';
import type { MediaDirection, MediaErrorInfo } from '../../plane.js';
import { LocalDescription, newSdpSessionId } from '../../sdp/local-description.js';
import type { Fingerprint, NegotiatedAudio, NegotiatedWebRtc } from '../../sdp/negotiated-audio.js';
import { unacceptableSdp } from '../../sdp/sdp-error.js';
import { parseSdp, type SdpSession } from '../../sdp/session-description.js';
import type { WantedAudio } from '../../sdp/wanted-audio.js';
import { type OfferedWebRtc, readWebRtcAnswer, writeWebRtcAnswer, writeWebRtcOffer } from '../../sdp/webrtc-sdp.js';
import type { LocalWebRtc } from '../../sdp/webrtc-transport.js';
import type { WebRtcTransport } from './web-rtc-transport.js';

export interface WebRtcNegotiationOptions {
  /** Addresses of our host candidates, the default one first. */
  readonly addresses: readonly [string, ...string[]];
  readonly ssrc: number;
  readonly cname: string;
  readonly setupTimeoutMs: number;
}

/** SCTP as every browser has it (RFC 8841 §5); large messages are nobody's need here. */
const dataChannel = { sctpPort: 5000, maxMessageSize: 65_536 } as const;

export class WebRtcNegotiation {
  private readonly description: LocalDescription;
  private readonly streamId = randomToken(8);
  private readonly trackId = randomToken(8);
  private offered: OfferedWebRtc | undefined;
  private peerSession: SdpSession | undefined;
  private fingerprints: readonly Fingerprint[] = [];
  private pendingSinceMs: number | undefined;

  constructor(
    readonly transport: WebRtcTransport,
    private readonly options: WebRtcNegotiationOptions,
    private readonly deps: { readonly nowMs: () => number },
  ) {
    this.description = new LocalDescription({ sessionId: newSdpSessionId(), address: options.addresses[0] });
  }

  offer(wanted: WantedAudio, direction: MediaDirection): string {
    const { sdp, offered } = writeWebRtcOffer(this.description, this.local(), { ...wanted, direction }, this.peerSession);
    this.offered = offered;
    return sdp;
  }

  async answer(offer: string, wanted: WantedAudio): Promise<{ readonly sdp: string; readonly audio: NegotiatedAudio }> {
    const session = parseSdp(offer);
    const ufrag = session.sections.find(({ iceUsernameFragment }) => iceUsernameFragment !== undefined)?.iceUsernameFragment;
    if (ufrag !== undefined) this.transport.restartIceFor(ufrag);
    const { sdp, audio } = writeWebRtcAnswer(this.description, session, this.local(), { ...wanted, direction: 'sendrecv' });
    this.take(session, audio.webRtc);
    return { sdp, audio };
  }

  async accept(answer: string): Promise<NegotiatedAudio> {
    const { offered } = this;
    if (offered === undefined) {
      const detail = 'there is no offer of ours to be answered';
      throw new GatewayError<MediaErrorInfo>({ code: 'wrong-state', detail }, detail);
    }
    const session = parseSdp(answer);
    const audio = readWebRtcAnswer(session, offered);
    this.take(session, audio.webRtc);
    return audio;
  }

  overdue(nowMs: number): { readonly cause: 'ice-failed' | 'setup-timeout'; readonly detail: string } | undefined {
    if (this.pendingSinceMs === undefined || this.transport.isReady) return undefined;
    if (nowMs - this.pendingSinceMs < this.options.setupTimeoutMs) return undefined;
    this.pendingSinceMs = undefined;
    const seconds = Math.round(this.options.setupTimeoutMs / 1000);
    switch (this.transport.progress) {
      case 'no-checks':
        return {
          cause: 'ice-failed',
          detail: `No ICE check of the browser arrived in ${seconds} s; it cannot reach the UDP ports or the address in our SDP`,
        };
      case 'no-nomination':
        return {
          cause: 'setup-timeout',
          detail: `The browser checked addresses for ${seconds} s and chose none; our answers do not reach it`,
        };
      case 'no-handshake':
        return { cause: 'setup-timeout', detail: `ICE is up, but DTLS was not finished in ${seconds} s` };
    }
  }

  private take(session: SdpSession, peer: NegotiatedWebRtc | undefined): void {
    if (peer === undefined) throw unacceptableSdp('it has no ICE and DTLS parameters');
    // werift as DTLS client does not check what the server signs; a browser left the choice is always the client.
    if (peer.setup === 'active') throw unacceptableSdp('it asks us to be the DTLS client');
    if (this.transport.isReady && !sharesOne(this.fingerprints, peer.fingerprints))
      throw unacceptableSdp('it names another certificate than the one of the call');
    this.peerSession = session;
    this.fingerprints = peer.fingerprints;
    this.pendingSinceMs ??= this.deps.nowMs();
    const { ice, fingerprints } = peer;
    const sctp = peer.dataChannel === undefined ? {} : { sctpPort: peer.dataChannel.sctpPort };
    this.transport.expectPeer({ ufrag: ice.usernameFragment, password: ice.password, fingerprints, ...sctp });
  }

  private local(): LocalWebRtc {
    const { addresses, ssrc, cname } = this.options;
    const { ice, port, fingerprint } = this.transport;
    return {
      address: addresses[0],
      port,
      ice: {
        usernameFragment: ice.ufrag,
        password: ice.password,
        lite: true,
        candidates: addresses.map((address, place) => hostCandidate(address, port, place)),
      },
      fingerprint: { algorithm: 'sha-256', value: fingerprint },
      setup: 'passive',
      ssrc,
      cname,
      streamId: this.streamId,
      trackId: this.trackId,
      dataChannel,
    };
  }
}

/** RFC 8445 §5.1.2.1: type preference 126, local preference by place, component 1. */
function hostCandidate(address: string, port: number, place: number): string {
  const priority = 126 * 2 ** 24 + (65_535 - place) * 2 ** 8 + 255;
  return `${place + 1} 1 udp ${priority} ${address} ${port} typ host`;
}

function sharesOne(before: readonly Fingerprint[], now: readonly Fingerprint[]): boolean {
  return now.some(({ algorithm, value }) => before.some((known) => known.algorithm === algorithm && known.value === value));
}
