import { html, type TemplateResult } from 'lit';
import type { TrunkDto } from '../../admin/views.js';
import { api } from './api.js';
import { trunkSaid } from './day-figures.js';
import { chip, loading, PageElement } from './page-element.js';
import { dayTime } from './times.js';
import type { Said } from './words.js';

const everyMs = 3_000;

function peerSaid({ health, until }: TrunkDto['peers'][number], nowMs: number): Said {
  if (health === 'up') return { text: 'up', tone: 'good' };
  if (health === 'resting') return { text: `resting until ${dayTime(until, nowMs)}`, tone: 'warn' };
  return { text: 'down until it answers again', tone: 'bad' };
}

/** Trunks, their peers and registrations. */
export class TrunksPage extends PageElement {
  private trunks: readonly TrunkDto[] | undefined;
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
    this.trunks = this.taken(await api.trunks())?.trunks ?? this.trunks;
    this.requestUpdate();
  }

  private registration({ registration }: TrunkDto, nowMs: number): TemplateResult {
    if (registration === undefined) return html`<dd>not needed: the trunk knows the gateway by its address</dd>`;
    const { registered, since, until, peer, lastFailure, lastFailureAt } = registration;
    return html`<dd>
      ${chip(registered ? { text: 'registered', tone: 'good' } : { text: 'not registered', tone: 'bad' })}
      ${registered ? html`<span class="sub">since ${dayTime(since, nowMs)}, until ${dayTime(until, nowMs)}${peer === undefined ? '' : `, with ${peer}`}</span>` : undefined}
      ${lastFailure === undefined ? undefined : html`<span class="sub ${registered ? '' : 'bad'}">Last failure: ${lastFailure}, ${dayTime(lastFailureAt, nowMs)}</span>`}
    </dd>`;
  }

  private trunk(trunk: TrunkDto): TemplateResult {
    const { id, callsInUse, maxCalls, peers } = trunk;
    const nowMs = Date.now();
    return html`<section class="card" aria-labelledby="trunk-${id}" data-trunk=${id}>
      <div class="card-heading"><h2 id="trunk-${id}">${id}</h2>${chip(trunkSaid(trunk))}</div>
      <dl class="facts">
        <dt>Calls in use</dt>
        <dd class="figure">${callsInUse}${
          maxCalls === undefined
            ? html`<span class="sub">no limit set</span>`
            : html` of ${maxCalls}
          <meter min="0" max=${maxCalls} value=${callsInUse} aria-label="Calls in use"></meter>`
        }</dd>
        <dt>Registration</dt>
        ${this.registration(trunk, nowMs)}
        <dt>Peers</dt>
        <dd><ul class="plain">${peers.map((peer) => html`<li><code>${peer.uri}</code> ${chip(peerSaid(peer, nowMs))}</li>`)}</ul></dd>
      </dl>
    </section>`;
  }

  protected override render(): TemplateResult {
    const { trunks } = this;
    return html`<div class="heading"><h1 tabindex="-1">Trunks</h1></div>
      ${this.faultLine()}
      ${
        trunks === undefined
          ? loading('the trunks')
          : trunks.length === 0
            ? html`<p class="empty">No trunk is configured: calls can only go to registered users.</p>`
            : html`<div class="grid">${trunks.map((trunk) => this.trunk(trunk))}</div>`
      }`;
  }
}
