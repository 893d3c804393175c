import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { CallStory } from '../../src/story/call-story.js';
import { type BuiltWorker, buildMediaWorker } from '../support/fake-media-worker.js';
import { until } from '../support/sip-rigs.js';
import { StoryRig, storyNumber, storyTicket, storyToken } from '../support/story-rig.js';

const ladderOf = ({ ladder }: CallStory, leg: 'a' | 'b'): string[] =>
  ladder.messages.filter((message) => message.leg === leg).map(({ way, title }) => `${way} ${title}`);
const textsOf = ({ timeline }: CallStory): string => timeline.map(({ text }) => text).join('\n');

describe('the story of a call over the whole gateway', () => {
  let worker: BuiltWorker;
  let rig: StoryRig;
  beforeAll(async () => {
    worker = await buildMediaWorker();
  });
  afterAll(() => worker.remove());
  afterEach(async () => rig.stop());

  it('has both ladders whole, the sound of both legs, the keys and the end, and no secret', async () => {
    rig = await StoryRig.start(worker);
    const [browser, phone] = [rig.browser(), await rig.phone('PCMA', 440)];
    const { to } = await rig.connect(browser, phone);
    browser.press('7', 120);
    await until(() => phone.heardDigits.length === 1);
    await until(() => browser.framesHeard > 60 && phone.framesHeard > 60);
    await rig.hangUp(to);
    const id = await rig.lastCallId();
    const story = await rig.story(id);

    expect(ladderOf(story, 'a')).toEqual([
      'in INVITE',
      'out 100 Trying',
      'out 180 Ringing',
      'out 200 OK',
      'in ACK',
      'in BYE',
      'out 200 OK',
    ]);
    expect(ladderOf(story, 'b')).toEqual(['out INVITE', 'in 100 Trying', 'in 180 Ringing', 'in 200 OK', 'out ACK', 'out BYE', 'in 200 OK']);
    expect(story.ladder).toMatchObject({ omitted: 0, lanes: ['Page (https://page.example)', 'Gateway', 'Trunk carrier'] });
    expect(story).toMatchObject({
      callId: id,
      live: false,
      summary: { callId: id, disposition: 'completed' },
      cause: { title: 'Completed' },
    });
    expect(textsOf(story)).toMatch(/Key 7 of the page \(press 1\) seen as telephone-event/);
    expect(textsOf(story)).toMatch(/Press 1 sent to the telephone as telephone-event/);
    for (const { leg, codec, samples } of story.media) {
      const last = samples.at(-1);
      expect(codec).toBe(leg === 'a' ? 'PCMU' : 'PCMA');
      expect(last?.received).toBeGreaterThan(30);
      expect(last?.received).toBeLessThan(60);
      expect(last?.score).toBeGreaterThan(4);
      expect(last?.lostPercent).toBe(0);
    }
    expect(story.media.map(({ leg, kind }) => `${leg} ${kind}`)).toEqual(['a browser', 'b trunk']);
    const text = JSON.stringify(story);
    expect(text).toContain(storyNumber);
    expect(text).toContain('X-Call-Token: removed');
    for (const secret of [storyTicket, storyToken, /a=ice-pwd:(?!x+\\r)/]) expect(text).not.toMatch(secret);
  });

  it('tells a live call, and masks numbers and keys for whoever may not see them', async () => {
    rig = await StoryRig.start(worker);
    const [browser, phone] = [rig.browser(), await rig.phone('PCMU', 440)];
    const { to } = await rig.connect(browser, phone);
    const { calls } = (await (await rig.get('/calls')).json()) as { readonly calls: readonly { readonly id: string }[] };
    const live = await rig.story(calls[0]?.id ?? '');
    expect(live).toMatchObject({ live: true, cause: { title: 'Connected' }, summary: { state: 'connected' } });
    await rig.hangUp(to);
    expect((await rig.get(`/calls/${calls[0]?.id}/story`, 'wrong')).status).toBe(401);
    const file = Buffer.from(await (await rig.get(`/calls/${calls[0]?.id}/story.pcap`)).arrayBuffer());
    expect(file.readUInt32LE(0)).toBe(0xa1b2c3d4);
    expect(file.includes('INVITE sip:+44********18@gateway.invalid')).toBe(true);
    expect(file.includes(storyNumber.slice(4))).toBe(false);
    expect((await rig.get('/calls/nobody/story')).status).toBe(404);
  });

  it('is rated by the page with the token of the call, once, and the record, the file and the table say so', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'story-'));
    const cdrFile = join(folder, 'cdr.jsonl');
    rig = await StoryRig.start(worker, { more: `cdr: { file: ${cdrFile} }` });
    const [browser, phone] = [rig.browser(), await rig.phone('PCMU', 440)];
    const { to } = await rig.connect(browser, phone);
    await rig.hangUp(to);
    const id = await rig.lastCallId();
    const { callToken } = rig;
    expect(callToken.length).toBeGreaterThan(20);
    expect((await rig.rate({ callToken: 'guessed', stars: 5 })).status).toBe(404);
    expect((await rig.rate({ callToken, stars: 6 })).status).toBe(400);
    expect((await rig.rate({ callToken, stars: 5 }, 'https://elsewhere.example')).status).toBe(403);
    const answer = await rig.rate({ callToken, stars: 2, comment: '=echo' });
    expect([answer.status, answer.headers.get('access-control-allow-origin')]).toEqual([204, 'https://page.example']);
    expect((await rig.rate({ callToken, stars: 5 })).status).toBe(404);
    const story = await rig.story(id);
    expect(story.summary).toMatchObject({ rating: { stars: 2, comment: '=echo' } });
    expect(textsOf(story)).toContain('Rated 2 of 5: “=echo”.');
    expect(await (await rig.get('/cdrs?format=csv')).text()).toContain(`,2,"'=echo",`);
    expect(JSON.stringify(story)).not.toContain(callToken);
    const lines = (): string[] => readFileSync(cdrFile, 'utf8').trim().split('\n');
    await until(() => lines().length === 2);
    expect(JSON.parse(lines()[1] ?? '')).toEqual({ type: 'rating', callId: id, stars: 2, comment: '=echo', at: expect.any(String) });
    expect(readFileSync(cdrFile, 'utf8')).not.toContain(callToken);
    rmSync(folder, { recursive: true });
  });

  it('tells of a call that was refused', async () => {
    rig = await StoryRig.start(worker);
    rig.invite(await rig.browser().offer(), '+33123456789');
    await rig.page.nextResponse(403);
    const story = await rig.story(await rig.lastCallId());
    expect(ladderOf(story, 'a').slice(-1)).toEqual(['out 403 Forbidden']);
    expect(ladderOf(story, 'b')).toEqual([]);
    expect(story.cause).toMatchObject({ title: 'Destination not allowed', advice: expect.stringContaining('policy.destinations.allow') });
    expect(story.media).toEqual([]);
  });

  it('tells of a call that went to another host of the carrier, with both tries in the ladder', async () => {
    rig = await StoryRig.start(worker, { carriers: 2 });
    const [browser, phone] = [rig.browser(), await rig.phone('PCMU', 440)];
    const { to } = await rig.connect(browser, phone, async () => {
      await until(() => rig.calls.length === 1);
      rig.calls[0]?.reject(503);
      return rig.answer(1, phone);
    });
    await rig.hangUp(to);
    const called = ladderOf(await rig.story(await rig.lastCallId()), 'b');
    expect(called.filter((title) => title === 'out INVITE')).toHaveLength(2);
    expect(called).toContain('in 503 Service Unavailable');
    expect(called.slice(-2)).toEqual(['out BYE', 'in 200 OK']);
  });

  it('tells of a call that was moved to another telephone', async () => {
    rig = await StoryRig.start(worker);
    const browser = rig.browser();
    const [first, second] = [await rig.phone('PCMA', 440), await rig.phone('PCMU', 700)];
    const { dialog, to } = await rig.connect(browser, first);
    dialog.onRequest((request) => request.respond(200));
    await dialog.request('REFER', { headers: [['Refer-To', '<sip:+442079460019@carrier.example>']] });
    await rig.answer(1, second);
    await until(() => second.framesHeard > 10);
    await rig.hangUp(to);
    const story = await rig.story(await rig.lastCallId());
    const called = ladderOf(story, 'b');
    expect(called.filter((title) => title === 'out INVITE')).toHaveLength(2);
    expect(called).toEqual(expect.arrayContaining(['in REFER', 'out 202 Accepted', 'out NOTIFY', 'out BYE']));
    expect(textsOf(story)).toMatch(/The telephone wants the call moved to \+442079460019/);
    expect(textsOf(story)).toMatch(/The call was moved to/);
  });
});
