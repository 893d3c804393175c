import type { Digit } from '../dtmf/digit.js';

/** A key press that arrived, told once, when its length is known. */
export interface RelayedDigit {
  /** As `PressLog.begin` gave it. */
  readonly press: number;
  readonly digit: Digit;
  readonly by: 'rfc4733' | 'inband';
  readonly durationMs: number;
  /** It goes out on the other leg too. */
  readonly relayed: boolean;
}

/** Where the presses of a leg get their numbers. */
export interface PressLog {
  /** A key went down: the number of the press. */
  begin(digit: Digit): number;
  /** The press was asked for already by other means: it is no new one. */
  isCopy(digit: Digit, nowMs: number): boolean;
}

/** What a direction of a call tells of the keys pressed in it. */
export interface DigitListener {
  readonly presses: PressLog;
  /** A press arrived; called at its end. */
  readonly onDigit: (digit: RelayedDigit) => void;
  /** A hook flash arrived. */
  readonly onFlash: (flash: { readonly relayed: boolean }) => void;
  /** A press was passed over: it was asked for by other means, or is our own tone come back. */
  readonly onPassedOver: (why: 'digit-copy' | 'digit-echo') => void;
  /** A tone has been passed on as audio, for which the other leg's output made no packets of its own. */
  readonly onPassedOn: (gone: {
    readonly press: number;
    readonly as: 'inband';
    readonly durationMs: number;
    readonly packets: number;
  }) => void;
}
