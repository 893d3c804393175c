import { html, type TemplateResult } from 'lit';
import type { CallDto } from '../../admin/views.js';
import { api } from './api.js';
import { confirmed } from './ask-dialog.js';
import { type CallRow, callRow, filterCalls, type SideRow } from './call-rows.js';
import { chip, loading, PageElement } from './page-element.js';
import { storyAddress } from './route.js';
import { clockTime, duration } from './times.js';

const side = ({ who, where }: SideRow): TemplateResult => html`<span class="who">${who}</span><span class="sub">${where}</span>`;

const heard = ({ codec, quality }: SideRow): TemplateResult => html`${chip(quality)}<span class="sub">${codec}</span>`;

/** Calls that are up, both legs of each. */
export class CallsPage extends PageElement {
  static override readonly properties = { calls: { attribute: false }, mayChange: { attribute: false } };

  /** Undefined until the first answer is there. */
  declare calls: readonly CallDto[] | undefined;
  declare mayChange: boolean;

  private filter = '';
  private ticking: ReturnType<typeof setInterval> | undefined;

  override connectedCallback(): void {
    super.connectedCallback();
    this.ticking = setInterval(() => this.requestUpdate(), 1000);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    clearInterval(this.ticking);
  }

  private async hangUp({ id, caller, called }: CallRow): Promise<void> {
    const text = `The call of ${caller.who} with ${called.who} ends at once on both sides.`;
    if (!(await confirmed({ title: 'Hang up this call?', text, action: 'Hang up' }))) return;
    this.taken(await api.hangUp(id));
    this.requestUpdate();
    this.dispatchEvent(new CustomEvent('calls-changed', { bubbles: true }));
  }

  private row(row: CallRow, nowMs: number): TemplateResult {
    const { id, caller, called, state, digits, startedMs, answeredMs, warnings } = row;
    return html`<tr data-call=${id}>
      <td data-label="Caller">${side(caller)}</td>
      <td data-label="Called">${side(called)}</td>
      <td data-label="State">${chip(state)}${warnings.map((text) => html`<span class="sub bad">${text}</span>`)}</td>
      <td data-label="From caller">${heard(caller)}</td>
      <td data-label="From called">${heard(called)}</td>
      <td data-label="Keys">${chip(digits)}</td>
      <td data-label="Lasts" class="number">
        <span class="who">${duration(nowMs - (answeredMs ?? startedMs))}</span>
        <span class="sub">${answeredMs === undefined ? 'not answered' : `since ${clockTime(new Date(answeredMs).toISOString())}`}</span>
      </td>
      <td class="actions">
        <a class="button" href=${storyAddress(id)} aria-label="Story of the call to ${called.who}">Story</a>
        ${
          this.mayChange
            ? html`<button type="button" class="danger quiet" aria-label="Hang up the call to ${called.who}" @click=${() => this.hangUp(row)}>Hang up</button>`
            : undefined
        }
      </td>
    </tr>`;
  }

  private table(rows: readonly CallRow[]): TemplateResult {
    const nowMs = Date.now();
    return html`<div class="scroller" tabindex="0" role="region" aria-label="Live calls">
      <table class="cards">
        <thead><tr>
          <th scope="col">Caller</th><th scope="col">Called</th><th scope="col">State</th>
          <th scope="col">From caller</th><th scope="col">From called</th><th scope="col">Keys</th>
          <th scope="col" class="number">Lasts</th><th scope="col"><span class="spoken">Actions</span></th>
        </tr></thead>
        <tbody>${rows.map((row) => this.row(row, nowMs))}</tbody>
      </table>
    </div>`;
  }

  private body(): TemplateResult {
    if (this.calls === undefined) return loading('the live calls');
    if (this.calls.length === 0) return html`<p class="empty">No call is up. The next one appears here by itself.</p>`;
    const rows = filterCalls(this.calls.map(callRow), this.filter);
    if (rows.length === 0) return html`<p class="empty">None of the ${this.calls.length} calls has “${this.filter}” in it.</p>`;
    return this.table(rows);
  }

  protected override render(): TemplateResult {
    return html`<div class="heading">
        <h1 tabindex="-1">Live calls</h1>
        <label class="filter"><span class="spoken">Filter the calls</span>
          <input type="search" placeholder="Number, trunk, codec, state" .value=${this.filter}
            @input=${(event: Event) => {
              this.filter = (event.target as HTMLInputElement).value;
              this.requestUpdate();
            }}>
        </label>
      </div>
      ${this.faultLine()}${this.body()}`;
  }
}
