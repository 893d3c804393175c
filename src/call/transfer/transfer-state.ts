/** How far a transfer of a connected call is; the arrows are in `transfer.ts`. */
import type { CallId } from '../../base/ids.js';
import type { LegName, LegOptions } from '../../media/plane.js';
import type { LegKind } from '../facts.js';
import type { FailureCode } from '../failure-code.js';
import type { RouteTarget } from '../ports.js';
import type { Referral } from './refer.js';

/** Who takes the place of the one who transfers. */
export type TransferPlan =
  /** Somebody to be called, or to be told to take a dialog of his over (`referral.replaces`). */
  | { readonly kind: 'dial'; readonly target: RouteTarget }
  /** The far end of a leg of another call of ours. */
  | { readonly kind: 'join'; readonly call: CallId; readonly leg: LegName; readonly to: LegKind; readonly media: LegOptions };

interface Referred {
  /** The leg whose place is to be taken. */
  readonly referrer: LegName;
  readonly referral: Referral;
  /** Phones often hang up as soon as their REFER is accepted. */
  readonly presence: 'there' | 'gone';
}

/**
 * ```
 *  none ──REFER──▶ judging ──allowed──▶ preparing ──▶ calling ──200──▶ accepting ──▶ none, seated
 *    │                 └──to the carrier──▶ passed        ↻ next peer
 *    └──INVITE with Replaces──▶ taking ──▶ none, seated
 *
 *  each of them ── refusal, fault, time-out ──▶ none, as before
 * ```
 */
export type Transfer =
  | { readonly name: 'none' }
  | ({ readonly name: 'judging' } & Referred)
  | ({ readonly name: 'preparing'; readonly plan: TransferPlan } & Referred)
  | ({
      readonly name: 'calling';
      readonly plan: TransferPlan;
      readonly offer: string;
      readonly attempt: number;
      readonly last?: { readonly failure: FailureCode; readonly status?: number };
    } & Referred)
  | ({ readonly name: 'accepting'; readonly plan: TransferPlan } & Referred)
  /** The carrier does it; its reports are handed on. */
  | ({ readonly name: 'passed' } & Referred)
  /** Somebody of the same trunk calls in to take over `referrer` (RFC 3891). */
  | { readonly name: 'taking'; readonly referrer: LegName; readonly presence: 'there' | 'gone' };

/** A transfer of one name. */
export type TransferOf<N extends Transfer['name']> = Extract<Transfer, { readonly name: N }>;

/** No transfer. */
export const noTransfer: Transfer = { name: 'none' };

/** What a transferred leg becomes. */
export const plannedKind = (plan: TransferPlan): LegKind => (plan.kind === 'dial' ? plan.target.kind : plan.to);
/** How the media of the new leg is made. */
export const plannedMedia = (plan: TransferPlan): LegOptions => (plan.kind === 'dial' ? plan.target.media : plan.media);

/** The leg of one who has hung up before his transfer came to an end. */
export function goneInTransfer(transfer: Transfer): LegName | undefined {
  return transfer.name !== 'none' && transfer.presence === 'gone' ? transfer.referrer : undefined;
}
