/** Serial number arithmetic (RFC 1982 §3) on the 16-bit sequence numbers and 32-bit timestamps of RTP (RFC 3550 §5.1). */

/** Signed distance from `from` to `to` on the 16-bit circle, −32768…32767: positive when `to` is newer. */
export function sequenceDelta(from: number, to: number): number {
  return ((to - from) << 16) >> 16;
}

/** Signed distance from `from` to `to` on the 32-bit circle, −2³¹…2³¹−1: positive when `to` is newer. */
export function timestampDelta(from: number, to: number): number {
  return (to - from) | 0;
}

/** `timestamp` moved by `units` (either sign, any size below 2⁵³), on the 32-bit circle. */
export function addTimestamp(timestamp: number, units: number): number {
  return (timestamp + units) >>> 0;
}

/**
 * The sequence number with its wraps counted (RFC 3550 §A.1, "extended highest sequence number"):
 * the number congruent to `sequence` that lies nearest to `near`. May be negative just below the first.
 */
export function extendSequence(near: number, sequence: number): number {
  return near + sequenceDelta(near & 0xffff, sequence);
}
