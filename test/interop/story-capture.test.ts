import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import type { CallStory } from '../../src/story/call-story.js';
import { type BuiltWorker, buildMediaWorker } from '../support/fake-media-worker.js';
import { describeWithPeers } from '../support/peers.js';
import { peerPath } from '../support/programs.js';
import { type Scratch, scratch } from '../support/scratch.js';
import { StoryRig, storyNumber } from '../support/story-rig.js';

/** What tshark says of a file, a line for each packet. */
function dissected(file: string, fields: readonly string[], filter = ''): string[] {
  const args = ['-r', file, '-o', 'ip.check_checksum:TRUE', '-o', 'udp.check_checksum:TRUE', '-o', 'tcp.check_checksum:TRUE'];
  const wanted = ['-T', 'fields', '-E', 'occurrence=f', ...fields.flatMap((field) => ['-e', field])];
  const text = execFileSync(peerPath('tshark'), [...args, ...(filter === '' ? [] : ['-Y', filter]), ...wanted], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  return text.split('\n').filter((line) => line !== '');
}

const titlesOf = ({ ladder }: CallStory): string[] =>
  ladder.messages.flatMap(({ title, repeats }) => Array.from({ length: repeats + 1 }, () => title));

describeWithPeers('the capture file of a call as tshark reads it', ['tshark'], () => {
  let worker: BuiltWorker;
  let rig: StoryRig;
  let files: Scratch;
  beforeAll(async () => {
    worker = await buildMediaWorker();
    files = scratch('story');
  });
  afterAll(() => {
    worker.remove();
    files.dispose();
  });
  afterEach(async () => rig.stop());

  it('holds the messages of the ladder of both legs, whole, with right checksums and no number', async () => {
    rig = await StoryRig.start(worker);
    const [browser, phone] = [rig.browser(), await rig.phone('PCMA', 440)];
    const { to } = await rig.connect(browser, phone);
    await rig.hangUp(to);
    const id = await rig.lastCallId();
    const story = await rig.story(id);
    const bytes = Buffer.from(await (await rig.get(`/calls/${id}/story.pcap`)).arrayBuffer());
    const file = files.file('call.pcap');
    writeFileSync(file, bytes);

    const read = dissected(file, ['sip.Method', 'sip.Status-Line']).map((line) => line.trim().replace(/^SIP\/2\.0 /, ''));
    expect(read).toEqual(titlesOf(story));
    const faults = dissected(file, ['_ws.expert.message'], '_ws.malformed or sip.continuation or _ws.expert.severity >= 6291456');
    // A masked number is none that a telephone could dial, and tshark says so.
    expect(faults.filter((fault) => !fault.startsWith('Country Code contains non-decimal digits'))).toEqual([]);
    const statuses = dissected(file, ['ip.checksum.status', 'udp.checksum.status', 'tcp.checksum.status']);
    expect(new Set(statuses.map((line) => line.replace(/\t/g, '')))).toEqual(new Set(['11']));
    expect(dissected(file, ['sdp.media'], 'sdp').length).toBe(story.ladder.messages.filter(({ sdp }) => sdp !== undefined).length);
    expect(bytes.includes(storyNumber.slice(3))).toBe(false);
    expect(bytes.includes('442079460001')).toBe(false);
  });
});
