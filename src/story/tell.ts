import { maskNumber } from '../base/mask.js';
import type { CallFact } from '../call/facts.js';
import type { LegName } from '../media/plane.js';
import type { CallStory, StoryDecision, StoryLine, StoryMedia, StoryMessage } from './call-story.js';
import { causeOf } from './cause.js';
import type { KeptCall, KeptMessage } from './kept-call.js';
import { describeChanges, describePicture, readPicture, type SdpPicture } from './sdp-words.js';
import { lineOf } from './timeline.js';
import { formsOf, withoutNumbers } from './without-numbers.js';

/** Whether whoever reads sees numbers and keys whole. */
export type StoryAccess = 'full' | 'masked';

/** Tells what is kept of a call. */
export function tellStory<Summary>(kept: KeptCall, summary: Summary, access: StoryAccess): CallStory<Summary> {
  const { facts, beganAtMs } = kept;
  const shown = { number: access === 'full' ? (number: string) => number : maskNumber, digits: access === 'full' };
  return {
    callId: kept.callId,
    live: !kept.ended,
    summary,
    cause: causeOf(facts),
    timeline: [...facts]
      .sort((one, other) => one.atMs - other.atMs)
      .map((fact) => lineOf(fact, beganAtMs, shown))
      .filter((line): line is StoryLine => line !== undefined),
    ladder: { lanes: lanesOf(facts), messages: messagesOf(kept, access), omitted: kept.omittedMessages },
    media: mediaOf(kept),
    decisions: decisionsOf(facts, beganAtMs),
  };
}

/** The numbers of a call in every form a message may hold them. */
export function numbersOf(facts: readonly CallFact[]): readonly string[] {
  const numbers: string[] = [];
  for (const fact of facts) {
    if (fact.type === 'received') numbers.push(fact.from.number, fact.to);
    else if (fact.type === 'routed') numbers.push(fact.dialled);
    else if (fact.type === 'transfer-requested' || fact.type === 'transferred') numbers.push(fact.to);
  }
  return formsOf(numbers);
}

function lanesOf(facts: readonly CallFact[]): readonly string[] {
  const received = facts.find((fact) => fact.type === 'received');
  const routed = facts.findLast((fact) => fact.type === 'routed');
  const caller =
    received?.trunk === undefined ? `Page${received?.origin === undefined ? '' : ` (${received.origin})`}` : `Trunk ${received.trunk}`;
  if (routed === undefined) return [caller, 'Gateway', 'Nobody'];
  return [caller, 'Gateway', routed.trunk === undefined ? `Page of ${routed.user ?? 'a user'}` : `Trunk ${routed.trunk}`];
}

/** The first line of a message, as a ladder shows it: `INVITE`, `180 Ringing`. */
export function titleOf(text: string): string {
  const line = text.slice(0, text.indexOf('\r\n'));
  const status = /^SIP\/2\.0 (\d{3}) ?(.*)$/.exec(line);
  return status === null ? (line.split(' ')[0] ?? '') : `${status[1]} ${status[2]}`.trim();
}

const utf8 = (latin1: string): string => Buffer.from(latin1, 'latin1').toString('utf8');
const bodyOf = (text: string): string => text.slice(text.indexOf('\r\n\r\n') + 4);

function messagesOf(kept: KeptCall, access: StoryAccess): readonly StoryMessage[] {
  const known = access === 'full' ? [] : numbersOf(kept.facts);
  const before = new Map<string, SdpPicture>();
  const offered = new Map<string, boolean>();
  return kept.messages.map((message) => {
    const { leg, way, atMs, repeats, text } = message;
    const sdp = sdpOf(message, before, offered);
    const shown = access === 'full' ? text : withoutNumbers(text, known);
    return {
      ...{ atMs: Math.max(0, atMs - kept.beganAtMs), leg, way, title: titleOf(text), repeats, text: utf8(shown) },
      ...(sdp === undefined ? {} : { sdp }),
    };
  });
}

/** Within one transaction the first description is the offer and the other one answers it (RFC 3264 §4). */
function sdpOf(message: KeptMessage, before: Map<string, SdpPicture>, offered: Map<string, boolean>): readonly string[] | undefined {
  const picture = readPicture(bodyOf(message.text));
  if (picture === undefined) return undefined;
  const { leg, way, text } = message;
  const dialog = /\r\n(?:call-id|i)[ \t]*:[ \t]*([^\r\n]*)/i.exec(text)?.[1] ?? '';
  const cseq = /\r\ncseq[ \t]*:[ \t]*(\d+)/i.exec(text)?.[1] ?? '';
  const exchange = `${leg} ${dialog} ${cseq}`;
  const mine = `${exchange} ${way}`;
  const answer = offered.has(exchange) && !offered.has(mine);
  offered.set(exchange, true);
  if (!answer) offered.set(mine, true);
  const side = `${leg} ${dialog} ${way}`;
  const last = before.get(side);
  before.set(side, picture);
  return [...describePicture(picture, answer), ...(last === undefined ? [] : describeChanges(last, picture))];
}

function mediaOf({ legs }: KeptCall): readonly StoryMedia[] {
  return (['a', 'b'] as const).flatMap((leg: LegName) => {
    const kept = legs[leg];
    if (kept === undefined) return [];
    return [{ leg, kind: kept.kind, ...(kept.codec === undefined ? {} : { codec: kept.codec }), samples: kept.samples.all() }];
  });
}

function decisionsOf(facts: readonly CallFact[], beganAtMs: number): readonly StoryDecision[] {
  return facts.flatMap((fact) => {
    if (fact.type !== 'decision') return [];
    const { atMs, rule, verdict, why } = fact;
    return [{ atMs: Math.max(0, atMs - beganAtMs), rule, verdict, why }];
  });
}
