import type { Log } from '../base/log.js';
import { maskNumber } from '../base/mask.js';
import type { CallFact, FactSink } from '../call/facts.js';

/** Failures that lie with the gateway or its surroundings, and that an operator should see. */
const operatorFailures: ReadonlySet<string> = new Set([
  'trunk-unreachable',
  'trunk-timeout',
  'trunk-auth-failed',
  'trunk-error',
  'media-setup-failed',
  'media-lost',
  'no-route',
  'loop',
  'too-many-calls',
  'internal',
]);

/** Writes call facts as log lines. Numbers are masked; digits are counted elsewhere and never named. */
export function logFold(log: Log): FactSink {
  return (fact) => write(log, fact);
}

function write(log: Log, fact: CallFact): void {
  const { callId } = fact;
  switch (fact.type) {
    case 'received': {
      const { direction, source, origin } = fact;
      const parties = { from: maskNumber(fact.from.number), to: maskNumber(fact.to) };
      log.info({ callId, direction, ...parties, source, ...(origin === undefined ? {} : { origin }) }, 'call received');
      break;
    }
    case 'routed':
      log.info({ callId, trunk: fact.trunk, user: fact.user, dialled: maskNumber(fact.dialled) }, 'call routed');
      break;
    case 'leg':
      log.debug({ callId, leg: fact.leg, sipCallId: fact.sipCallId }, 'a SIP dialog begins');
      break;
    case 'page-token':
      break;
    case 'rated':
      log.info({ callId, stars: fact.stars }, 'call rated');
      break;
    case 'crowded':
      log.debug({ callId, bound: fact.bound }, 'no room for the call');
      break;
    case 'progress':
      log.debug({ callId, status: fact.status, earlyMedia: fact.earlyMedia }, 'progress');
      break;
    case 'ringing':
    case 'answered':
      log.info({ callId }, fact.type);
      break;
    case 'media-up':
      log.info({ callId, leg: fact.leg, kind: fact.kind }, 'media up');
      break;
    case 'media-silent':
      log.warn({ callId, leg: fact.leg, kind: fact.kind, cause: fact.cause, silentMs: fact.silentMs, detail: fact.detail }, 'media silent');
      break;
    case 'page-quality':
      log.debug({ callId, leg: fact.leg, score: fact.score, hint: fact.hint }, 'the page tells of its sound');
      break;
    case 'media-failed':
      log.warn({ callId, leg: fact.leg, kind: fact.kind, cause: fact.cause, detail: fact.detail }, 'media failed');
      break;
    case 'media-resumed':
      log.info({ callId, leg: fact.leg, kind: fact.kind }, 'media resumed');
      break;
    case 'digit':
      log.debug({ callId, digitId: fact.id, from: fact.from, by: fact.by, durationMs: Math.round(fact.durationMs) }, 'digit seen');
      break;
    case 'digit-sent':
      log.debug({ callId, digitId: fact.id, to: fact.to, as: fact.as, packets: fact.packets }, 'digit sent');
      break;
    case 'digit-acknowledged':
      log.debug({ callId, digitId: fact.id }, 'digit acknowledged');
      break;
    case 'digit-failed':
      if (fact.why === 'withheld') log.debug({ callId, digitId: fact.id }, 'digit kept from the page');
      else log.warn({ callId, digitId: fact.id, why: fact.why, sipStatus: fact.sipStatus }, 'digit not sent');
      break;
    case 'secure-digits':
      log.info({ callId, open: fact.open, by: fact.by }, 'secure digits');
      break;
    case 'flow-lost':
      log.info({ callId, leg: fact.leg }, 'connection to the browser lost');
      break;
    case 'reoffer':
      log.info({ callId, leg: fact.leg, accepted: fact.accepted }, 'media offered anew');
      break;
    case 'attempt-failed':
      log.info(
        { callId, trunk: fact.trunk, user: fact.user, failure: fact.failure, sipStatus: fact.sipStatus },
        'the call goes on to the next target',
      );
      break;
    case 'held':
      log.info({ callId, leg: fact.leg, kind: fact.kind, direction: fact.direction }, 'on hold');
      break;
    case 'resumed':
      log.info({ callId, leg: fact.leg, kind: fact.kind }, 'off hold');
      break;
    case 'reattached':
      log.info({ callId, leg: fact.leg }, 'the browser is back');
      break;
    case 'transfer-requested':
      log.info({ callId, leg: fact.leg, kind: fact.kind, to: maskNumber(fact.to), attended: fact.attended }, 'transfer requested');
      break;
    case 'transferred':
      log.info({ callId, leg: fact.leg, kind: fact.kind, to: maskNumber(fact.to) }, 'transferred');
      break;
    case 'transfer-failed':
      log.info({ callId, leg: fact.leg, kind: fact.kind, status: fact.status, failure: fact.failure }, 'transfer failed');
      break;
    case 'replaced':
      log.info({ callId, leg: fact.leg, kind: fact.kind }, 'taken over by an INVITE with Replaces');
      break;
    case 'ended': {
      const { by, disposition, failure, sipStatus, q850, talkMs, totalMs, path } = fact;
      const level = failure !== undefined && operatorFailures.has(failure) ? 'warn' : 'info';
      log[level](
        { callId, by, disposition, failure, sipStatus, q850, talkMs: Math.round(talkMs), totalMs: Math.round(totalMs), path },
        'call ended',
      );
      break;
    }
  }
}
