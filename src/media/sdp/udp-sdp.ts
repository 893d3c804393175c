import { agreedByAnswer, agreedByAnswering, type ChosenFormats, chooseFormats, type OfferedFormats, remoteOf } from './agreed-audio.js';
import { CLOCK_RATE_HZ, formatLines, formatList, STATIC_PAYLOAD_TYPE } from './audio-formats.js';
import { agreeDirection, withoutReceiving } from './direction.js';
import { type LocalDescription, networkAddress } from './local-description.js';
import type { NegotiatedAudio, SdpDirection } from './negotiated-audio.js';
import { unacceptableSdp } from './sdp-error.js';
import type { SdpSection, SdpSession } from './session-description.js';
import type { WantedAudio } from './wanted-audio.js';

/** Our side of a trunk leg: plain RTP over UDP. */
export interface LocalUdp {
  readonly address: string;
  readonly port: number;
  /** Usually `port` + 1; said by `a=rtcp` when it is not. */
  readonly rtcpPort: number;
}

export interface UdpAudioOptions extends WantedAudio {
  /** What we want; `sendrecv` unless we hold. */
  readonly direction: SdpDirection;
  /** We can do RTP and RTCP on one port, so say yes when asked (RFC 5761 §5.1.1). Never offered. */
  readonly rtcpMux: boolean;
}

export interface UdpOffer {
  readonly sdp: string;
  /** To be kept for the answer. */
  readonly offered: OfferedUdp;
}

export interface OfferedUdp extends OfferedFormats {
  readonly direction: SdpDirection;
}

export interface SdpAnswer {
  readonly sdp: string;
  readonly audio: NegotiatedAudio;
}

const EVENT_PAYLOAD_TYPE = 101;
/** The digits and the hook flash, which telephones have and browsers do not (RFC 4733 §3.2). */
const EVENTS = '0-16';
const PLAIN_PROTOCOLS: readonly string[] = ['RTP/AVP', 'RTP/AVPF'];
/** The old way to hold (RFC 3264 §8.4). */
const NO_ADDRESS: readonly string[] = ['0.0.0.0', '::', '0:0:0:0:0:0:0:0'];

/** Offers G.711 and telephone-event/8000 to a trunk (RFC 3264 §5.1, RFC 4733 §2.4.1). */
export function writeUdpOffer(description: LocalDescription, local: LocalUdp, options: UdpAudioOptions): UdpOffer {
  const codecs = options.codecs.map((codec) => ({ codec, payloadType: STATIC_PAYLOAD_TYPE[codec] }));
  const event = options.telephoneEvents === false ? undefined : { payloadType: EVENT_PAYLOAD_TYPE, clockRateHz: CLOCK_RATE_HZ };
  const sdp = description.write([
    `c=${networkAddress(local.address)}`,
    't=0 0',
    `m=audio ${local.port} RTP/AVP ${formatList(codecs, event)}`,
    ...formatLines(codecs, event, EVENTS),
    ...rtcpLines(local),
    `a=${options.direction}`,
  ]);
  return { sdp, offered: { codecs, eventPayloadType: event?.payloadType, direction: options.direction } };
}

/** Answers a trunk's offer: one codec, one telephone-event, every other section refused in its place (RFC 3264 §6). Throws `sdp-not-acceptable`. */
export function writeUdpAnswer(description: LocalDescription, offer: SdpSession, local: LocalUdp, options: UdpAudioOptions): SdpAnswer {
  const { section, chosen } = acceptableSection(offer, options);
  const direction = agreeDirection(options.direction, theirDirection(section));
  const rtcpMux = section.rtcpMux && options.rtcpMux;
  const event = chosen.event;
  const audioLines = [
    `m=audio ${local.port} ${section.protocol} ${formatList([chosen.codec], event)}`,
    ...formatLines([chosen.codec], event, EVENTS),
    ...(rtcpMux ? ['a=rtcp-mux'] : rtcpLines(local)),
    `a=${direction}`,
    ...(section.mid === undefined ? [] : [`a=mid:${section.mid}`]),
  ];
  const sdp = description.write([
    `c=${networkAddress(local.address)}`,
    't=0 0',
    ...offer.sections.flatMap((other) => (other === section ? audioLines : refusedLines(other))),
  ]);
  return { sdp, audio: { ...agreedByAnswering(section, chosen), direction, remote: remoteOf(section, rtcpMux) } };
}

/** Reads a trunk's answer to our offer. Throws `sdp-not-acceptable` when it refused the audio. */
export function readUdpAnswer(answer: SdpSession, offered: OfferedUdp): NegotiatedAudio {
  const section = answer.sections[0];
  if (section === undefined || section.kind !== 'audio' || section.port === 0) throw unacceptableSdp('the answer refuses the audio');
  if (!PLAIN_PROTOCOLS.includes(section.protocol)) throw unacceptableSdp(`the answer is for ${section.protocol}`);
  if (section.connectionAddress === undefined) throw unacceptableSdp('the answer has no c= line for the audio');
  return {
    ...agreedByAnswer(section, offered),
    direction: agreeDirection(offered.direction, theirDirection(section)),
    remote: remoteOf(section, false),
  };
}

/** The lines of a refused section: its slot stays, with port 0 (RFC 3264 §6). */
export function refusedLines(section: SdpSection): readonly string[] {
  const mid = section.mid === undefined ? [] : [`a=mid:${section.mid}`];
  return [`m=${section.kind} 0 ${section.protocol} ${section.formats.join(' ')}`, ...mid, 'a=inactive'];
}

function acceptableSection(offer: SdpSession, options: UdpAudioOptions): { readonly section: SdpSection; readonly chosen: ChosenFormats } {
  const audio = offer.sections.filter(({ kind, port }) => kind === 'audio' && port !== 0);
  if (audio.length === 0) throw unacceptableSdp('it offers no audio');
  const plain = audio.filter(({ protocol, connectionAddress }) => PLAIN_PROTOCOLS.includes(protocol) && connectionAddress !== undefined);
  if (plain.length === 0)
    throw unacceptableSdp(`its audio is for ${audio.map(({ protocol }) => protocol).join(', ')}, only plain RTP is taken here`);
  for (const section of plain) {
    const chosen = chooseFormats(section, options.codecs, options.telephoneEvents);
    if (chosen !== undefined) return { section, chosen };
  }
  throw unacceptableSdp(`its audio has none of ${options.codecs.join(', ')}`);
}

function theirDirection(section: SdpSection): SdpDirection {
  return NO_ADDRESS.includes(section.connectionAddress ?? '') ? withoutReceiving(section.direction) : section.direction;
}

function rtcpLines({ port, rtcpPort }: LocalUdp): readonly string[] {
  return rtcpPort === port + 1 ? [] : [`a=rtcp:${rtcpPort}`];
}
