/**
 * The arrows of a transfer inside a connected call. Pure. The old call stays up until somebody has
 * taken the place of the one who transfers, so a transfer that fails changes nothing (RFC 5589 §6.1).
 */
import { type LegName, type MediaDirection, otherLeg } from '../../media/plane.js';
import type { CallEffect } from '../effect.js';
import type { CallEvent, TimerId } from '../event.js';
import type { CallFactBody, LegKind } from '../facts.js';
import { failureOf } from '../failure.js';
import type { FailureCode } from '../failure-code.js';
import { farSays, seatedAnew } from '../hold.js';
import type { Presence, StateOf } from '../state.js';
import { end, endedBy, go, type Step } from '../step.js';
import { noTransfer, plannedKind, plannedMedia, type Transfer, type TransferOf, type TransferPlan } from './transfer-state.js';

type Connected = StateOf<'connected'>;
type Referred = Exclude<Transfer, TransferOf<'none' | 'taking'>>;
type Of<T extends CallEvent['type']> = Extract<CallEvent, { readonly type: T }>;

/** The arrows of a transfer; undefined when it has none for this event. */
export function inTransfer(state: Connected, event: CallEvent): Step | undefined {
  switch (event.type) {
    case 'referred':
      return referred(state, event);
    case 'replacement-offered':
      return replacementOffered(state, event.leg);
    case 'leg-ended':
      return referrerLeft(state, event);
    case 'timer':
      if (event.id === 'parting') return partingOver(state);
      break;
    default:
      if (concernsOneGone(state.transfer, event)) return go(state, []);
  }
  return underway(state, state.transfer, event);
}

function underway(state: Connected, transfer: Transfer, event: CallEvent): Step | undefined {
  switch (transfer.name) {
    case 'judging':
      return inJudging(state, transfer, event);
    case 'preparing':
      return inPreparing(state, transfer, event);
    case 'calling':
      return inCalling(state, transfer, event);
    case 'accepting':
      return inAccepting(state, transfer, event);
    case 'passed':
      return inPassed(state, transfer, event);
    case 'taking':
      return inTaking(state, transfer, event);
    case 'none':
      return undefined;
  }
}

/** One transfer at a time. */
function referred(state: Connected, { leg, referral }: Of<'referred'>): Step {
  if (state.transfer.name !== 'none') return go(state, [{ do: 'answer-refer', status: 491, reports: 'wanted' }]);
  const transfer: Transfer = { name: 'judging', referrer: leg, referral, presence: 'there' };
  return go({ ...state, transfer }, [{ do: 'judge-refer', leg, referral }]);
}

function inJudging(state: Connected, transfer: TransferOf<'judging'>, event: CallEvent): Step | undefined {
  const { referrer: leg, referral } = transfer;
  const kind = state.legs[leg];
  const requested: CallEffect = {
    do: 'fact',
    fact: { type: 'transfer-requested', leg, kind, to: referral.to, attended: referral.replaces !== undefined },
  };
  switch (event.type) {
    case 'refer-allowed': {
      const { plan } = event;
      const preparing: Transfer = { ...transfer, name: 'preparing', plan };
      return go({ ...state, transfer: preparing }, [
        { do: 'answer-refer', status: 202, reports: referral.reports },
        ...report(transfer, 100),
        requested,
        { do: 'prepare-third', media: plannedMedia(plan) },
      ]);
    }
    case 'refer-passed':
      return go({ ...state, transfer: { ...transfer, name: 'passed' } }, [{ do: 'pass-refer', leg, uri: event.uri }, requested]);
    case 'refer-denied': {
      const { status, failure } = event;
      return go({ ...state, transfer: noTransfer }, [
        { do: 'answer-refer', status, reports: 'wanted' },
        { do: 'fact', fact: { type: 'transfer-failed', leg, kind, status, failure } },
      ]);
    }
    default:
      return undefined;
  }
}

function inPreparing(state: Connected, transfer: TransferOf<'preparing'>, event: CallEvent): Step | undefined {
  switch (event.type) {
    case 'third-offered':
      return call(state, { ...transfer, name: 'calling', offer: event.sdp, attempt: 0 }, [{ do: 'set-timer', id: 'transfer' }]);
    case 'third-media-refused':
      return fail(state, transfer, event.failure);
    default:
      return undefined;
  }
}

function call(state: Connected, transfer: TransferOf<'calling'>, before: readonly CallEffect[] = []): Step {
  const { plan, offer, attempt, referral, referrer } = transfer;
  return go({ ...state, transfer }, [...before, { do: 'call-third', leg: referrer, plan, offer, attempt, referral }]);
}

