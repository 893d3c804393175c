import { html, type TemplateResult } from 'lit';
import type { CallRecord } from '../../cdr/record.js';
import { api, type GuardView } from './api.js';
import { chip, loading, PageElement } from './page-element.js';
import { storyAddress } from './route.js';
import { type Meter, type ScopeRow, scopeRows } from './scope-rows.js';
import { dayTime } from './times.js';
import { dispositionSaid } from './words.js';

const everyMs = 3_000;
const lookedThrough = 500;
const shownRefusals = 20;

/** Who has used how much of what he may, and what was refused. */
export class GuardPage extends PageElement {
  static override readonly properties = { mayChange: { attribute: false } };

  declare mayChange: boolean;

  private guard: GuardView | undefined;
  private refusals: readonly CallRecord[] | undefined;
  private asking: ReturnType<typeof setInterval> | undefined;

  override connectedCallback(): void {
    super.connectedCallback();
    this.asking = setInterval(() => void this.ask(), everyMs);
    void this.ask();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    clearInterval(this.asking);
  }

  private async ask(): Promise<void> {
    const [guard, records] = await Promise.all([api.guard(), api.records(`limit=${lookedThrough}`)]);
    this.refusals =
      this.taken(records)
        ?.cdrs.filter(({ rule }) => rule !== undefined)
        .slice(0, shownRefusals) ?? this.refusals;
    this.guard = this.taken(guard) ?? this.guard;
    this.requestUpdate();
  }

  private meter({ name, text, used, tone }: Meter): TemplateResult {
    return html`<div class="meter ${tone}"><span>${name}</span><span class="number">${text}</span>
      <progress max="1" value=${used} aria-label="${name}: ${text}"></progress></div>`;
  }

  private scope({ scope, rule, meters, calls, minutes, spent }: ScopeRow): TemplateResult {
    return html`<tr>
      <td data-label="Who"><span class="who">${scope}</span><span class="sub"><code>${rule}</code></span></td>
      <td data-label="Calls now" class="number">${calls}</td>
      <td data-label="Minutes today" class="number">${minutes}</td>
      <td data-label="Spent today" class="number">${spent}</td>
      <td data-label="Of what it may">${meters.length === 0 ? html`<span class="sub">not bounded</span>` : meters.map((one) => this.meter(one))}</td>
    </tr>`;
  }

  private scopes({ scopes, currency }: GuardView): TemplateResult {
    if (scopes.length === 0) return html`<p class="empty">Nothing was counted since the gateway started.</p>`;
    return html`<div class="scroller" tabindex="0" role="region" aria-label="Limits and budgets"><table class="cards">
      <thead><tr><th scope="col">Who</th><th scope="col" class="number">Calls now</th><th scope="col" class="number">Minutes today</th>
        <th scope="col" class="number">Spent today</th><th scope="col">Of what it may</th></tr></thead>
      <tbody>${scopeRows(scopes, currency).map((row) => this.scope(row))}</tbody>
    </table></div>`;
  }

  private refused(records: readonly CallRecord[]): TemplateResult {
    if (records.length === 0) return html`<p class="empty">No rule has refused or ended a call lately.</p>`;
    const nowMs = Date.now();
    return html`<div class="scroller" tabindex="0" role="region" aria-label="Refusals"><table class="cards">
      <thead><tr><th scope="col">When</th><th scope="col">Called</th><th scope="col">Outcome</th><th scope="col">Rule</th>
        <th scope="col"><span class="spoken">Actions</span></th></tr></thead>
      <tbody>${records.map(
        ({ callId, startedAt, to, disposition, failure, rule, site }) => html`<tr>
          <td data-label="When">${dayTime(startedAt, nowMs)}</td>
          <td data-label="Called"><span class="who">${to}</span>${site === undefined ? undefined : html`<span class="sub">${site}</span>`}</td>
          <td data-label="Outcome">${chip(dispositionSaid(disposition))}<span class="sub">${failure ?? ''}</span></td>
          <td data-label="Rule"><code>${rule}</code></td>
          <td class="actions"><a class="button" href=${storyAddress(callId)} aria-label="Story of the call to ${to}">Story</a></td>
        </tr>`,
      )}</tbody>
    </table></div>`;
  }

  private async allow(who: string, country: string): Promise<void> {
    this.taken(await api.allowCountry(who, country));
    await this.ask();
  }

  private brake({ action, unusual }: GuardView['brake']): TemplateResult {
    if (action === 'off') return html`<p class="empty">Nobody looks which countries are called (policy.unusual).</p>`;
    if (unusual.length === 0) return html`<p class="empty">No call to a country that is unusual for its website.</p>`;
    const nowMs = Date.now();
    return html`<div class="scroller" tabindex="0" role="region" aria-label="Unusual countries"><table class="cards">
      <thead><tr><th scope="col">Website</th><th scope="col">Country code</th><th scope="col" class="number">Calls</th><th scope="col">Last</th>
        <th scope="col"><span class="spoken">Actions</span></th></tr></thead>
      <tbody>${unusual.map(
        ({ who, country, count, at }) => html`<tr>
          <td data-label="Website"><span class="who">${who}</span><span class="sub">${action === 'hold' ? 'held back' : 'let through'}</span></td>
          <td data-label="Country code">${country}</td>
          <td data-label="Calls" class="number">${count}</td>
          <td data-label="Last">${dayTime(at, nowMs)}</td>
          <td class="actions">${
            this.mayChange
              ? html`<button type="button" aria-label="Allow ${country} for ${who}" @click=${() => this.allow(who, country)}>Allow</button>`
              : undefined
          }</td>
        </tr>`,
      )}</tbody>
    </table></div>`;
  }

  protected override render(): TemplateResult {
    return html`<div class="heading"><h1 tabindex="-1">Guard</h1></div>
      ${this.faultLine()}
      ${this.guard === undefined ? loading('limits and budgets') : this.scopes(this.guard)}
      <h2>Countries that are unusual</h2>
      ${this.guard === undefined ? loading('what is usual') : this.brake(this.guard.brake)}
      <h2>Calls that a rule refused or ended</h2>
      ${this.refusals === undefined ? loading('the refusals') : this.refused(this.refusals)}`;
  }
}
