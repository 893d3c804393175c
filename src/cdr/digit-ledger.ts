import { MASKED_DIGIT } from '../call/digits/page-text.js';
import type { CallFact } from '../call/facts.js';
import type { DigitReceipt, DigitsSummary } from './record.js';

type DigitFacts = Extract<CallFact, { type: 'digit' | 'digit-sent' | 'digit-acknowledged' | 'digit-failed' }>;

/** Receipts kept of one call; of more there is only their number. */
const MAX_RECEIPTS = 256;

const iso = (ms: number): string => new Date(ms).toISOString();

/** The key presses of one call, as its record shows them. */
export class DigitLedger {
  private fromBrowser = 0;
  private fromTrunk = 0;
  private lost = 0;
  private more = 0;
  private readonly receipts = new Map<number, DigitReceipt>();

  take(fact: DigitFacts): void {
    switch (fact.type) {
      case 'digit':
        this.seen(fact);
        break;
      case 'digit-sent': {
        const { as, durationMs, packets, atMs } = fact;
        const sent = { as, durationMs: Math.round(durationMs), ...(packets === undefined ? {} : { packets }), at: iso(atMs) };
        // An INFO is over when it has been acknowledged.
        this.add(fact.id, { sent, ...(as === 'info' ? {} : { outcome: 'sent' }) });
        break;
      }
      case 'digit-acknowledged':
        this.add(fact.id, { outcome: 'acknowledged' });
        break;
      case 'digit-failed':
        if (fact.why !== 'withheld') this.lost += 1;
        this.add(fact.id, { outcome: 'failed', why: fact.why });
        break;
    }
  }

  summary(): DigitsSummary {
    const { fromBrowser, fromTrunk, lost, more } = this;
    return { fromBrowser, fromTrunk, lost, receipts: [...this.receipts.values()], ...(more === 0 ? {} : { moreReceipts: more }) };
  }

  private seen({ id, from, by, digit, durationMs, atMs }: Extract<DigitFacts, { type: 'digit' }>): void {
    if (from === 'browser') this.fromBrowser += 1;
    else this.fromTrunk += 1;
    if (this.receipts.size >= MAX_RECEIPTS) {
      this.more += 1;
      return;
    }
    this.receipts.set(id, { id, digit: digit ?? MASKED_DIGIT, from, by, at: iso(atMs), durationMs: Math.round(durationMs) });
  }

  private add(id: number, more: Partial<DigitReceipt>): void {
    const receipt = this.receipts.get(id);
    if (receipt !== undefined) this.receipts.set(id, { ...receipt, ...more });
  }
}
