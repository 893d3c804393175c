import { beforeEach, describe, expect, it } from 'vitest';
import { type Cancellable, DigitQueue, defaultDigitTiming, type Press } from '../../../../src/web/widget/digit-queue.js';
import { readDigitText } from '../../../../src/web/widget/digit-text.js';
import { FakeClock } from '../../../support/fake-clock.js';

const { toneMs, gapMs, patienceMs, mostWaiting } = defaultDigitTiming;
const digitMs = toneMs + gapMs;

describe('the digit queue', () => {
  let clock: FakeClock;
  let queue: DigitQueue;
  let starts: [digit: string, atMs: number][];
  let done: [press: number, digit: string, sent: boolean][];
  /** How the media behaves: as a browser does, or never coming back, or refusing. */
  let media: 'plays' | 'hangs' | 'refuses';
  /** After how many gaps the media tell of a digit's end; browsers differ. */
  let gaps: number;
  let sounding: number;
  let takenBack: string[];
  /** Runs of what waits until digits can be sent; undefined when they can be at once. */
  let gate: (() => void)[] | undefined;

  beforeEach(() => {
    clock = new FakeClock();
    starts = [];
    done = [];
    media = 'plays';
    gaps = 1;
    sounding = 0;
    takenBack = [];
    gate = undefined;
    queue = new DigitQueue(defaultDigitTiming, {
      clock,
      ready: (run): Cancellable => {
        const gated = gate;
        if (gated === undefined) run();
        else gated.push(run);
        return { cancel: () => gated?.splice(gated.indexOf(run), 1) };
      },
      play: (digit, timing, finish): Cancellable => {
        starts.push([digit, clock.nowMs()]);
        sounding += 1;
        expect(sounding, 'digits sounding at once').toBe(1);
        const over = (sent: boolean): void => {
          sounding -= 1;
          finish(sent);
        };
        const timer = media === 'plays' ? clock.after(timing.toneMs + gaps * timing.gapMs, () => over(true)) : undefined;
        if (media === 'refuses') over(false);
        return {
          cancel: () => {
            timer?.cancel();
            takenBack.push(digit);
            sounding -= 1;
          },
        };
      },
      onDone: (press, digit, sent) => done.push([press, digit, sent]),
    });
  });

  function push(text: string): readonly Press[] | undefined {
    const read = readDigitText(text);
    if (!read.ok) throw new Error(`"${text}" cannot be read`);
    const presses = queue.push(read.steps);
    queue.start();
    return presses;
  }

  it('hands over a digit only when the one before it is over', () => {
    expect(push('12#')?.map(({ press }) => press)).toEqual([1, 2, 3]);
    expect(push('a')).toEqual([expect.objectContaining({ press: 4, digit: 'A' })]);
    clock.advance(4 * digitMs);
    expect(starts).toEqual([
      ['1', 0],
      ['2', digitMs],
      ['#', 2 * digitMs],
      ['A', 3 * digitMs],
    ]);
    expect(done).toEqual([
      [1, '1', true],
      [2, '2', true],
      [3, '#', true],
      [4, 'A', true],
    ]);
    expect(clock.liveTimers).toBe(0);
  });

  it.each([1, 2])('counts a pause from the end of the digit, though its end is told %i gaps late', (late) => {
    gaps = late;
    push('1,2w 3w2500,4');
    clock.advance(10_000);
    expect(starts).toEqual([
      ['1', 0],
      ['2', toneMs + 2_000],
      ['3', 2 * toneMs + 2_500],
      ['4', 3 * toneMs + 5_000],
    ]);
  });

  it('adds pauses that stand side by side, and pauses before a first digit in full', () => {
    push('w,5ww 6');
    clock.advance(10_000);
    expect(starts).toEqual([
      ['5', 2_500],
      ['6', 2_500 + toneMs + 1_000],
    ]);
  });

  it('takes a pause in full when the last digit is long over', () => {
    push('1');
    clock.advance(5_000);
    push(',2');
    clock.advance(5_000);
    expect(starts.at(-1)).toEqual(['2', 7_000]);
  });

  it('gives up on a digit whose end is never told, takes it back, and goes on', () => {
    media = 'hangs';
    push('12');
    clock.advance(digitMs + patienceMs);
    expect(done).toEqual([[1, '1', false]]);
    expect(takenBack).toEqual(['1']);
    expect(starts.at(-1)).toEqual(['2', digitMs + patienceMs]);
  });

  it('reports digits that could not be sent, each once', () => {
    media = 'refuses';
    push('12');
    clock.advance(10_000);
    expect(done).toEqual([
      [1, '1', false],
      [2, '2', false],
    ]);
    expect(clock.liveTimers).toBe(0);
  });

  it('waits until digits can be sent, without losing patience, and counts a pause before the first from then on', () => {
    gate = [];
    push('1,2');
    clock.advance(60_000);
    expect(starts).toEqual([]);
    const [go] = gate;
    gate = undefined;
    go?.();
    clock.advance(10_000);
    expect(starts).toEqual([
      ['1', 60_000],
      ['2', 60_000 + toneMs + 2_000],
    ]);
  });

  it('lets no more wait than the bound, and takes nothing of what is too much', () => {
    gate = [];
    push('1'.repeat(mostWaiting - 1));
    expect(push('23')).toBeUndefined();
    expect(push('4')).toHaveLength(1);
    expect(queue.clear()).toHaveLength(mostWaiting);
  });

  it('gives back what waits and what sounds when the call is over, and ignores what comes late', () => {
    push('123');
    clock.advance(10);
    expect(queue.clear().map(({ press, digit }) => [press, digit])).toEqual([
      [1, '1'],
      [2, '2'],
      [3, '3'],
    ]);
    clock.advance(10_000);
    expect(starts).toEqual([['1', 0]]);
    expect(takenBack).toEqual(['1']);
    expect(done).toEqual([]);
    expect(clock.liveTimers).toBe(0);
    expect(push('9')?.[0]?.press).toBe(1);
  });
});
