import { html, type TemplateResult } from 'lit';
import type { CallDto } from '../../admin/views.js';
import { addresses, api, type SessionView } from './api.js';
import { confirmed } from './ask-dialog.js';
import { LiveFeed, pageFeed } from './live-feed.js';
import { chip, loading, PageElement } from './page-element.js';
import { type Route, routeOf } from './route.js';
import type { Said } from './words.js';

const sessionEveryMs = 5_000;

const states: Readonly<Record<NonNullable<SessionView['state']>, Said>> = {
  starting: { text: 'starting', tone: 'warn' },
  ready: { text: 'takes calls', tone: 'good' },
  draining: { text: 'draining: takes no new calls', tone: 'warn' },
  stopped: { text: 'stopped', tone: 'bad' },
};

const titles: Readonly<Record<Route['page'], string>> = {
  calls: 'Live calls',
  trunks: 'Trunks',
  guard: 'Guard',
  records: 'Records',
  story: 'Call',
};

/** The whole dashboard: login, navigation, and the page one is on. */
export class GatewayDashboard extends PageElement {
  private session: SessionView | undefined;
  private wasIn = false;
  private route: Route = routeOf(location.hash);
  private calls: readonly CallDto[] | undefined;
  private guarded: 'unknown' | 'yes' | 'no' = 'unknown';
  private asking: ReturnType<typeof setInterval> | undefined;
  private readonly feed = new LiveFeed(
    { url: addresses.events, events: ['calls', 'begun', 'state', 'ended'] },
    { ...pageFeed, ask: () => this.askCalls() },
  );
  private readonly onRoute = (): void => {
    this.route = routeOf(location.hash);
    this.requestUpdate();
    // Who reads the page by ear is told that it is another one.
    void this.updateComplete.then(() => this.querySelector<HTMLElement>('main h1')?.focus());
  };

  override connectedCallback(): void {
    super.connectedCallback();
    addEventListener('hashchange', this.onRoute);
    this.addEventListener('locked-out', () => void this.askSession());
    this.asking = setInterval(() => void this.askSession(), sessionEveryMs);
    void this.askSession();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    removeEventListener('hashchange', this.onRoute);
    clearInterval(this.asking);
    this.feed.stop();
  }

  private async askSession(): Promise<void> {
    const session = this.taken(await api.session());
    this.session = session ?? this.session;
    if (session !== undefined) {
      if (session.access === 'refused') this.feed.stop();
      else {
        this.wasIn = true;
        this.feed.start();
        if (this.guarded === 'unknown') await this.askGuard();
      }
    }
    this.requestUpdate();
  }

  private async askGuard(): Promise<void> {
    const answer = await api.guard();
    if (answer.kind === 'got') this.guarded = 'yes';
    else if (answer.kind === 'refused' && answer.status === 404) this.guarded = 'no';
  }

  private async askCalls(): Promise<void> {
    this.calls = this.taken(await api.calls())?.calls ?? this.calls;
    this.requestUpdate();
  }

  private async logOut(): Promise<void> {
    await api.logOut();
    this.wasIn = false;
    this.calls = undefined;
    await this.askSession();
  }

  private async drain(): Promise<void> {
    const text =
      'No new calls are taken from now on, and calls that are up are ended after the drain time. It takes calls again only after a restart.';
    if (!(await confirmed({ title: 'Drain the gateway?', text, action: 'Drain' }))) return;
    this.taken(await api.drain());
    await this.askSession();
  }

  private link(page: 'calls' | 'records' | 'trunks' | 'guard'): TemplateResult {
    const isHere = this.route.page === page;
    return html`<a href="#/${page}" aria-current=${isHere ? 'page' : 'false'}>${titles[page]}</a>`;
  }

  private bar({ access, version, state, tokenNeeded }: SessionView): TemplateResult {
    const mayChange = access !== 'view';
    return html`<header class="bar">
      <a class="brand" href="#/calls"><img src="favicon.svg" alt="" width="26" height="26"><span>Gateway <small>${version}</small></span></a>
      <nav aria-label="Pages">${this.link('calls')}${this.link('records')}${this.link('trunks')}${this.guarded === 'yes' ? this.link('guard') : undefined}</nav>
      <div class="status">
        ${state === undefined ? undefined : chip(states[state])}
        ${access === 'full' ? undefined : html`<span class="chip plain">numbers masked</span>`}
        ${mayChange && state === 'ready' ? html`<button type="button" class="quiet" @click=${this.drain}>Drain</button>` : undefined}
        ${tokenNeeded ? html`<button type="button" class="quiet" @click=${this.logOut}>Log out</button>` : undefined}
      </div>
    </header>`;
  }

  private page(mayChange: boolean): TemplateResult {
    const { route } = this;
    switch (route.page) {
      case 'calls':
        return html`<calls-page .calls=${this.calls} .mayChange=${mayChange} @calls-changed=${this.feed.nudge}></calls-page>`;
      case 'trunks':
        return html`<trunks-page></trunks-page>`;
      case 'guard':
        return html`<guard-page .mayChange=${mayChange}></guard-page>`;
      case 'records':
        return html`<records-page .query=${route.query}></records-page>`;
      case 'story':
        return html`<story-page .callId=${route.callId} .mayChange=${mayChange}></story-page>`;
    }
  }

  private locked({ tokenNeeded }: SessionView): TemplateResult {
    return html`<main class="locked">${
      tokenNeeded
        ? html`<login-page .over=${this.wasIn} @logged-in=${() => this.askSession()}></login-page>`
        : html`<section class="card login"><h1 tabindex="-1">This machine only</h1>
            <p>No admin.token is set, so the dashboard opens only on the machine that the gateway runs on. Set admin.token to log in from here.</p></section>`
    }</main>`;
  }

  protected override updated(): void {
    document.title = `${this.session?.access === 'refused' ? 'Log in' : titles[this.route.page]} – Gateway`;
  }

  protected override render(): TemplateResult {
    const { session } = this;
    if (session === undefined) return html`<main>${this.faultLine() ?? loading('the dashboard')}</main>`;
    if (session.access === 'refused') return this.locked(session);
    return html`${this.bar(session)}
      <main>${this.faultLine()}
        ${this.route.page === 'story' ? undefined : html`<overview-strip .calls=${this.calls}></overview-strip>`}
        ${this.page(session.access !== 'view')}</main>`;
  }
}
