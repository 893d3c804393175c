import type { DigitFailure } from '../call/digits/digit-fact.js';
import { MASKED_DIGIT } from '../call/digits/page-text.js';
import type { CallFact } from '../call/facts.js';
import { failureOf } from '../call/failure.js';
import type { LegKind } from '../call/leg-kind.js';
import { reasonPhrase } from '../sip/status.js';
import type { StoryLine, StoryTone } from './call-story.js';

/** What may be shown to whoever reads. */
export interface Shown {
  readonly number: (number: string) => string;
  readonly digits: boolean;
}

type Said = readonly [text: string, tone: StoryTone];

const side: Readonly<Record<LegKind, string>> = { browser: 'the page', trunk: 'the telephone' };
const Side: Readonly<Record<LegKind, string>> = { browser: 'The page', trunk: 'The telephone' };
const came = {
  rfc4733: 'telephone-event',
  inband: 'a tone in the audio',
  info: 'SIP INFO',
  api: 'the API',
  message: 'the data channel',
} as const;
const unsent: Readonly<Record<DigitFailure, string>> = {
  'not-supported': 'the far side takes no key presses that way',
  refused: 'the far side refused it',
  'no-dialog': 'the far side cannot be told yet',
  'call-ended': 'the call ended first',
  'queue-full': 'too many waited already',
  withheld: 'a secure window is open',
};
const bounds = {
  calls: 'as many calls are up as may be',
  'calls-per-second': 'too many calls began in this second',
  'loop-delay': 'the gateway is overloaded',
  draining: 'the gateway is being stopped',
} as const;

/** One line of the timeline; undefined for facts that only matter to other parts of a story. */
export function lineOf(fact: CallFact, beganAtMs: number, shown: Shown): StoryLine | undefined {
  const said = sayingOf(fact, shown);
  if (said === undefined) return undefined;
  const [text, tone] = said;
  const leg = 'leg' in fact ? { leg: fact.leg } : {};
  return { atMs: Math.max(0, fact.atMs - beganAtMs), ...leg, kind: fact.type, text, tone };
}

function sayingOf(fact: CallFact, shown: Shown): Said | undefined {
  switch (fact.type) {
    case 'received':
      return [receivedText(fact, shown), 'plain'];
    case 'decision':
      return [
        `${fact.why.charAt(0).toUpperCase()}${fact.why.slice(1)} (${fact.rule}).`,
        fact.verdict === 'refused' || fact.verdict === 'ended' ? 'bad' : 'plain',
      ];
    case 'crowded':
      return [`No room for the call: ${bounds[fact.bound]}.`, 'bad'];
    case 'leg':
    case 'page-token':
      return undefined;
    case 'routed':
      return [routedText(fact, shown), 'plain'];
    case 'attempt-failed': {
      const status = fact.sipStatus === undefined ? '' : `, SIP ${fact.sipStatus}`;
      return [
        `${targetOf(fact)} did not take the call (${failureOf(fact.failure).sentence.replace(/\.$/, '')}${status}); the next target is tried.`,
        'warn',
      ];
    }
    case 'ended':
      return endedSaying(fact);
    default:
      return lifeSaying(fact) ?? mediaSaying(fact) ?? digitSaying(fact, shown) ?? moveSaying(fact, shown);
  }
}

function lifeSaying(fact: CallFact): Said | undefined {
  switch (fact.type) {
    case 'progress':
      return [
        `The called side says ${fact.status} ${reasonPhrase(fact.status)}${fact.earlyMedia ? ', with sound before the answer' : ''}.`,
        'plain',
      ];
    case 'ringing':
      return ['It rings.', 'plain'];
    case 'answered':
      return [fact.by === undefined ? 'Answered.' : `Answered by ${fact.by}.`, 'good'];
    case 'cost':
      return [`It cost ${fact.amount} ${fact.currency}.`, 'plain'];
    case 'flow-lost':
      return ['The connection to the page is lost; the call waits for it to come back.', 'warn'];
    case 'reattached':
      return ['The page is back.', 'good'];
    case 'reoffer':
      return [
        fact.accepted ? 'Media was agreed on anew.' : 'A new offer of media was refused; the call goes on as before.',
        fact.accepted ? 'plain' : 'warn',
      ];
    case 'rated':
      return [
        `Rated ${fact.stars} of 5${fact.comment === undefined ? '' : `: “${fact.comment}”`}.`,
        fact.stars >= 4 ? 'good' : fact.stars >= 3 ? 'plain' : 'warn',
      ];
    default:
      return undefined;
  }
}

function receivedText({ from, to, source, origin, trunk, account }: Extract<CallFact, { type: 'received' }>, { number }: Shown): string {
  const who = trunk === undefined ? `A page${origin === undefined ? '' : ` of ${origin}`}` : `The trunk ${trunk}`;
  const site = account?.site === undefined ? '' : `, site ${account.site}`;
  const ticket = account?.ticket === undefined ? '' : ', with a ticket';
  const alias = account?.alias === undefined ? '' : ` (called as ${account.alias})`;
  return `${who} calls ${number(to)}${alias} as ${number(from.number)} from ${source}${site}${ticket}.`;
}

