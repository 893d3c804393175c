import { beforeEach, describe, expect, it } from 'vitest';
import type { SessionId } from '../../../src/base/ids.js';
import type { CallFactBody } from '../../../src/call/facts.js';
import type { LegStats, SessionStats } from '../../../src/media/plane.js';
import type { TracedMessage } from '../../../src/sip/trace.js';
import { StoryRecorder } from '../../../src/story/recorder.js';
import { tellStory } from '../../../src/story/tell.js';
import { beganAtMs, factAt, legStats, received } from '../../support/call-facts.js';

const limits = { calls: 3, messagesPerCall: 10, samplesPerCall: 8 };
const ended: CallFactBody = { type: 'ended', by: 'caller', disposition: 'completed', q850: 16, talkMs: 1000, totalMs: 2000 };

let recorder: StoryRecorder;
beforeEach(() => {
  recorder = new StoryRecorder(limits);
});

const leg = (sipCallId: string, which: 'a' | 'b' = 'a'): CallFactBody => ({ type: 'leg', leg: which, kind: 'browser', sipCallId });

function sip(callIdHeader: string, start: string, way: 'in' | 'out' = 'in', afterMs = 0, body = ''): TracedMessage {
  const bytes = Buffer.from(`${start}\r\nCall-ID: ${callIdHeader}\r\nCSeq: 1 INVITE\r\nAuthorization: Bearer s3cret\r\n\r\n${body}`);
  const ends = { local: { host: '127.0.0.1', port: 5060 }, remote: { host: '127.0.0.1', port: 5070 } };
  return { way, transport: 'udp', ...ends, atMs: beganAtMs + afterMs, callIdHeader, bytes };
}

const statsOf = (a: Partial<LegStats>): SessionStats => ({
  session: 's' as SessionId,
  path: [],
  a: { ...legStats('webrtc', 0), packetsSent: 0, packetsLost: 0, jitterMs: 1, ...a },
});
const titles = (callId = 'c-1'): string[] => {
  const kept = recorder.find(callId);
  return kept === undefined ? [] : tellStory(kept, undefined, 'full').ladder.messages.map(({ title, repeats }) => `${title} ${repeats}`);
};

