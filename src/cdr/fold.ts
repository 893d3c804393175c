import { maskNumber } from '../base/mask.js';
import type { CallFact, LegKind } from '../call/facts.js';
import type { AudioCodec, LegFailure, LegStats } from '../media/plane.js';
import { DigitLedger } from './digit-ledger.js';
import type { CallRating, CallRecord, MediaSummary, PageQualityNote, SilenceNote, TransferNote } from './record.js';

type Received = Extract<CallFact, { type: 'received' }>;
type Routed = Extract<CallFact, { type: 'routed' }>;
type Ended = Extract<CallFact, { type: 'ended' }>;

interface OpenSilence {
  readonly leg: LegKind;
  readonly cause: SilenceNote['cause'];
  readonly atMs: number;
  resumedAtMs?: number;
}

/** What is known of a call that has not ended. */
interface OpenCall {
  readonly received: Received;
  routed?: Routed;
  answeredBy?: string | undefined;
  ringingAtMs?: number;
  answeredAtMs?: number;
  mediaFailure?: LegFailure;
  readonly transfers: TransferNote[];
  /** Legs whose far end holds. */
  readonly holding: Set<string>;
  heldSinceMs?: number;
  heldMs: number;
  /** The rule that refused or ended it. */
  rule?: string;
  rating?: CallRating;
  cost?: { readonly cost: number; readonly currency: string };
  reattached: number;
  pageQuality?: PageQualityNote;
  readonly silences: OpenSilence[];
  readonly digits: DigitLedger;
}

/** What the live view shows beside the call's state. */
export interface LiveNotes {
  readonly ringingAtMs?: number;
  /** Directions that carry nothing now. */
  readonly silent: ReadonlyArray<{ readonly leg: LegKind; readonly cause: SilenceNote['cause']; readonly sinceMs: number }>;
  readonly digits: CallRecord['digits'];
}

const iso = (ms: number): string => new Date(ms).toISOString();

/** Folds call facts into one record a call, handed to `onRecord` when the call has ended. */
export class CdrFold {
  private readonly open = new Map<string, OpenCall>();

  constructor(
    private readonly onRecord: (record: CallRecord) => void,
    /** A rating of a call whose record is out already. */
    private readonly onRating: (callId: string, rating: CallRating) => void = () => {},
  ) {}

  /** Takes the next fact. Facts of a call whose beginning was not seen are left out. */
  readonly take = (fact: CallFact): void => {
    if (fact.type === 'received') {
      this.open.set(fact.callId, {
        received: fact,
        silences: [],
        transfers: [],
        holding: new Set(),
        heldMs: 0,
        reattached: 0,
        digits: new DigitLedger(),
      });
      return;
    }
    const call = this.open.get(fact.callId);
    if (call === undefined) {
      if (fact.type === 'rated') this.onRating(fact.callId, ratingOf(fact));
      return;
    }
    if (fact.type === 'ended') {
      this.open.delete(fact.callId);
      this.onRecord(recordOf(call, fact));
      return;
    }
    note(call, fact);
  };

  notes(callId: string): LiveNotes | undefined {
    const call = this.open.get(callId);
    if (call === undefined) return undefined;
    const silent = call.silences
      .filter((silence) => silence.resumedAtMs === undefined)
      .map(({ leg, cause, atMs }) => ({ leg, cause, sinceMs: atMs }));
    return { silent, digits: call.digits.summary(), ...(call.ringingAtMs === undefined ? {} : { ringingAtMs: call.ringingAtMs }) };
  }

  /** Calls begun and not ended. */
  get size(): number {
    return this.open.size;
  }
}

function note(call: OpenCall, fact: Exclude<CallFact, Received | Ended>): void {
  switch (fact.type) {
    case 'routed':
      call.routed = fact;
      break;
    case 'ringing':
      call.ringingAtMs ??= fact.atMs;
      break;
    case 'answered':
      call.answeredAtMs ??= fact.atMs;
      call.answeredBy ??= fact.by;
      break;
    case 'media-silent':
      call.silences.push({ leg: fact.kind, cause: fact.cause, atMs: fact.atMs });
      break;
    case 'media-resumed':
      for (const silence of call.silences) if (silence.leg === fact.kind) silence.resumedAtMs ??= fact.atMs;
      break;
    case 'digit':
    case 'digit-sent':
    case 'digit-acknowledged':
    case 'digit-failed':
      call.digits.take(fact);
      break;
    case 'media-failed':
      call.mediaFailure = fact.cause;
      break;
    case 'held':
    case 'resumed':
      noteHold(call, fact);
      break;
    case 'transfer-requested':
      call.transfers.push({ by: fact.kind, to: fact.to, at: iso(fact.atMs) });
      break;
    case 'transferred':
      settleTransfer(call, 200);
      released(call, fact.leg, fact.atMs);
      break;
    case 'transfer-failed':
      settleTransfer(call, fact.status);
      break;
    case 'replaced':
      released(call, fact.leg, fact.atMs);
      break;
    case 'decision':
      if (fact.verdict === 'refused' || fact.verdict === 'ended') call.rule = fact.rule;
      break;
    case 'cost':
      call.cost = { cost: fact.amount, currency: fact.currency };
      break;
    case 'rated':
      call.rating = ratingOf(fact);
      break;
    case 'reattached':
      call.reattached += 1;
      break;
    case 'page-quality':
      call.pageQuality = worse(call.pageQuality, fact);
      break;
    case 'attempt-failed':
    case 'crowded':
    case 'leg':
    case 'page-token':
    case 'progress':
    case 'media-up':
    case 'flow-lost':
    case 'reoffer':
    case 'secure-digits':
      break;
  }
}

