import type { DtlsSetup, Fingerprint, IceParameters, NegotiatedDataChannel, NegotiatedWebRtc } from './negotiated-audio.js';
import { unacceptableSdp } from './sdp-error.js';
import type { SdpSection, SdpSession } from './session-description.js';

/** Our side of a browser leg. */
export interface LocalWebRtc {
  /** Of the default candidate, for `c=` and `m=` (RFC 8839 §4.2.1). */
  readonly address: string;
  readonly port: number;
  readonly ice: Pick<IceParameters, 'usernameFragment' | 'password' | 'lite' | 'candidates'>;
  readonly fingerprint: Fingerprint;
  /** The role we take where the peer leaves the choice (RFC 5763 §5). Must stay the same in a re-offer (RFC 8842 §4). */
  readonly setup: 'active' | 'passive';
  readonly ssrc: number;
  readonly cname: string;
  readonly streamId: string;
  readonly trackId: string;
  /** Present when data channels are taken. */
  readonly dataChannel?: { readonly sctpPort: number; readonly maxMessageSize: number };
}

const SHORTEST_UFRAG = 4;
const SHORTEST_PASSWORD = 22;
const DEFAULT_SCTP_PORT = 5000;
/** RFC 8841 §6.1 */
const DEFAULT_MESSAGE_SIZE = 65_536;

export const DATA_CHANNEL_PROTOCOLS: readonly string[] = ['UDP/DTLS/SCTP', 'TCP/DTLS/SCTP', 'DTLS/SCTP'];

/** The section whose transport the audio uses: its own, or that of the first of its bundle (RFC 9143 §7.1.3). */
export function transportSection(session: SdpSession, audio: SdpSection): SdpSection {
  if (audio.iceUsernameFragment !== undefined && audio.fingerprints.length > 0) return audio;
  const [first] = session.bundle;
  if (first === undefined || audio.mid === undefined || !session.bundle.includes(audio.mid)) return audio;
  return session.sections.find(({ mid }) => mid === first) ?? audio;
}

/** ICE, fingerprints and role as the peer gave them. Throws `sdp-not-acceptable` when one is missing (RFC 8839 §5.4, RFC 8827 §6.5). */
export function readTransport(
  session: SdpSession,
  audio: SdpSection,
  roleFor: (theirs: string | undefined) => NegotiatedWebRtc['setup'],
): Pick<NegotiatedWebRtc, 'ice' | 'fingerprints' | 'setup' | 'mid'> {
  const transport = transportSection(session, audio);
  const usernameFragment = transport.iceUsernameFragment ?? '';
  const password = transport.icePassword ?? '';
  if (usernameFragment.length < SHORTEST_UFRAG || password.length < SHORTEST_PASSWORD) throw unacceptableSdp('it has no ICE credentials');
  if (transport.fingerprints.length === 0) throw unacceptableSdp('it has no DTLS fingerprint');
  return {
    ...(audio.mid === undefined ? {} : { mid: audio.mid }),
    ice: {
      usernameFragment,
      password,
      lite: session.iceLite,
      candidates: transport.candidates,
      endOfCandidates: transport.endOfCandidates,
    },
    fingerprints: transport.fingerprints,
    setup: roleFor(transport.setup),
  };
}

/** Our role in an answer (RFC 5763 §5, RFC 4145 §4.1). Throws `sdp-not-acceptable` for a peer that wants no connection. */
export function answerSetup(offered: string | undefined, preferred: 'active' | 'passive'): 'active' | 'passive' {
  const setup = (offered ?? 'actpass') as DtlsSetup;
  if (setup === 'actpass') return preferred;
  if (setup === 'active') return 'passive';
  if (setup === 'passive') return 'active';
  throw unacceptableSdp(`its a=setup is ${setup}`);
}

/** Our role after the peer's answer: the other one. */
export function setupAfterAnswer(answered: string | undefined): 'active' | 'passive' {
  if (answered === 'active' || answered === undefined) return 'passive';
  if (answered === 'passive') return 'active';
  throw unacceptableSdp(`the answer's a=setup is ${answered}`);
}

/** What the peer said of its data channel (RFC 8841 §5, §6). */
export function readDataChannel(section: SdpSection): NegotiatedDataChannel {
  return {
    ...(section.mid === undefined ? {} : { mid: section.mid }),
    sctpPort: section.sctpPort ?? DEFAULT_SCTP_PORT,
    maxMessageSize: section.maxMessageSize ?? DEFAULT_MESSAGE_SIZE,
  };
}

/** The transport lines that each accepted section repeats. */
export function transportLines(local: LocalWebRtc, setup: DtlsSetup): readonly string[] {
  return [
    `a=ice-ufrag:${local.ice.usernameFragment}`,
    `a=ice-pwd:${local.ice.password}`,
    ...local.ice.candidates.map((candidate) => `a=candidate:${candidate}`),
    'a=end-of-candidates',
    `a=fingerprint:${local.fingerprint.algorithm} ${local.fingerprint.value}`,
    `a=setup:${setup}`,
  ];
}