function inCalling(state: Connected, transfer: TransferOf<'calling'>, event: CallEvent): Step | undefined {
  switch (event.type) {
    case 'third-progress':
      return go(state, report(transfer, event.status));
    case 'third-answered': {
      const { plan, referrer, referral, presence } = transfer;
      return go({ ...state, transfer: { name: 'accepting', plan, referrer, referral, presence } }, [
        { do: 'clear-timer', id: 'transfer' },
        { do: 'accept-third', sdp: event.sdp },
      ]);
    }
    case 'third-failed': {
      const { failure, status } = event;
      const last = status === undefined ? { failure } : { failure, status };
      if (event.elsewhere) return call(state, { ...transfer, attempt: transfer.attempt + 1, last });
      return fail(state, transfer, failure, status);
    }
    case 'third-exhausted':
      return fail(state, transfer, transfer.last?.failure ?? 'no-route', transfer.last?.status);
    case 'timer':
      return event.id === 'transfer' ? fail(state, transfer, 'no-answer') : undefined;
    default:
      return undefined;
  }
}

function inAccepting(state: Connected, transfer: TransferOf<'accepting'>, event: CallEvent): Step | undefined {
  switch (event.type) {
    case 'third-accepted':
      return seat(state, transfer.referrer, plannedKind(transfer.plan), [
        ...report(transfer, 200),
        { do: 'seat-third', leg: transfer.referrer, kind: plannedKind(transfer.plan) },
        // Whoever transferred hangs up; if not, we do (RFC 5589 §6.1).
        ...(transfer.presence === 'there' ? [{ do: 'set-timer', id: 'parting' } as const] : []),
        { do: 'fact', fact: transferred(transfer.referrer, transfer.plan, transfer.referral.to) },
      ]);
    case 'third-failed':
      return fail(state, transfer, event.failure, event.status);
    case 'third-media-refused':
      return fail(state, transfer, event.failure);
    default:
      return undefined;
  }
}

const transferred = (leg: LegName, plan: TransferPlan, to: string): CallFactBody => ({
  type: 'transferred',
  leg,
  kind: plannedKind(plan),
  to,
});

/** The carrier has moved its caller to somebody else; nobody here is left to talk to. */
function inPassed(state: Connected, transfer: TransferOf<'passed'>, event: CallEvent): Step | undefined {
  if (event.type !== 'refer-reported') return undefined;
  const { referrer: leg, referral } = transfer;
  const { status } = event;
  const relay = event.by === 'notify' ? report(transfer, status) : [];
  if (status < 200) return go(state, relay);
  const kind = state.legs[leg];
  if (status >= 300) {
    return go({ ...state, transfer: noTransfer }, [...relay, { do: 'fact', fact: { type: 'transfer-failed', leg, kind, status } }]);
  }
  // The answer to the REFER itself only says that it was understood.
  if (event.by === 'answer') return go(state, relay);
  const fact: CallEffect = { do: 'fact', fact: { type: 'transferred', leg, kind: state.legs[otherLeg(leg)], to: referral.to } };
  return go(state, [...relay, fact, { do: 'set-timer', id: 'parting' }]);
}

/** Those who have nobody to talk to any more, and did not hang up themselves. */
function partingOver(state: Connected): Step {
  const { transfer } = state;
  if (transfer.name !== 'passed') return go(state, [{ do: 'bye-parted' }]);
  return end({ ...state, transfer: noTransfer }, { by: endedBy(transfer.referrer) });
}

/** INVITE with Replaces: the new one is answered in the place of the old one (RFC 3891 §3). */
function replacementOffered(state: Connected, leg: LegName): Step {
  if (state.transfer.name !== 'none') return go(state, [{ do: 'refuse-third', status: 486 }]);
  return go({ ...state, transfer: { name: 'taking', referrer: leg, presence: 'there' } }, [{ do: 'describe-third', leg }]);
}

function inTaking(state: Connected, transfer: TransferOf<'taking'>, event: CallEvent): Step | undefined {
  const { referrer: leg, presence } = transfer;
  const kind = state.legs[leg];
  switch (event.type) {
    case 'third-offered': {
      const { sdp, wish = 'sendrecv' } = event;
      const effects: readonly CallEffect[] = [
        { do: 'answer-third', sdp, kind },
        { do: 'seat-third', leg, kind },
        ...(presence === 'there' ? [{ do: 'bye-parted' } as const] : []),
        // A page that takes its own place was loaded anew.
        { do: 'fact', fact: kind === 'browser' ? { type: 'reattached', leg } : { type: 'replaced', leg, kind } },
        ...holdChanged(state, leg, wish),
      ];
      return seat(state, leg, kind, effects, wish);
    }
    case 'third-media-refused':
      return giveUpTaking(state, transfer, [{ do: 'refuse-third', status: failureOf(event.failure).sipStatus }]);
    case 'third-failed':
      return giveUpTaking(state, transfer, []);
    default:
      return undefined;
  }
}

