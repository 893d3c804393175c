import { GatewayError } from '../../base/errors.js';

export type SdpErrorInfo =
  /** It cannot be read at all. */
  | { readonly code: 'sdp-malformed'; readonly detail: string }
  /** It can be read and holds nothing we can take. */
  | { readonly code: 'sdp-not-acceptable'; readonly detail: string };

export function malformedSdp(detail: string): GatewayError<SdpErrorInfo> {
  return new GatewayError<SdpErrorInfo>({ code: 'sdp-malformed', detail }, `The SDP cannot be read: ${detail}.`);
}

export function unacceptableSdp(detail: string): GatewayError<SdpErrorInfo> {
  return new GatewayError<SdpErrorInfo>({ code: 'sdp-not-acceptable', detail }, `The SDP offers nothing we can take: ${detail}.`);
}
