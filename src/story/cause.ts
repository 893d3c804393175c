import type { CallFact } from '../call/facts.js';
import { failureOf } from '../call/failure.js';
import type { FailureCode } from '../call/failure-code.js';
import type { SilenceCause } from '../media/plane.js';
import type { StoryCause } from './call-story.js';

type Ended = Extract<CallFact, { type: 'ended' }>;

/** What a failure is called, and what an operator can do. The sentence is that of the table of failures. */
const words: Readonly<Record<FailureCode, { readonly title: string; readonly advice?: string }>> = {
  busy: { title: 'Busy' },
  rejected: { title: 'Declined' },
  'no-answer': {
    title: 'Not answered',
    advice: 'If this happens often, look at policy.ringSeconds, or name another target in inbound[].otherwise.',
  },
  cancelled: { title: 'Given up by the caller' },
  'number-not-found': {
    title: 'Number not in service',
    advice: 'Look at the number as it was dialled: trunks[].numberFormat and numbers may not suit the carrier.',
  },
  'number-invalid': { title: 'Number not complete', advice: 'Look at the number as it was dialled, and at trunks[].numbers.' },
  'destination-denied': {
    title: 'Destination not allowed',
    advice: 'If such calls are wanted, name the beginning of the number in policy.destinations.allow.',
  },
  'ticket-required': { title: 'No ticket', advice: 'The page has to fetch a ticket first: see sites[] and the ticket-url of the button.' },
  'ticket-invalid': {
    title: 'Ticket not genuine',
    advice: 'If the website signs tickets itself, compare its key with sites[].keys. Otherwise somebody tried his luck.',
  },
  'ticket-expired': {
    title: 'Ticket out of date',
    advice: 'Tickets live for a short time: fetch one when the button is pressed, and check the clocks of both machines.',
  },
  'ticket-used': {
    title: 'Ticket used before',
    advice: 'Every call needs a ticket of its own. If the page fetches one each time, somebody has copied it.',
  },
  'wrong-origin': {
    title: 'Ticket of another website',
    advice: 'Name the origin of the page in sites[].origins if it belongs to the site.',
  },
  'wrong-destination': {
    title: 'Ticket for another number',
    advice: 'The ticket names what may be called; compare it with what the page called.',
  },
  'over-limit': { title: 'Too many calls', advice: 'The decision below names the limit. Raise it if these calls were wanted.' },
  'over-budget': { title: 'Budget used up', advice: 'The decision below names the budget. Raise it if these calls were wanted.' },
  'unusual-destination': { title: 'Unusual destination', advice: 'If calls to this country are wanted, allow it by name in the policy.' },
  'emergency-number': { title: 'Emergency number', advice: 'Pages do not call emergency numbers unless the policy says so.' },
  'no-route': { title: 'No route', advice: 'No trunk or user takes this number: look at trunks[] and inbound[].' },
  loop: { title: 'Loop', advice: 'The carrier sends the call back to where it came from: look at forwarding on both sides.' },
  'trunk-unreachable': { title: 'Carrier not reachable', advice: 'Look at the address in trunks[].peers, and at the firewall between.' },
  'trunk-timeout': {
    title: 'Carrier silent',
    advice: 'Nothing came back. A firewall that drops packets, or a wrong address in trunks[].peers, look like this.',
  },
  'trunk-auth-failed': {
    title: 'Carrier refused the account',
    advice: 'Compare user and password of the trunk with what the carrier gave you.',
  },
  'trunk-error': {
    title: 'Error at the carrier',
    advice: 'The last response in the ladder of the called side names the error; ask the carrier with its Call-ID.',
  },
  'trunk-congested': {
    title: 'Carrier overloaded',
    advice: 'The carrier asked for fewer calls. Look at the channels you rent, and at trunks[].maxCalls.',
  },
  'media-not-acceptable': {
    title: 'No common audio format',
    advice: 'The session descriptions below show what each side offered; compare with media.codecs and trunks[].codecs.',
  },
  'media-setup-failed': {
    title: 'Audio could not be set up',
    advice: 'The timeline names the step. Most often UDP is blocked between the page and this machine: see media.publicAddress and TURN.',
  },
  'media-lost': {
    title: 'Audio lost',
    advice: 'If it happens to many calls at once, look at the media workers and the network of this machine.',
  },
  'browser-gone': { title: 'Page gone', advice: 'The page was closed or lost its network for longer than browser.graceSeconds.' },
  'user-not-registered': {
    title: 'Nobody online',
    advice: 'No page of this user is registered; name another target in inbound[].otherwise.',
  },
  'too-many-calls': { title: 'Gateway full', advice: 'The gateway had no room: see policy.maxCalls and policy.maxCallsPerSecond.' },
  'too-long': { title: 'Longest time reached', advice: 'Calls end after policy.maxSeconds, or after what their ticket or budget allows.' },
  'shutting-down': { title: 'Gateway stopped' },
  internal: { title: 'Fault in the gateway', advice: 'Please report it, with this story and the log lines of its call.' },
};

