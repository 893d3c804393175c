import { describe, expect, it } from 'vitest';
import type { CallFact, CallFactBody } from '../../../src/call/facts.js';
import { failureCodes, failureOf } from '../../../src/call/failure.js';
import type { CallStory } from '../../../src/story/call-story.js';
import { causeOf } from '../../../src/story/cause.js';
import { StoryRecorder } from '../../../src/story/recorder.js';
import { type StoryAccess, tellStory } from '../../../src/story/tell.js';
import { completedCall, factAt, received } from '../../support/call-facts.js';

function told(facts: readonly CallFact[], access: StoryAccess = 'full'): CallStory {
  const recorder = new StoryRecorder({ calls: 10, messagesPerCall: 10, samplesPerCall: 10 });
  for (const fact of facts) recorder.take(fact);
  const kept = recorder.find('c-1');
  if (kept === undefined) throw new Error('nothing was kept');
  return tellStory(kept, { shown: true }, access);
}

const end = (more: Partial<Extract<CallFactBody, { type: 'ended' }>> = {}): CallFact =>
  factAt(9_000, { type: 'ended', by: 'gateway', disposition: 'completed', q850: 16, talkMs: 65_000, totalMs: 70_000, ...more });
const lines = (story: CallStory): string[] => story.timeline.map(({ atMs, tone, text }) => `${atMs} ${tone}: ${text}`);

