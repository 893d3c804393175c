import { html, LitElement, type TemplateResult } from 'lit';
import { type CallButtonEvents, sendEvent } from './call-button-events.js';
import { CallController, type CallSettings } from './call-controller.js';
import { readDigitText } from './digit-text.js';
import { failureText } from './digits-view.js';
import { gatewayAt } from './gateway-address.js';
import { digitFaultText } from './ivr-menu.js';
import { buttonFor, watchTriggers } from './ivr-triggers.js';
import { telephoneKeyOf } from './keyboard.js';
import { chosen, inEnglish, type Language, languageNamed, wishesOf } from './language.js';
import { takesDigits, type ViewState } from './machine.js';
import { pageDeps, placeOf } from './page-deps.js';
import type { CheckResults } from './pre-call-check.js';
import { SiteMenu } from './site-menu.js';
import { styles } from './styles.js';
import type { Texts } from './texts.js';
import { render as renderView, statusText, type ViewModel, warningText } from './view.js';

/** Buttons of this page that have a call, the newest call last: the keys of the keyboard are for one of them. */
const inCall = new Set<CallButton>();

/**
 * `<call-button gateway="wss://…/sip" to="1001" label="Call us">`: a button that makes a telephone
 * call. With `user` it also takes calls. See `styles.ts` for parts and custom properties.
 */
export class CallButton extends LitElement {
  static override readonly styles = styles;
  static override readonly properties = {
    gateway: { type: String },
    to: { type: String },
    label: { type: String },
    user: { type: String },
    display: { type: String },
    site: { type: String },
    ticketUrl: { type: String, attribute: 'ticket-url' },
    ticket: { type: String },
    icePolicy: { type: String, attribute: 'ice-policy' },
    lang: { type: String },
    tel: { type: String },
    noRating: { type: Boolean, attribute: 'no-rating' },
    offersCheck: { type: Boolean, attribute: 'check' },
    words: { attribute: false },
    language: { state: true },
    keypadOpen: { state: true },
    settingsOpen: { state: true },
    stars: { state: true },
    menu: { attribute: false },
  };

  /** WebSocket URL of the gateway; by default `/sip` where this script came from. */
  declare gateway: string | undefined;
  /** Number or alias to call. */
  declare to: string | undefined;
  declare label: string | undefined;
  /** Name to register under, so that calls can come in. */
  declare user: string | undefined;
  /** What the person called sees as our name, where the network carries one. */
  declare display: string | undefined;
  /** Public key of the website: the gateway gives a ticket for each call. */
  declare site: string | undefined;
  /** Where the website's own back end gives a ticket for each call. */
  declare ticketUrl: string | undefined;
  /** A ticket for the next call. */
  declare ticket: string | undefined;
  /** `relay`: media may go through TURN servers only. */
  declare icePolicy: string | undefined;

  /** Number that people are told to call by telephone when a call from the page cannot be. */
  declare tel: string | undefined;
  /** Nobody is asked how the call was. */
  declare noRating: boolean;
  /** A check of microphone and network is offered before a call. */
  declare offersCheck: boolean;
  /** Words of the website's own in place of some of the widget's. */
  declare words: Partial<Texts> | undefined;

  /**
   * Labels and the digits they press, as an object or JSON text; also read from
   * `<script type="application/json" slot="menu">` in the element. See `ivr-menu.ts`.
   */
  declare menu: unknown;

  declare private language: Language;
  declare private keypadOpen: boolean;
  declare private settingsOpen: boolean;
  declare private stars: number;

  private readonly controller: CallController;
  private readonly siteMenu = new SiteMenu({
    onChange: () => this.requestUpdate(),
    onOpen: () => void this.updateComplete.then(() => this.shadowRoot?.querySelector<HTMLElement>('.menu')?.focus()),
    press: (steps) => this.controller.pressSteps(steps),
    onFault: (detail) => misconfigured(this, detail),
  });
  private slotted: string | undefined;
  private shownState: ViewState['name'] = 'idle';
  private shownMuted = false;
  private wished = '';
  private focusWithin = false;
  private readonly languageWatch = new MutationObserver(() => this.requestUpdate());
  private readonly onKeyDown = (event: KeyboardEvent): void => this.onKeyboard(event);

