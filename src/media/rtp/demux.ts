/** What a datagram on a browser's port is, told by its first byte (RFC 7983 §7). */
export type DatagramKind = 'stun' | 'zrtp' | 'dtls' | 'turn-channel' | 'rtp' | 'unknown';

/** First byte only; whether `rtp` is RTP or RTCP is `isRtcp`'s question. */
export function kindOfDatagram(firstByte: number): DatagramKind {
  if (firstByte >= 128 && firstByte <= 191) return 'rtp';
  if (firstByte <= 3) return 'stun';
  if (firstByte >= 20 && firstByte <= 63) return 'dtls';
  if (firstByte >= 64 && firstByte <= 79) return 'turn-channel';
  if (firstByte >= 16 && firstByte <= 19) return 'zrtp';
  return 'unknown';
}

/**
 * Tells RTCP from RTP on one port by the second byte: packet types 192–223, where RTP with its marker
 * would have payload types 64–95, which nobody may use with rtcp-mux (RFC 5761 §4).
 */
export function isRtcp(secondByte: number): boolean {
  return secondByte >= 192 && secondByte <= 223;
}
