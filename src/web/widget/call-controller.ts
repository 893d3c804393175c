import type { CallButtonEvents, CallEvents } from './call-button-events.js';
import type { CallProblem } from './call-problem.js';
import type { CallSnapshot } from './call-snapshot.js';
import { DigitDesk } from './digit-desk.js';
import type { DigitReceipt } from './digit-ledger.js';
import { defaultDigitTiming, type QueueClock } from './digit-queue.js';
import { type DigitStep, readDigitText } from './digit-text.js';
import { type Effect, keepsDigits, next, takesDigits, type ViewEvent, type ViewState } from './machine.js';
import { closeMicrophone, type MicrophoneOutcome } from './microphone.js';
import type { SipCall, SipCallEnd, SipCallHandlers } from './sip-call.js';
import type { SipClient, SipClientHandlers, SipClientOptions } from './sip-client.js';
import type { ToneName } from './tones.js';

/** Whom to call and how to reach the gateway, as the page has it at the moment. */
export interface CallSettings extends SipClientOptions {
  readonly to?: string;
}

export interface CallControllerDeps {
  /** Read anew when a call begins. */
  readonly settings: () => CallSettings;
  readonly onChange: () => void;
  readonly onEvent: <K extends keyof CallEvents>(type: K, detail: CallButtonEvents[K]) => void;
  /** `receipt` is the digit that it is about. */
  readonly onProblem: (problem: CallProblem, receipt?: DigitReceipt) => void;
  readonly clock: QueueClock;
  readonly openMicrophone: () => Promise<MicrophoneOutcome>;
  readonly openClient: (options: SipClientOptions, handlers: SipClientHandlers) => SipClient;
  readonly tones: { play(name: ToneName): void; stop(): void };
  /** Where the far end is heard. */
  readonly audio: HTMLAudioElement;
}

const tickMs = 250;

/** The calls of one button, one at a time: everything about them but how they look. */
export class CallController {
  private current: CallSnapshot = { state: { name: 'idle' }, nowMs: 0, muted: false, receipts: [] };
  private client: SipClient | undefined;
  private clientSettings = '';
  private sipCall: SipCall | undefined;
  private microphone: MediaStream | undefined;
  /** Counts attempts, so that a late answer to an old one is told apart. */
  private attempt = 0;
  private readonly events: ViewEvent[] = [];
  private ticker: { cancel(): void } | undefined;
  private readonly digits: DigitDesk;

  constructor(private readonly deps: CallControllerDeps) {
    this.digits = new DigitDesk(defaultDigitTiming, {
      clock: deps.clock,
      call: () => (takesDigits(this.state) ? this.sipCall : undefined),
      onReceipt: (receipt) => this.onReceipt(receipt),
      onLeft: (digit) => deps.onEvent('dtmf-sent', { digit }),
    });
  }

  get snapshot(): CallSnapshot {
    return this.current;
  }

  get busy(): boolean {
    return this.state.name !== 'idle' && this.state.name !== 'ended';
  }

  /** Calls `to`, as a press of the button does. Does nothing while there is a call. */
  call(): void {
    if (this.busy) return;
    const to = this.deps.settings().to?.trim() ?? '';
    this.dispatch(to === '' ? { type: 'failed', problem: 'nothing-to-call', atMs: this.nowMs() } : { type: 'call-pressed', to });
  }

  /** Ends what there is: cancels, hangs up or declines. */
  hangup(): void {
    this.dispatch({ type: 'hang-up-pressed', atMs: this.nowMs() });
  }

  answer(): void {
    this.dispatch({ type: 'answer-pressed' });
  }

  reject(): void {
    this.dispatch({ type: 'decline-pressed' });
  }

  dismiss(): void {
    this.dispatch({ type: 'dismissed' });
  }

  mute(on: boolean): void {
    this.change({ muted: on });
    for (const track of this.microphone?.getAudioTracks() ?? []) track.enabled = !on;
  }

  /** Sends a text of digits in this call; false when it cannot be, and nothing is sent then. */
  sendDigits(digits: string): boolean {
    const text = readDigitText(digits);
    return text.ok && keepsDigits(this.state) && this.digits.press(text.steps);
  }

  /** One key of the keypad or the keyboard. */
  pressKey(digit: string): void {
    if (!this.sendDigits(digit)) this.notSent();
  }

