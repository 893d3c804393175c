import type { Party } from '../call/facts.js';
import type { UserTarget } from '../call/ports.js';

/** A person or seat that may register from a page. */
export interface BrowserUser {
  readonly name: string;
  /** Absent: registers without one, and only where `allowPasswordless` is set. */
  readonly password?: string;
  /** Number shown to the called side; the trunk's caller id when absent. */
  readonly from?: string;
  readonly displayName?: string;
}

export interface BrowserEdgeOptions {
  /** Answered to browsers, in order of preference. */
  readonly codecs: UserTarget['media']['codecs'];
  readonly users: readonly BrowserUser[];
  /** Digest realm, and the domain in addresses shown to browsers. */
  readonly realm: string;
  /** For a loopback listener only: users without a password may register. */
  readonly allowPasswordless: boolean;
  /** A page needs a ticket to call, unless it has registered. */
  readonly ticketsRequired?: boolean;
  /** Who a page is that has not registered; absent: such a page may not call without a ticket. */
  readonly guest?: Party;
  readonly registration: {
    readonly minSeconds: number;
    readonly maxSeconds: number;
    readonly defaultSeconds: number;
    /** Flows at the same time for one user; the oldest goes. */
    readonly maxFlowsPerUser: number;
    /** How often a page that knows RFC 5626 should send something, so that nothing on the way closes its connection. */
    readonly flowTimerSeconds: number;
  };
}

export const defaultRegistration: BrowserEdgeOptions['registration'] = {
  minSeconds: 30,
  maxSeconds: 3600,
  defaultSeconds: 300,
  maxFlowsPerUser: 5,
  flowTimerSeconds: 120,
};
