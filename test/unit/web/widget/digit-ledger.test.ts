import { beforeEach, describe, expect, it } from 'vitest';
import { DigitLedger, type DigitReceipt } from '../../../../src/web/widget/digit-ledger.js';
import type { GatewayReceipt } from '../../../../src/web/widget/gateway-message.js';

describe('the lives of digits', () => {
  let ledger: DigitLedger;
  let told: DigitReceipt[];

  beforeEach(() => {
    told = [];
    ledger = new DigitLedger((receipt) => told.push(receipt));
  });

  function press(digits: string): void {
    [...digits].forEach((digit, index) => void ledger.pressed({ press: index + 1, digit }));
  }

  function receipt(id: number, digit: string, state: GatewayReceipt['state'], more: Partial<GatewayReceipt> = {}): void {
    ledger.told({ type: 'dtmf-receipt', id, digit, state, ...more });
  }

  const states = (): string[] => ledger.receipts.map(({ press: number, digit, id, state }) => `${number} ${digit} ${id ?? '-'} ${state}`);

  it('go from pressed over seen and sent to acknowledged, and each step is told once', () => {
    press('5');
    ledger.left(1);
    receipt(7, '5', 'seen');
    receipt(7, '5', 'sent', { as: 'info', durationMs: 120 });
    receipt(7, '5', 'sent', { as: 'info', durationMs: 120 });
    receipt(7, '5', 'acknowledged');
    expect(told.map(({ state }) => state)).toEqual(['pressed', 'left', 'seen', 'sent', 'acknowledged']);
    expect(told.at(-1)).toEqual({ press: 1, id: 7, digit: '5', state: 'acknowledged', as: 'info', durationMs: 120 });
  });

  it('are matched in order, whatever numbers the gateway gave the other side’s digits between', () => {
    press('1121');
    receipt(2, '1', 'seen');
    receipt(5, '1', 'seen');
    receipt(2, '1', 'sent');
    receipt(6, '2', 'seen');
    receipt(9, '1', 'seen');
    expect(states()).toEqual(['1 1 2 sent', '2 1 5 seen', '3 2 6 seen', '4 1 9 seen']);
  });

  it('fail when a later one reached the gateway and they did not', () => {
    press('123');
    receipt(1, '1', 'seen');
    receipt(2, '3', 'seen');
    expect(states()).toEqual(['1 1 1 seen', '2 2 - failed', '3 3 2 seen']);
    expect(told.find(({ state }) => state === 'failed')).toMatchObject({ press: 2, why: 'not-seen' });
  });

  it('are not matched with a digit that nobody pressed here', () => {
    press('1');
    receipt(1, '7', 'seen');
    expect(states()).toEqual(['1 1 - pressed']);
  });

  it('fail with the reason of whoever could not send them, and stay failed', () => {
    press('12');
    ledger.failed(1, 'not-sent');
    receipt(1, '2', 'seen');
    receipt(1, '2', 'sent');
    receipt(1, '2', 'failed', { why: 'refused' });
    receipt(1, '2', 'acknowledged');
    expect(ledger.receipts).toMatchObject([
      { state: 'failed', why: 'not-sent' },
      { state: 'failed', why: 'refused' },
    ]);
  });

  it('are masked with the gateway’s own mask, and what is pressed while it masks, and what is on its way', () => {
    press('47');
    receipt(1, '•', 'seen');
    ledger.pressed({ press: 3, digit: '2' });
    expect(states()).toEqual(['1 • 1 seen', '2 • - pressed', '3 • - pressed']);
    ledger.left(2);
    receipt(2, '•', 'sent');
    receipt(3, '•', 'sent');
    expect(new Set(told.slice(2).map(({ digit }) => digit))).toEqual(new Set(['•']));
    ledger.pressed({ press: 4, digit: '9' });
    receipt(4, '9', 'seen');
    expect(states().at(-1)).toBe('4 9 4 seen');
    ledger.pressed({ press: 5, digit: '8' });
    expect(told.at(-1)?.digit).toBe('8');
  });

  it('begin anew with a new call', () => {
    press('1');
    receipt(1, '•', 'seen');
    ledger.clear();
    press('1');
    expect(states()).toEqual(['1 1 - pressed']);
  });
});
