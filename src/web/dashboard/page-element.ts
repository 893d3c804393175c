import { html, LitElement, type TemplateResult } from 'lit';
import type { Answer } from './api.js';
import type { Said } from './words.js';

/** What a page may do: look, or change things as well. */
export interface Rights {
  readonly mayChange: boolean;
}

/**
 * A part of the dashboard. It is drawn into the document itself, so that one style sheet serves all and
 * headings, labels and tables belong together.
 */
export abstract class PageElement extends LitElement {
  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  /** Tells the dashboard that the session is over. */
  protected lockedOut(): void {
    this.dispatchEvent(new CustomEvent('locked-out', { bubbles: true, composed: true }));
  }

  /** Takes what was got; undefined when there is nothing new, and then it has been told why. */
  protected taken<T>(answer: Answer<T>): T | undefined {
    if (answer.kind === 'locked-out') this.lockedOut();
    this.fault = faultOf(answer);
    return answer.kind === 'got' ? answer.value : undefined;
  }

  /** Why the last request came to nothing; empty when it did. */
  protected fault = '';

  protected faultLine(): TemplateResult | undefined {
    return this.fault === '' ? undefined : html`<p class="fault" role="alert">${this.fault}</p>`;
  }
}

function faultOf(answer: Answer<unknown>): string {
  if (answer.kind === 'unreachable') return 'The gateway does not answer. What you see may be old; it is asked again.';
  return answer.kind === 'refused' ? `${answer.sentence.charAt(0).toUpperCase()}${answer.sentence.slice(1)}` : '';
}

/** A word with its colour, and a dot that people who do not see colours can ignore. */
export const chip = ({ text, tone }: Said): TemplateResult => html`<span class="chip ${tone}">${text}</span>`;

/** While the first answer is under way. */
export const loading = (what: string): TemplateResult => html`<p class="empty" role="status">Loading ${what} …</p>`;
