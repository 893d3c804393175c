/** A call as an edge hands it to the core: who calls, whom, and the SIP leg to answer. */
import type { LegOptions } from '../media/plane.js';
import type { InboundCall } from '../sip/port.js';
import type { CallAccount } from './account.js';
import type { DigitRules } from './digits/digit-rules.js';
import type { ExpectedDirection, Party } from './facts.js';

/**
 * What a trusted edge learnt about the caller and the call's way here, and what a dialler may pass on
 * by its own policy. A browser's edge fills in nothing of what its page says.
 */
export interface CallIdentity {
  /** Asserted by a trunk (RFC 3325), or known of a registered user. */
  readonly asserted?: Party;
  /** The caller asked not to be shown (RFC 3323 `id`, `user`, `header`; RFC 5767 for a B2BUA). */
  readonly anonymous?: boolean;
  /** Header values as they came, newest first: Diversion (RFC 5806), History-Info (RFC 7044), Identity (RFC 8224). */
  readonly diversion?: readonly string[];
  readonly historyInfo?: readonly string[];
  readonly signed?: readonly string[];
}

/** What an edge makes of an INVITE after it has decided who is calling. Nothing here is a mere claim of the caller. */
export interface CallRequest {
  readonly direction: ExpectedDirection;
  /** The calling leg; the core answers or rejects it, the edge does not touch it again. */
  readonly leg: InboundCall;
  /** How the calling leg's media is made. */
  readonly media: LegOptions;
  readonly from: Party;
  /** Normalised: `+15550123456`, `100`, `*21#`. */
  readonly to: string;
  /** The registered user who calls, when one does. */
  readonly user?: string;
  /** The trunk it came in on, when it came from one. */
  readonly trunk?: string;
  readonly identity?: CallIdentity;
  /** How the trunk it came in on takes and gives digits. */
  readonly digits?: DigitRules;
  /** Whether the trunk it came in on is told of hold, and moves a transferred call itself. */
  readonly hold?: 'pass' | 'absorb';
  readonly transfer?: 'gateway' | 'refer';
  /** Hops left, one less than came in; 0 hops never get here (RFC 3261 §16.3). */
  readonly maxForwards?: number;
  /** To whom the call is accounted; absent for calls of trunks, and of pages that nobody vouches for. */
  readonly account?: CallAccount;
  /** A limit of its own, shorter than the gateway's. */
  readonly maxCallMs?: number;
  /** Called once when the call is over or refused: the edge may give back what it counts. */
  readonly onOver?: () => void;
}

/** To whom a call toward a telephone is accounted. */
export interface Accounting {
  readonly account?: CallAccount;
  /** Where the page is that calls; absent for a call that came in by a trunk. */
  readonly address?: string;
}

/** What whoever dials on behalf of this call is to say of it. */
export function accountingOf({ account, direction, leg }: CallRequest): Accounting {
  return {
    ...(account === undefined ? {} : { account }),
    ...(direction === 'browser-to-trunk' ? { address: leg.source.address } : {}),
  };
}