function targetOf({ trunk, user }: { readonly trunk?: string; readonly user?: string }): string {
  if (trunk !== undefined) return `The trunk ${trunk}`;
  return user === undefined ? 'The target' : `The user ${user}`;
}

function routedText(fact: Extract<CallFact, { type: 'routed' }>, { number }: Shown): string {
  const { trunk, user, dialled } = fact;
  return trunk === undefined
    ? `Goes to the user ${user ?? number(dialled)}.`
    : `Goes to the trunk ${trunk}, dialled as ${number(dialled)}.`;
}

function endedSaying({ by, failure, disposition, q850 }: Extract<CallFact, { type: 'ended' }>): Said {
  const who = { caller: 'by the caller', callee: 'by the called side', gateway: 'by the gateway' }[by];
  if (failure === undefined) return [`Ended ${who}: ${disposition} (Q.850 cause ${q850}).`, 'good'];
  return [`Ended ${who}: ${failureOf(failure).sentence} (${failure}, Q.850 cause ${q850})`, failure === 'cancelled' ? 'plain' : 'bad'];
}

function mediaSaying(fact: CallFact): Said | undefined {
  switch (fact.type) {
    case 'media-up':
      return [`Sound from ${side[fact.kind]} is up.`, 'good'];
    case 'media-silent':
      return [`Nothing from ${side[fact.kind]} for ${(fact.silentMs / 1000).toFixed(1)} s: ${fact.detail}`, 'bad'];
    case 'media-resumed':
      return [`Sound from ${side[fact.kind]} is back.`, 'good'];
    case 'page-quality':
      return pageSaying(fact);
    case 'media-failed':
      return [`Media of ${side[fact.kind]} failed (${fact.cause}): ${fact.detail}`, 'bad'];
    default:
      return undefined;
  }
}

const ailing = {
  'network-slow': 'its network is slow',
  'network-loss': 'its network loses packets',
  'no-incoming-sound': 'it hears nothing',
  'microphone-silent': 'its microphone gives no sound',
} as const;

function pageSaying({ score, roundTripMs, lostPercent, jitterMs, hint }: Extract<CallFact, { type: 'page-quality' }>): Said {
  const why = hint === undefined ? '' : `: ${ailing[hint]}`;
  const figures = `round trip ${roundTripMs} ms, ${lostPercent} % lost, jitter ${jitterMs} ms`;
  return [`The page measures its sound at ${score} of 5${why} (${figures}).`, score >= 4 && hint === undefined ? 'good' : 'warn'];
}

function digitSaying(fact: CallFact, shown: Shown): Said | undefined {
  switch (fact.type) {
    case 'digit': {
      const key = shown.digits ? (fact.digit ?? MASKED_DIGIT) : MASKED_DIGIT;
      return [`Key ${key} of ${side[fact.from]} (press ${fact.id}) seen as ${came[fact.by]}, ${Math.round(fact.durationMs)} ms.`, 'plain'];
    }
    case 'digit-sent': {
      const packets = fact.packets === undefined ? '' : `, ${fact.packets} packets`;
      return [`Press ${fact.id} sent to ${side[fact.to]} as ${came[fact.as]}, ${Math.round(fact.durationMs)} ms${packets}.`, 'good'];
    }
    case 'digit-acknowledged':
      return [`Press ${fact.id} acknowledged.`, 'good'];
    case 'digit-failed':
      return [`Press ${fact.id} did not leave: ${unsent[fact.why]}.`, fact.why === 'withheld' ? 'plain' : 'bad'];
    case 'secure-digits':
      return [`The secure window for key presses ${fact.open ? 'opens' : 'closes'} (${fact.by}).`, 'plain'];
    default:
      return undefined;
  }
}

function moveSaying(fact: CallFact, { number }: Shown): Said | undefined {
  switch (fact.type) {
    case 'held':
      return [`${Side[fact.kind]} holds the call.`, 'plain'];
    case 'resumed':
      return [`${Side[fact.kind]} takes the call off hold.`, 'plain'];
    case 'transfer-requested':
      return [`${Side[fact.kind]} wants the call moved to ${number(fact.to)}${fact.attended ? ', after speaking to them' : ''}.`, 'plain'];
    case 'transferred':
      return [`The call was moved to ${number(fact.to)}.`, 'good'];
    case 'transfer-failed': {
      const why = fact.failure === undefined ? '' : `: ${failureOf(fact.failure).sentence.replace(/\.$/, '')}`;
      return [`Moving the call failed (${fact.status}${why}); it goes on as before.`, 'warn'];
    }
    case 'replaced':
      return [`${Side[fact.kind]} was taken over by another one (INVITE with Replaces).`, 'plain'];
    default:
      return undefined;
  }
}
