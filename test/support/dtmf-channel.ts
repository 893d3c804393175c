import { integerIn } from '../unit/media/seeded-random.js';

export interface Misfortune {
  readonly loss: number;
  readonly reordering: number;
  readonly duplication: number;
}

/** Decides what becomes of each packet. */
export interface DtmfChannel {
  /** The delays after which the packet arrives: none, one or two. `press` names what it is a part of, `last` its end. */
  delaysMs(press: number | undefined, last: boolean): readonly number[];
}

/** Lets everything through. */
export const GOOD_PATH: DtmfChannel = { delaysMs: () => [0] };

/** Of press n only those of its packets arrive that `kept(n, place)` names; audio always does. */
export class ChosenPackets implements DtmfChannel {
  private press: number | undefined;
  private place = 0;

  constructor(private readonly kept: (press: number, place: number) => boolean) {}

  delaysMs(press: number | undefined): readonly number[] {
    if (press === undefined) return [0];
    this.place = press === this.press ? this.place + 1 : 0;
    this.press = press;
    return this.kept(press, this.place) ? [0] : [];
  }
}

/** What the packets of a bad but usable path suffer. */
export const BAD_PATH: Misfortune = { loss: 0.05, reordering: 0.03, duplication: 0.02 };

const STEP_MS = 10;

/**
 * A path on which packets are lost, fall behind up to three that left after them, and come twice. Of a
 * key press something always gets through, on time: of one that is lost whole nobody can know.
 */
export class BadPath implements DtmfChannel {
  readonly counts = { lost: 0, reordered: 0, doubled: 0, passed: 0 };
  private press: number | undefined;
  private arrived = false;

  constructor(
    private readonly random: () => number,
    private readonly misfortune: Misfortune,
  ) {}

  delaysMs(press: number | undefined, last: boolean): readonly number[] {
    const { random, misfortune, counts } = this;
    if (press !== undefined && press !== this.press) {
      this.press = press;
      this.arrived = false;
    }
    const needed = press !== undefined && last && !this.arrived;
    if (!needed && random() < misfortune.loss) {
      counts.lost += 1;
      return [];
    }
    const late = random() < misfortune.reordering && !needed;
    const delayMs = late ? integerIn(random, 3, 6) * STEP_MS : 0;
    if (late) counts.reordered += 1;
    else if (press !== undefined) this.arrived = true;
    counts.passed += 1;
    if (random() >= misfortune.duplication) return [delayMs];
    counts.doubled += 1;
    return [delayMs, delayMs + integerIn(random, 0, 4) * STEP_MS];
  }
}
