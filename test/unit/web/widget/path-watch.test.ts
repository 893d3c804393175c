import { beforeEach, describe, expect, it } from 'vitest';
import { PathWatch } from '../../../../src/web/widget/path-watch.js';
import { FakeClock } from '../../../support/fake-clock.js';

describe('the watch over the path of the media', () => {
  let clock: FakeClock;
  let watch: PathWatch;
  let told: [what: string, atMs: number][];

  beforeEach(() => {
    clock = new FakeClock();
    told = [];
    watch = new PathWatch({
      clock,
      onNewPathWanted: () => told.push(['new path', clock.nowMs()]),
      onGivenUp: () => told.push(['given up', clock.nowMs()]),
    });
  });

  it('leaves two seconds to a path that was interrupted', () => {
    watch.take('disconnected');
    clock.advance(1_900);
    watch.take('connected');
    clock.advance(60_000);
    expect(told).toEqual([]);
    expect(clock.liveTimers).toBe(0);
  });

  it('wants a new path after that, and gives up half a minute after the interruption', () => {
    watch.take('disconnected');
    clock.advance(5_000);
    watch.take('connecting');
    clock.advance(60_000);
    expect(told).toEqual([
      ['new path', 2_000],
      ['given up', 30_000],
    ]);
  });

  it('wants a new path at once each time one has failed, within the same half minute', () => {
    watch.take('disconnected');
    clock.advance(1_000);
    watch.take('failed');
    clock.advance(9_000);
    watch.take('failed');
    clock.advance(60_000);
    expect(told).toEqual([
      ['new path', 1_000],
      ['new path', 10_000],
      ['given up', 30_000],
    ]);
  });

  it('begins anew when there was sound in between', () => {
    watch.take('failed');
    clock.advance(20_000);
    watch.take('connected');
    watch.take('failed');
    clock.advance(29_000);
    expect(told.map(([what]) => what)).toEqual(['new path', 'new path']);
    clock.advance(1_000);
    expect(told.at(-1)).toEqual(['given up', 50_000]);
  });

  it('tells nothing after the end of the call', () => {
    watch.take('disconnected');
    watch.stop();
    clock.advance(60_000);
    expect(told).toEqual([]);
  });
});
