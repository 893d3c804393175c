import { beforeEach, describe, expect, it } from 'vitest';
import type { SessionId } from '../../../src/base/ids.js';
import { silentLog } from '../../../src/base/log.js';
import type { SessionStats } from '../../../src/media/plane.js';
import { MediaSampler } from '../../../src/story/media-sampler.js';
import { FakeClock } from '../../support/fake-clock.js';

const statsOf = (session: SessionId): SessionStats => ({ session, path: [] });

let clock: FakeClock;
let live: Map<SessionId, string>;
let asked: number[];
let sampled: string[];
let answer: (sessions: readonly SessionId[]) => Promise<readonly SessionStats[]>;
let sampler: MediaSampler;
beforeEach(() => {
  clock = new FakeClock();
  live = new Map();
  asked = [];
  sampled = [];
  answer = async (sessions) => sessions.map(statsOf);
  sampler = new MediaSampler({
    ...{ clock, log: silentLog, sessions: () => live },
    stats: (sessions) => {
      asked.push(sessions.length);
      return answer(sessions);
    },
    onSample: (callId) => sampled.push(callId),
  });
  sampler.start();
});

const add = (count: number): void => {
  for (let at = 0; at < count; at += 1) live.set(`s-${at}` as SessionId, `c-${at}`);
};

/** Second by second, with what was asked for settled in between. */
async function pass(seconds: number): Promise<void> {
  for (let at = 0; at < seconds; at += 1) {
    clock.advance(1000);
    for (let turn = 0; turn < 5; turn += 1) await Promise.resolve();
  }
}

describe('the sampling of media', () => {
  it('looks at every call once in five seconds, a part of them each second', async () => {
    add(20);
    await pass(20);
    for (let at = 0; at < 20; at += 1) expect(sampled.filter((id) => id === `c-${at}`)).toHaveLength(4);
    expect(Math.max(...asked)).toBe(4);
  });

  it('looks at a single call no oftener', async () => {
    add(1);
    await pass(50);
    expect(sampled).toHaveLength(10);
  });

  it('looks less often when there are very many', async () => {
    add(2_000);
    await pass(40);
    expect(Math.max(...asked)).toBe(100);
    expect(new Set(sampled).size).toBe(2_000);
    expect(sampled).toHaveLength(4_000);
  });

  it('asks nobody anything when there is no call, and nothing once it is stopped', async () => {
    await pass(10);
    expect(asked).toEqual([]);
    add(3);
    await pass(5);
    sampler.stop();
    const before = asked.length;
    await pass(10);
    expect([asked.length, clock.liveTimers]).toEqual([before, 0]);
  });

  it('goes on after a fault, leaves out calls that ended meanwhile, and asks nothing while an answer is due', async () => {
    add(5);
    answer = async () => Promise.reject(new Error('gone'));
    await pass(3);
    let settle: (stats: readonly SessionStats[]) => void = () => {};
    answer = () => new Promise((resolve) => (settle = resolve));
    await pass(5);
    const waiting = asked.length;
    await pass(5);
    expect([asked.length, sampled]).toEqual([waiting, []]);
    settle([]);
    answer = async (sessions) => sessions.map(statsOf);
    live.delete('s-0' as SessionId);
    await pass(12);
    expect(new Set(sampled)).toEqual(new Set(['c-1', 'c-2', 'c-3', 'c-4']));
  });
});
