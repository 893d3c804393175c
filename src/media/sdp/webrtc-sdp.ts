import { agreedByAnswer, agreedByAnswering, type ChosenFormats, chooseFormats, type OfferedFormats, remoteOf } from './agreed-audio.js';
import { CLOCK_RATE_HZ, type CodecFormat, type EventFormat, formatLines, formatList, STATIC_PAYLOAD_TYPE } from './audio-formats.js';
import { agreeDirection } from './direction.js';
import { type LocalDescription, networkAddress } from './local-description.js';
import type { DtlsSetup, NegotiatedAudio, NegotiatedWebRtc, SdpDirection } from './negotiated-audio.js';
import { unacceptableSdp } from './sdp-error.js';
import type { SdpSection, SdpSession } from './session-description.js';
import { refusedLines, type SdpAnswer } from './udp-sdp.js';
import type { WantedAudio } from './wanted-audio.js';
import {
  answerSetup,
  DATA_CHANNEL_PROTOCOLS,
  type LocalWebRtc,
  readDataChannel,
  readTransport,
  setupAfterAnswer,
  transportLines,
} from './webrtc-transport.js';

export interface WebRtcAudioOptions extends WantedAudio {
  /** What we want; `sendrecv` unless we hold. */
  readonly direction: SdpDirection;
}

/** What an offer to a browser held; kept for its answer. */
export interface OfferedWebRtc extends OfferedFormats {
  readonly direction: SdpDirection;
  /** Index of the audio section. */
  readonly audioIndex: number;
}

export interface WebRtcOffer {
  readonly sdp: string;
  readonly offered: OfferedWebRtc;
}

/** Of the dynamic range 96–127, which rtcp-mux leaves free (RFC 5761 §4). */
const EVENT_PAYLOAD_TYPE = 101;
const AUDIO_PROTOCOLS: readonly string[] = ['UDP/TLS/RTP/SAVPF', 'UDP/TLS/RTP/SAVP', 'RTP/SAVPF'];

/**
 * Answers a browser: G.711 in one codec and exactly one telephone-event of clock 8000, on one bundled
 * and multiplexed transport; a data channel in the same bundle is taken, everything else refused in its
 * place (RFC 3264 §6, RFC 9143 §7.3, RFC 5761 §5.1.1). Throws `sdp-not-acceptable`.
 */
export function writeWebRtcAnswer(
  description: LocalDescription,
  offer: SdpSession,
  local: LocalWebRtc,
  options: WebRtcAudioOptions,
): SdpAnswer {
  const { section, chosen } = acceptableSection(offer, options);
  const data = local.dataChannel === undefined ? undefined : dataSection(offer, section);
  const transport = readTransport(offer, section, (offered) => answerSetup(offered, local.setup));
  const direction = agreeDirection(options.direction, section.direction);
  const lines = offer.sections.flatMap((other) => {
    if (other === section)
      return audioLines(local, section.protocol, [chosen.codec], chosen.event, transport.setup, direction, section.mid);
    return other === data ? dataLines(local, data, transport.setup) : refusedLines(other);
  });
  const accepted = [section, ...(data === undefined ? [] : [data])].map(({ mid }) => mid);
  const bundle = offer.bundle.filter((mid) => accepted.includes(mid));
  const webRtc: NegotiatedWebRtc = { ...transport, ...(data === undefined ? {} : { dataChannel: readDataChannel(data) }) };
  return {
    sdp: description.write([...sessionLines(local, bundle), ...lines]),
    audio: { ...agreedByAnswering(section, chosen), direction, remote: remoteOf(section, true), webRtc },
  };
}

/**
 * Offers audio and a data channel to a browser. `previous` is the browser's last description in this dialog: then every
 * section keeps its place, its mid and its payload types (RFC 3264 §8, §8.3.2). The role is `actpass`
 * each time (RFC 8829 §5.2.2); with fingerprints and ICE credentials unchanged DTLS stays up (RFC 8842 §4).
 */
export function writeWebRtcOffer(
  description: LocalDescription,
  local: LocalWebRtc,
  options: WebRtcAudioOptions,
  previous?: SdpSession,
): WebRtcOffer {
  const usable = previous === undefined ? undefined : usableSection(previous, options);
  if (previous === undefined || usable === undefined) return firstOffer(description, local, options);
  const { section: audio, chosen } = usable;
  const codecs = [chosen.codec];
  const event = chosen.event;
  const data = local.dataChannel === undefined ? undefined : dataSection(previous, audio);
  const lines = previous.sections.flatMap((section) => {
    if (section === audio) return audioLines(local, section.protocol, codecs, event, 'actpass', options.direction, section.mid);
    return section === data ? dataLines(local, data, 'actpass') : refusedLines(section);
  });
  const mids = [audio, ...(data === undefined ? [] : [data])].flatMap(({ mid }) => (mid === undefined ? [] : [mid]));
  return {
    sdp: description.write([...sessionLines(local, mids), ...lines]),
    offered: {
      codecs,
      eventPayloadType: event?.payloadType ?? (options.telephoneEvents === false ? undefined : EVENT_PAYLOAD_TYPE),
      direction: options.direction,
      audioIndex: previous.sections.indexOf(audio),
    },
  };
}

