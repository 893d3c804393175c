/**
 * The presses of one session: their numbers, in the order they were seen, and what became of each,
 * told in an order that can be followed: first that there is a press, then where it went.
 */
import type { SessionId } from '../../base/ids.js';
import type { Digit, DigitToSend, LegName, LegSlot, MediaEvent, PressId } from '../plane.js';
import type { DigitGone, UnsentCause } from '../relay/digit-sender.js';
import type { RelayedDigit } from '../relay/relayed-digit.js';

/** A page that sends a press by INFO and in its RTP too sends the second within this of the first. */
const COPY_WITHIN_MS = 1000;

/** A digit that was asked for and may come once more, as telephone-event of the other leg. */
interface ExpectedCopy {
  readonly digit: Digit;
  readonly untilMs: number;
}

export interface PressBookDeps {
  readonly emit: (event: MediaEvent) => void;
}

export class PressBook {
  private last: PressId = 0;
  /** Presses under way, and what became of them before they were told. */
  private readonly underWay = new Map<PressId, MediaEvent[]>();
  /** Keys that are down now; each may come once more by other means. */
  private readonly down = new Map<PressId, { readonly leg: LegSlot; readonly digit: Digit }>();
  private readonly asked: PressId[] = [];
  private readonly copies: Record<LegName, ExpectedCopy[]> = { a: [], b: [] };

  constructor(
    private readonly options: { readonly session: SessionId },
    private readonly deps: PressBookDeps,
  ) {}

  /** Numbers digits that were asked for. Nothing is told of them before `tellAsked`. */
  ask(digits: readonly DigitToSend[]): readonly (DigitToSend & { readonly press: PressId })[] {
    return digits.map((digit) => {
      const press = this.begin();
      this.asked.push(press);
      return { ...digit, press };
    });
  }

  /** Whoever asked knows the numbers by now. */
  tellAsked(): void {
    for (const press of this.asked.splice(0)) this.release(press);
  }

  /** A key went down: it is told with `tell` when its length is known. */
  begin(key?: { readonly leg: LegSlot; readonly digit: Digit }): PressId {
    this.last += 1;
    const press = this.last;
    this.underWay.set(press, []);
    if (key !== undefined) this.down.set(press, key);
    return press;
  }

  /** The press of a key that is down on `leg` now, once. */
  takeDown(leg: LegSlot, digit: Digit): PressId | undefined {
    for (const [press, key] of this.down) {
      if (key.leg === leg && key.digit === digit) {
        this.down.delete(press);
        return press;
      }
    }
    return undefined;
  }

  /** A press arrived on `leg` to its end. */
  tell(leg: LegSlot, digit: RelayedDigit): void {
    const { session } = this.options;
    this.deps.emit({ type: 'digit', session, leg, ...digit });
    this.release(digit.press);
  }

  /** A digit has left on `leg`. */
  sent(leg: LegSlot, gone: DigitGone): void {
    this.tellOfPress({ type: 'digit-sent', session: this.options.session, leg, ...gone });
  }

  /** A digit will not leave on `leg`. */
  unsent(leg: LegSlot, press: PressId, why: UnsentCause): void {
    this.tellOfPress({ type: 'digit-unsent', session: this.options.session, leg, press, why });
  }

  /** These may come again as telephone-events on `leg`. */
  expectCopies(leg: LegName, digits: readonly DigitToSend[], nowMs: number): void {
    const copies = this.fresh(leg, nowMs);
    let lengthMs = 0;
    for (const { digit, durationMs, origin } of digits) {
      lengthMs += durationMs;
      if (origin !== 'api') copies.push({ digit, untilMs: nowMs + lengthMs + COPY_WITHIN_MS });
    }
    this.copies[leg] = copies;
  }

  /** Whether a press that just began on `leg` is one that was asked for already; each is a copy once. */
  isCopy(leg: LegName, digit: Digit, nowMs: number): boolean {
    const copies = this.fresh(leg, nowMs);
    const place = copies.findIndex((copy) => copy.digit === digit);
    if (place >= 0) copies.splice(place, 1);
    this.copies[leg] = copies;
    return place >= 0;
  }

  private release(press: PressId): void {
    this.down.delete(press);
    const later = this.underWay.get(press) ?? [];
    this.underWay.delete(press);
    for (const event of later) this.deps.emit(event);
  }

  private fresh(leg: LegName, nowMs: number): ExpectedCopy[] {
    return this.copies[leg].filter(({ untilMs }) => untilMs >= nowMs);
  }

  private tellOfPress(event: Extract<MediaEvent, { readonly press: PressId }>): void {
    const later = this.underWay.get(event.press);
    if (later === undefined) this.deps.emit(event);
    else later.push(event);
  }
}
