import type { DigitFailure, DigitSource, DigitWay } from '../call/digits/digit-fact.js';
import type { CallDirection, EndedBy, LegKind, PageHint } from '../call/facts.js';
import type { AudioCodec, SilenceCause } from '../media/plane.js';

/** What one leg carried, as seen from the gateway. */
export interface MediaSummary {
  readonly codec?: AudioCodec;
  readonly packetsReceived: number;
  readonly packetsSent: number;
  readonly packetsLost: number;
  readonly jitterMs: number;
  readonly roundTripMs?: number;
}

/** A direction that carried nothing for a time. */
export interface SilenceNote {
  readonly leg: LegKind;
  readonly cause: SilenceCause;
  readonly at: string;
  /** When it was over; absent when it lasted to the end of the call. */
  readonly resumedAt?: string;
}

/** One key press. */
export interface DigitReceipt {
  /** Counts from 1 in each call, in the order the gateway saw the presses. */
  readonly id: number;
  /** `•` when it was pressed while a secure window was open. */
  readonly digit: string;
  readonly from: LegKind;
  readonly by: DigitSource;
  readonly at: string;
  readonly durationMs: number;
  /** How it left; absent when it did not. */
  readonly sent?: { readonly as: DigitWay; readonly durationMs: number; readonly packets?: number; readonly at: string };
  /** `sent` by media, `acknowledged` as INFO, or `failed`; absent while that is open. */
  readonly outcome?: 'sent' | 'acknowledged' | 'failed';
  readonly why?: DigitFailure;
}

/** The key presses of a call. */
export interface DigitsSummary {
  readonly fromBrowser: number;
  readonly fromTrunk: number;
  /** How many of all did not arrive. */
  readonly lost: number;
  /** The first ones, one by one. */
  readonly receipts: readonly DigitReceipt[];
  /** How many more there were; absent when none. */
  readonly moreReceipts?: number;
}

/** Somebody who was to take the place of one side of the call. */
export interface TransferNote {
  /** Who asked for it. */
  readonly by: LegKind;
  readonly to: string;
  readonly at: string;
  /** SIP status it came to; 200 when `to` took the place. Absent when the call ended first. */
  readonly status?: number;
}

/** What the page said of its sound while the call was up. */
export interface PageQualityNote {
  /** 1 to 5. */
  readonly lowestScore: number;
  /** What ailed it at some time; empty when nothing did. */
  readonly hints: readonly PageHint[];
}

/** What the person at the page thought of the call. */
export interface CallRating {
  readonly stars: 1 | 2 | 3 | 4 | 5;
  readonly comment?: string;
  readonly at: string;
}

/** A rating that came when the record was written already: a line of its own in the CDR file. */
export interface RatingLine extends CallRating {
  readonly type: 'rating';
  readonly callId: string;
}

/**
 * One finished call, as it is written to the CDR file: one JSON object a line, these names, in this
 * order. Names are never changed or given another meaning; new ones may be added. Times are
 * ISO 8601 in UTC, numbers whole.
 */
export interface CallRecord {
  readonly callId: string;
  readonly direction: CallDirection;
  /** Who called: a number or a user's name. */
  readonly from: string;
  /** What was called, normalised. */
  readonly to: string;
  /** Trunk it left or came by. */
  readonly trunk?: string;
  /** Trunk it came by, of a call that is forwarded to another telephone. */
  readonly forwardedFrom?: string;
  /** Browser user that was called, or group of them. */
  readonly user?: string;
  /** User of the group who took the call. */
  readonly answeredBy?: string;
  /** Web origin of the page that called. */
  readonly origin?: string;
  /** Public key of the website the call was made from. */
  readonly site?: string;
  /** Visitor the ticket was made out to. An address or a number is masked. */
  readonly visitor?: string;
  /** Number of the ticket. */
  readonly ticket?: string;
  /** What was called by name in place of a number. */
  readonly alias?: string;
  /** `host:port` the caller's signalling came from. */
  readonly source: string;
  readonly startedAt: string;
  readonly ringingAt?: string;
  readonly answeredAt?: string;
  readonly endedAt: string;
  /** Answer to end, in milliseconds; 0 when never answered. */
  readonly talkMs: number;
  readonly totalMs: number;
  readonly endedBy: EndedBy;
  /** `completed`, or what became of the call instead. */
  readonly disposition: string;
  /** Code of the failure; absent for a call that was completed. */
  readonly failure?: string;
  /** Final SIP status of the called side. */
  readonly sipStatus?: number;
  /** ITU-T Q.850 cause value. */
  readonly q850: number;
  /** What was pressed on each side, and what became of it. */
  readonly digits: DigitsSummary;
  /** Why media could not be set up, when it could not. */
  readonly mediaFailure?: string;
  readonly silences: readonly SilenceNote[];
  /** Transfers that were asked for, in their order; absent when there was none. */
  readonly transfers?: readonly TransferNote[];
  /** How long one side or the other had the call on hold, in milliseconds; absent when never. */
  readonly heldMs?: number;
  /** Leg `a` called, leg `b` was called. */
  readonly mediaA?: MediaSummary;
  readonly mediaB?: MediaSummary;
  /** Absent when no page said anything. */
  readonly pageQuality?: PageQualityNote;
  /** Rule of the policy that refused or ended the call. */
  readonly rule?: string;
  /** What it cost by the operator's rates. */
  readonly cost?: number;
  /** Currency of the cost (ISO 4217). */
  readonly currency?: string;
  /** How often a page came back to the call, after a reload or on another network. */
  readonly reattached?: number;
  readonly rating?: CallRating;
}
