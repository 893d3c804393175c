import type { NegotiatedTelephoneEvent, ReceiveFormat, SdpCodec } from './negotiated-audio.js';
import type { SdpSection } from './session-description.js';

/** The clock of everything we negotiate (RFC 3551 §4.5.14). */
export const CLOCK_RATE_HZ = 8000;
/** The sixteen digits (RFC 4733 §2.4.1: what no fmtp means). */
export const ALL_DIGITS_MASK = 0xffff;
const HIGHEST_EVENT = 16;

/** Payload types bound without rtpmap (RFC 3551 §6). */
const STATIC_TYPES: ReadonlyMap<number, SdpCodec> = new Map([
  [0, 'PCMU'],
  [8, 'PCMA'],
]);
export const STATIC_PAYLOAD_TYPE: Readonly<Record<SdpCodec, number>> = { PCMU: 0, PCMA: 8 };

export interface CodecFormat {
  readonly codec: SdpCodec;
  readonly payloadType: number;
}

export interface EventFormat {
  readonly payloadType: number;
  readonly clockRateHz: number;
  /** Bit n: event n is listed. */
  readonly eventMask: number;
}

/** The G.711 formats of a section in its own order, by rtpmap or by static number. */
export function codecsOf(section: SdpSection): readonly CodecFormat[] {
  return payloadTypesOf(section).flatMap((payloadType) => {
    const map = section.rtpMaps.find((candidate) => candidate.payloadType === payloadType);
    const codec = map === undefined ? STATIC_TYPES.get(payloadType) : codecNamed(map.name, map.clockRateHz);
    return codec === undefined ? [] : [{ codec, payloadType }];
  });
}

/** Its telephone-event formats, those of the audio's clock first, whatever their order (survey D11; never pick by order). */
export function eventsOf(section: SdpSection): readonly EventFormat[] {
  const types = payloadTypesOf(section);
  return section.rtpMaps
    .filter(({ name, payloadType }) => name === 'telephone-event' && types.includes(payloadType))
    .map(({ payloadType, clockRateHz }) => {
      const parameters = section.formatParameters.find((candidate) => candidate.payloadType === payloadType)?.parameters;
      return { payloadType, clockRateHz: clockRateHz > 0 ? clockRateHz : CLOCK_RATE_HZ, eventMask: eventMaskOf(parameters) };
    })
    .sort((a, b) => Number(b.clockRateHz === CLOCK_RATE_HZ) - Number(a.clockRateHz === CLOCK_RATE_HZ));
}

/** Reads the event list of an fmtp, `0-15,66` (RFC 4733 §2.4.1), also with the `events=` some put before it; none or unreadable = 0–15. */
export function eventMaskOf(parameters: string | undefined): number {
  if (parameters === undefined) return ALL_DIGITS_MASK;
  let mask = 0;
  for (const part of parameters.replace(/^\s*events\s*=/i, '').split(',')) {
    const match = /^\s*(\d{1,3})(?:\s*-\s*(\d{1,3}))?\s*$/.exec(part);
    if (match === null) continue;
    const from = Number(match[1]);
    const to = Math.min(HIGHEST_EVENT, Number(match[2] ?? match[1]));
    for (let event = from; event <= to; event += 1) mask |= 1 << event;
  }
  return mask === 0 && !/\d/.test(parameters) ? ALL_DIGITS_MASK : mask;
}

/** What we may receive of an agreement. */
export function receiveFormats(codecs: readonly CodecFormat[], eventPayloadTypes: readonly number[]): readonly ReceiveFormat[] {
  const formats: ReceiveFormat[] = codecs.map(({ codec, payloadType }) => ({ payloadType, format: codec }));
  for (const payloadType of eventPayloadTypes) {
    if (!formats.some((format) => format.payloadType === payloadType)) formats.push({ payloadType, format: 'telephone-event' });
  }
  return formats;
}

/** The sending side of what the peer said of events. */
export function negotiatedEvents(event: EventFormat | undefined): { readonly telephoneEvent?: NegotiatedTelephoneEvent } {
  if (event === undefined) return {};
  const { clockRateHz, payloadType, eventMask } = event;
  return { telephoneEvent: { clockRateHz, sendPayloadType: payloadType, sendEventMask: eventMask } };
}

/** `rtpmap`, `fmtp` and `ptime` lines of ours (RFC 4733 §2.4.1 wants the event list said). */
export function formatLines(
  codecs: readonly CodecFormat[],
  event: Pick<EventFormat, 'payloadType' | 'clockRateHz'> | undefined,
  events: '0-15' | '0-16' = '0-15',
): readonly string[] {
  return [
    ...codecs.map(({ codec, payloadType }) => `a=rtpmap:${payloadType} ${codec}/${CLOCK_RATE_HZ}`),
    ...(event === undefined
      ? []
      : [`a=rtpmap:${event.payloadType} telephone-event/${event.clockRateHz}`, `a=fmtp:${event.payloadType} ${events}`]),
    'a=ptime:20',
  ];
}

/** The formats of an `m=` line. */
export function formatList(codecs: readonly CodecFormat[], event: Pick<EventFormat, 'payloadType'> | undefined): string {
  return [...codecs.map(({ payloadType }) => payloadType), ...(event === undefined ? [] : [event.payloadType])].join(' ');
}

function payloadTypesOf(section: SdpSection): readonly number[] {
  return section.formats.filter((format) => /^\d{1,3}$/.test(format) && Number(format) <= 127).map(Number);
}

function codecNamed(name: string, clockRateHz: number): SdpCodec | undefined {
  if (clockRateHz !== CLOCK_RATE_HZ) return undefined;
  if (name === 'pcmu') return 'PCMU';
  return name === 'pcma' ? 'PCMA' : undefined;
}
