import { describe, expect, it } from 'vitest';
import { LiveFeed } from '../../../../src/web/dashboard/live-feed.js';
import { FakeClock } from '../../../support/fake-clock.js';

function make() {
  const clock = new FakeClock();
  const streams: { readonly heard: () => void; readonly failed: () => void; closed: number }[] = [];
  const asked: number[] = [];
  const feed = new LiveFeed(
    { url: 'events', events: ['begun'] },
    {
      open: (_url, _names, heard, failed) => {
        const stream = { heard, failed, closed: 0 };
        streams.push(stream);
        return () => {
          stream.closed += 1;
        };
      },
      after: (delayMs, run) => {
        const timer = clock.after(delayMs, run);
        return () => timer.cancel();
      },
      ask: async () => void asked.push(clock.nowMs() - beganMs),
    },
  );
  const beganMs = clock.nowMs();
  return { clock, streams, asked, feed };
}

describe('what is kept fresh', () => {
  it('is asked for at once and every two seconds, without a word of the stream', async () => {
    const { clock, asked, feed } = make();
    feed.start();
    await clock.advanceAsync(4_500);
    expect(asked).toEqual([0, 2_000, 4_000]);
  });

  it('is asked for soon after the stream tells of something, and once when it tells of much', async () => {
    const { clock, streams, asked, feed } = make();
    feed.start();
    await clock.advanceAsync(500);
    for (let count = 0; count < 20; count += 1) streams[0]?.heard();
    await clock.advanceAsync(1_000);
    expect(asked).toEqual([0, 750]);
  });

  it('goes on without a stream that failed, and opens another one', async () => {
    const { clock, streams, asked, feed } = make();
    feed.start();
    streams[0]?.failed();
    await clock.advanceAsync(5_000);
    expect([streams.length, streams[0]?.closed, asked.length]).toEqual([2, 1, 3]);
  });

  it('leaves nothing behind when it is stopped', async () => {
    const { clock, streams, asked, feed } = make();
    feed.start();
    await clock.advanceAsync(100);
    streams[0]?.failed();
    feed.stop();
    streams[0]?.heard();
    await clock.advanceAsync(10_000);
    expect([asked, clock.liveTimers, streams.length]).toEqual([[0], 0, 1]);
  });
});
