import { maskNumber } from '../base/mask.js';
import type { CallView } from '../call/call-view.js';
import { MASKED_DIGIT } from '../call/digits/page-text.js';
import type { TrunkView } from '../call/trunk-view.js';
import type { LiveNotes } from '../cdr/fold.js';
import type { CallRecord, DigitsSummary } from '../cdr/record.js';
import type { KeptCall } from '../story/kept-call.js';
import type { Access } from './access.js';

/** A live call as `GET /api/v1/calls` shows it. */
export interface CallDto {
  readonly id: string;
  readonly direction: string;
  readonly state: string;
  readonly from: string;
  readonly to: string;
  readonly trunk?: string;
  readonly user?: string;
  readonly origin?: string;
  readonly source: string;
  readonly startedAt: string;
  readonly ringingAt?: string;
  readonly answeredAt?: string;
  /** Directions that carry nothing now: the leg nothing arrives on, since when, and why. */
  readonly silent: ReadonlyArray<{ readonly leg: string; readonly cause: string; readonly since: string }>;
  readonly digits: CallRecord['digits'];
  /** How the legs stand, as far as they were measured; `a` calls, `b` is called. */
  readonly legs?: readonly LegDto[];
}

/** A leg of a live call, as it was measured last. */
export interface LegDto {
  readonly leg: 'a' | 'b';
  readonly kind: 'browser' | 'trunk';
  readonly codec?: string;
  readonly lostPercent?: number;
  readonly jitterMs?: number;
  readonly roundTripMs?: number;
  /** Mean opinion score of what arrives, 1 to 4.5. */
  readonly score?: number;
}

const iso = (ms: number): string => new Date(ms).toISOString();

const shownNumber = (access: Access, number: string): string => (access === 'full' ? number : maskNumber(number));

/** Digits may be somebody's PIN, so whoever sees masked numbers sees masked digits. */
function shownDigits(access: Access, digits: DigitsSummary): DigitsSummary {
  if (access === 'full') return digits;
  return { ...digits, receipts: digits.receipts.map((receipt) => ({ ...receipt, digit: MASKED_DIGIT })) };
}

function legDtos(legs: KeptCall['legs']): readonly LegDto[] {
  return (['a', 'b'] as const).flatMap((leg) => {
    const kept = legs[leg];
    if (kept === undefined) return [];
    const last = kept.samples.at(-1);
    const measured = last === undefined ? {} : { lostPercent: last.lostPercent, jitterMs: last.jitterMs };
    return [
      {
        ...{ leg, kind: kept.kind, ...measured },
        ...(kept.codec === undefined ? {} : { codec: kept.codec }),
        ...(last?.roundTripMs === undefined ? {} : { roundTripMs: last.roundTripMs }),
        ...(last?.score === undefined ? {} : { score: last.score }),
      },
    ];
  });
}

/** `kept` is there when stories are kept, and has what was measured of the legs. */
export function callDto(view: CallView, notes: LiveNotes | undefined, access: Access, kept?: Pick<KeptCall, 'legs'>): CallDto {
  return {
    id: view.id,
    direction: view.direction,
    state: view.state,
    from: shownNumber(access, view.from.number),
    to: shownNumber(access, view.to),
    ...(view.trunk === undefined ? {} : { trunk: view.trunk }),
    ...(view.user === undefined ? {} : { user: view.user }),
    ...(view.origin === undefined ? {} : { origin: view.origin }),
    source: view.source,
    startedAt: iso(view.startedAtMs),
    ...(notes?.ringingAtMs === undefined ? {} : { ringingAt: iso(notes.ringingAtMs) }),
    ...(view.answeredAtMs === undefined ? {} : { answeredAt: iso(view.answeredAtMs) }),
    silent: (notes?.silent ?? []).map(({ leg, cause, sinceMs }) => ({ leg, cause, since: iso(sinceMs) })),
    digits: shownDigits(access, notes?.digits ?? { fromBrowser: 0, fromTrunk: 0, lost: 0, receipts: [] }),
    ...(kept === undefined ? {} : { legs: legDtos(kept.legs) }),
  };
}

export function recordDto(record: CallRecord, access: Access): CallRecord {
  return {
    ...record,
    from: shownNumber(access, record.from),
    to: shownNumber(access, record.to),
    digits: shownDigits(access, record.digits),
    ...(record.transfers === undefined
      ? {}
      : { transfers: record.transfers.map((transfer) => ({ ...transfer, to: shownNumber(access, transfer.to) })) }),
  };
}

/** A trunk as `GET /api/v1/trunks` shows it. */
export interface TrunkDto {
  readonly id: string;
  readonly callsInUse: number;
  readonly maxCalls?: number;
  /** `up`; `resting` (tried last until then); `down` (tried last until it answers again). */
  readonly peers: ReadonlyArray<{ readonly uri: string; readonly health: string; readonly until?: string }>;
  readonly registration?: {
    readonly registered: boolean;
    readonly since?: string;
    readonly until?: string;
    readonly peer?: string;
    readonly lastFailure?: string;
    readonly lastFailureAt?: string;
  };
}

export function trunkDto({ id, callsInUse, maxCalls, peers, registration }: TrunkView): TrunkDto {
  return {
    id,
    callsInUse,
    ...(maxCalls === undefined ? {} : { maxCalls }),
    peers: peers.map(({ uri, health, untilMs }) => ({ uri, health, ...(untilMs === undefined ? {} : { until: iso(untilMs) }) })),
    ...(registration === undefined ? {} : { registration: registrationDto(registration) }),
  };
}

function registrationDto(view: NonNullable<TrunkView['registration']>): NonNullable<TrunkDto['registration']> {
  const { registered, sinceMs, untilMs, peer, lastFailure, lastFailureAtMs } = view;
  return {
    registered,
    ...(sinceMs === undefined ? {} : { since: iso(sinceMs) }),
    ...(untilMs === undefined ? {} : { until: iso(untilMs) }),
    ...(peer === undefined ? {} : { peer }),
    ...(lastFailure === undefined ? {} : { lastFailure }),
    ...(lastFailureAtMs === undefined ? {} : { lastFailureAt: iso(lastFailureAtMs) }),
  };
}
