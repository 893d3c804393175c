/** A call as an edge hands it to the core: who calls, whom, and the SIP leg to answer. */
import type { LegOptions } from '../media/plane.js';
import type { InboundCall } from '../sip/port.js';
import type { CallDirection, Party } from './facts.js';

/** What an edge makes of an INVITE after it has decided who is calling. Nothing here is a mere claim of the caller. */
export interface CallRequest {
  readonly direction: CallDirection;
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
  /** A limit of its own, shorter than the gateway's. */
  readonly maxCallMs?: number;
  /** Called once when the call is over or refused: the edge may give back what it counts. */
  readonly onOver?: () => void;
}
