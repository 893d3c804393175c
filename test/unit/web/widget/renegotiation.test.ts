import { beforeEach, describe, expect, it } from 'vitest';
import { type OfferOutcome, Renegotiation } from '../../../../src/web/widget/renegotiation.js';
import { FakeClock, settle } from '../../../support/fake-clock.js';

describe('offers of the page within a call', () => {
  let clock: FakeClock;
  let offers: { readonly newPath: boolean; readonly atMs: number; readonly end: (outcome: OfferOutcome) => Promise<void> }[];
  let done: [outcome: string, newPath: boolean][];
  let random: number;

  beforeEach(() => {
    clock = new FakeClock();
    offers = [];
    done = [];
    random = 0;
  });

  function begin(ownsCallId: boolean): Renegotiation {
    return new Renegotiation(
      { ownsCallId },
      {
        clock,
        random: () => random,
        offer: (newPath) =>
          new Promise((resolve) => {
            const end = (outcome: OfferOutcome): Promise<void> => {
              resolve(outcome);
              return settle();
            };
            offers.push({ newPath, atMs: clock.nowMs(), end });
          }),
        onDone: (outcome, newPath) => done.push([outcome, newPath]),
      },
    );
  }

  it('are made one at a time, and what was wanted meanwhile is made together', async () => {
    const renegotiation = begin(true);
    renegotiation.want();
    renegotiation.want();
    renegotiation.want(true);
    expect(offers).toHaveLength(1);
    await offers[0]?.end('accepted');
    expect(offers.map(({ newPath }) => newPath)).toEqual([false, true]);
    await offers[1]?.end('accepted');
    expect(offers).toHaveLength(2);
    expect(done).toEqual([
      ['accepted', false],
      ['accepted', true],
    ]);
  });

  it.each([
    { ownsCallId: true, number: 0, pauseMs: 2_100 },
    { ownsCallId: true, number: 0.999_99, pauseMs: 4_000 },
    { ownsCallId: false, number: 0, pauseMs: 0 },
    { ownsCallId: false, number: 0.999_99, pauseMs: 2_000 },
    { ownsCallId: true, number: 0.5, pauseMs: 3_050 },
  ])('that collide are made again after $pauseMs ms (Call-ID ours: $ownsCallId)', async ({ ownsCallId, number, pauseMs }) => {
    random = number;
    const renegotiation = begin(ownsCallId);
    renegotiation.want(true);
    await offers[0]?.end('glare');
    await clock.advanceAsync(10_000);
    expect(offers.map(({ atMs, newPath }) => [atMs, newPath])).toEqual([
      [0, true],
      [pauseMs, true],
    ]);
    expect(done).toEqual([]);
  });

  it('that nobody answers are made again with growing pauses, and at once when a change is wanted', async () => {
    random = 0.5;
    const renegotiation = begin(true);
    renegotiation.want(true);
    for (let round = 0; round < 6; round += 1) {
      await offers.at(-1)?.end('unanswered');
      await clock.advanceAsync(8_000);
    }
    const pauses = offers.slice(1).map(({ atMs }, place) => atMs - 8_000 * place);
    expect(pauses).toEqual([500, 1_000, 2_000, 4_000, 8_000, 8_000]);
    await offers.at(-1)?.end('unanswered');
    renegotiation.want();
    expect(offers.at(-1)).toMatchObject({ newPath: true, atMs: clock.nowMs() });
    await offers.at(-1)?.end('accepted');
    expect(clock.liveTimers).toBe(0);
  });

  it.each(['refused', 'gone'] as const)('that are %s are told, and not made again', async (outcome) => {
    const renegotiation = begin(true);
    renegotiation.want();
    await offers[0]?.end(outcome);
    await clock.advanceAsync(60_000);
    expect(offers).toHaveLength(1);
    expect(done).toEqual([[outcome, false]]);
  });

  it('end with the call', async () => {
    const renegotiation = begin(true);
    renegotiation.want(true);
    await offers[0]?.end('glare');
    renegotiation.stop();
    renegotiation.want();
    await clock.advanceAsync(60_000);
    expect(offers).toHaveLength(1);
    expect(clock.liveTimers).toBe(0);
  });

  it('tell nothing of an answer that comes after the end', async () => {
    const renegotiation = begin(true);
    renegotiation.want();
    renegotiation.stop();
    await offers[0]?.end('accepted');
    expect(done).toEqual([]);
  });
});
