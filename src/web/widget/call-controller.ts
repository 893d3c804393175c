import type { CallButtonEvents, CallEvents } from './call-button-events.js';
import { type ButtonPlace, CallKeeper, type CallKeeperDeps } from './call-keeper.js';
import { getIceServers, postRating } from './call-pass.js';
import type { CallProblem } from './call-problem.js';
import { type Attempt, CallSetup, type SetupSettings } from './call-setup.js';
import type { CallSnapshot } from './call-snapshot.js';
import { DigitDesk } from './digit-desk.js';
import type { DigitReceipt } from './digit-ledger.js';
import { type Cancellable, defaultDigitTiming } from './digit-queue.js';
import { type DigitStep, readDigitText } from './digit-text.js';
import { GatewayLink, type GatewayLinkDeps, type LinkSettings } from './gateway-link.js';
import { type Effect, heldIn, keepsDigits, next, takesDigits, type ViewEvent, type ViewState } from './machine.js';
import type { CallMediaOptions } from './media-handler.js';
import { pause } from './patience.js';
import { type CheckResults, checkBeforeCall, type GatherCandidates } from './pre-call-check.js';
import type { CallQuality } from './quality.js';
import { QualityWatch } from './quality-watch.js';
import type { KeptCall } from './resume.js';
import type { SipCall, SipCallEnd, SipCallHandlers } from './sip-call.js';
import { quietSound, SoundDesk, type SoundDeskDeps } from './sound-desk.js';
import type { ToneName } from './tones.js';

/** Whom to call and how to reach the gateway, as the page has it at the moment. */
export interface CallSettings extends LinkSettings, ButtonPlace, SetupSettings {}

export interface CallControllerDeps
  extends Omit<SoundDeskDeps, 'onChange' | 'onMicrophone'>,
    CallKeeperDeps,
    Pick<GatewayLinkDeps, 'openClient'> {
  /** Read anew when a call begins. */
  readonly settings: () => CallSettings;
  readonly onChange: () => void;
  readonly onEvent: <K extends keyof CallEvents>(type: K, detail: CallButtonEvents[K]) => void;
  /** `receipt` is the digit that it is about. */
  readonly onProblem: (problem: CallProblem, receipt?: DigitReceipt) => void;
  readonly tones: { play(name: ToneName): void; stop(): void };
  readonly gather: GatherCandidates;
}

const tickMs = 250;
/** Credentials of relays lapse; a call that lasts is to have good ones for a new path. */
const serversForMs = 30 * 60_000;
/** The calls of one button, one at a time: everything about them but how they look. */
export class CallController {
  private current: CallSnapshot = {
    ...quietSound,
    state: { name: 'idle' },
    nowMs: 0,
    receipts: [],
    held: undefined,
    link: undefined,
    quality: undefined,
    check: undefined,
    rating: undefined,
  };
  private sipCall: SipCall | undefined;
  private media: CallMediaOptions = {};
  private ticket: string | undefined;
  private kept: KeptCall | undefined;
  private serversAtMs = 0;
  /** Counts attempts, so that a late answer to an old one is told apart. */
  private attempt = 0;
  private readonly events: ViewEvent[] = [];
  private ticker: Cancellable | undefined;
  private readonly digits: DigitDesk;
  private readonly sound: SoundDesk;
  private readonly quality: QualityWatch;
  private readonly keeper: CallKeeper;
  private readonly link: GatewayLink;
  private readonly setup: CallSetup;
  /** Of the newest call that was answered. */
  private token: string | undefined;