function giveUpTaking(state: Connected, transfer: TransferOf<'taking'>, effects: readonly CallEffect[]): Step {
  const after: Connected = { ...state, transfer: noTransfer };
  const drop: readonly CallEffect[] = [...effects, { do: 'drop-third' }];
  if (transfer.presence === 'there') return go(after, drop);
  return withEffectsBefore(drop, end(after, { by: endedBy(transfer.referrer) }, { gone: transfer.referrer }));
}

/** Whoever takes a place may hold, or talk on, where the one before did otherwise. */
function holdChanged(state: Connected, leg: LegName, direction: MediaDirection): readonly CallEffect[] {
  if (state.hold[leg].wish === direction) return [];
  const kind = state.legs[leg];
  return [{ do: 'fact', fact: direction === 'sendrecv' ? { type: 'resumed', leg, kind } : { type: 'held', leg, kind, direction } }];
}

function seat(state: Connected, leg: LegName, kind: LegKind, effects: readonly CallEffect[], wish?: MediaDirection): Step {
  const hold = seatedAnew(state.hold, leg);
  return go(
    {
      ...state,
      legs: { ...state.legs, [leg]: kind },
      presence: { ...state.presence, [leg]: 'there' },
      silent: state.silent.filter((one) => one !== leg),
      hold: wish === undefined ? hold : farSays(hold, leg, wish),
      transfer: noTransfer,
    },
    [...noLongerWaited(state, leg), ...effects],
  );
}

/** Timers of the one who sat there. */
function noLongerWaited(state: Connected, leg: LegName): readonly CallEffect[] {
  const waited: Readonly<Partial<Record<Presence, readonly TimerId[]>>> = {
    'signalling-lost': ['grace'],
    'media-gone': ['gone'],
    away: ['grace'],
  };
  const timers = [...(state.silent.length === 2 ? (['dead'] as const) : []), ...(waited[state.presence[leg]] ?? [])];
  return timers.map((id) => ({ do: 'clear-timer', id }));
}

/** The old call goes on as it was; when the one who transferred has gone already there is none to go on with. */
function fail(state: Connected, transfer: Referred, failure: FailureCode, status?: number): Step {
  const { referrer: leg } = transfer;
  const told = status === undefined || status < 300 ? failureOf(failure).sipStatus : status;
  const effects: readonly CallEffect[] = [
    { do: 'clear-timer', id: 'transfer' },
    { do: 'drop-third' },
    ...report(transfer, told),
    { do: 'fact', fact: { type: 'transfer-failed', leg, kind: state.legs[leg], status: told, failure } },
  ];
  const after: Connected = { ...state, transfer: noTransfer };
  if (transfer.presence === 'there') return go(after, effects);
  const cause = { by: 'gateway', failure, ...(status === undefined ? {} : { sipStatus: status }) } as const;
  return withEffectsBefore(effects, end(after, cause, { gone: leg }));
}

/** Whoever transfers may hang up at once; the other one waits for what becomes of it. */
function referrerLeft(state: Connected, { leg, by }: Of<'leg-ended'>): Step | undefined {
  const { transfer } = state;
  if (transfer.name === 'none' || transfer.name === 'judging' || transfer.name === 'passed') return undefined;
  if (transfer.referrer !== leg || transfer.presence === 'gone' || by === 'local') return undefined;
  const effects: readonly CallEffect[] = state.silent.length === 2 ? [{ do: 'clear-timer', id: 'dead' }] : [];
  return go({ ...state, silent: state.silent.filter((one) => one !== leg), transfer: { ...transfer, presence: 'gone' } }, effects);
}

/** Media of one who has left says nothing any more. */
function concernsOneGone(transfer: Transfer, event: CallEvent): boolean {
  if (transfer.name === 'none' || transfer.presence === 'there') return false;
  return 'leg' in event && event.leg === transfer.referrer;
}

function report(transfer: Referred, status: number): readonly CallEffect[] {
  if (transfer.presence === 'gone' || transfer.referral.reports === 'unwanted') return [];
  return [{ do: 'report-refer', leg: transfer.referrer, status }];
}

const withEffectsBefore = (effects: readonly CallEffect[], step: Step): Step => ({ ...step, effects: [...effects, ...step.effects] });