  constructor() {
    super();
    this.language = inEnglish;
    this.keypadOpen = false;
    this.settingsOpen = false;
    this.stars = 0;
    this.controller = new CallController({
      ...pageDeps(),
      settings: () => this.settings(),
      onChange: () => this.onChange(),
      onEvent: (type, detail) => this.send(type, detail),
      onProblem: (code, receipt) =>
        this.send('error', { code, message: receipt === undefined ? this.texts.problems[code] : failureText([receipt], this.texts) }),
    });
  }

  override connectedCallback(): void {
    super.connectedCallback();
    document.addEventListener('keydown', this.onKeyDown);
    this.languageWatch.observe(document, { attributeFilter: ['lang'], subtree: true });
    if (this.hasUpdated) this.requestUpdate();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    document.removeEventListener('keydown', this.onKeyDown);
    this.languageWatch.disconnect();
    // Moved within the page it is back by then.
    queueMicrotask(() => {
      if (!this.isConnected) this.controller.close();
    });
  }

  protected override willUpdate(): void {
    this.focusWithin = (this.shadowRoot?.activeElement ?? null) !== null;
    this.siteMenu.take(this.menu);
    this.speak();
  }

  protected override updated(): void {
    // The button that was pressed may be gone; the keyboard goes on from what took its place.
    if (this.focusWithin && this.shadowRoot?.activeElement === null) {
      this.shadowRoot.querySelector<HTMLElement>('.card, .press')?.focus();
    }
    if (this.isConnected) this.controller.renewClient();
  }

  /** Calls `to`, as a press of the button does. Does nothing while there is a call. */
  call(): void {
    this.controller.call();
  }

  /** Ends what there is: cancels, hangs up or declines. */
  hangup(): void {
    this.controller.hangup();
  }

  answer(): void {
    this.controller.answer();
  }

  reject(): void {
    this.controller.reject();
  }

  mute(on = true): void {
    this.controller.mute(on);
  }

  /** Puts the far end on hold, or talks with it again. */
  hold(on = true): void {
    this.controller.hold(on);
  }

  /** Tries everything that a call needs, without one, and tells what is good. Takes six seconds at most. */
  check(): Promise<CheckResults> {
    return this.controller.check();
  }

  /** What the person thinks of the call, from one star to five. False when there is no call to say it of. */
  rate(stars: number, comment?: string): boolean {
    return this.controller.rate(stars, comment);
  }

  /** How loud the far end is heard, from 0 to 1. */
  setVolume(volume: number): void {
    this.controller.setVolume(volume);
  }

  /**
   * Sends digits in order, one at a time: `0-9 * # A-D`, `,` pauses two seconds, `w` half a second,
   * `w2000` that many milliseconds. While the call is being set up they wait until they can be sent.
   * False, and nothing is sent, when there is no call, the text holds anything else, or too many wait.
   */
  sendDigits(digits: string): boolean {
    return this.controller.sendDigits(digits);
  }

  /**
   * Presses digits as `sendDigits` does once the call is answered, and places the call if there is
   * none. An element with `data-ivr` does the same. False when that cannot be; an `error` tells why,
   * and `where` in the page they stood.
   */
  press(digits: string, where = 'press()'): boolean {
    const text = readDigitText(digits);
    if (text.ok) return this.controller.pressSteps(text.steps);
    misconfigured(this, `${where}: ${digitFaultText(text)}`);
    return false;
  }

  protected override render(): TemplateResult {
    const { controller, texts, language } = this;
    const { snapshot } = controller;
    const model: ViewModel = {
      ...snapshot,
      ...{ texts, label: this.label ?? texts.call, tel: this.tel, offersCheck: this.offersCheck, stars: this.stars },
      rating: this.noRating ? undefined : snapshot.rating,
      keypadOpen: this.keypadOpen,
      settingsOpen: this.settingsOpen,
      menu: this.siteMenu.menu,
      menuPath: this.siteMenu.path,
    };
    const actions = {
      call: () => controller.call(),
      hangUp: () => controller.hangup(),
      answer: () => controller.answer(),
      decline: () => controller.reject(),
      dismiss: () => controller.dismiss(),
      toggleMute: () => controller.mute(!controller.snapshot.muted),
      toggleHold: () => controller.hold(!(snapshot.held === 'local' || snapshot.held === 'both')),
      toggleKeypad: () => {
        this.keypadOpen = !this.keypadOpen;
      },
      toggleSettings: () => {
        this.settingsOpen = !this.settingsOpen;
        this.showLevel();
      },
      chooseInput: (id: string) => void controller.chooseInput(id),
      chooseOutput: (id: string) => void controller.chooseOutput(id),
      setVolume: (volume: number) => controller.setVolume(volume),
      leave: (event: KeyboardEvent) => this.leave(event),
      check: () => void controller.check(),
      chooseStars: (stars: number) => {
        this.stars = stars;
      },
      rate: (stars: number, comment?: string) => void controller.rate(stars, comment),
      key: (digit: string) => controller.pressKey(digit),
      menu: this.siteMenu,
    };
    return html`<div class="root" lang=${language.lang} dir=${language.dir}>${renderView(model, actions)}
      <span class="hidden-text" role="status" aria-live="polite">${statusText(model)} ${warningText(model)} ${failureText(snapshot.receipts, texts)}</span></div>
      <slot name="menu" hidden @slotchange=${() => this.takeSlottedMenu()}></slot>`;
  }

