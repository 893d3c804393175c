import { html, type TemplateResult } from 'lit';
import type { CallDto } from '../../admin/views.js';
import type { CallRecord, DigitReceipt } from '../../cdr/record.js';
import { addresses, api, type ShownStory } from './api.js';
import { confirmed } from './ask-dialog.js';
import { LiveFeed, pageFeed } from './live-feed.js';
import { chip, loading, PageElement } from './page-element.js';
import { type LegFigures, legFigures, plotsOf } from './plot-data.js';
import { clockTime, dayTime, duration, offset } from './times.js';
import { receiptSaid, scoreSaid, seenSaid, sideSaid, stateSaid } from './words.js';

const eventNames = [
  ...['call', 'routed', 'progress', 'ringing', 'answered', 'ended', 'digit', 'digit-sent', 'digit-acknowledged', 'digit-failed'],
  ...['held', 'resumed', 'media-up', 'media-silent', 'media-resumed', 'media-failed', 'flow-lost', 'reattached', 'transferred', 'decision'],
];

type Summary = CallDto | CallRecord;
const isRecord = (summary: Summary): summary is CallRecord => 'callId' in summary;

const figure = (value: number | undefined, unit: string, digits: number): string =>
  value === undefined ? '–' : `${value.toFixed(digits)} ${unit}`.trim();

/** All of one call on one page, while it is up and after. */
export class StoryPage extends PageElement {
  static override readonly properties = { callId: { attribute: false }, mayChange: { attribute: false } };

  declare callId: string;
  declare mayChange: boolean;

