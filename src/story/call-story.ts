/** One call told whole: what `GET /api/v1/calls/:id/story` answers and the dashboard draws. */
import type { LegName } from '../media/plane.js';

/** How a line of the timeline reads: something that went well, ought to be looked at, or went wrong. */
export type StoryTone = 'plain' | 'good' | 'warn' | 'bad';

/** Why the call ended as it did, for people. */
export interface StoryCause {
  readonly title: string;
  readonly sentence: string;
  /** What an operator can do about it; absent when nothing is to be done. */
  readonly advice?: string;
}

/** Something that happened. Times count from the beginning of the call. */
export interface StoryLine {
  readonly atMs: number;
  readonly leg?: LegName;
  readonly kind: string;
  readonly text: string;
  readonly tone: StoryTone;
}

/** One SIP message. */
export interface StoryMessage {
  readonly atMs: number;
  readonly leg: LegName;
  /** `in`: it came to the gateway. */
  readonly way: 'in' | 'out';
  /** `INVITE`, `180 Ringing`, … */
  readonly title: string;
  /** How often it was sent again. */
  readonly repeats: number;
  readonly text: string;
  /** What its session description says, in words, and what changed since the one before. */
  readonly sdp?: readonly string[];
}

/** How a leg stood at one moment. */
export interface StorySample {
  readonly atMs: number;
  /** Packets a second that arrived from the far end of the leg since the sample before. */
  readonly received: number;
  /** Packets a second that left for it. */
  readonly sent: number;
  readonly lostPercent: number;
  readonly jitterMs: number;
  readonly roundTripMs?: number;
  /** Mean opinion score of what arrives, 1 to 4.5 (ITU-T G.107). */
  readonly score?: number;
}

export interface StoryMedia {
  readonly leg: LegName;
  readonly kind: 'browser' | 'trunk';
  readonly codec?: string;
  readonly samples: readonly StorySample[];
}

/** What a rule of the policy said. */
export interface StoryDecision {
  readonly atMs: number;
  readonly rule: string;
  readonly verdict: string;
  readonly why: string;
}

/** The whole. `Summary` is what the lists of calls and of records show of it. */
export interface CallStory<Summary = unknown> {
  readonly callId: string;
  readonly live: boolean;
  readonly summary: Summary;
  readonly cause: StoryCause;
  readonly timeline: readonly StoryLine[];
  readonly ladder: {
    /** From left to right: the caller, the gateway, whoever was called. */
    readonly lanes: readonly string[];
    readonly messages: readonly StoryMessage[];
    /** Messages that were not kept, because the call had more than are. */
    readonly omitted: number;
  };
  readonly media: readonly StoryMedia[];
  readonly decisions: readonly StoryDecision[];
}
