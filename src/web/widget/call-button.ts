import { html, LitElement, type TemplateResult } from 'lit';
import { type CallButtonEvents, sendEvent } from './call-button-events.js';
import type { CallProblem } from './call-problem.js';
import { DigitDesk } from './digit-desk.js';
import type { DigitReceipt } from './digit-ledger.js';
import { defaultDigitTiming } from './digit-queue.js';
import { type DigitStep, readDigitText } from './digit-text.js';
import { failureText } from './digits-view.js';
import { digitFaultText } from './ivr-menu.js';
import { buttonFor, watchTriggers } from './ivr-triggers.js';
import { telephoneKeyOf } from './keyboard.js';
import { type Effect, keepsDigits, next, takesDigits, type ViewEvent, type ViewState } from './machine.js';
import { closeMicrophone, openMicrophone } from './microphone.js';
import type { SipCall, SipCallEnd, SipCallHandlers } from './sip-call.js';
import { SipClient } from './sip-client.js';
import { SiteMenu } from './site-menu.js';
import { styles } from './styles.js';
import { english } from './texts.js';
import { TonePlayer } from './tones.js';
import { render as renderView, statusText } from './view.js';

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
    state: { state: true },
    muted: { state: true },
    keypadOpen: { state: true },
    receipts: { state: true },
    menu: { attribute: false },
    nowMs: { state: true },
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

  /**
   * Labels and the digits they press, as an object or JSON text; also read from
   * `<script type="application/json" slot="menu">` in the element. See `ivr-menu.ts`.
   */
  declare menu: unknown;

  declare private state: ViewState;
  declare private muted: boolean;
  declare private keypadOpen: boolean;
  declare private receipts: readonly DigitReceipt[];
  declare private nowMs: number;

  private client: SipClient | undefined;
  private clientSettings = '';
  private sipCall: SipCall | undefined;
  private microphone: MediaStream | undefined;
  /** Counts attempts, so that a late answer to an old one is told apart. */
  private attempt = 0;
  private readonly events: ViewEvent[] = [];
  private ticker: ReturnType<typeof setInterval> | undefined;
  private readonly tones = new TonePlayer();
  private readonly audio = new Audio();
  private readonly digits = new DigitDesk(defaultDigitTiming, {
    clock: { nowMs: () => performance.now(), after: afterTimeout },
    call: () => (takesDigits(this.state) ? this.sipCall : undefined),
    onReceipt: (receipt) => this.onReceipt(receipt),
    onLeft: (digit) => this.send('dtmf-sent', { digit }),
  });
  private readonly siteMenu = new SiteMenu({
    onChange: () => this.requestUpdate(),
    onOpen: () => void this.updateComplete.then(() => this.shadowRoot?.querySelector<HTMLElement>('.menu')?.focus()),
    press: (steps) => this.pressSteps(steps),
    onFault: (detail) => misconfigured(this, detail),
  });
  private focusWithin = false;
  private readonly onKeyDown = (event: KeyboardEvent): void => this.onKeyboard(event);

  constructor() {
    super();
    this.state = { name: 'idle' };
    this.muted = false;
    this.keypadOpen = false;
    this.receipts = [];
    this.nowMs = 0;
    this.audio.autoplay = true;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    document.addEventListener('keydown', this.onKeyDown);
    if (this.hasUpdated) this.requestUpdate();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    document.removeEventListener('keydown', this.onKeyDown);
    this.hangup();
    this.closeClient();
  }

  protected override willUpdate(): void {
    this.focusWithin = (this.shadowRoot?.activeElement ?? null) !== null;
    this.siteMenu.take(this.menu);
  }

  protected override updated(): void {
    // The button that was pressed may be gone; the keyboard goes on from what took its place.
    if (this.focusWithin && this.shadowRoot?.activeElement === null) {
      this.shadowRoot.querySelector<HTMLElement>('.card, .press')?.focus();
    }
    this.renewClient();
  }

  /** A change of who or where we are takes effect when there is no call. */
  private renewClient(): void {
    const stale = this.client !== undefined && this.clientSettings !== this.settings();
    if (this.busy || (!stale && (this.client !== undefined || this.user === undefined))) return;
    this.closeClient();
    if (this.user !== undefined) this.openClient().stayReachable();
  }

  /** Calls `to`, as a press of the button does. Does nothing while there is a call. */
  call(): void {
    if (this.busy) return;
    const to = this.to?.trim() ?? '';
    this.dispatch(to === '' ? { type: 'failed', problem: 'nothing-to-call', atMs: performance.now() } : { type: 'call-pressed', to });
  }

  /** Ends what there is: cancels, hangs up or declines. */
  hangup(): void {
    this.dispatch({ type: 'hang-up-pressed', atMs: performance.now() });
  }

  answer(): void {
    this.dispatch({ type: 'answer-pressed' });
  }

  reject(): void {
    this.dispatch({ type: 'decline-pressed' });
  }

  mute(on = true): void {
    this.muted = on;
    for (const track of this.microphone?.getAudioTracks() ?? []) track.enabled = !on;
  }

  /**
   * Sends digits in order, one at a time: `0-9 * # A-D`, `,` pauses two seconds, `w` half a second,
   * `w2000` that many milliseconds. While the call is being set up they wait until they can be sent.
   * False, and nothing is sent, when there is no call, the text holds anything else, or too many wait.
   */
  sendDigits(digits: string): boolean {
    const text = readDigitText(digits);
    return text.ok && keepsDigits(this.state) && this.digits.press(text.steps);
  }

  /**
   * Presses digits as `sendDigits` does once the call is answered, and places the call if there is
   * none. An element with `data-ivr` does the same. False when that cannot be; an `error` tells why,
   * and `where` in the page they stood.
   */
  press(digits: string, where = 'press()'): boolean {
    const text = readDigitText(digits);
    if (text.ok) return this.pressSteps(text.steps);
    misconfigured(this, `${where}: ${digitFaultText(text)}`);
    return false;
  }

  protected override render(): TemplateResult {
    const model = {
      state: this.state,
      texts: english,
      label: this.label ?? english.call,
      nowMs: this.nowMs,
      muted: this.muted,
      keypadOpen: this.keypadOpen,
      receipts: this.receipts,
      menu: this.siteMenu.menu,
      menuPath: this.siteMenu.path,
    };
    const actions = {
      call: () => this.call(),
      hangUp: () => this.hangup(),
      answer: () => this.answer(),
      decline: () => this.reject(),
      dismiss: () => this.dispatch({ type: 'dismissed' }),
      toggleMute: () => this.mute(!this.muted),
      toggleKeypad: () => {
        this.keypadOpen = !this.keypadOpen;
      },
      key: (digit: string) => this.pressKey(digit),
      menu: this.siteMenu,
    };
    return html`${renderView(model, actions)}
      <span class="hidden-text" role="status" aria-live="polite">${statusText(model)} ${failureText(this.receipts, english)}</span>
      <slot name="menu" hidden @slotchange=${() => this.takeSlottedMenu()}></slot>${this.audio}`;
  }

  private get busy(): boolean {
    return this.state.name !== 'idle' && this.state.name !== 'ended';
  }

  /** Takes one event after the other: what an effect brings about waits until the effect is done. */
  private dispatch(event: ViewEvent): void {
    this.events.push(event);
    if (this.events.length > 1) return;
    for (let current = this.events[0]; current !== undefined; current = this.events[0]) {
      const before = this.state;
      const step = next(before, current);
      this.state = step.state;
      for (const effect of step.effects) this.run(effect);
      if (step.state.name !== before.name || heldIn(step.state) !== heldIn(before)) this.onStateChange(step.state);
      this.events.shift();
    }
  }

  private onStateChange(state: ViewState): void {
    clearInterval(this.ticker);
    if (state.name === 'connected') {
      const tick = (): void => {
        this.nowMs = performance.now();
      };
      tick();
      this.ticker = setInterval(tick, 250);
    }
    const peer = 'peer' in state ? state.peer : undefined;
    this.send('call-state', { state: state.name, callId: this.sipCall?.callId, peer, held: heldIn(state) });
    if (state.name === 'connected') this.digits.answered();
    if (state.name === 'ended') this.sipCall = undefined;
  }

  private run(effect: Effect): void {
    switch (effect.type) {
      case 'open-microphone':
        this.reset();
        this.prepareCall().catch(() => this.fail('internal'));
        break;
      case 'dial':
        this.dial(effect.to);
        break;
      case 'accept':
        if (this.microphone !== undefined) void this.sipCall?.accept(this.microphone);
        break;
      case 'leave':
        this.leave();
        break;
      case 'tone':
        if (effect.tone === 'none') this.tones.stop();
        else this.tones.play(effect.tone);
        break;
      case 'report':
        this.send('error', { code: effect.problem, message: english.problems[effect.problem] });
        break;
    }
  }

  private reset(): void {
    this.attempt += 1;
    this.muted = false;
    this.keypadOpen = false;
    this.receipts = [];
    this.digits.begin();
  }

  /** Asks for the microphone and makes the connection at the same time; both must be there to go on. */
  private async prepareCall(): Promise<void> {
    const attempt = this.attempt;
    const current = (): boolean => attempt === this.attempt && this.busy;
    const connected = this.openClient()
      .connect()
      .then((reachable) => {
        if (!reachable && current()) this.fail('gateway-unreachable');
      });
    const microphone = await openMicrophone();
    if (microphone.kind === 'open') {
      if (!current()) {
        closeMicrophone(microphone.stream);
        return;
      }
      this.microphone = microphone.stream;
      this.mute(this.muted);
    } else if (current()) this.fail(microphone.problem);
    await connected;
    if (current()) this.dispatch({ type: 'microphone-ready' });
  }

  private dial(to: string): void {
    const call = this.openClient().prepare(
      to,
      this.handlersOf(() => call),
    );
    if (call === undefined || this.microphone === undefined) {
      this.fail('number-invalid');
      return;
    }
    this.sipCall = call;
    void call.dial(this.microphone);
  }

  /** Handlers that fall silent once their call is no longer the one shown. */
  private handlersOf(call: () => SipCall | undefined): SipCallHandlers {
    const current = (): boolean => this.sipCall !== undefined && call() === this.sipCall;
    return {
      onProgress: (early) => current() && this.dispatch({ type: 'progress', early }),
      onConnected: () => current() && this.dispatch({ type: 'connected', atMs: performance.now() }),
      onEnd: (end) => current() && this.dispatch(eventOfEnd(end)),
      onHold: (held) => current() && this.dispatch({ type: 'hold-changed', held }),
      onLink: (link) => current() && this.dispatch({ type: 'link-changed', link }),
      onDigit: (press) => current() && this.send('dtmf', press),
      onReceipt: (receipt) => current() && this.digits.told(receipt),
      onAudio: (stream) => current() && this.playAudio(stream),
    };
  }

  private playAudio(stream: MediaStream): void {
    this.audio.srcObject = stream;
    this.audio.play().catch(() => {});
  }

  private leave(): void {
    this.digits.end();
    if (this.sipCall !== undefined) {
      this.sipCall.leave();
      this.client?.release(this.sipCall);
    }
    closeMicrophone(this.microphone);
    this.microphone = undefined;
    this.audio.srcObject = null;
  }

  private fail(problem: CallProblem): void {
    this.dispatch({ type: 'failed', problem, atMs: performance.now() });
  }

  private settings(): string {
    return [this.gateway, this.user, this.display].join('\n');
  }

  private openClient(): SipClient {
    if (this.client === undefined) this.clientSettings = this.settings();
    this.client ??= new SipClient(
      {
        gateway: this.gateway ?? defaultGateway(),
        ...(this.user === undefined ? {} : { user: this.user }),
        ...(this.display === undefined ? {} : { displayName: this.display }),
      },
      {
        onIncoming: (from, take) => {
          if (this.busy) return;
          const call = take(this.handlersOf(() => call));
          this.sipCall = call;
          this.reset();
          this.dispatch({ type: 'call-arrived', from });
        },
      },
    );
    return this.client;
  }

  private closeClient(): void {
    this.client?.close();
    this.client = undefined;
  }

  private pressKey(digit: string): void {
    if (!this.sendDigits(digit)) this.notSent();
  }

  private pressSteps(steps: readonly DigitStep[]): boolean {
    if (!this.busy) {
      this.call();
      // There was nothing to call, and that is told.
      if (!this.busy) return false;
    }
    const taken =
      keepsDigits(this.state) && (this.state.name === 'connected' ? this.digits.press(steps) : this.digits.pressAfterAnswer(steps));
    if (!taken) this.notSent();
    return taken;
  }

  private notSent(message = english.problems['digits-not-sent']): void {
    this.send('error', { code: 'digits-not-sent', message });
  }

  private onReceipt(receipt: DigitReceipt): void {
    this.receipts = [...this.digits.receipts];
    this.send('dtmf-receipt', receipt);
    if (receipt.state === 'failed' && receipt.why !== 'call-ended') this.notSent(failureText([receipt], english));
  }

  private takeSlottedMenu(): void {
    const script = this.querySelector(':scope > script[type="application/json"][slot="menu"]');
    if (script !== null) this.menu = script.textContent;
  }

  private onKeyboard(event: KeyboardEvent): void {
    const key = takesDigits(this.state) ? telephoneKeyOf(event) : undefined;
    if (key === undefined) return;
    event.preventDefault();
    this.pressKey(key);
  }

  private send<K extends keyof CallButtonEvents>(type: K, detail: CallButtonEvents[K]): void {
    sendEvent(this, type, detail);
  }
}

const heldIn = (state: ViewState): 'remote' | 'none' => (state.name === 'connected' ? (state.held ?? 'none') : 'none');

function eventOfEnd(end: SipCallEnd): ViewEvent {
  const atMs = performance.now();
  switch (end.kind) {
    case 'hung-up':
      return { type: 'far-end-hung-up', atMs };
    case 'gave-up':
      return { type: 'caller-gave-up' };
    case 'problem':
      return { type: 'failed', problem: end.problem, atMs };
  }
}

function afterTimeout(delayMs: number, run: () => void): { cancel(): void } {
  const handle = setTimeout(run, delayMs);
  return { cancel: () => clearTimeout(handle) };
}

/** `/sip` on the host this script was loaded from. */
function defaultGateway(): string {
  const url = new URL('/sip', import.meta.url.startsWith('http') ? import.meta.url : location.href);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  return url.href;
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
  sendEvent(element, 'error', { code: 'ivr-invalid', message: english.problems['ivr-invalid'], detail });
}

declare global {
  interface HTMLElementTagNameMap {
    'call-button': CallButton;
  }
}