  /** Presses digits once the call is answered, and places it if there is none. */
  pressSteps(steps: readonly DigitStep[]): boolean {
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

  /** A change of who or where we are takes effect when there is no call. */
  renewClient(): void {
    const settings = this.deps.settings();
    const stale = this.client !== undefined && this.clientSettings !== identityOf(settings);
    if (this.busy || (!stale && (this.client !== undefined || settings.user === undefined))) return;
    this.closeClient();
    if (settings.user !== undefined) this.openClient().stayReachable();
  }

  /** Ends the call and the connection. It can be used again after that. */
  close(): void {
    this.hangup();
    this.closeClient();
  }

  private get state(): ViewState {
    return this.current.state;
  }

  private nowMs(): number {
    return this.deps.clock.nowMs();
  }

  private change(part: Partial<CallSnapshot>): void {
    this.current = { ...this.current, ...part };
    this.deps.onChange();
  }

  /** Takes one event after the other: what an effect brings about waits until the effect is done. */
  private dispatch(event: ViewEvent): void {
    this.events.push(event);
    if (this.events.length > 1) return;
    for (let current = this.events[0]; current !== undefined; current = this.events[0]) {
      const before = this.state;
      const step = next(before, current);
      this.change({ state: step.state });
      for (const effect of step.effects) this.run(effect);
      if (step.state.name !== before.name || heldIn(step.state) !== heldIn(before)) this.onStateChange(step.state);
      this.events.shift();
    }
  }

  private onStateChange(state: ViewState): void {
    this.ticker?.cancel();
    if (state.name === 'connected') this.tick();
    const peer = 'peer' in state ? state.peer : undefined;
    this.deps.onEvent('call-state', { state: state.name, callId: this.sipCall?.callId, peer, held: heldIn(state) });
    if (state.name === 'connected') this.digits.answered();
    if (state.name === 'ended') this.sipCall = undefined;
  }

  private tick(): void {
    this.change({ nowMs: this.nowMs() });
    this.ticker = this.deps.clock.after(tickMs, () => this.tick());
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
        if (effect.tone === 'none') this.deps.tones.stop();
        else this.deps.tones.play(effect.tone);
        break;
      case 'report':
        this.deps.onProblem(effect.problem);
        break;
    }
  }

  private reset(): void {
    this.attempt += 1;
    this.digits.begin();
    this.change({ muted: false, receipts: [] });
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
    const microphone = await this.deps.openMicrophone();
    if (microphone.kind === 'open') {
      if (!current()) {
        closeMicrophone(microphone.stream);
        return;
      }
      this.microphone = microphone.stream;
      this.mute(this.current.muted);
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
      onConnected: () => current() && this.dispatch({ type: 'connected', atMs: this.nowMs() }),
      onEnd: (end) => current() && this.dispatch(eventOfEnd(end, this.nowMs())),
      onHold: (held) => current() && this.dispatch({ type: 'hold-changed', held }),
      onLink: (link) => current() && this.dispatch({ type: 'link-changed', link }),
      onDigit: (press) => current() && this.deps.onEvent('dtmf', press),
      onReceipt: (receipt) => current() && this.digits.told(receipt),
      onAudio: (stream) => current() && this.playAudio(stream),
    };
  }

  private playAudio(stream: MediaStream): void {
    const { audio } = this.deps;
    audio.srcObject = stream;
    audio.play().catch(() => {});
  }

  private leave(): void {
    this.digits.end();
    if (this.sipCall !== undefined) {
      this.sipCall.leave();
      this.client?.release(this.sipCall);
    }
    closeMicrophone(this.microphone);
    this.microphone = undefined;
    this.deps.audio.srcObject = null;
  }

  private fail(problem: CallProblem): void {
    this.dispatch({ type: 'failed', problem, atMs: this.nowMs() });
  }

  private openClient(): SipClient {
    if (this.client !== undefined) return this.client;
    const settings = this.deps.settings();
    this.clientSettings = identityOf(settings);
    this.client = this.deps.openClient(settings, {
      onIncoming: (from, take) => {
        if (this.busy) return;
        const call = take(this.handlersOf(() => call));
        this.sipCall = call;
        this.reset();
        this.dispatch({ type: 'call-arrived', from });
      },
    });
    return this.client;
  }

  private closeClient(): void {
    this.client?.close();
    this.client = undefined;
  }

  private onReceipt(receipt: DigitReceipt): void {
    this.change({ receipts: [...this.digits.receipts] });
    this.deps.onEvent('dtmf-receipt', receipt);
    if (receipt.state === 'failed' && receipt.why !== 'call-ended') this.notSent(receipt);
  }

  private notSent(receipt?: DigitReceipt): void {
    this.deps.onProblem('digits-not-sent', receipt);
  }
}

const heldIn = (state: ViewState): 'remote' | 'none' => (state.name === 'connected' ? (state.held ?? 'none') : 'none');

/** What the connection to the gateway depends on. */
const identityOf = ({ gateway, user, displayName }: CallSettings): string => [gateway, user, displayName].join('\n');

function eventOfEnd(end: SipCallEnd, atMs: number): ViewEvent {
  switch (end.kind) {
    case 'hung-up':
      return { type: 'far-end-hung-up', atMs };
    case 'gave-up':
      return { type: 'caller-gave-up' };
    case 'problem':
      return { type: 'failed', problem: end.problem, atMs };
  }
}