const silences: Readonly<Record<SilenceCause, { readonly what: string; readonly advice: string }>> = {
  'nothing-received': {
    what: 'no sound arrived',
    advice: 'Look whether UDP from there reaches the media ports of this machine (media.trunkPorts, media.browserPorts).',
  },
  'source-mismatch': {
    what: 'sound came from an address nobody announced, and was dropped',
    advice: 'Name that network in mediaAllow of the trunk if it is the carrier’s.',
  },
  'srtp-failing': {
    what: 'sound came that could not be decrypted',
    advice: 'The two sides disagree about keys; look at what lies between them.',
  },
  'ice-lost': {
    what: 'the path to the page was lost',
    advice: 'The page’s network broke down or changed; TURN helps where UDP is blocked.',
  },
  'dtls-pending': {
    what: 'the encrypted path to the page never came up',
    advice: 'DTLS does not get through; look for a firewall that drops it.',
  },
  unreachable: {
    what: 'the far end refused our packets',
    advice: 'Its host says that nobody listens there: its address or port is wrong.',
  },
};

const sideOf = { browser: 'the page', trunk: 'the telephone network' } as const;

/** Why a call ended, or that it has not. */
export function causeOf(facts: readonly CallFact[]): StoryCause {
  const ended = facts.find((fact) => fact.type === 'ended');
  return ended === undefined ? liveCause(facts) : withSilence(endedCause(ended), facts);
}

function liveCause(facts: readonly CallFact[]): StoryCause {
  const answered = facts.some((fact) => fact.type === 'answered');
  const title = answered ? 'Connected' : 'Being set up';
  return withSilence({ title, sentence: answered ? 'The call is up.' : 'The call has not been answered yet.' }, facts);
}

function endedCause({ failure, by, disposition, talkMs, sipStatus }: Ended): StoryCause {
  if (failure === undefined) {
    const who = { caller: 'The caller hung up', callee: 'The called side hung up', gateway: 'The gateway ended the call' }[by];
    const title = disposition === 'completed' ? 'Completed' : disposition;
    return { title, sentence: `${who} after ${seconds(talkMs)} of talk.` };
  }
  const { title, advice } = words[failure];
  const status = sipStatus === undefined ? '' : ` The called side said ${sipStatus}.`;
  return { title, sentence: failureOf(failure).sentence + status, ...(advice === undefined ? {} : { advice }) };
}

/** A call that was silent on one side to its end did not do what it was for, however it ended. */
function withSilence(cause: StoryCause, facts: readonly CallFact[]): StoryCause {
  const open = new Map<string, Extract<CallFact, { type: 'media-silent' }>>();
  for (const fact of facts) {
    if (fact.type === 'media-silent') open.set(fact.leg, fact);
    else if (fact.type === 'media-resumed' || fact.type === 'transferred' || fact.type === 'replaced') open.delete(fact.leg);
  }
  const [silent] = open.values();
  if (silent === undefined) return withPageHint(cause, facts);
  const { what, advice } = silences[silent.cause];
  return {
    title: `${cause.title}, one side silent`,
    sentence: `${cause.sentence} From ${sideOf[silent.kind]}, ${what}.`,
    advice: cause.advice === undefined ? advice : `${advice} ${cause.advice}`,
  };
}

const unheard = {
  'no-incoming-sound': {
    what: 'The page heard nothing',
    advice: 'Sound left the gateway toward the page; look for a firewall on that side, and at the round trips below.',
  },
  'microphone-silent': {
    what: 'The page’s microphone gave no sound',
    advice:
      'It may be muted in the system, be the wrong one, or be in use by another program: the caller can choose another in the button’s settings.',
  },
} as const;

/** Where the gateway saw packets both ways, the page may still have had no sound to send, or none that reached it. */
function withPageHint(cause: StoryCause, facts: readonly CallFact[]): StoryCause {
  const last = facts.findLast((fact) => fact.type === 'page-quality');
  if (last?.hint !== 'no-incoming-sound' && last?.hint !== 'microphone-silent') return cause;
  const { what, advice } = unheard[last.hint];
  return {
    title: `${cause.title}, one side silent`,
    sentence: `${cause.sentence} ${what}, as it says itself.`,
    advice: cause.advice === undefined ? advice : `${advice} ${cause.advice}`,
  };
}

function seconds(ms: number): string {
  const whole = Math.round(ms / 1000);
  if (whole < 60) return `${whole} s`;
  return `${Math.floor(whole / 60)} min ${whole % 60} s`;
}
