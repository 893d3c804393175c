import type { G711Law } from '../codec/g711.js';

export type LegKind = 'webrtc' | 'udp';

/** What the relay needs to know of a negotiated leg; `NegotiatedAudio` of media/sdp has this shape. */
export interface RelayFormat {
  readonly codec: G711Law;
  readonly sendPayloadType: number;
  readonly receivePayloadTypes: readonly { readonly payloadType: number; readonly format: G711Law | 'telephone-event' }[];
  readonly telephoneEvent?: {
    readonly clockRateHz: number;
    readonly sendPayloadType?: number;
    readonly sendEventMask: number;
  };
  readonly direction: 'sendrecv' | 'sendonly' | 'recvonly' | 'inactive';
  /** How digits travel on this leg, both ways; `events` when absent. */
  readonly digits?: SettledCarriage;
}

/** What an offer and its answer make of a leg's carriage of digits. */
export type SettledCarriage = 'events' | 'tones' | 'none';

/** We may send to the peer of this leg (RFC 3264 §6.1). */
export function maySend(format: RelayFormat): boolean {
  return format.direction === 'sendrecv' || format.direction === 'sendonly';
}

/** How a leg's receiving side reads in a path line, e.g. `webrtc(PCMU,te 126/8000)`. */
export function describeReceiving(kind: LegKind, format: RelayFormat | undefined): string {
  if (format === undefined) return `${kind}(-)`;
  const codecs = format.receivePayloadTypes.map((received) => received.format).filter((name) => name !== 'telephone-event');
  const events = format.receivePayloadTypes.find((received) => received.format === 'telephone-event');
  return describe(kind, [...new Set(codecs)].join('+'), format, events?.payloadType);
}

/** How a leg's sending side reads in a path line, e.g. `udp(PCMA,te 101/8000)`; `udp(PCMA,tones)`; `udp(held)` when nothing may be sent. */
export function describeSending(kind: LegKind, format: RelayFormat | undefined): string {
  if (format === undefined) return `${kind}(-)`;
  if (!maySend(format)) return `${kind}(held)`;
  return describe(kind, format.codec, format, format.telephoneEvent?.sendPayloadType);
}

function describe(kind: LegKind, codecs: string, { digits, telephoneEvent }: RelayFormat, events: number | undefined): string {
  if (digits === 'tones') return `${kind}(${codecs},tones)`;
  return events === undefined ? `${kind}(${codecs})` : `${kind}(${codecs},te ${events}/${telephoneEvent?.clockRateHz})`;
}
