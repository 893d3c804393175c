import type { G711Law } from '../codec/g711.js';
import { RtpPacket } from '../rtp/rtp-packet.js';

/** What became of a packet: it left, was taken as a digit, or why it was dropped. */
export type RelayOutcome =
  | 'audio'
  | 'digit'
  /** Audio while a digit is under way or just ended. */
  | 'muted'
  /** Not one of the formats agreed on. */
  | 'payload-type'
  /** Our own packet came back (RFC 3550 §8.2). */
  | 'loop'
  /** A duplicate, too late, or an unconfirmed jump. */
  | 'sequence'
  /** No payload, too long a payload, or no event in an event packet. */
  | 'malformed'
  /** The other leg may not be sent to (yet, or on hold). */
  | 'no-output';

/** One packet on its way through the stages; a single object per path, pointed at packet after packet. */
export class RelayFrame {
  packet = new RtpPacket();
  /** Set by the payload type filter. */
  format: G711Law | 'telephone-event' = 'PCMU';
}

/** A step of a path. Undefined hands the frame to the next stage; anything else is where it ended. Stages hold no packet and allocate nothing. */
export interface RelayStage {
  process(frame: RelayFrame, nowMs: number): RelayOutcome | undefined;
}
