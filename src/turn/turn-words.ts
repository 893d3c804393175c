/** Numbers of TURN: methods, attributes, errors (RFC 8656 §17 to §19, RFC 8489 §18). */

export const method = {
  binding: 0x001,
  allocate: 0x003,
  refresh: 0x004,
  send: 0x006,
  data: 0x007,
  createPermission: 0x008,
  channelBind: 0x009,
} as const;

export const attribute = {
  username: 0x0006,
  errorCode: 0x0009,
  unknownAttributes: 0x000a,
  channelNumber: 0x000c,
  lifetime: 0x000d,
  xorPeerAddress: 0x0012,
  data: 0x0013,
  realm: 0x0014,
  nonce: 0x0015,
  xorRelayedAddress: 0x0016,
  requestedAddressFamily: 0x0017,
  evenPort: 0x0018,
  requestedTransport: 0x0019,
  xorMappedAddress: 0x0020,
  reservationToken: 0x0022,
  additionalAddressFamily: 0x8000,
  addressErrorCode: 0x8001,
} as const;

/** Attributes below this number must be understood, or the request refused (RFC 8489 §14). */
export const firstOptionalAttribute = 0x8000;

/**
 * Channel numbers. Deviates: RFC 8656 §12 ends them at 0x4fff, RFC 5766 §11 at 0x7ffe. Clients of the older
 * one are served too, since nothing else comes on the ports of this server.
 */
export const firstChannel = 0x4000;
export const lastChannel = 0x7ffe;

/** Whether a message that begins with this byte is ChannelData. */
export const isChannelByte = (first: number): boolean => first >= firstChannel >> 8 && first <= lastChannel >> 8;

/** Protocol number of UDP in REQUESTED-TRANSPORT. */
export const udpProtocol = 17;

export const familyIpv4 = 1;
export const familyIpv6 = 2;

/** Why a request is refused, as its answer says it. */
export const errorReason = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  420: 'Unknown Attribute',
  437: 'Allocation Mismatch',
  438: 'Stale Nonce',
  440: 'Address Family not Supported',
  441: 'Wrong Credentials',
  442: 'Unsupported Transport Protocol',
  443: 'Peer Address Family Mismatch',
  486: 'Allocation Quota Reached',
  508: 'Insufficient Capacity',
} as const;

export type TurnError = keyof typeof errorReason;

/** The value of ERROR-CODE (RFC 8489 §14.8). */
export function errorValue(code: TurnError): Buffer {
  return Buffer.concat([Buffer.from([0, 0, Math.floor(code / 100), code % 100]), Buffer.from(errorReason[code], 'ascii')]);
}
