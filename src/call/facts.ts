/**
 * The one stream of call facts. CDR, metrics, log lines and the live view are folds over it, so
 * they cannot disagree. A fact is past tense and plain data; it never holds a secret, and which digit
 * was pressed in one kind alone. Numbers are whole here: a fold that writes for people masks them.
 */
import type { CallId } from '../base/ids.js';
import type { AudioCodec, LegFailure, LegName, LegStats, MediaDirection, SilenceCause } from '../media/plane.js';
import type { CallAccount } from './account.js';
import type { DigitFact } from './digits/digit-fact.js';
import type { FailureCode } from './failure-code.js';
import type { LegKind } from './leg-kind.js';

export type { LegKind };
/** Who calls whom. */
export type CallDirection = `${LegKind}-to-${LegKind}`;
/** What is expected of a call that has no target yet: pages call telephones, telephones call pages. */
export type ExpectedDirection = 'browser-to-trunk' | 'trunk-to-browser';

/** Which bound of the gateway one more call would break. */
export type Crowded = 'calls' | 'calls-per-second' | 'loop-delay' | 'draining';

export interface Party {
  /** Number or user name, normalised (`+15550123456`, `demo`). */
  readonly number: string;
  readonly displayName?: string;
}

/** What ails the sound of a page, as it sees it. */
export type PageHint = 'network-slow' | 'network-loss' | 'no-incoming-sound' | 'microphone-silent';

export type EndedBy = 'caller' | 'callee' | 'gateway';

export type CallFactBody =
  | {
      readonly type: 'received';
      readonly direction: ExpectedDirection;
      readonly from: Party;
      readonly to: string;
      /** Source address of the signalling, `host:port`. */
      readonly source: string;
      readonly origin?: string;
      /** The trunk it came in on. */
      readonly trunk?: string;
      readonly account?: CallAccount;
    }
  /** A rule of the policy was asked about the call, or about a part of it, and this is what it said. */
  | {
      readonly type: 'decision';
      /** Where the rule stands, such as `policy.destinations.deny` or `sites[shop].limits.perMinute`. */
      readonly rule: string;
      readonly verdict: 'allowed' | 'refused' | 'ended' | 'routed';
      /** In a sentence for the operator. Never a whole number. */
      readonly why: string;
      readonly failure?: FailureCode;
    }
  /**
   * A SIP dialog of a leg begins, or is tried for: its INVITE is about to leave, or has come. `leg` is where it
   * sits, or is to sit once somebody is transferred to it.
   */
  | { readonly type: 'leg'; readonly leg: LegName; readonly kind: LegKind; readonly sipCallId: string }
  /** The gateway had no room for the call; `ended` follows. */
  | { readonly type: 'crowded'; readonly bound: Crowded }
  | {
      readonly type: 'routed';
      /** What the call is with this target. */
      readonly direction: CallDirection;
      readonly trunk?: string;
      readonly user?: string;
      readonly dialled: string;
    }
  /** A target did not take the call, which goes on to another one; `routed` follows. */
  | {
      readonly type: 'attempt-failed';
      readonly trunk?: string;
      readonly user?: string;
      readonly failure: FailureCode;
      readonly sipStatus?: number;
    }
  | { readonly type: 'progress'; readonly status: number; readonly earlyMedia: boolean }
  | { readonly type: 'ringing' }
  /** `by`: the user of a group who took the call. */
  | { readonly type: 'answered'; readonly by?: string }
  | { readonly type: 'media-up'; readonly leg: LegName; readonly kind: LegKind }
  | {
      readonly type: 'media-silent';
      readonly leg: LegName;
      readonly kind: LegKind;
      readonly silentMs: number;
      readonly cause: SilenceCause;
      readonly detail: string;
    }
  | { readonly type: 'media-resumed'; readonly leg: LegName; readonly kind: LegKind }
  /**
   * What the page of a leg says of the sound it gets and gives, told when that changes. It is the page's word alone;
   * figures as its browser has them, loss of the worse direction.
   */
  | {
      readonly type: 'page-quality';
      readonly leg: LegName;
      /** From 5, as over a good telephone line, to 1. */
      readonly score: 1 | 2 | 3 | 4 | 5;
      readonly roundTripMs: number;
      readonly lostPercent: number;
      readonly jitterMs: number;
      readonly hint?: PageHint;
    }
  /** Media of a leg could not be set up, or was set up with somebody else. */
  | { readonly type: 'media-failed'; readonly leg: LegName; readonly kind: LegKind; readonly cause: LegFailure; readonly detail: string }
  /** What the call cost by the operator's rates, told right before its end. */
  | { readonly type: 'cost'; readonly amount: number; readonly currency: string }
  | DigitFact
  | { readonly type: 'flow-lost'; readonly leg: LegName }
  | { readonly type: 'reoffer'; readonly leg: LegName; readonly accepted: boolean }
  /** The far end of a leg put the call on hold, or took it off. */
  | { readonly type: 'held'; readonly leg: LegName; readonly kind: LegKind; readonly direction: MediaDirection }
  | { readonly type: 'resumed'; readonly leg: LegName; readonly kind: LegKind }
  /** A page whose connection was lost is back. */
  | { readonly type: 'reattached'; readonly leg: LegName }
  | {
      readonly type: 'transfer-requested';
      readonly leg: LegName;
      readonly kind: LegKind;
      readonly to: string;
      /** The one who transfers has spoken to the target before. */
      readonly attended: boolean;
    }
  /** `leg` is somebody else now; `kind` is what it has become. */
  | { readonly type: 'transferred'; readonly leg: LegName; readonly kind: LegKind; readonly to: string }
  | {
      readonly type: 'transfer-failed';
      readonly leg: LegName;
      readonly kind: LegKind;
      readonly status: number;
      readonly failure?: FailureCode;
    }
  /** A leg was taken over by an INVITE with Replaces (RFC 3891). */
  | { readonly type: 'replaced'; readonly leg: LegName; readonly kind: LegKind }
  /**
   * A page was given, or is offered, a token by which it is known again; `digest` stands for it (`tokenDigest`).
   */
  | { readonly type: 'page-token'; readonly leg: LegName; readonly digest: string }
  /** The person at the page said how good the call was; may come after `ended`. */
  | { readonly type: 'rated'; readonly stars: 1 | 2 | 3 | 4 | 5; readonly comment?: string }
  | {
      readonly type: 'ended';
      readonly by: EndedBy;
      /** `completed` for a call that was answered and hung up by a person. */
      readonly disposition: string;
      readonly failure?: FailureCode;
      /** Final SIP status of the called side where there was one. */
      readonly sipStatus?: number;
      readonly q850: number;
      /** From answer to end; 0 when never answered. */
      readonly talkMs: number;
      readonly totalMs: number;
      readonly codecA?: AudioCodec;
      readonly codecB?: AudioCodec;
      readonly mediaA?: LegStats;
      readonly mediaB?: LegStats;
      /** What each direction went through, a line each (`SessionStats.path`). */
      readonly path?: readonly string[];
    };

export type CallFact = CallFactBody & {
  readonly callId: CallId;
  /** Milliseconds since the Unix epoch. */
  readonly atMs: number;
};

/** Receives every fact in order, synchronously. Must not throw; the runner guards each fold anyway. */
export type FactSink = (fact: CallFact) => void;
