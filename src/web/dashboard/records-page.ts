import { html, type TemplateResult } from 'lit';
import type { CallRecord } from '../../cdr/record.js';
import { addresses, api } from './api.js';
import { chip, loading, PageElement } from './page-element.js';
import { emptyFilter, filterFromAddress, filterToAddress, isEmptyFilter, type RecordFilter, recordQuery } from './record-filter.js';
import { storyAddress } from './route.js';
import { dayTime, duration } from './times.js';
import { dispositionSaid } from './words.js';

const pageLength = 50;
const exportedLength = 1_000;
const dispositions = [
  ...['completed', 'busy', 'rejected', 'no-answer', 'cancelled', 'unavailable', 'failed', 'denied', 'over-budget'],
  ...['congested', 'media-lost', 'browser-gone', 'too-long', 'shutting-down'],
];

/** Calls that are over, to search and to take away. */
export class RecordsPage extends PageElement {
  static override readonly properties = { query: { attribute: false } };

  /** The search as it stands in the address. */
  declare query: string;

  private filter: RecordFilter = emptyFilter;
  private records: readonly CallRecord[] | undefined;
  private next: string | undefined;
  private more: 'idle' | 'loading' = 'idle';

  protected override willUpdate(changed: ReadonlyMap<PropertyKey, unknown>): void {
    if (!changed.has('query')) return;
    this.filter = filterFromAddress(this.query);
    this.records = undefined;
    void this.ask();
  }

  private async ask(before?: string): Promise<void> {
    const asked = this.filter;
    this.more = 'loading';
    const page = this.taken(await api.records(recordQuery(asked, { limit: pageLength, ...(before === undefined ? {} : { before }) })));
    if (asked !== this.filter) return;
    this.more = 'idle';
    if (page !== undefined) {
      this.records = before === undefined ? page.cdrs : [...(this.records ?? []), ...page.cdrs];
      this.next = page.next;
    }
    this.requestUpdate();
  }

  private search(event: Event): void {
    event.preventDefault();
    const given = new FormData(event.target as HTMLFormElement);
    const value = (name: keyof RecordFilter): string => String(given.get(name) ?? '').trim();
    const filter = { from: value('from'), to: value('to'), number: value('number'), trunk: value('trunk'), site: value('site') };
    const address = `#/records?${filterToAddress({ ...filter, disposition: value('disposition') })}`;
    // The same search again: what is there is fetched anew.
    if (address === location.hash) void this.ask();
    else location.hash = address;
  }

  private form(): TemplateResult {
    const { filter } = this;
    const field = (name: 'number' | 'trunk' | 'site', label: string): TemplateResult =>
      html`<label>${label}<input name=${name} .value=${filter[name]} autocomplete="off" spellcheck="false"></label>`;
    return html`<form class="search" role="search" aria-label="Records" @submit=${this.search}>
      <label>From<input type="datetime-local" name="from" .value=${filter.from}></label>
      <label>Until<input type="datetime-local" name="to" .value=${filter.to}></label>
      ${field('number', 'Number')} ${field('trunk', 'Trunk')} ${field('site', 'Site')}
      <label>Outcome<select name="disposition">
        <option value="" ?selected=${filter.disposition === ''}>any</option>
        ${dispositions.map((one) => html`<option value=${one} ?selected=${filter.disposition === one}>${dispositionSaid(one).text}</option>`)}
      </select></label>
      <div class="buttons"><button type="submit" class="main">Search</button>
        ${isEmptyFilter(filter) ? undefined : html`<a class="button" href="#/records">Show all</a>`}</div>
    </form>`;
  }

  private row(record: CallRecord, nowMs: number): TemplateResult {
    const { callId, startedAt, from, to, trunk, site, disposition, failure, talkMs, rating } = record;
    return html`<tr>
      <td data-label="When">${dayTime(startedAt, nowMs)}</td>
      <td data-label="Caller"><span class="who">${from}</span>${site === undefined ? undefined : html`<span class="sub">${site}</span>`}</td>
      <td data-label="Called"><span class="who">${to}</span>${trunk === undefined ? undefined : html`<span class="sub">${trunk}</span>`}</td>
      <td data-label="Outcome">${chip(dispositionSaid(disposition))}${failure === undefined || failure === disposition ? undefined : html`<span class="sub">${failure}</span>`}</td>
      <td data-label="Talked" class="number">${talkMs === 0 ? '–' : duration(talkMs)}</td>
      <td data-label="Rating" class="number">${rating === undefined ? '–' : `${rating.stars} of 5`}</td>
      <td class="actions"><a class="button" href=${storyAddress(callId)} aria-label="Story of the call to ${to}">Story</a></td>
    </tr>`;
  }

  private table(records: readonly CallRecord[]): TemplateResult {
    if (records.length === 0) {
      return isEmptyFilter(this.filter)
        ? html`<p class="empty">No call has ended since the gateway started.</p>`
        : html`<p class="empty">No record fits this search.</p>`;
    }
    const nowMs = Date.now();
    return html`<div class="scroller" tabindex="0" role="region" aria-label="Records"><table class="cards">
        <thead><tr><th scope="col">When</th><th scope="col">Caller</th><th scope="col">Called</th><th scope="col">Outcome</th>
          <th scope="col" class="number">Talked</th><th scope="col" class="number">Rating</th><th scope="col"><span class="spoken">Actions</span></th></tr></thead>
        <tbody>${records.map((record) => this.row(record, nowMs))}</tbody>
      </table></div>
      <p class="after" role="status">${records.length} ${records.length === 1 ? 'record' : 'records'} shown${this.next === undefined ? ', these are all' : ''}.
        ${
          this.next === undefined
            ? undefined
            : html`<button type="button" ?disabled=${this.more === 'loading'} @click=${() => this.ask(this.next)}>Show older ones</button>`
        }</p>`;
  }

  protected override render(): TemplateResult {
    const exported = (format: { readonly format?: 'csv' }): string =>
      addresses.records(recordQuery(this.filter, { limit: exportedLength, ...format }));
    return html`<div class="heading"><h1 tabindex="-1">Records</h1>
        <div class="buttons">
          <a class="button" href=${exported({ format: 'csv' })} download="calls.csv">Export CSV</a>
          <a class="button" href=${exported({})} download="calls.json">Export JSON</a>
        </div></div>
      ${this.form()} ${this.faultLine()}
      ${this.records === undefined ? (this.fault === '' ? loading('the records') : undefined) : this.table(this.records)}`;
  }
}