  private get texts(): Texts {
    const { texts } = this.language;
    return this.words === undefined ? texts : { ...texts, ...this.words };
  }

  /** Looks which language is wished for, and speaks it as soon as it is there. */
  private speak(): void {
    const name = chosen([this.lang, ...wishesOf(this)]);
    if (name === this.wished) return;
    this.wished = name;
    void languageNamed(name).then((language) => {
      if (name === this.wished) this.language = language;
    });
  }

  /** The meter runs while it is seen, and while somebody is muted, who may speak without knowing. */
  private showLevel(): void {
    const { state, muted } = this.controller.snapshot;
    this.controller.showLevel(takesDigits(state) && (this.settingsOpen || muted));
  }

  private settings(): CallSettings {
    const given = {
      to: this.to,
      user: this.user,
      displayName: this.display,
      site: this.site,
      ticketUrl: this.ticketUrl,
      ticket: this.ticket,
    };
    // What a script of the page sets may be a number, what a template writes may have spaces around it.
    const texts = Object.entries(given).map(([name, value]) => [name, String(value ?? '').trim()]);
    const set = Object.fromEntries(texts.filter(([, value]) => value !== ''));
    return { ...set, gateway: gatewayAt(this.gateway), relayOnly: this.icePolicy === 'relay', place: placeOf(this) };
  }

  private onChange(): void {
    const { name } = this.controller.snapshot.state;
    if (this.controller.busy) inCall.add(this);
    else inCall.delete(this);
    // Another call begins with its keypad closed.
    if (name !== this.shownState && (name === 'microphone' || name === 'incoming')) {
      this.keypadOpen = false;
      this.settingsOpen = false;
      this.stars = 0;
    }
    const { muted } = this.controller.snapshot;
    const wasMuted = this.shownMuted;
    const wasState = this.shownState;
    this.shownState = name;
    this.shownMuted = muted;
    if (muted !== wasMuted || name !== wasState) this.showLevel();
    this.requestUpdate();
  }

  private takeSlottedMenu(): void {
    const script = this.querySelector(':scope > script[type="application/json"][slot="menu"]');
    const text = script?.textContent;
    // A menu that was set by a property stays.
    if (text !== undefined || this.menu === this.slotted) this.menu = text;
    this.slotted = text;
  }

  private onKeyboard(event: KeyboardEvent): void {
    const talking = [...inCall].filter(({ controller }) => takesDigits(controller.snapshot.state));
    const key = talking.at(-1) === this ? telephoneKeyOf(event) : undefined;
    if (key === undefined) return;
    event.preventDefault();
    this.controller.pressKey(key);
  }

  /** Escape closes a panel, and the keyboard goes on from what opened it. */
  private leave({ key }: KeyboardEvent): void {
    const toggle = key === 'Escape' ? this.shadowRoot?.querySelector<HTMLElement>('[aria-expanded=true]') : undefined;
    toggle?.focus();
    toggle?.click();
  }

  private send<K extends keyof CallButtonEvents>(type: K, detail: CallButtonEvents[K]): void {
    sendEvent(this, type, detail);
  }
}

if (customElements.get('call-button') === undefined) {
  customElements.define('call-button', CallButton);
  watchTriggers((trigger, digits) => {
    const found = buttonFor(trigger);
    if (found.ok) (found.button as CallButton).press(digits, `data-ivr="${digits}"`);
    else misconfigured(trigger, `data-ivr: ${found.problem}`);
  });
}

/** Tells the owner of the page what is wrong with it, and the visitor that something is. */
function misconfigured(element: HTMLElement, detail: string): void {
  console.error(`<call-button>: ${detail}`, element);
  sendEvent(element, 'error', { code: 'ivr-invalid', message: inEnglish.texts.problems['ivr-invalid'], detail });
}
