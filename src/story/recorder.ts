import type { CallFact } from '../call/facts.js';
import type { LegName, SessionStats } from '../media/plane.js';
import type { TracedMessage } from '../sip/trace.js';
import { KeptCall, type KeptLimits, keptText } from './kept-call.js';

/** How much is kept. */
export interface RecorderOptions extends KeptLimits {
  /** Calls that are over. Those that are up are kept besides. */
  readonly calls: number;
}

/** Messages of a dialog that no call has claimed yet. */
interface Unclaimed {
  readonly messages: Array<{ readonly message: Omit<TracedMessage, 'bytes' | 'callIdHeader'>; readonly text: string }>;
}

/** Dialogs that may turn out to be of a call; the oldest is forgotten for a new one. */
const maxUnclaimed = 256;
/** A dialog is claimed as soon as its INVITE has been looked at. */
const maxUnclaimedMessages = 8;
const invite = Buffer.from('INVITE ');

/**
 * Keeps what there is to tell of calls: a fold over call facts, SIP messages and media counters. All of
 * it is bounded, by calls and within a call, and secrets are gone before anything is kept.
 */
export class StoryRecorder {
  private readonly calls = new Map<string, KeptCall>();
  /** Calls that are over, oldest first. */
  private readonly over = new Set<string>();
  private readonly dialogs = new Map<string, { readonly call: KeptCall; readonly leg: LegName }>();
  private readonly unclaimed = new Map<string, Unclaimed>();

  constructor(private readonly options: RecorderOptions) {}

  /** Takes the next fact. Facts of a call whose beginning was not seen are left out. */
  readonly take = (fact: CallFact): void => {
    if (fact.type === 'received') this.calls.set(fact.callId, new KeptCall(fact.callId, fact.atMs, this.options));
    const call = this.calls.get(fact.callId);
    if (call === undefined) return;
    call.takeFact(fact);
    if (fact.type === 'leg') this.claim(call, fact.leg, fact.sipCallId);
    if (fact.type === 'ended') this.ended(call, fact);
  };

  /** Takes the next SIP message; one of no call is dropped. */
  readonly traced = (traced: TracedMessage): void => {
    const { callIdHeader, bytes, ...message } = traced;
    const known = this.dialogs.get(callIdHeader);
    if (known !== undefined) {
      known.call.takeMessage(known.leg, message, keptText(bytes));
      return;
    }
    const waiting = this.unclaimed.get(callIdHeader);
    if (waiting === undefined) {
      if (bytes.subarray(0, invite.length).equals(invite)) this.await(callIdHeader, { messages: [{ message, text: keptText(bytes) }] });
    } else if (waiting.messages.length < maxUnclaimedMessages) {
      waiting.messages.push({ message, text: keptText(bytes) });
    }
  };

  /** Takes the media counters of a call that is up. */
  sampled(callId: string, atMs: number, stats: SessionStats): void {
    const call = this.calls.get(callId);
    if (call === undefined) return;
    if (stats.a !== undefined) call.takeStats('a', atMs, stats.a);
    if (stats.b !== undefined) call.takeStats('b', atMs, stats.b);
  }

  /** What is kept of a call, up or over. */
  find(callId: string): KeptCall | undefined {
    return this.calls.get(callId);
  }

  /** Calls that are kept, up and over. */
  get size(): number {
    return this.calls.size;
  }

  /** Dialogs that are known or waited for. */
  get dialogsKnown(): number {
    return this.dialogs.size + this.unclaimed.size;
  }

  /** A dialog that moves to another call is that one's from now on. */
  private claim(call: KeptCall, leg: LegName, callIdHeader: string): void {
    if (callIdHeader === '') return;
    this.dialogs.set(callIdHeader, { call, leg });
    call.callIds.add(callIdHeader);
    for (const { message, text } of this.unclaimed.get(callIdHeader)?.messages ?? []) call.takeMessage(leg, message, text);
    this.unclaimed.delete(callIdHeader);
  }

  private await(callIdHeader: string, waiting: Unclaimed): void {
    this.unclaimed.set(callIdHeader, waiting);
    if (this.unclaimed.size <= maxUnclaimed) return;
    const [oldest] = this.unclaimed.keys();
    if (oldest !== undefined) this.unclaimed.delete(oldest);
  }

  private ended(call: KeptCall, { atMs, mediaA, mediaB }: Extract<CallFact, { type: 'ended' }>): void {
    if (mediaA !== undefined) call.takeStats('a', atMs, mediaA);
    if (mediaB !== undefined) call.takeStats('b', atMs, mediaB);
    this.over.add(call.callId);
    while (this.over.size > this.options.calls) {
      const [oldest] = this.over;
      if (oldest === undefined) return;
      this.over.delete(oldest);
      this.forget(oldest);
    }
  }

  private forget(callId: string): void {
    const call = this.calls.get(callId);
    this.calls.delete(callId);
    for (const callIdHeader of call?.callIds ?? []) {
      if (this.dialogs.get(callIdHeader)?.call === call) this.dialogs.delete(callIdHeader);
    }
  }
}