  constructor(private readonly deps: CallControllerDeps) {
    this.keeper = new CallKeeper(deps);
    this.link = new GatewayLink({
      settings: deps.settings,
      openClient: deps.openClient,
      onIncoming: (from, take) => this.onIncoming(from, take),
    });
    this.digits = new DigitDesk(defaultDigitTiming, {
      clock: deps.clock,
      call: () => (takesDigits(this.state) ? this.sipCall : undefined),
      onReceipt: (receipt) => this.onReceipt(receipt),
      onLeft: (digit) => deps.onEvent('dtmf-sent', { digit }),
    });
    this.sound = new SoundDesk({
      ...deps,
      onChange: (part) => this.change(part),
      onMicrophone: (track) => void this.sipCall?.replaceMicrophone(track),
    });
    this.setup = new CallSetup({ clock: deps.clock, sound: this.sound, link: this.link });
    this.quality = new QualityWatch({
      clock: deps.clock,
      stats: async () => this.sipCall?.stats(),
      expects: () => ({
        incoming: this.current.held === undefined,
        outgoing: this.current.held === undefined && !this.current.muted && this.current.notice !== 'listening-only',
      }),
      onQuality: (quality) => this.onQuality(quality),
      onDead: () => this.sipCall?.pathDead(),
      onReport: (quality) => this.sipCall?.sendMessage({ type: 'quality', ...quality }),
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
    this.sound.mute(on);
    this.keep();
  }

  /** Puts the far end on hold, or talks with it again. Does nothing before the call is answered. */
  hold(on: boolean): void {
    this.dispatch({ type: 'hold-pressed', on });
  }

  /** How loud the far end is heard, from 0 to 1. */
  setVolume(volume: number): void {
    this.sound.setVolume(volume);
  }

  chooseInput(id: string): Promise<void> {
    return this.sound.chooseInput(id);
  }

  chooseOutput(id: string): Promise<void> {
    return this.sound.chooseOutput(id);
  }

  /** Keeps `level` up to date, as long as it is shown. */
  showLevel(on: boolean): void {
    this.sound.showLevel(on);
  }

  /** Tries everything that a call needs, without one. Takes six seconds at most. */
  async check(): Promise<CheckResults> {
    const settings = this.deps.settings();
    const results = await checkBeforeCall(
      {
        openMicrophone: this.deps.openMicrophone,
        openMeter: this.deps.openMeter,
        reach: () => this.link.open().probe(),
        iceServers: () => getIceServers(settings),
        gather: this.deps.gather,
        pause: (ms) => pause(this.deps.clock, ms),
      },
      (check) => this.change({ check }),
    );
    this.deps.onEvent('check', results);
    return results;
  }

  /** What the person thinks of the call, from one star to five. False when there is no call to say it of. */
  rate(stars: number, comment?: string): boolean {
    const { token } = this;
    if (token === undefined || this.current.rating !== 'open' || !(stars >= 1 && stars <= 5)) return false;
    const rating = { stars: Math.round(stars), ...(comment === undefined || comment === '' ? {} : { comment: comment.slice(0, 500) }) };
    postRating(this.deps.settings(), token, rating);
    this.change({ rating: 'given' });
    this.deps.onEvent('rating', rating);
    return true;
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

  /**
   * To be called when the settings are there, and again when they may have changed: takes effect when
   * there is no call. Takes back the call that this button had before a reload.
   */
  renewClient(): void {
    if (this.busy) return;
    if (this.keeper.isNew(this.deps.settings())) void this.findCall();
    this.link.renew();
  }

  /** Ends the call and the connection. It can be used again after that. */
  close(): void {
    this.hangup();
    this.link.close();
  }

  private get state(): ViewState {
    return this.current.state;
  }

  private nowMs(): number {
    return this.deps.clock.nowMs();
  }

  private change(part: Partial<CallSnapshot>): void {
    const { state } = { ...this.current, ...part };
    const held = heldIn(state);
    const link = 'link' in state ? state.link : undefined;
    this.current = { ...this.current, ...part, held: held === 'none' ? undefined : held, link };
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
      if (step.state.name !== before.name || heldIn(step.state) !== heldIn(before)) this.onStateChange(before, step.state);
      this.events.shift();
    }
  }

  private onStateChange(before: ViewState, state: ViewState): void {
    this.ticker?.cancel();
    if (state.name === 'connected') this.tick();
    const peer = 'peer' in state ? state.peer : undefined;
    this.deps.onEvent('call-state', { state: state.name, callId: this.sipCall?.callId, peer, held: heldIn(state) });
    if (state.name === 'connected') this.keep();
    if (state.name === 'connected' && before.name !== 'connected') {
      this.quality.start();
      this.digits.answered();
    }
    if (state.name === 'ended') {
      this.quality.stop();
      this.change({ quality: undefined });
      this.sipCall = undefined;
      this.keeper.forget();
    }
  }

  private tick(): void {
    this.change({ nowMs: this.nowMs() });
    if (this.keeper.due) this.keep();
    if (this.nowMs() - this.serversAtMs >= serversForMs) void this.renewServers();
    this.ticker = this.deps.clock.after(tickMs, () => this.tick());
  }

  private run(effect: Effect): void {
    switch (effect.type) {
      case 'open-microphone':
        this.reset();
        this.keeper.begin(this.deps.settings());
        this.prepareCall().catch(() => this.fail('internal'));
        break;
      case 'dial':
        this.dial(effect.to);
        break;
      case 'accept':
        void this.sipCall?.accept(this.media);
        break;
      case 'take-back':
        this.reset();
        this.takeBack().catch(() => this.fail('internal'));
        break;
      case 'hold':
        this.sound.hold(effect.on);
        this.sipCall?.setHold(effect.on);
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
    this.sound.mute(false);
    this.token = undefined;
    this.change({ receipts: [], rating: undefined });
  }

  /** The attempt that begins now; it goes on until the call ends or another one begins. */
  private watchAttempt(): Attempt {
    const { attempt } = this;
    return { current: () => attempt === this.attempt && this.busy, fail: (problem) => this.fail(problem) };
  }

  private async prepareCall(): Promise<void> {
    const settings = this.deps.settings();
    const prepared = await this.setup.prepare(settings, this.state.name === 'answering', this.watchAttempt());
    if (prepared === undefined) return;
    this.serversAtMs = this.nowMs();
    this.ticket = prepared.ticket;
    this.media = prepared.media;
    this.dispatch({ type: 'microphone-ready' });
  }

  private dial(to: string): void {
    const { ticket } = this;
    const call = this.link.open().prepare(
      to,
      this.handlersOf(() => call),
      ticket === undefined ? {} : { ticket },
    );
    if (call === undefined) {
      this.fail('number-invalid');
      return;
    }
    this.sipCall = call;
    void call.dial(this.media);
  }

  /** Looks for a call from before the page was loaded anew. */
  private async findCall(): Promise<void> {
    const found = await this.keeper.find(this.deps.settings());
    if (found === undefined || this.busy) return;
    const { kept, sinceMs } = found;
    this.kept = kept;
    this.dispatch({ type: 'call-found', peer: kept.peer, sinceMs, held: kept.held });
  }

  private async takeBack(): Promise<void> {
    const { kept } = this;
    const attempt = this.watchAttempt();
    const settings = this.deps.settings();
    const prepared = kept === undefined ? undefined : await this.setup.prepareReturn(settings, kept, attempt);
    if (kept === undefined || prepared === undefined) return;
    const call = this.link.open().prepare(
      settings.to ?? 'call',
      this.handlersOf(() => call),
      { resume: kept },
    );
    this.sipCall = call;
    this.kept = undefined;
    void call?.dial(prepared.media);
    if (prepared.late === undefined) return;
    this.sound.notice('listening-only');
    const track = await prepared.late;
    if (track === undefined) return;
    await call?.replaceMicrophone(track);
    this.sound.notice(undefined);
  }

  /** Writes down what it takes to have this call back after a reload. */
  private keep(): void {
    const point = this.sipCall?.resumePoint;
    if (point === undefined || this.state.name !== 'connected') return;
    if (this.token === undefined) this.change({ rating: 'open' });
    this.token = point.token;
    this.keeper.keep(point, this.state, this.current.muted);
  }

  private async renewServers(): Promise<void> {
    this.serversAtMs = this.nowMs();
    const servers = await getIceServers(this.deps.settings());
    if (servers.length > 0 && this.sipCall !== undefined) this.sipCall.iceServers = servers;
  }

  /** Handlers that fall silent once their call is no longer the one shown. */
  private handlersOf(call: () => SipCall | undefined): SipCallHandlers {
    const current = (): boolean => this.sipCall !== undefined && call() === this.sipCall;
    return {
      onProgress: (early) => current() && this.dispatch({ type: 'progress', early }),
      onConnected: () => current() && this.dispatch({ type: 'connected', atMs: this.nowMs() }),
      onResumable: () => current() && this.keep(),
      onEnd: (end) => current() && this.dispatch(eventOfEnd(end, this.nowMs())),
      onHold: (held) => current() && this.dispatch({ type: 'hold-changed', held }),
      onHoldRefused: (on) => {
        if (!current()) return;
        this.sound.hold(on);
        this.dispatch({ type: 'hold-refused', on });
      },
      onLink: (link) => current() && this.dispatch({ type: 'link-changed', link }),
      onDigit: (press) => current() && this.deps.onEvent('dtmf', press),
      onReceipt: (receipt) => current() && this.digits.told(receipt),
      onAudio: (stream) => current() && this.sound.play(stream),
    };
  }

  private leave(): void {
    const { kept, sipCall } = this;
    this.kept = undefined;
    this.digits.end();
    if (sipCall === undefined && kept !== undefined) void this.endKept(kept);
    sipCall?.leave();
    this.link.current?.release(sipCall);
    this.sound.close();
  }

  /** Left before it was on its way back: only a call that is back can be ended. */
  private async endKept(resume: KeptCall): Promise<void> {
    const link = this.link.open();
    if (!(await link.connect())) return;
    const call = link.prepare(
      'call',
      this.handlersOf(() => undefined),
      { resume },
    );
    void call?.dial({});
    call?.leave();
    link.release(call);
  }

  private fail(problem: CallProblem): void {
    this.dispatch({ type: 'failed', problem, atMs: this.nowMs() });
  }

  private onIncoming(from: string, take: (handlers: SipCallHandlers) => SipCall): void {
    if (this.busy) return;
    const call = take(this.handlersOf(() => call));
    this.sipCall = call;
    this.reset();
    this.dispatch({ type: 'call-arrived', from });
  }

  private onQuality(quality: CallQuality): void {
    const before = this.current.quality;
    this.change({ quality });
    if (quality.score !== before?.score || quality.hint !== before.hint) this.deps.onEvent('quality', quality);
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

function eventOfEnd(end: SipCallEnd, atMs: number): ViewEvent {
  switch (end.kind) {
    case 'hung-up':
      return { type: 'far-end-hung-up', atMs };
    case 'missed':
    case 'elsewhere':
      return { type: 'caller-gave-up', kind: end.kind };
    case 'problem':
      return { type: 'failed', problem: end.problem, atMs };
  }
}
