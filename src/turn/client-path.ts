import { household, networkPrefix } from '../base/network-prefix.js';

/** The way to and from one client: its end of the five-tuple that an allocation belongs to (RFC 8656 §3.2). */
export interface ClientPath {
  /** Names the five-tuple. */
  readonly id: string;
  readonly address: string;
  readonly port: number;
  /** TCP or TLS: ChannelData is padded there, and who a client is cannot be forged. */
  readonly isStream: boolean;
  /** Sends, or drops what there is no room for; never throws and never waits. */
  send(bytes: Buffer): void;
}

/** By whom quotas count: an IPv4 address, or of an IPv6 address what one household has. */
export const householdOf = (address: string): string => networkPrefix(address, household);
