import type { Digit, LegName } from '../../media/plane.js';

/** Copies of one press travel this far apart at most, beside the length of the press itself. */
const APART_MS = 1000;

interface Press {
  readonly leg: LegName;
  readonly digit: Digit;
  readonly by: 'rfc4733' | 'info';
  readonly atMs: number;
}

/**
 * Some peers send a press twice, as telephone-event and as INFO. Each press that came one way is kept
 * for a moment, and taken out again by its copy that comes the other way (survey D19); two presses
 * that came the same way are never copies of one another.
 */
export class DigitCopies {
  private recent: Press[] = [];

  /** True when this press has come by the other way already. */
  isCopy(leg: LegName, digit: Digit, by: Press['by'], durationMs: number, atMs: number): boolean {
    this.recent = this.recent.filter((press) => atMs - press.atMs <= APART_MS + durationMs);
    const at = this.recent.findIndex((press) => press.leg === leg && press.digit === digit && press.by !== by);
    if (at >= 0) {
      this.recent.splice(at, 1);
      return true;
    }
    this.recent.push({ leg, digit, by, atMs });
    return false;
  }
}
