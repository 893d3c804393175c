import { html, nothing, type TemplateResult } from 'lit';
import type { DigitReceipt } from './digit-ledger.js';
import { filled, type Texts } from './texts.js';

const keys: ReadonlyArray<readonly [digit: string, letters: string]> = [
  ['1', ''],
  ['2', 'ABC'],
  ['3', 'DEF'],
  ['4', 'GHI'],
  ['5', 'JKL'],
  ['6', 'MNO'],
  ['7', 'PQRS'],
  ['8', 'TUV'],
  ['9', 'WXYZ'],
  ['*', ''],
  ['0', '+'],
  ['#', ''],
];
const shown = 20;

/** The newest digit that did not arrive, while none after it did; a call that ended takes its digits with it without a word. */
export function failedDigit(receipts: readonly DigitReceipt[]): DigitReceipt | undefined {
  for (const receipt of receipts.toReversed()) {
    if (receipt.state === 'failed' && receipt.why !== 'call-ended') return receipt;
    if (receipt.state === 'sent' || receipt.state === 'acknowledged') return undefined;
  }
  return undefined;
}

/** A failed digit in words; empty when there is none. */
export function failureText(receipts: readonly DigitReceipt[], texts: Texts): string {
  const failed = failedDigit(receipts);
  if (failed === undefined) return '';
  return filled(texts.digitFailed, { digit: failed.digit, reason: texts.digitReasons[failed.why ?? ''] ?? '' });
}

/**
 * The digits pressed and how far each has come: pale until it has left, struck through when it did
 * not arrive, and a word on the newest. Screen readers hear of failures only, elsewhere.
 */
export function digitStrip(receipts: readonly DigitReceipt[], texts: Texts): TemplateResult {
  const newest = receipts.at(-1);
  const failure = failureText(receipts, texts);
  const word = failure === '' && newest !== undefined ? texts.digitStates[newest.state] : failure;
  return html`<div class="digits" part="digits" aria-hidden="true">
    <p class="strip"><bdi>${receipts.slice(-shown).map(({ digit, state }) => html`<span class=${state}>${digit}</span>`)}</bdi></p>
    <p class="fate ${failure === '' ? '' : 'failed'}">${word}</p>
  </div>`;
}

export function keypad(texts: Texts, onKey: (digit: string) => void): TemplateResult {
  return html`<div class="keys" part="keypad" role="group" aria-label=${texts.keys}>${keys.map(
    ([digit, letters]) => html`<button class="key" part="key" type="button" @click=${() => onKey(digit)}>
      <span>${digit}</span>${letters === '' ? nothing : html`<small aria-hidden="true">${letters}</small>`}</button>`,
  )}</div>`;
}