describe('the recorder of stories', () => {
  it('keeps the messages of a dialog from its INVITE on, though the call is only told of later', () => {
    recorder.traced(sip('one', 'INVITE sip:x SIP/2.0'));
    recorder.traced(sip('one', 'SIP/2.0 100 Trying', 'out'));
    recorder.take(factAt(1, received));
    recorder.take(factAt(1, leg('one')));
    recorder.traced(sip('one', 'SIP/2.0 486 Busy Here', 'out'));
    recorder.take(factAt(9, ended));
    recorder.traced(sip('one', 'ACK sip:x SIP/2.0'));
    expect(titles()).toEqual(['INVITE 0', '100 Trying 0', '486 Busy Here 0', 'ACK 0']);
    expect(JSON.stringify(recorder.find('c-1')?.messages)).not.toContain('s3cret');
  });

  it('drops messages of no call, and forgets INVITEs that nobody claims', () => {
    recorder.traced(sip('registration', 'REGISTER sip:x SIP/2.0'));
    expect(recorder.dialogsKnown).toBe(0);
    for (let at = 0; at < 1_000; at += 1) recorder.traced(sip(`stray-${at}`, 'INVITE sip:x SIP/2.0'));
    expect(recorder.dialogsKnown).toBe(256);
  });

  it('counts repetitions and keeps one of them', () => {
    recorder.take(factAt(0, received));
    recorder.take(factAt(0, leg('one', 'b')));
    for (const afterMs of [0, 500, 1500]) recorder.traced(sip('one', 'INVITE sip:x SIP/2.0', 'out', afterMs));
    recorder.traced(sip('one', 'INVITE sip:x SIP/2.0', 'in', 1600));
    expect(titles()).toEqual(['INVITE 2', 'INVITE 0']);
    expect(recorder.find('c-1')?.messages[0]?.repeatsAtMs).toEqual([beganAtMs + 500, beganAtMs + 1500]);
  });

  it('gives a dialog that moves to another call to that one', () => {
    for (const id of ['c-1', 'c-2']) recorder.take(factAt(0, received, id));
    recorder.take(factAt(0, leg('one')));
    recorder.traced(sip('one', 'INVITE sip:x SIP/2.0'));
    recorder.take(factAt(5, leg('one', 'b'), 'c-2'));
    recorder.traced(sip('one', 'BYE sip:x SIP/2.0'));
    expect([titles('c-1'), titles('c-2')]).toEqual([['INVITE 0'], ['BYE 0']]);
  });

  it('keeps no more of a call than it may, and tells how much it left out', () => {
    recorder.take(factAt(0, received));
    recorder.take(factAt(0, leg('one')));
    for (let at = 0; at < 25; at += 1) recorder.traced(sip('one', `INFO sip:${at} SIP/2.0`));
    for (let at = 0; at < 5_000; at += 1) recorder.take(factAt(at, { type: 'ringing' }));
    recorder.take(factAt(5_001, ended));
    const kept = recorder.find('c-1');
    expect([kept?.messages.length, kept?.omittedMessages, kept?.facts.length]).toEqual([10, 15, 2_001]);
    expect(kept?.ended).toBe(true);
    const large = 'x'.repeat(400 * 1024);
    recorder.take(factAt(0, received, 'c-2'));
    recorder.take(factAt(0, leg('two'), 'c-2'));
    recorder.traced(sip('two', 'INVITE sip:x SIP/2.0', 'in', 0, large));
    recorder.traced(sip('two', 'INVITE sip:y SIP/2.0', 'in', 0, large));
    expect(recorder.find('c-2')?.omittedMessages).toBe(1);
  });

  it('keeps the last calls that are over, and all that are up, and forgets their dialogs with them', () => {
    recorder.take(factAt(0, received, 'live'));
    for (let at = 0; at < 1_000; at += 1) {
      recorder.traced(sip(`d-${at}`, 'INVITE sip:x SIP/2.0'));
      recorder.take(factAt(0, received, `c-${at}`));
      recorder.take(factAt(0, leg(`d-${at}`), `c-${at}`));
      recorder.take(factAt(1, ended, `c-${at}`));
    }
    expect([recorder.size, recorder.dialogsKnown]).toEqual([4, 3]);
    expect(recorder.find('live')).toBeDefined();
    expect(['c-996', 'c-997', 'c-999'].map((id) => recorder.find(id) !== undefined)).toEqual([false, true, true]);
    recorder.traced(sip('d-5', 'BYE sip:x SIP/2.0'));
    expect(recorder.dialogsKnown).toBe(3);
  });

  it('reckons rates, loss and score between two looks at the counters', () => {
    recorder.take(factAt(0, received));
    recorder.take(factAt(1000, { type: 'media-up', leg: 'a', kind: 'browser' }));
    recorder.sampled('c-1', beganAtMs + 6_000, statsOf({ packetsReceived: 250, packetsSent: 240 }));
    recorder.sampled('c-1', beganAtMs + 11_000, statsOf({ packetsReceived: 450, packetsSent: 490, packetsLost: 50, roundTripMs: 40 }));
    recorder.sampled('c-1', beganAtMs + 16_000, statsOf({ packetsReceived: 450, packetsSent: 490, packetsLost: 50 }));
    const kept = recorder.find('c-1');
    const [media] = kept === undefined ? [] : tellStory(kept, undefined, 'full').media;
    expect(media).toMatchObject({ leg: 'a', kind: 'browser', codec: 'PCMU' });
    expect(media?.samples[0]).toEqual({ atMs: 6_000, received: 50, sent: 48, lostPercent: 0, jitterMs: 1, score: expect.closeTo(4.4, 1) });
    expect(media?.samples[1]).toMatchObject({ received: 40, sent: 50, lostPercent: 20, roundTripMs: 40, score: expect.closeTo(2.4, 0) });
    expect(media?.samples[2]).toEqual({ atMs: 16_000, received: 0, sent: 0, lostPercent: 0, jitterMs: 1 });
  });

  it('keeps the whole of a long call, less finely, and begins anew with a leg that counts anew', () => {
    recorder.take(factAt(0, received));
    for (let at = 1; at <= 1_000; at += 1) recorder.sampled('c-1', beganAtMs + at * 5_000, statsOf({ packetsReceived: at * 250 }));
    const samples = recorder.find('c-1')?.legs.a?.samples.all() ?? [];
    expect(samples.length).toBeLessThanOrEqual(8);
    expect(samples.length).toBeGreaterThanOrEqual(4);
    const atMs = samples.map((sample) => sample.atMs);
    const steps = atMs.slice(1).map((at, index) => at - (atMs[index] ?? 0));
    expect(Math.max(...steps) / Math.min(...steps)).toBeLessThan(3);
    expect(atMs.at(-1)).toBeGreaterThan(3_800_000);
    expect(samples.at(-1)?.received).toBe(50);
    recorder.sampled('c-1', beganAtMs + 9_000_000, statsOf({ packetsReceived: 10 }));
    expect(recorder.find('c-1')?.legs.a?.samples.length).toBe(samples.length);
  });
});
