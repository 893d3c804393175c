import { beforeEach, describe, expect, it } from 'vitest';
import { DigitQueue, defaultDigitTiming, parseDigits } from '../../../../src/web/widget/digit-queue.js';
import { FakeClock } from '../../../support/fake-clock.js';

const { toneMs, gapMs, patienceMs } = defaultDigitTiming;
const digitMs = toneMs + gapMs;

describe('the digit queue', () => {
  let clock: FakeClock;
  let queue: DigitQueue;
  let starts: [digit: string, atMs: number][];
  let done: [digit: string, sent: boolean][];
  /** How the media behaves: as a browser does, or never coming back, or refusing. */
  let media: 'plays' | 'hangs' | 'refuses';
  let sounding: number;

  beforeEach(() => {
    clock = new FakeClock();
    starts = [];
    done = [];
    media = 'plays';
    sounding = 0;
    queue = new DigitQueue(defaultDigitTiming, {
      clock,
      play: (digit, tone, gap, finish) => {
        starts.push([digit, clock.nowMs()]);
        sounding += 1;
        expect(sounding, 'digits sounding at once').toBe(1);
        const over = (sent: boolean): void => {
          sounding -= 1;
          finish(sent);
        };
        if (media === 'plays') clock.after(tone + gap, () => over(true));
        else if (media === 'refuses') over(false);
        else sounding -= 1;
      },
      onDigit: (digit, sent) => done.push([digit, sent]),
    });
  });

  it('hands over a digit only when the one before it is over', () => {
    expect(queue.push('12#')).toBe(true);
    expect(queue.push('a')).toBe(true);
    clock.advance(4 * digitMs);
    expect(starts).toEqual([
      ['1', 0],
      ['2', digitMs],
      ['#', 2 * digitMs],
      ['A', 3 * digitMs],
    ]);
    expect(done).toEqual([
      ['1', true],
      ['2', true],
      ['#', true],
      ['A', true],
    ]);
    expect(clock.liveTimers).toBe(0);
  });

  it('counts a pause from the end of the digit, not of its gap', () => {
    queue.push('1,2w3');
    clock.advance(10_000);
    expect(starts).toEqual([
      ['1', 0],
      ['2', toneMs + 2_000],
      ['3', 2 * toneMs + 2_500],
    ]);
  });

  it('adds pauses that stand side by side, and pauses before a first digit in full', () => {
    queue.push('w,5ww6');
    clock.advance(10_000);
    expect(starts).toEqual([
      ['5', 2_500],
      ['6', 2_500 + toneMs + 1_000],
    ]);
  });

  it('takes a pause in full when the last digit is long over', () => {
    queue.push('1');
    clock.advance(5_000);
    queue.push(',2');
    clock.advance(5_000);
    expect(starts.at(-1)).toEqual(['2', 7_000]);
  });

  it('gives up on a digit whose end is never told, and goes on', () => {
    media = 'hangs';
    queue.push('12');
    clock.advance(digitMs + patienceMs);
    expect(done).toEqual([['1', false]]);
    expect(starts.at(-1)).toEqual(['2', digitMs + patienceMs]);
  });

  it('reports digits that could not be sent, each once', () => {
    media = 'refuses';
    queue.push('12');
    clock.advance(10_000);
    expect(done).toEqual([
      ['1', false],
      ['2', false],
    ]);
    expect(clock.liveTimers).toBe(0);
  });

  it('forgets what waits when the call is over, and ignores the end of what sounded', () => {
    queue.push('123');
    clock.advance(10);
    queue.clear();
    clock.advance(10_000);
    expect(starts).toEqual([['1', 0]]);
    expect(done).toEqual([]);
    expect(queue.length).toBe(0);
    expect(clock.liveTimers).toBe(0);
  });

  it('sends nothing at all when a part of the text is no digit', () => {
    expect(queue.push('12x')).toBe(false);
    clock.advance(10_000);
    expect(starts).toEqual([]);
  });

  it('reads over spaces and hyphens', () => {
    expect(parseDigits('1 2-3')).toHaveLength(3);
    expect(parseDigits('٣')).toBeUndefined();
  });
});
