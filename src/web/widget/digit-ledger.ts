import type { Press } from './digit-queue.js';
import type { DigitState, GatewayReceipt } from './gateway-message.js';

/** What is known of one digit of the page. */
export interface DigitReceipt {
  /** Number of the press in this call, as the page counts. */
  readonly press: number;
  /** Number of the digit in the gateway's record of the call, once it has seen it. */
  readonly id?: number;
  /** `•` while the gateway keeps digits to itself. */
  readonly digit: string;
  readonly state: DigitState;
  readonly as?: string;
  readonly durationMs?: number;
  readonly packets?: number;
  readonly why?: string;
}

const masked = '•';
const rank: Readonly<Record<DigitState, number>> = { pressed: 0, left: 1, seen: 2, sent: 3, acknowledged: 4, failed: 5 };

/**
 * The lives of the digits of one call. The gateway counts the digits of both sides; its receipts
 * come in the order of the presses, so the first receipt with a new number belongs to the oldest
 * press without one that has the same digit. A press that is passed over so never reached it.
 */
export class DigitLedger {
  private readonly entries: DigitReceipt[] = [];
  /** The gateway masked its newest receipt, so what is pressed now is not to be shown or told either. */
  private secure = false;

  /** `onChange` is told each step of each digit once. */
  constructor(private readonly onChange: (receipt: DigitReceipt) => void) {}

  /** In the order of the presses. */
  get receipts(): readonly DigitReceipt[] {
    return this.entries;
  }

  pressed({ press, digit }: Press): void {
    this.entries.push({ press, digit: this.secure ? masked : digit, state: 'pressed' });
    this.tell(this.entries.length - 1);
  }

  /** The page is done with it. */
  left(press: number): void {
    this.change(this.placeOf(press), { state: 'left' });
  }

  /** The page could not send it, or took it back. */
  failed(press: number, why: 'not-sent' | 'call-ended'): void {
    this.change(this.placeOf(press), { state: 'failed', why });
  }

  /** What the gateway tells. */
  told({ type: _type, ...receipt }: GatewayReceipt): void {
    this.secure = receipt.digit === masked;
    if (this.secure) this.maskOpen();
    const known = this.entries.findIndex((entry) => entry.id === receipt.id);
    this.change(known < 0 ? this.match(receipt) : known, receipt);
  }

  clear(): void {
    this.entries.length = 0;
    this.secure = false;
  }

  /** What is on its way will be masked as well. */
  private maskOpen(): void {
    this.entries.forEach((entry, index) => {
      if (entry.id === undefined) this.entries[index] = { ...entry, digit: masked };
    });
  }

  private placeOf(press: number): number {
    return this.entries.findIndex((entry) => entry.press === press);
  }

  private match({ digit }: { readonly digit: string }): number {
    const open = (entry: DigitReceipt): boolean => entry.id === undefined && entry.state !== 'failed';
    const same = (entry: DigitReceipt): boolean => digit === masked || entry.digit === masked || entry.digit === digit;
    const found = this.entries.findIndex((entry) => open(entry) && same(entry));
    for (let passed = 0; passed < found; passed += 1) {
      if (this.entries[passed]?.id === undefined) this.change(passed, { state: 'failed', why: 'not-seen' });
    }
    return found;
  }

  private change(index: number, news: Partial<DigitReceipt> & Pick<DigitReceipt, 'state'>): void {
    const entry = this.entries[index];
    if (entry === undefined || rank[news.state] <= rank[entry.state]) return;
    this.entries[index] = { ...entry, ...news };
    this.tell(index);
  }

  private tell(index: number): void {
    const entry = this.entries[index];
    if (entry !== undefined) this.onChange(entry);
  }
}