describe('the story of a call', () => {
  it('tells everything that happened, in its order and in plain words', () => {
    expect(lines(told(completedCall))).toEqual([
      '0 plain: A page of http://127.0.0.1:8080 calls +15550123456 as demo from 127.0.0.1:50000.',
      '5 plain: Goes to the trunk carrier, dialled as +15550123456.',
      '400 plain: The called side says 183 Session Progress, with sound before the answer.',
      '500 plain: It rings.',
      '600 plain: It rings.',
      '2000 good: Answered.',
      '2100 good: Sound from the page is up.',
      '3000 plain: Key 5 of the page (press 1) seen as telephone-event, 100 ms.',
      '3060 good: Press 1 sent to the telephone as telephone-event, 100 ms, 7 packets.',
      '3100 plain: Key # of the telephone (press 2) seen as telephone-event, 100 ms.',
      '3110 good: Press 2 sent to the page as SIP INFO, 100 ms.',
      '3150 good: Press 2 acknowledged.',
      '3200 plain: Key • of the page (press 3) seen as SIP INFO, 100 ms.',
      '3201 bad: Press 3 did not leave: the far side takes no key presses that way.',
      '8000 bad: Nothing from the telephone for 5.0 s: media comes from elsewhere',
      '9000 good: Sound from the telephone is back.',
      '9500 plain: Media was agreed on anew.',
      '9600 warn: The connection to the page is lost; the call waits for it to come back.',
      '12000 good: Ended by the called side: completed (Q.850 cause 16).',
    ]);
    expect(told(completedCall)).toMatchObject({
      callId: 'c-1',
      live: false,
      summary: { shown: true },
      cause: { title: 'Completed', sentence: 'The called side hung up after 10 s of talk.' },
      ladder: { lanes: ['Page (http://127.0.0.1:8080)', 'Gateway', 'Trunk carrier'], messages: [], omitted: 0 },
      media: [
        { leg: 'a', kind: 'browser', codec: 'PCMU' },
        { leg: 'b', kind: 'trunk', codec: 'PCMU' },
      ],
    });
  });

  it('masks numbers and keys for whoever may not see them', () => {
    const text = JSON.stringify(told(completedCall, 'masked'));
    expect(text).toContain('+15*******56');
    expect(text).not.toMatch(/5550123456|Key [5#]/);
  });

  it.each<readonly [CallFactBody, string]>([
    [
      { ...received, account: { site: 'pk_shop', ticket: 't-1', alias: 'sales' } } as CallFactBody,
      'plain: A page of http://127.0.0.1:8080 calls +15550123456 (called as sales) as demo from 127.0.0.1:50000, site pk_shop, with a ticket.',
    ],
    [
      { type: 'decision', rule: 'policy.budgets', verdict: 'ended', why: 'the budget of the day is used up' },
      'bad: The budget of the day is used up (policy.budgets).',
    ],
    [{ type: 'crowded', bound: 'calls' }, 'bad: No room for the call: as many calls are up as may be.'],
    [
      { type: 'attempt-failed', trunk: 'carrier', failure: 'trunk-congested', sipStatus: 503 },
      'warn: The trunk carrier did not take the call (The telephone network is overloaded; try again in a moment, SIP 503); the next target is tried.',
    ],
    [{ type: 'answered', by: 'alice' }, 'good: Answered by alice.'],
    [
      { type: 'media-failed', leg: 'a', kind: 'browser', cause: 'dtls-failed', detail: 'no reply' },
      'bad: Media of the page failed (dtls-failed): no reply',
    ],
    [{ type: 'reoffer', leg: 'b', accepted: false }, 'warn: A new offer of media was refused; the call goes on as before.'],
    [{ type: 'held', leg: 'b', kind: 'trunk', direction: 'sendonly' }, 'plain: The telephone holds the call.'],
    [{ type: 'resumed', leg: 'b', kind: 'trunk' }, 'plain: The telephone takes the call off hold.'],
    [{ type: 'reattached', leg: 'a' }, 'good: The page is back.'],
    [
      { type: 'transfer-requested', leg: 'a', kind: 'browser', to: '+15550199', attended: true },
      'plain: The page wants the call moved to +15550199, after speaking to them.',
    ],
    [{ type: 'transferred', leg: 'b', kind: 'trunk', to: '+15550199' }, 'good: The call was moved to +15550199.'],
    [
      { type: 'transfer-failed', leg: 'b', kind: 'trunk', status: 486, failure: 'busy' },
      'warn: Moving the call failed (486: The number is busy); it goes on as before.',
    ],
    [{ type: 'replaced', leg: 'b', kind: 'trunk' }, 'plain: The telephone was taken over by another one (INVITE with Replaces).'],
    [{ type: 'secure-digits', open: true, by: 'api' }, 'plain: The secure window for key presses opens (api).'],
    [{ type: 'digit-failed', id: 4, why: 'withheld' }, 'plain: Press 4 did not leave: a secure window is open.'],
    [
      { type: 'page-quality', leg: 'a', score: 2, roundTripMs: 310, lostPercent: 6.5, jitterMs: 20, hint: 'network-loss' },
      'warn: The page measures its sound at 2 of 5: its network loses packets (round trip 310 ms, 6.5 % lost, jitter 20 ms).',
    ],
    [
      { type: 'page-quality', leg: 'a', score: 5, roundTripMs: 30, lostPercent: 0, jitterMs: 2 },
      'good: The page measures its sound at 5 of 5 (round trip 30 ms, 0 % lost, jitter 2 ms).',
    ],
    [{ type: 'cost', amount: 0.25, currency: 'EUR' }, 'plain: It cost 0.25 EUR.'],
    [{ type: 'rated', stars: 2, comment: 'echo' }, 'warn: Rated 2 of 5: “echo”.'],
  ])('has words for $0.type', (fact, line) => {
    expect(
      lines(told([factAt(0, received), factAt(7, fact)]))
        .at(-1)
        ?.replace(/^\d+ /, ''),
    ).toBe(line);
  });

  it('says nothing of facts that only hold it together', () => {
    const quiet: CallFactBody[] = [
      { type: 'leg', leg: 'a', kind: 'browser', sipCallId: 'x' },
      { type: 'page-token', leg: 'a', digest: 'd1gest' },
    ];
    const story = told([factAt(0, received), ...quiet.map((fact) => factAt(1, fact))]);
    expect(story.timeline).toHaveLength(1);
    expect(JSON.stringify(story)).not.toContain('d1gest');
  });

  it('lists what rules said', () => {
    const decision: CallFactBody = { type: 'decision', rule: 'policy.destinations.deny', verdict: 'refused', why: 'denied by prefix' };
    expect(told([factAt(0, received), factAt(3, decision)]).decisions).toEqual([
      { atMs: 3, rule: 'policy.destinations.deny', verdict: 'refused', why: 'denied by prefix' },
    ]);
  });
});

describe('the cause of an end', () => {
  it('has a title of its own for every failure, its sentence, and what the far side said', () => {
    const titles = failureCodes.map((failure) => {
      const cause = causeOf([factAt(0, received), end({ failure, disposition: 'failed', sipStatus: 480 })]);
      expect(cause.sentence).toBe(`${failureOf(failure).sentence} The called side said 480.`);
      expect(cause.advice ?? 'None.').toMatch(/\.$/);
      return cause.title;
    });
    expect(new Set(titles).size).toBe(failureCodes.length);
  });

  it('names a side that was silent to the end, and not one that came back', () => {
    const silent = factAt(5, { type: 'media-silent', leg: 'b', kind: 'trunk', silentMs: 5000, cause: 'nothing-received', detail: '' });
    expect(causeOf([factAt(0, received), silent, end({ by: 'caller' })])).toEqual({
      title: 'Completed, one side silent',
      sentence: 'The caller hung up after 1 min 5 s of talk. From the telephone network, no sound arrived.',
      advice: expect.stringContaining('media.trunkPorts'),
    });
    expect(causeOf([silent, factAt(6, { type: 'media-resumed', leg: 'b', kind: 'trunk' }), end()]).title).toBe('Completed');
  });

  it('takes the page’s word for it where the gateway saw nothing amiss, as long as it stands', () => {
    const figures = { leg: 'a', score: 1, roundTripMs: 30, lostPercent: 0, jitterMs: 2 } as const;
    const mute = factAt(5, { type: 'page-quality', ...figures, hint: 'microphone-silent' });
    const deaf = factAt(6, { type: 'page-quality', ...figures, hint: 'no-incoming-sound' });
    expect(causeOf([factAt(0, received), mute, end({ by: 'caller' })])).toEqual({
      title: 'Completed, one side silent',
      sentence: 'The caller hung up after 1 min 5 s of talk. The page’s microphone gave no sound, as it says itself.',
      advice: expect.stringContaining('settings'),
    });
    expect(causeOf([mute, deaf, end()]).sentence).toContain('The page heard nothing, as it says itself.');
    expect(causeOf([mute, factAt(7, { type: 'page-quality', ...figures, score: 5 }), end()]).title).toBe('Completed');
    expect(causeOf([factAt(7, { type: 'page-quality', ...figures, hint: 'network-loss' }), end()]).title).toBe('Completed');
  });

  it('is where a live call stands', () => {
    expect(causeOf([factAt(0, received)]).title).toBe('Being set up');
    expect(causeOf([factAt(0, received), factAt(1, { type: 'answered' })]).title).toBe('Connected');
  });
});