function worse(
  { lowestScore, hints }: PageQualityNote = { lowestScore: 5, hints: [] },
  { score, hint }: Extract<CallFact, { type: 'page-quality' }>,
): PageQualityNote {
  return {
    lowestScore: Math.min(lowestScore, score),
    hints: hint === undefined || hints.includes(hint) ? hints : [...hints, hint],
  };
}

function ratingOf({ stars, comment, atMs }: Extract<CallFact, { type: 'rated' }>): CallRating {
  return { stars, ...(comment === undefined ? {} : { comment }), at: iso(atMs) };
}

/** Websites name visitors by what they have: a number of their own, but an address of mail or a telephone number too. */
function maskedVisitor(visitor: string): string {
  const at = visitor.lastIndexOf('@');
  return at > 0 ? `${visitor.slice(0, 1)}***${visitor.slice(at)}` : maskNumber(visitor);
}

function accountOf({ account }: Received): Pick<CallRecord, 'site' | 'visitor' | 'ticket' | 'alias'> {
  if (account === undefined) return {};
  const { site, visitor, ticket, alias } = account;
  return {
    ...(site === undefined ? {} : { site }),
    ...(visitor === undefined ? {} : { visitor: maskedVisitor(visitor) }),
    ...(ticket === undefined ? {} : { ticket }),
    ...(alias === undefined ? {} : { alias }),
  };
}

function judgedOf({ rule, cost, reattached, rating }: OpenCall): Pick<CallRecord, 'rule' | 'cost' | 'currency' | 'reattached' | 'rating'> {
  return {
    ...(rule === undefined ? {} : { rule }),
    ...cost,
    ...(reattached === 0 ? {} : { reattached }),
    ...(rating === undefined ? {} : { rating }),
  };
}

function noteHold(call: OpenCall, fact: Extract<CallFact, { type: 'held' | 'resumed' }>): void {
  if (fact.type === 'resumed') {
    released(call, fact.leg, fact.atMs);
    return;
  }
  if (call.holding.size === 0) call.heldSinceMs = fact.atMs;
  call.holding.add(fact.leg);
}

/** The time on hold counts once, however many hold. */
function released(call: OpenCall, leg: string, atMs: number): void {
  if (!call.holding.delete(leg) || call.holding.size > 0) return;
  call.heldMs += atMs - (call.heldSinceMs ?? atMs);
  delete call.heldSinceMs;
}

function settleTransfer(call: OpenCall, status: number): void {
  const last = call.transfers.at(-1);
  if (last !== undefined && last.status === undefined) call.transfers[call.transfers.length - 1] = { ...last, status };
}

function mediaOf(stats: LegStats, codec: AudioCodec | undefined): MediaSummary {
  const used = codec ?? stats.codec;
  return {
    ...(used === undefined ? {} : { codec: used }),
    packetsReceived: stats.packetsReceived,
    packetsSent: stats.packetsSent,
    packetsLost: stats.packetsLost,
    jitterMs: Math.round(stats.jitterMs * 100) / 100,
    ...(stats.roundTripMs === undefined ? {} : { roundTripMs: Math.round(stats.roundTripMs * 10) / 10 }),
  };
}

function recordOf(call: OpenCall, ended: Ended): CallRecord {
  const heldMs = call.heldMs + (call.heldSinceMs === undefined ? 0 : ended.atMs - call.heldSinceMs);
  const { received, routed } = call;
  const trunk = routed?.trunk ?? received.trunk;
  const user = routed?.user;
  return {
    callId: received.callId,
    direction: routed?.direction ?? received.direction,
    from: received.from.number,
    to: received.to,
    ...(trunk === undefined ? {} : { trunk }),
    ...(routed?.trunk === undefined || received.trunk === undefined ? {} : { forwardedFrom: received.trunk }),
    ...(user === undefined ? {} : { user }),
    ...(call.answeredBy === undefined ? {} : { answeredBy: call.answeredBy }),
    ...(received.origin === undefined ? {} : { origin: received.origin }),
    ...accountOf(received),
    source: received.source,
    startedAt: iso(received.atMs),
    ...(call.ringingAtMs === undefined ? {} : { ringingAt: iso(call.ringingAtMs) }),
    ...(call.answeredAtMs === undefined ? {} : { answeredAt: iso(call.answeredAtMs) }),
    endedAt: iso(ended.atMs),
    talkMs: Math.round(ended.talkMs),
    totalMs: Math.round(ended.totalMs),
    endedBy: ended.by,
    disposition: ended.disposition,
    ...(ended.failure === undefined ? {} : { failure: ended.failure }),
    ...(ended.sipStatus === undefined ? {} : { sipStatus: ended.sipStatus }),
    q850: ended.q850,
    digits: call.digits.summary(),
    ...(call.mediaFailure === undefined ? {} : { mediaFailure: call.mediaFailure }),
    silences: call.silences.map(({ leg, cause, atMs, resumedAtMs }) => ({
      leg,
      cause,
      at: iso(atMs),
      ...(resumedAtMs === undefined ? {} : { resumedAt: iso(resumedAtMs) }),
    })),
    ...(call.transfers.length === 0 ? {} : { transfers: call.transfers }),
    ...(heldMs === 0 ? {} : { heldMs: Math.round(heldMs) }),
    ...(ended.mediaA === undefined ? {} : { mediaA: mediaOf(ended.mediaA, ended.codecA) }),
    ...(ended.mediaB === undefined ? {} : { mediaB: mediaOf(ended.mediaB, ended.codecB) }),
    ...(call.pageQuality === undefined ? {} : { pageQuality: call.pageQuality }),
    ...judgedOf(call),
  };
}
