/** Who may transfer a call, and where to: a REFER to any number would be a door for toll fraud. */
import type { LegKind } from '../facts.js';
import type { FailureCode } from '../failure-code.js';
import type { RouteDecision, Router, RouteTarget } from '../ports.js';
import type { CallRequest } from '../request.js';
import type { Referral } from './refer.js';

/** Rules of a configuration. */
export interface TransferRules {
  /** Pages that are nobody in particular. */
  readonly guests: boolean;
  /** Users that have proved who they are. */
  readonly users: boolean;
  /** Telephones behind a trunk. */
  readonly trunks: boolean;
}

/** What the gateway uses when the configuration says nothing. */
export const defaultTransferRules: TransferRules = { guests: false, users: true, trunks: true };

/** Who asks for a transfer, and in which call. */
export interface TransferAsk {
  readonly request: CallRequest;
  readonly by: LegKind;
  /** The user who asks, when a known one does. */
  readonly user?: string;
  readonly referral: Referral;
}

export type TransferVerdict =
  | { readonly kind: 'allowed'; readonly target: RouteTarget }
  | { readonly kind: 'refused'; readonly failure: FailureCode };

/** Judges by the rules and by what may be dialled at all. */
export class TransferPolicy {
  constructor(
    private readonly rules: TransferRules,
    private readonly deps: {
      readonly router: Router /** Whether a number is one of our own. */;
      readonly isOurs: (number: string) => boolean;
    },
  ) {}

  /**
   * Whether whoever asks may transfer at all; what he may dial is another question. A ticket is for one
   * destination, so that the page which came by it cannot send its call to another.
   */
  mayTransfer({ by, user, request }: Pick<TransferAsk, 'by' | 'user' | 'request'>): boolean {
    if (by === 'trunk') return this.rules.trunks;
    if (user !== undefined) return this.rules.users;
    return this.rules.guests && request.account?.ticket === undefined;
  }

  judge(ask: TransferAsk): TransferVerdict {
    if (!this.mayTransfer(ask)) return { kind: 'refused', failure: 'destination-denied' };
    const { to } = ask.referral;
    const inward = !/^\+?[\d*#]+$/.test(to) || this.deps.isOurs(to);
    const decision = this.route(ask, inward ? 'trunk-to-browser' : 'browser-to-trunk');
    return decision.kind === 'refused' ? decision : { kind: 'allowed', target: decision.target };
  }

  private route({ request, user, referral }: TransferAsk, direction: CallRequest['direction']): RouteDecision {
    const { user: _caller, ...rest } = request;
    return this.deps.router.route({ ...rest, direction, to: referral.to, ...(user === undefined ? {} : { user }) });
  }
}
