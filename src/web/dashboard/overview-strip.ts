import { html, type TemplateResult } from 'lit';
import type { CallDto } from '../../admin/views.js';
import { api } from './api.js';
import { type DayFigures, dayFigures, trunksSaid } from './day-figures.js';
import { PageElement } from './page-element.js';
import { type Meter, tightestBudget } from './scope-rows.js';
import { todayBegan } from './times.js';
import type { Said } from './words.js';

const everyMs = 5_000;
const mostRecords = 1_000;

/** How the gateway does today, in four figures. */
export class OverviewStrip extends PageElement {
  static override readonly properties = { calls: { attribute: false } };

  declare calls: readonly CallDto[] | undefined;

  private day: (DayFigures & { readonly whole: boolean }) | undefined;
  private trunks: Said | undefined;
  private budget: Meter | undefined;
  private hasBudget = false;
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
    const today = new URLSearchParams({ from: todayBegan(Date.now()), limit: String(mostRecords) });
    const [records, trunks, guard] = await Promise.all([api.records(today.toString()), api.trunks(), api.guard()]);
    if (guard.kind === 'got') {
      this.hasBudget = true;
      this.budget = tightestBudget(guard.value.scopes, guard.value.currency);
    }
    if (trunks.kind === 'got') this.trunks = trunksSaid(trunks.value.trunks);
    const page = this.taken(records);
    if (page !== undefined) this.day = { ...dayFigures(page.cdrs), whole: page.next === undefined };
    this.requestUpdate();
  }

  private tile(name: string, value: string | undefined, sub: string, tone = 'plain'): TemplateResult {
    return html`<div class="tile ${tone}"><dt>${name}</dt><dd class="figure">${value ?? '–'}</dd><dd class="sub">${sub}</dd></div>`;
  }

  protected override render(): TemplateResult {
    const { calls, day, trunks, budget } = this;
    const talking = calls?.filter(({ answeredAt }) => answeredAt !== undefined).length;
    const today = day?.whole === false ? `of the last ${mostRecords}` : 'since midnight';
    return html`<dl class="tiles" aria-label="Overview">
      ${this.tile('Calls now', calls === undefined ? undefined : String(calls.length), talking === undefined ? '' : `${talking} answered`)}
      ${this.tile('Answered', day === undefined ? undefined : String(day.answered), today)}
      ${this.tile('Failed', day === undefined ? undefined : String(day.failed), day === undefined ? '' : `${day.unanswered} more not answered`, day !== undefined && day.failed > 0 ? 'bad' : 'plain')}
      ${this.tile('Trunks up', trunks?.text, trunks === undefined ? '' : trunks.tone === 'good' ? 'all is well' : trunks.tone === 'plain' ? 'none is configured' : 'look at Trunks', trunks?.tone)}
      ${
        this.hasBudget
          ? this.tile(
              'Tightest budget',
              budget === undefined ? 'none' : `${Math.round(budget.used * 100)} %`,
              budget === undefined ? 'no budget is set' : budget.text,
              budget?.tone,
            )
          : undefined
      }
    </dl>`;
  }
}
