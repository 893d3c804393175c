import { html, type TemplateResult } from 'lit';
import type { StoryMessage } from '../../story/call-story.js';
import type { ShownStory } from './api.js';
import { type LadderRow, ladderRows } from './ladder-rows.js';
import { PageElement } from './page-element.js';
import { offset } from './times.js';

/** The SIP messages of both legs between three lanes; one of them is open to be read. */
export class LadderView extends PageElement {
  static override readonly properties = { ladder: { attribute: false } };

  declare ladder: ShownStory['ladder'];

  private opened: number | undefined;

  private open(index: number): void {
    this.opened = this.opened === index ? undefined : index;
    this.requestUpdate();
  }

  private arrow({ index, gap, points, title, repeated, hasSdp, tone, atMs, spoken }: LadderRow): TemplateResult {
    return html`<li><button type="button" class="message ${gap} points-${points} ${tone}"
        aria-expanded=${this.opened === index} @click=${() => this.open(index)}>
      <span class="at number">${offset(atMs)}</span>
      <span class="lane-gap"><span class="what">${title}${hasSdp ? html` <small>SDP</small>` : undefined}${
        repeated === '' ? undefined : html` <small class="repeated">${repeated}</small>`
      }<span class="spoken"> ${spoken}</span></span><span class="shaft"></span></span>
    </button></li>`;
  }

  private reading(message: StoryMessage | undefined): TemplateResult {
    if (message === undefined) return html`<p class="empty">Choose a message to read it whole, with its session description in words.</p>`;
    const { title, sdp, text } = message;
    return html`<h3>${title}</h3>
      ${sdp === undefined ? undefined : html`<h4>What its SDP says</h4><ul class="sdp">${sdp.map((line) => html`<li>${line}</li>`)}</ul>`}
      <pre tabindex="0" aria-label="Text of the message">${text}</pre>`;
  }

  protected override render(): TemplateResult {
    const { lanes, messages, omitted } = this.ladder;
    if (messages.length === 0) return html`<p class="empty">No SIP message of this call was kept.</p>`;
    return html`<div class="ladder">
      <div class="drawing">
        <div class="lanes"><span></span>${lanes.map((lane) => html`<strong>${lane}</strong>`)}</div>
        <ol class="messages">${ladderRows(messages, lanes).map((row) => this.arrow(row))}</ol>
        ${omitted === 0 ? undefined : html`<p class="sub">${omitted} further messages were not kept.</p>`}
      </div>
      <div class="reading" aria-live="polite">${this.reading(this.opened === undefined ? undefined : messages[this.opened])}</div>
    </div>`;
  }
}
