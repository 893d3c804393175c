import { isIPv6 } from 'node:net';
import { eventMaskOf } from '../media/sdp/audio-formats.js';
import { parseSdp, type SdpSection } from '../media/sdp/session-description.js';

/** What one end of a call sends and takes. */
export interface AgreedMedia {
  readonly remote: { readonly address: string; readonly port: number };
  readonly audio: { readonly name: string; readonly sendPayloadType: number; readonly receivePayloadType: number };
  /** Absent when the other side takes no telephone-events. */
  readonly events?: {
    readonly clockRateHz: number;
    readonly sendPayloadType: number;
    readonly receivePayloadType: number;
    /** Bit n: event n is taken by the other side. */
    readonly mask: number;
    /** Its `a=fmtp` listed them (RFC 4733 §2.4.1). */
    readonly listed: boolean;
    /** The clock of the audio agreed beside it. */
    readonly audioClockRateHz: number;
  };
}

interface Format {
  readonly payloadType: number;
  readonly name: string;
  readonly clockRateHz: number;
}

interface LocalPort {
  readonly address: string;
  readonly port: number;
}

const g711: readonly Format[] = [
  { payloadType: 0, name: 'PCMU', clockRateHz: 8000 },
  { payloadType: 8, name: 'PCMA', clockRateHz: 8000 },
];
const opus: Format = { payloadType: 111, name: 'opus', clockRateHz: 48000 };
const speex: Format = { payloadType: 106, name: 'speex', clockRateHz: 16000 };
const events = (clockRateHz: number, payloadType: number): Format => ({ payloadType, name: 'telephone-event', clockRateHz });
const events8k = events(8000, 101);

/** What is offered so that events of this clock can be agreed; the payload numbers are not those a gateway may take for granted. */
function formatsFor(clockRateHz: number): readonly Format[] {
  if (clockRateHz === 48000) return [opus, ...g711, events(48000, 110), events8k];
  if (clockRateHz === 16000) return [speex, ...g711, events(16000, 109), events8k];
  return [...g711, events8k];
}

/** An offer for events of this clock. */
export function writeToolOffer(local: LocalPort, clockRateHz: number): string {
  return write(local, formatsFor(clockRateHz));
}

/** What the answer to `writeToolOffer` agrees to; undefined when there is no audio in it. */
export function readToolAnswer(answer: string, clockRateHz: number): AgreedMedia | undefined {
  const section = audioOf(answer);
  if (section === undefined) return undefined;
  const theirs = formatsOf(section);
  const ours = formatsFor(clockRateHz);
  return agree(section, theirs, (format) => ours.find((own) => sameFormat(own, format))?.payloadType, clockRateHz);
}

/** Answers an offer with one codec, of this clock where it can be, and the events of that codec's clock. */
export function answerOffer(
  offer: string,
  local: LocalPort,
  clockRateHz: number,
): { readonly sdp: string; readonly agreed: AgreedMedia } | undefined {
  const section = audioOf(offer);
  if (section === undefined) return undefined;
  const known = formatsOf(section).filter((format) => formatsFor(clockRateHz).some((own) => sameFormat(own, format)));
  const agreed = agree(section, known, (format) => format.payloadType, clockRateHz);
  if (agreed === undefined) return undefined;
  const { audio, events: agreedEvents } = agreed;
  const used = known.filter(({ payloadType }) => payloadType === audio.sendPayloadType || payloadType === agreedEvents?.sendPayloadType);
  return { sdp: write(local, used), agreed };
}

function agree(
  section: SdpSection,
  theirs: readonly Format[],
  receiveTypeOf: (format: Format) => number | undefined,
  clockRateHz: number,
): AgreedMedia | undefined {
  const audio = theirs.filter((format) => format.name !== 'telephone-event' && receiveTypeOf(format) !== undefined);
  const codec = audio.find((format) => format.clockRateHz === clockRateHz) ?? audio[0];
  if (codec === undefined || section.connectionAddress === undefined || section.port === 0) return undefined;
  const eventFormats = theirs.filter((format) => format.name === 'telephone-event' && receiveTypeOf(format) !== undefined);
  const chosen = eventFormats.find((format) => format.clockRateHz === codec.clockRateHz) ?? eventFormats[0];
  const media = {
    remote: { address: section.connectionAddress, port: section.port },
    audio: { name: codec.name, sendPayloadType: codec.payloadType, receivePayloadType: receiveTypeOf(codec) ?? codec.payloadType },
  };
  if (chosen === undefined) return media;
  const parameters = section.formatParameters.find(({ payloadType }) => payloadType === chosen.payloadType)?.parameters;
  return {
    ...media,
    events: {
      clockRateHz: chosen.clockRateHz,
      sendPayloadType: chosen.payloadType,
      receivePayloadType: receiveTypeOf(chosen) ?? chosen.payloadType,
      mask: eventMaskOf(parameters),
      listed: parameters !== undefined,
      audioClockRateHz: codec.clockRateHz,
    },
  };
}

function audioOf(sdp: string): SdpSection | undefined {
  return parseSdp(sdp).sections.find(({ kind, port }) => kind === 'audio' && port !== 0);
}

/** In the order of the `m=` line; the static numbers of G.711 need no `a=rtpmap` (RFC 3551 §6). */
function formatsOf(section: SdpSection): readonly Format[] {
  return section.formats.flatMap((text) => {
    const payloadType = Number(text);
    return section.rtpMaps.find((map) => map.payloadType === payloadType) ?? g711.find((map) => map.payloadType === payloadType) ?? [];
  });
}

function sameFormat(a: Format, b: Format): boolean {
  return a.name.toLowerCase() === b.name.toLowerCase() && a.clockRateHz === b.clockRateHz;
}

function write({ address, port }: LocalPort, formats: readonly Format[]): string {
  const family = isIPv6(address) ? 'IP6' : 'IP4';
  const lines = [
    ...['v=0', `o=dtmf-check 1 1 IN ${family} ${address}`, 's=-', `c=IN ${family} ${address}`, 't=0 0'],
    `m=audio ${port} RTP/AVP ${formats.map(({ payloadType }) => payloadType).join(' ')}`,
    ...formats.flatMap(({ payloadType, name, clockRateHz }) => [
      `a=rtpmap:${payloadType} ${name}/${clockRateHz}${name === 'opus' ? '/2' : ''}`,
      ...(name === 'telephone-event' ? [`a=fmtp:${payloadType} 0-16`] : []),
    ]),
    ...['a=ptime:20', 'a=sendrecv'],
  ];
  return `${lines.join('\r\n')}\r\n`;
}