  private story: ShownStory | undefined;
  private feed: LiveFeed | undefined;
  private reach: 'there' | 'lost' = 'there';

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.feed?.stop();
  }

  protected override willUpdate(changed: ReadonlyMap<PropertyKey, unknown>): void {
    if (!changed.has('callId')) return;
    this.story = undefined;
    this.feed?.stop();
    this.feed = new LiveFeed({ url: addresses.callEvents(this.callId), events: eventNames }, { ...pageFeed, ask: () => this.ask() });
    void this.begin(this.feed);
  }

  /** What is over does not change, and what is not there does not come. */
  private async begin(feed: LiveFeed): Promise<void> {
    await this.ask();
    const isLive = this.story === undefined ? this.reach === 'lost' : this.story.live;
    if (isLive && feed === this.feed && this.isConnected) feed.start();
  }

  private async ask(): Promise<void> {
    const { callId } = this;
    const answer = await api.story(callId);
    if (callId !== this.callId) return;
    this.reach = answer.kind === 'unreachable' ? 'lost' : 'there';
    this.story = this.taken(answer) ?? this.story;
    if (answer.kind === 'refused' || (answer.kind === 'got' && !answer.value.live)) this.feed?.stop();
    this.requestUpdate();
  }

  private async hangUp(): Promise<void> {
    const text = 'The call ends at once on both sides.';
    if (!(await confirmed({ title: 'Hang up this call?', text, action: 'Hang up' }))) return;
    this.taken(await api.hangUp(this.callId));
    this.feed?.nudge();
  }

  private heading(story: ShownStory): TemplateResult {
    const { summary, live, cause } = story;
    const parties = summary === undefined ? 'Call' : `${summary.from} → ${summary.to}`;
    const tone = live ? 'good' : story.timeline.findLast(({ kind }) => kind === 'ended')?.tone === 'bad' ? 'bad' : 'plain';
    return html`<div class="heading story-heading">
        <div><p class="over"><a href="#/records">Records</a> / <code>${story.callId}</code></p><h1 tabindex="-1">${parties}</h1></div>
        <div class="buttons">
          ${live && this.mayChange ? html`<button type="button" class="danger" @click=${this.hangUp}>Hang up</button>` : undefined}
          <a class="button" href=${addresses.story(story.callId)} download="call-${story.callId}.json">Export JSON</a>
          <a class="button" href=${addresses.capture(story.callId)} download="call-${story.callId}.pcap">Export pcap</a>
        </div>
      </div>
      <section class="cause ${tone}" aria-label="What became of the call">
        <h2>${cause.title}${live ? html` <span class="chip good">live</span>` : undefined}</h2>
        <p>${cause.sentence}</p>
        ${cause.advice === undefined ? undefined : html`<p><strong>What to do:</strong> ${cause.advice}</p>`}
      </section>
      ${summary === undefined ? undefined : this.facts(summary)}`;
  }

  private facts(summary: Summary): TemplateResult {
    const nowMs = Date.now();
    const { startedAt, answeredAt, trunk, user, origin, source } = summary;
    const record = isRecord(summary) ? summary : undefined;
    const state = isRecord(summary) ? undefined : stateSaid(summary.state);
    const rows: readonly (readonly [string, unknown])[] = [
      ['State', state === undefined ? undefined : chip(state)],
      ['Began', dayTime(startedAt, nowMs)],
      ['Answered', answeredAt === undefined ? 'never' : `${clockTime(answeredAt)}`],
      ['Ended', record === undefined ? undefined : clockTime(record.endedAt)],
      ['Talked', record === undefined ? undefined : duration(record.talkMs)],
      ['Trunk', trunk],
      ['User', user],
      ['Site', record?.site],
      ['Page', origin],
      ['Came from', source],
      ['Rule', record?.rule],
      ['Cost', record?.cost === undefined ? undefined : `${record.cost.toFixed(2)} ${record.currency ?? ''}`],
      [
        'Rating',
        record?.rating === undefined
          ? undefined
          : `${record.rating.stars} of 5${record.rating.comment === undefined ? '' : `: “${record.rating.comment}”`}`,
      ],
    ];
    return html`<dl class="line">${rows.map(([name, value]) => (value === undefined ? undefined : html`<div><dt>${name}</dt><dd>${value}</dd></div>`))}</dl>`;
  }

  private timeline({ timeline, summary }: ShownStory): TemplateResult {
    const beganMs = summary === undefined ? undefined : Date.parse(summary.startedAt);
    return html`<section aria-labelledby="timeline-title"><h2 id="timeline-title">Timeline</h2>
      <ol class="timeline">${timeline.map(
        ({ atMs, kind, text, tone }) => html`<li class=${tone} data-kind=${kind}>
          <span class="at number">${beganMs === undefined ? '' : html`${clockTime(new Date(beganMs + atMs).toISOString())} `}<span class="sub">${offset(atMs)}</span></span>
          <span>${text}</span></li>`,
      )}</ol></section>`;
  }

  private legRow({ farEnd, codec, score, lostPercent, jitterMs, roundTripMs }: LegFigures): TemplateResult {
    const said = scoreSaid(score);
    return html`<tr><th scope="row" data-label="Sound from">the ${farEnd}</th><td data-label="Codec">${codec}</td>
      <td data-label="Quality">${chip(score === undefined ? said : { ...said, text: `${score.toFixed(1)} ${said.text}` })}</td>
      <td data-label="Loss" class="number">${figure(lostPercent, '%', 2)}</td>
      <td data-label="Jitter" class="number">${figure(jitterMs, 'ms', 1)}</td>
      <td data-label="Round trip" class="number">${figure(roundTripMs, 'ms', 0)}</td></tr>`;
  }

  private media({ media }: ShownStory): TemplateResult {
    const plots = plotsOf(media);
    return html`<section aria-labelledby="media-title"><h2 id="media-title">Sound: RTP and RTCP</h2>
      ${
        plots.length === 0
          ? html`<p class="empty">Nothing was measured: no sound flowed, or not for long enough.</p>`
          : html`<table class="cards"><thead><tr><th scope="col">Sound from</th><th scope="col">Codec</th><th scope="col">Quality</th>
              <th scope="col" class="number">Loss</th><th scope="col" class="number">Jitter</th><th scope="col" class="number">Round trip</th></tr></thead>
              <tbody>${legFigures(media).map((leg) => this.legRow(leg))}</tbody></table>
            <div class="plots">${plots.map((plot) => html`<plot-view .plot=${plot}></plot-view>`)}</div>`
      }</section>`;
  }

  private receipt(receipt: DigitReceipt): TemplateResult {
    return html`<tr><td data-label="Press" class="number">${receipt.id}</td><td data-label="Key"><kbd>${receipt.digit}</kbd></td>
      <td data-label="From">${sideSaid(receipt.from)}</td><td data-label="At">${clockTime(receipt.at)}</td>
      <td data-label="Seen as">${seenSaid(receipt)}</td><td data-label="Receipt">${chip(receiptSaid(receipt))}</td></tr>`;
  }

  private digits({ summary }: ShownStory): TemplateResult {
    const { receipts = [], moreReceipts = 0 } = summary?.digits ?? {};
    return html`<section aria-labelledby="digits-title"><h2 id="digits-title">Keys and their receipts</h2>
      ${
        receipts.length === 0
          ? html`<p class="empty">No key was pressed.</p>`
          : html`<table class="cards receipts"><thead><tr><th scope="col" class="number">Press</th><th scope="col">Key</th><th scope="col">From</th>
            <th scope="col">At</th><th scope="col">Seen as</th><th scope="col">Receipt</th></tr></thead>
            <tbody>${receipts.map((one) => this.receipt(one))}</tbody></table>`
      }${moreReceipts === 0 ? undefined : html`<p class="sub">${moreReceipts} more are only counted.</p>`}</section>`;
  }

  private decisions({ decisions }: ShownStory): TemplateResult {
    return html`<section aria-labelledby="decisions-title"><h2 id="decisions-title">Decisions</h2>
      ${
        decisions.length === 0
          ? html`<p class="empty">No rule had anything to say.</p>`
          : html`<table class="cards"><thead><tr><th scope="col" class="number">At</th><th scope="col">Rule</th><th scope="col">Verdict</th><th scope="col">Why</th></tr></thead>
            <tbody>${decisions.map(
              ({
                atMs,
                rule,
                verdict,
                why,
              }) => html`<tr><td data-label="At" class="number">${offset(atMs)}</td><td data-label="Rule"><code>${rule}</code></td>
                <td data-label="Verdict">${chip({ text: verdict, tone: verdict === 'allowed' ? 'good' : 'bad' })}</td><td data-label="Why">${why}</td></tr>`,
            )}</tbody></table>`
      }</section>`;
  }

  protected override render(): TemplateResult {
    const { story } = this;
    if (story === undefined) {
      return html`<div class="heading"><h1 tabindex="-1">Call</h1></div>${this.faultLine() ?? loading('the story of this call')}`;
    }
    return html`${this.heading(story)} ${this.faultLine()}
      <div class="two">${this.timeline(story)}
        <section aria-labelledby="ladder-title"><h2 id="ladder-title">SIP messages of both legs</h2><ladder-view .ladder=${story.ladder}></ladder-view></section></div>
      ${this.media(story)}
      ${this.digits(story)} ${this.decisions(story)}`;
  }
}
