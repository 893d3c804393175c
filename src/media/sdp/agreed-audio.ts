import { type CodecFormat, codecsOf, type EventFormat, eventsOf, negotiatedEvents, receiveFormats } from './audio-formats.js';
import type { NegotiatedAudio, RemoteTransport, SdpCodec } from './negotiated-audio.js';
import { unacceptableSdp } from './sdp-error.js';
import type { SdpSection } from './session-description.js';

const DEFAULT_PTIME_MS = 20;
const LONGEST_PTIME_MS = 200;

/** The audio formats of an offer of ours: payload types under which its answerer may send. */
export interface OfferedFormats {
  readonly codecs: readonly CodecFormat[];
  /** Undefined when no telephone-event was offered. */
  readonly eventPayloadType: number | undefined;
}

/** The formats of `NegotiatedAudio`, without transport. */
export type AgreedFormats = Pick<NegotiatedAudio, 'codec' | 'sendPayloadType' | 'receivePayloadTypes' | 'telephoneEvent' | 'ptimeMs'>;

/** One codec and one telephone-event chosen from an offer, to be answered. */
export interface ChosenFormats {
  readonly codec: CodecFormat;
  readonly event: EventFormat | undefined;
}

/** The first codec of ours that the offer holds, and the telephone-event of its clock if one is wanted; undefined when there is no such codec. */
export function chooseFormats(section: SdpSection, preferred: readonly SdpCodec[], telephoneEvents = true): ChosenFormats | undefined {
  const offered = codecsOf(section);
  const codec = preferred.map((name) => offered.find((format) => format.codec === name)).find((format) => format !== undefined);
  return codec === undefined ? undefined : { codec, event: telephoneEvents ? eventsOf(section)[0] : undefined };
}

/** What a chosen answer comes to: both directions use the offerer's numbers (RFC 3264 §6.1). */
export function agreedByAnswering(section: SdpSection, { codec, event }: ChosenFormats): AgreedFormats {
  return {
    codec: codec.codec,
    sendPayloadType: codec.payloadType,
    receivePayloadTypes: receiveFormats([codec], event === undefined ? [] : [event.payloadType]),
    ...negotiatedEvents(event),
    ptimeMs: ptimeOf(section),
  };
}

/**
 * What the peer's answer to our offer comes to. We send with the answer's numbers and must take all that
 * we offered (RFC 3264 §5.1, §6.1); events are taken under the answer's number too, since some send with it.
 */
export function agreedByAnswer(section: SdpSection, offered: OfferedFormats): AgreedFormats {
  const codec = codecsOf(section).find((format) => offered.codecs.some((ours) => ours.codec === format.codec));
  if (codec === undefined) throw unacceptableSdp('the answer holds none of the codecs offered');
  const { eventPayloadType } = offered;
  const event = eventPayloadType === undefined ? undefined : eventsOf(section)[0];
  return {
    codec: codec.codec,
    sendPayloadType: codec.payloadType,
    receivePayloadTypes: receiveFormats(
      offered.codecs,
      [eventPayloadType, event?.payloadType].filter((payloadType) => payloadType !== undefined),
    ),
    ...negotiatedEvents(event),
    ptimeMs: ptimeOf(section),
  };
}

/** Where the peer wants its packets: port + 1 for RTCP unless it says otherwise (RFC 3550 §11, RFC 3605 §2.1). */
export function remoteOf(section: SdpSection, rtcpMux: boolean): RemoteTransport {
  const address = section.connectionAddress ?? '0.0.0.0';
  const rtcp = rtcpMux ? { port: section.port } : (section.rtcp ?? { port: section.port + 1 });
  return {
    address,
    port: section.port,
    rtcpAddress: ('address' in rtcp ? rtcp.address : undefined) ?? address,
    rtcpPort: rtcp.port,
    rtcpMux,
  };
}

function ptimeOf(section: SdpSection): number {
  const ptimeMs = section.ptimeMs ?? DEFAULT_PTIME_MS;
  return ptimeMs > LONGEST_PTIME_MS ? DEFAULT_PTIME_MS : ptimeMs;
}