/** Reads a browser's answer to our offer. Throws `sdp-not-acceptable` when it refused the audio or left out what WebRTC needs. */
export function readWebRtcAnswer(answer: SdpSession, offered: OfferedWebRtc): NegotiatedAudio {
  const section = answer.sections[offered.audioIndex];
  if (section === undefined || !isUsableAudio(section)) throw unacceptableSdp('the answer refuses the audio');
  const data = dataSection(answer, section);
  return {
    ...agreedByAnswer(section, offered),
    direction: agreeDirection(offered.direction, section.direction),
    remote: remoteOf(section, true),
    webRtc: {
      ...readTransport(answer, section, setupAfterAnswer),
      ...(data === undefined ? {} : { dataChannel: readDataChannel(data) }),
    },
  };
}

function firstOffer(description: LocalDescription, local: LocalWebRtc, options: WebRtcAudioOptions): WebRtcOffer {
  const codecs = options.codecs.map((codec) => ({ codec, payloadType: STATIC_PAYLOAD_TYPE[codec] }));
  const event = options.telephoneEvents === false ? undefined : { payloadType: EVENT_PAYLOAD_TYPE, clockRateHz: CLOCK_RATE_HZ };
  const audio = audioLines(local, 'UDP/TLS/RTP/SAVPF', codecs, event, 'actpass', options.direction, '0');
  const data = local.dataChannel === undefined ? [] : dataLines(local, { protocol: 'UDP/DTLS/SCTP', mid: '1' }, 'actpass');
  const mids = data.length === 0 ? ['0'] : ['0', '1'];
  return {
    sdp: description.write([...sessionLines(local, mids), ...audio, ...data]),
    offered: { codecs, eventPayloadType: event?.payloadType, direction: options.direction, audioIndex: 0 },
  };
}

interface UsableSection {
  readonly section: SdpSection;
  readonly chosen: ChosenFormats;
}

function acceptableSection(offer: SdpSession, options: WebRtcAudioOptions): UsableSection {
  const usable = usableSection(offer, options);
  if (usable !== undefined) return usable;
  if (!offer.sections.some(isUsableAudio)) throw unacceptableSdp('it offers no audio over DTLS-SRTP with rtcp-mux');
  throw unacceptableSdp(`its audio has none of ${options.codecs.join(', ')}`);
}

/**
 * The first audio that can be had, and its formats. Browsers offer telephone-event at 48000 too, and with
 * G.711 count that clock wrongly; theirs of clock 8000 or none.
 */
function usableSection(session: SdpSession, options: WebRtcAudioOptions): UsableSection | undefined {
  for (const section of session.sections.filter(isUsableAudio)) {
    const formats = chooseFormats(section, options.codecs, options.telephoneEvents);
    if (formats === undefined) continue;
    const event = formats.event?.clockRateHz === CLOCK_RATE_HZ ? formats.event : undefined;
    return { section, chosen: { codec: formats.codec, event } };
  }
  return undefined;
}

/** rtcp-mux is asked for, not negotiated: without it a browser's RTCP would have no port (RFC 8834 §4.5). A bundle-only section has port 0 and is alive. */
function isUsableAudio(section: SdpSection): boolean {
  return (
    section.kind === 'audio' && (section.port !== 0 || section.bundleOnly) && AUDIO_PROTOCOLS.includes(section.protocol) && section.rtcpMux
  );
}

/** The data channel that shares the audio's transport. */
function dataSection(session: SdpSession, audio: SdpSection): SdpSection | undefined {
  const isBundled = ({ mid }: SdpSection): boolean => mid !== undefined && session.bundle.includes(mid);
  return session.sections.find(
    (section) =>
      section.kind === 'application' &&
      DATA_CHANNEL_PROTOCOLS.includes(section.protocol) &&
      section.formats.includes('webrtc-datachannel') &&
      (section.port !== 0 || section.bundleOnly) &&
      isBundled(section) &&
      isBundled(audio),
  );
}

function sessionLines(local: LocalWebRtc, bundle: readonly (string | undefined)[]): readonly string[] {
  return [
    `c=${networkAddress(local.address)}`,
    't=0 0',
    ...(local.ice.lite ? ['a=ice-lite'] : []),
    ...(bundle.length === 0 ? [] : [`a=group:BUNDLE ${bundle.join(' ')}`]),
    `a=msid-semantic: WMS ${local.streamId}`,
  ];
}

function audioLines(
  local: LocalWebRtc,
  protocol: string,
  codecs: readonly CodecFormat[],
  event: Pick<EventFormat, 'payloadType' | 'clockRateHz'> | undefined,
  setup: DtlsSetup,
  direction: SdpDirection,
  mid: string | undefined,
): readonly string[] {
  return [
    `m=audio ${local.port} ${protocol} ${formatList(codecs, event)}`,
    ...transportLines(local, setup),
    ...(mid === undefined ? [] : [`a=mid:${mid}`]),
    `a=${direction}`,
    'a=rtcp-mux',
    ...formatLines(codecs, event),
    `a=msid:${local.streamId} ${local.trackId}`,
    `a=ssrc:${local.ssrc} cname:${local.cname}`,
    `a=ssrc:${local.ssrc} msid:${local.streamId} ${local.trackId}`,
  ];
}

function dataLines(local: LocalWebRtc, section: Pick<SdpSection, 'protocol' | 'mid'>, setup: DtlsSetup): readonly string[] {
  return [
    `m=application ${local.port} ${section.protocol} webrtc-datachannel`,
    ...transportLines(local, setup),
    ...(section.mid === undefined ? [] : [`a=mid:${section.mid}`]),
    `a=sctp-port:${local.dataChannel?.sctpPort}`,
    `a=max-message-size:${local.dataChannel?.maxMessageSize}`,
  ];
}
