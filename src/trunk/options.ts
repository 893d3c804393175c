import type { TrunkTarget } from '../call/ports.js';
import type { Credentials } from '../sip/port.js';

/** One signalling address of a carrier. Lower `priority` first. */
export interface TrunkPeer {
  /** `sip:host:port;transport=udp`. */
  readonly uri: string;
  readonly priority: number;
  readonly weight: number;
}

/** How numbers are written toward the trunk: `+441234567890`, `441234567890`, or as they were dialled. */
export type NumberFormat = 'e164' | 'e164-no-plus' | 'as-dialled';

export interface TrunkOptions {
  readonly id: string;
  readonly peers: readonly TrunkPeer[];
  readonly credentials?: Credentials;
  /** Host part of From, our own address toward the carrier; the peer's host when absent. */
  readonly domain?: string;
  /** Number shown when the caller has none of its own. */
  readonly callerId: string;
  readonly numberFormat: NumberFormat;
  readonly codecs: TrunkTarget['media']['codecs'];
  /** CIDR blocks whose INVITEs are this trunk's, besides the peers that are given by address. */
  readonly allow: readonly string[];
  /** CIDR blocks its RTP may come from besides the address in its SDP. */
  readonly mediaAllow: readonly string[];
  /** Calls at one time, both directions. */
  readonly maxCalls?: number;
  /** New outbound calls. */
  readonly callsPerSecond?: number;
}
